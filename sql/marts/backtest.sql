-- How forecasts of the gap and the lag would have done from earlier months, against no change.
-- series | series id
-- basis | hindsight (scores of today, dates by then) or refit (index fitted on what was dated by then)
-- method | persistence (no change), mean_12m, trend, simulation or lag_line
-- measure | gap (points) or lag (months)
-- horizon | months ahead
-- origins | all, or since 2025
-- n | origins
-- mae | mean absolute error
-- mae_persistence | that of no change on the same origins
-- bias | mean of forecast minus truth
-- n_interval | origins with an interval
-- coverage80 | share of them whose 80% interval held the truth
-- coverage90 | the same at 90%
-- skill | 1 - mae / mae_persistence
-- skill_lo | lower end of its 90% interval by block bootstrap
-- skill_hi | upper end
-- first_origin | first month forecast from
-- last_origin | last month forecast from
SELECT
    series,
    basis,
    method,
    measure,
    horizon,
    origins,
    n,
    round(mae, 6) AS mae,
    round(mae_persistence, 6) AS mae_persistence,
    round(bias, 6) AS bias,
    n_interval,
    round(coverage80, 6) AS coverage80,
    round(coverage90, 6) AS coverage90,
    round(skill, 6) AS skill,
    round(skill_lo, 6) AS skill_lo,
    round(skill_hi, 6) AS skill_hi,
    first_origin,
    last_origin
FROM gap.backtest
