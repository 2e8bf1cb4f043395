-- Benchmarks of the capability index: how hard, how steep, by whom, and what the gap owes to each.
-- mode | eci or robust
-- benchmark | benchmark
-- evaluator | who ran it; mixed or not stated where several did or nobody is named
-- comparability | same_evaluator, same_protocol or loose
-- difficulty | index of a model expected halfway between chance and ceiling
-- slope | steepness per point of the index
-- models | models with a score on it
-- gap_without | gap of the day with the benchmark left out; eci mode only
-- gap_change_without | its change
-- lag_change_without | change of the backward lag, months
-- gap_change_as_anchor | change of the gap with the slope of this benchmark fixed instead; ten benchmarks tried
WITH evaluators AS (
    SELECT
        benchmark,
        min(evaluator) AS evaluator,
        min(comparability) AS comparability
    FROM staging.index_inputs
    GROUP BY benchmark
)

SELECT
    b.mode,
    b.benchmark,
    e.evaluator,
    e.comparability,
    round(b.difficulty, 6) AS difficulty,
    round(b.slope, 6) AS slope,
    b.models,
    round(w.gap, 6) AS gap_without,
    round(w.gap_change, 6) AS gap_change_without,
    round(w.lag_change, 6) AS lag_change_without,
    round(a.gap_change, 6) AS gap_change_as_anchor
FROM gap.index_benchmarks AS b
INNER JOIN evaluators AS e ON b.benchmark = e.benchmark
LEFT JOIN gap.index_sensitivity AS w ON b.benchmark = w.benchmark AND w.variant = 'without' AND b.mode = 'eci'
LEFT JOIN gap.index_sensitivity AS a ON b.benchmark = a.benchmark AND a.variant = 'slope anchor' AND b.mode = 'eci'
