-- Simulated frontiers of the next five years by the releases of the last 24 months; trust it as far as the backtest.
-- series | series id
-- on | day
-- months_ahead | months from the as-of date
-- gap_q05 | 05% quantile of the simulated gap
-- gap_q10 | 10% quantile of the simulated gap
-- gap_q25 | 25% quantile of the simulated gap
-- gap_q50 | 50% quantile of the simulated gap
-- gap_q75 | 75% quantile of the simulated gap
-- gap_q90 | 90% quantile of the simulated gap
-- gap_q95 | 95% quantile of the simulated gap
-- open_q05 | 05% quantile of the simulated open frontier
-- open_q10 | 10% quantile of the simulated open frontier
-- open_q25 | 25% quantile of the simulated open frontier
-- open_q50 | 50% quantile of the simulated open frontier
-- open_q75 | 75% quantile of the simulated open frontier
-- open_q90 | 90% quantile of the simulated open frontier
-- open_q95 | 95% quantile of the simulated open frontier
-- closed_q05 | 05% quantile of the simulated closed frontier
-- closed_q10 | 10% quantile of the simulated closed frontier
-- closed_q25 | 25% quantile of the simulated closed frontier
-- closed_q50 | 50% quantile of the simulated closed frontier
-- closed_q75 | 75% quantile of the simulated closed frontier
-- closed_q90 | 90% quantile of the simulated closed frontier
-- closed_q95 | 95% quantile of the simulated closed frontier
-- p_parity | probability that open has reached closed by then
SELECT
    series,
    "on",
    months_ahead,
    round(gap_q05, 6) AS gap_q05,
    round(gap_q10, 6) AS gap_q10,
    round(gap_q25, 6) AS gap_q25,
    round(gap_q50, 6) AS gap_q50,
    round(gap_q75, 6) AS gap_q75,
    round(gap_q90, 6) AS gap_q90,
    round(gap_q95, 6) AS gap_q95,
    round(open_q05, 6) AS open_q05,
    round(open_q10, 6) AS open_q10,
    round(open_q25, 6) AS open_q25,
    round(open_q50, 6) AS open_q50,
    round(open_q75, 6) AS open_q75,
    round(open_q90, 6) AS open_q90,
    round(open_q95, 6) AS open_q95,
    round(closed_q05, 6) AS closed_q05,
    round(closed_q10, 6) AS closed_q10,
    round(closed_q25, 6) AS closed_q25,
    round(closed_q50, 6) AS closed_q50,
    round(closed_q75, 6) AS closed_q75,
    round(closed_q90, 6) AS closed_q90,
    round(closed_q95, 6) AS closed_q95,
    p_parity
FROM gap.forecast
