-- Scores comparable with one another: one benchmark, one protocol, one evaluator.
-- series_id | stable id
-- benchmark_id | benchmark
-- protocol | shots, chain of thought, tools, scaffold, effort, as far as stated
-- evaluator | who ran it; mixed or not stated where several did or nobody is named
-- comparability | same_evaluator, same_protocol or loose
-- unit | unit of its scores
-- direction | higher or lower is better
-- chance | score of guessing in this unit; null = unknown
-- ceiling | best possible score in this unit; null = unknown
-- edition_of | ranking of which this is the edition of one day; null where there is but one
-- edition_on | that day
-- source_name | who publishes it
-- source_url | where it is public
WITH curated AS (
    FROM raw.facts_series
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
)

SELECT
    series_id,
    benchmark_id,
    protocol,
    evaluator,
    comparability,
    unit,
    direction,
    chance,
    ceiling,
    cast(NULL AS VARCHAR) AS edition_of,
    cast(NULL AS DATE) AS edition_on,
    source_name,
    source_url
FROM curated
UNION ALL
SELECT
    series_id,
    min(benchmark_id) AS benchmark_id,
    min(protocol) AS protocol,
    min(evaluator) AS evaluator,
    min(comparability) AS comparability,
    min(unit) AS unit,
    min(direction) AS direction,
    NULL AS chance,
    CASE min(unit) WHEN 'percent' THEN 100.0 WHEN 'fraction' THEN 1.0 END AS ceiling,
    NULL AS edition_of,
    NULL AS edition_on,
    min(evaluator) AS source_name,
    'https://huggingface.co/models?other=model-index' AS source_url
FROM raw.card_metrics
GROUP BY series_id
UNION ALL
SELECT
    b.series_id,
    b.benchmark_id,
    b.protocol,
    b.evaluator,
    b.comparability,
    b.unit,
    b.direction,
    b.chance,
    b.ceiling,
    b.edition_of,
    b.edition_on,
    b.source_name,
    b.source_url
FROM raw.board_series AS b
WHERE b.series_id NOT IN (SELECT c.series_id FROM curated AS c)
