-- How fast gap and lag rise or fall per year, over several windows: the sign depends on the window.
-- series | series id
-- slice | all, or the part of the open models looked at
-- open_definition | downloadable, commercial or unrestricted
-- tolerance | strict or significant; only the lag depends on it
-- measure | gap (unit of the series), gap_logit or lag (months)
-- period | 12m, 24m, since_2025 or whole, monthly points up to the as-of date
-- estimator | ols or theil_sen
-- slope_per_year | slope; null with fewer than 6 monthly points
-- slope_lo | lower end of its 90% interval
-- slope_hi | upper end
-- p_closing | probability that the slope is below 0
-- months | monthly points used
-- first_on | first of them
-- closed_per_year | rise of the closed frontier over the same months, per year
-- diverges | lag and gap divided by that rise differ by more than 3 months
SELECT
    series,
    slice,
    open_definition,
    tolerance,
    measure,
    period,
    estimator,
    round(slope_per_year, 6) AS slope_per_year,
    round(lo, 6) AS slope_lo,
    round(hi, 6) AS slope_hi,
    p_closing,
    n AS months,
    first_on,
    round(closed_per_year, 6) AS closed_per_year,
    diverges
FROM gap.closing
