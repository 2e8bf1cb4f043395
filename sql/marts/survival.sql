-- Months until a closed record is matched, unmatched records censored; per series, definition and tolerance.
-- series | series id
-- slice | all, or the part of the open models looked at
-- open_definition | downloadable, commercial or unrestricted
-- tolerance | strict or significant
-- median_months | Kaplan-Meier median of max(lag, 0)
-- median_lo | lower end of its nominal 90% bootstrap interval, clustered by the matching open model
-- median_hi | upper end; too narrow with few records (docs/coverage.md)
-- calibrated_lo | lower end of the 90% interval whose coverage holds with few records
-- calibrated_hi | upper end; null = not reached within the records
-- rmst18_months | restricted mean to 18 months
-- rmst18_lo | lower end of its 90% interval
-- rmst18_hi | upper end
-- weibull_shape | shape of a Weibull law fitted by censored likelihood; above 1: likelier the longer it is due
-- weibull_median | its median, months; no interval, because none from this law covers (docs/coverage.md)
-- records | closed records
-- censored | closed records not matched by the as-of date
-- matched_only_mean | mean of the matched lags alone: biased low
-- oldest_unmatched_months | age of the oldest unmatched record, a lower bound of today's lag
SELECT
    series,
    slice,
    open_definition,
    tolerance,
    round(km_median, 6) AS median_months,
    round(km_lo, 6) AS median_lo,
    round(km_hi, 6) AS median_hi,
    round(calibrated_lo, 6) AS calibrated_lo,
    round(calibrated_hi, 6) AS calibrated_hi,
    round(rmst18, 6) AS rmst18_months,
    round(rmst18_lo, 6) AS rmst18_lo,
    round(rmst18_hi, 6) AS rmst18_hi,
    round(weibull_shape, 6) AS weibull_shape,
    round(weibull_median, 6) AS weibull_median,
    records,
    censored,
    round(naive_mean, 6) AS matched_only_mean,
    round(oldest_unmatched, 6) AS oldest_unmatched_months
FROM gap.summary
