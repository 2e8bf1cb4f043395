-- What others published about the gap, with their definitions; ours stands beside it.
-- figure_id | stable id
-- publisher | who published it
-- published_on | when; the first of the month where only the month is known
-- published_precision | day or month
-- lag_lo | lower end of the published lag, months: of its interval where ci_level is given, else of a stated range
-- lag_hi | upper end, months
-- lag_months | published lag, months; null = only a range or none was published
-- ci_level | level of the published interval; null = none, or a range
-- gap_points | published gap, points of the series
-- gap_points_lo | lower end of its interval
-- gap_points_hi | upper end of its interval
-- parity_on | published day of parity; may lie in the future
-- definition | what the figure means there: index, estimator, tolerance, as far as stated
-- series | what it was measured on
-- comparable_to | our nearest metric: backward_lag, catch_up_median, catch_up_mean, gap, parity_by_line; null = unclear
-- note | what to know before comparing
-- source_name | who publishes it, under which title
-- source_url | where it is public
SELECT
    figure_id,
    publisher,
    published_on,
    published_precision,
    lag_lo,
    lag_hi,
    lag_months,
    ci_level,
    gap_points,
    gap_points_lo,
    gap_points_hi,
    parity_on,
    definition,
    series,
    comparable_to,
    note,
    source_name,
    source_url
FROM raw.facts_published_figures
QUALIFY
    dense_rank() OVER (ORDER BY capture_id DESC) = 1
    -- What is dated later does not exist yet.
    AND published_on <= (SELECT r.as_of FROM raw.run AS r)
ORDER BY published_on, figure_id
