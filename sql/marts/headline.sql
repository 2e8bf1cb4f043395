-- The answer per series, definition of open and tolerance: gap, lag, and how long closed records stayed unmatched.
-- series | series id
-- benchmark | what it measures
-- comparability | same_evaluator, same_protocol or loose (loose series are shown, never a headline)
-- is_headline | the row the first sentence is about, in each definition of open and tolerance
-- slice | all, or the part of the open models looked at: params <= 8B, card 24 GB, licence ..., country ...
-- open_definition | downloadable, commercial or unrestricted
-- tolerance | strict or significant
-- as_of | date of the world the row is about: the asked date, or the date of the data if that is older
-- state | behind, behind_at_least, within_error, open_leads or not_enough_data, chosen by the interval of the gap
-- sentence | the answer in one sentence
-- open_model | best open model
-- open_on | day it became available
-- open_score | its score
-- closed_model | best closed model
-- closed_on | day it became available
-- closed_score | its score
-- gap_raw | closed minus open in the unit of the series
-- gap_bias | estimated bias of the gap: the maximum of noisy scores is too high; null without standard errors
-- gap_lo | lower end of the 90% interval of the gap
-- gap_hi | upper end
-- gap_logit | difference of logits; null where chance or ceiling is unknown
-- lag_months | how long ago a closed model was already better than the best open one; null where undefined
-- lag_bounded | the lag is at least this: the series has no earlier closed model
-- lag_lo | lower end of the 90% interval of the lag; negative where open may lead
-- lag_hi | upper end
-- clearly_behind_on | last day on which the interval of the gap lay above 0
-- gap_slope_12m | change of the gap over the last 12 months, per year, by least squares
-- gap_slope_12m_lo | lower end of its 90% interval
-- gap_slope_12m_hi | upper end
-- catch_up_median | Kaplan-Meier median of months until a closed record was matched
-- catch_up_lo | lower end of its nominal 90% bootstrap interval, clustered by the matching open model
-- catch_up_hi | upper end; too narrow with few records (docs/coverage.md)
-- catch_up_calibrated_lo | lower end of the 90% interval whose coverage holds with few records
-- catch_up_calibrated_hi | upper end; null = not reached within the records
-- records | closed records
-- censored | closed records not matched yet
-- models | models with a score in the series
-- open_models | of these open
-- closed_models | of these closed
-- unknown_models | of these with unknown access, on neither side
-- self_reported_pct | share of scores that the developer reports itself; null = not stated
-- saturated | the closed frontier is past 95% of the ceiling; null where the ceiling is unknown
-- notes | what could not be computed and why
SELECT
    s.series,
    b.name AS benchmark,
    e.comparability,
    s.series = 'epoch_eci' AND s.slice = 'all' AS is_headline,
    s.slice,
    s.open_definition,
    s.tolerance,
    s.as_of,
    s.state,
    s.sentence,
    s.open_model,
    s.open_on,
    round(s.open_score, 6) AS open_score,
    s.closed_model,
    s.closed_on,
    round(s.closed_score, 6) AS closed_score,
    round(s.gap_raw, 6) AS gap_raw,
    round(s.gap_bias, 6) AS gap_bias,
    round(s.gap_lo, 6) AS gap_lo,
    round(s.gap_hi, 6) AS gap_hi,
    round(s.gap_logit, 6) AS gap_logit,
    round(s.lag_months, 6) AS lag_months,
    s.lag_bounded,
    round(s.lag_lo, 6) AS lag_lo,
    round(s.lag_hi, 6) AS lag_hi,
    s.clearly_behind_on,
    round(c.slope_per_year, 6) AS gap_slope_12m,
    round(c.lo, 6) AS gap_slope_12m_lo,
    round(c.hi, 6) AS gap_slope_12m_hi,
    round(s.km_median, 6) AS catch_up_median,
    round(s.km_lo, 6) AS catch_up_lo,
    round(s.km_hi, 6) AS catch_up_hi,
    round(s.calibrated_lo, 6) AS catch_up_calibrated_lo,
    round(s.calibrated_hi, 6) AS catch_up_calibrated_hi,
    s.records,
    s.censored,
    s.models,
    s.open_models,
    s.closed_models,
    s.unknown_models,
    round(s.self_reported_pct, 6) AS self_reported_pct,
    s.saturated,
    s.notes
FROM gap.summary AS s
INNER JOIN staging.series AS e ON s.series = e.series_id
INNER JOIN staging.benchmarks AS b ON e.benchmark_id = b.benchmark_id
LEFT JOIN gap.closing AS c
    ON
        s.series = c.series AND s.slice = c.slice AND s.open_definition = c.open_definition
        AND s.tolerance = c.tolerance AND c.measure = 'gap' AND c.period = '12m' AND c.estimator = 'ols'
