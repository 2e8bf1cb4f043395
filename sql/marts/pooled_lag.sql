-- The lag pooled over benchmarks by a Weibull model with a random effect per benchmark; composites left out.
-- scope | all, domain ... or visibility ...
-- with_loose | whether series that mix evaluators are in; never in a headline
-- median_months | median lag on a typical benchmark
-- median_lo | lower end of its 90% interval
-- median_hi | upper end
-- between_sd | standard deviation of the log lag from benchmark to benchmark
-- private_ratio | lag on private benchmarks over lag on public ones; null where one kind is missing
-- ratio_lo | lower end of its 90% interval
-- ratio_hi | upper end
-- benchmarks | pooled
-- records | closed records in them
-- censored | of these not matched yet
-- notes | why a number is null
SELECT
    scope,
    with_loose,
    round(median_months, 6) AS median_months,
    round(lo, 6) AS median_lo,
    round(hi, 6) AS median_hi,
    round(between_sd, 6) AS between_sd,
    round(private_ratio, 6) AS private_ratio,
    round(ratio_lo, 6) AS ratio_lo,
    round(ratio_hi, 6) AS ratio_hi,
    benchmarks,
    records,
    censored,
    notes
FROM gap.pooled
