-- What the capability index is fitted on: performance between chance and ceiling, doubtful rows left out.
-- model | name of the model
-- benchmark | benchmark
-- performance | 0 at chance, 1 at the ceiling, as published
-- released_on | first public availability of the model; null = unknown
-- benchmark_on | publication of the benchmark; null = unknown
-- evaluator | who ran it; mixed or not stated where several did or nobody is named
-- comparability | same_evaluator, same_protocol or loose
-- observed_on | day of the dated snapshot it was read from
SELECT
    m.name AS model,
    e.benchmark_id AS benchmark,
    s.value AS performance,
    m.released_on,
    b.released_on AS benchmark_on,
    e.evaluator,
    e.comparability,
    s.observed_on
FROM staging.scores AS s
INNER JOIN staging.series AS e ON s.series_id = e.series_id
INNER JOIN staging.benchmarks AS b ON e.benchmark_id = b.benchmark_id
INNER JOIN staging.models AS m ON s.model_id = m.model_id
WHERE
    s.superseded_at IS NULL
    AND s.left_out IS NULL
    -- Only this table is published on one common scale, from chance to ceiling.
    AND e.source_url = 'https://epoch.ai/data/eci_benchmarks.csv'
