-- Months until a closed record is matched, unmatched records censored; per series, definition and tolerance.
-- series | series id
-- open_definition | downloadable, commercial or unrestricted
-- tolerance | strict or significant
-- median_months | Kaplan-Meier median of max(lag, 0)
-- median_lo | lower end of its 90% interval
-- median_hi | upper end of its 90% interval
-- rmst18_months | restricted mean to 18 months
-- records | closed records
-- censored | closed records not matched by the as-of date
-- matched_only_mean | mean of the matched lags alone: biased low
-- oldest_unmatched_months | age of the oldest unmatched record, a lower bound of today's lag
SELECT
    series,
    open_definition,
    tolerance,
    round(km_median, 6) AS median_months,
    round(km_lo, 6) AS median_lo,
    round(km_hi, 6) AS median_hi,
    round(rmst18, 6) AS rmst18_months,
    records,
    censored,
    round(naive_mean, 6) AS matched_only_mean,
    round(oldest_unmatched, 6) AS oldest_unmatched_months
FROM gap.summary
