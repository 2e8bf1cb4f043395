-- Benchmarks of the facts, and benchmarks that only model cards or boards name (as written, unresolved).
-- benchmark_id | stable id; card_* for a name that only cards use
-- name | name as published
-- version | version; null = not stated
-- domain | what it tests; null = unknown
-- unit | unit of its usual score; null = unknown
-- direction | higher or lower is better
-- chance | score of guessing, in fractions; null = unknown
-- ceiling | best possible score, in fractions; null = unknown
-- released_on | when it was published; null = unknown
-- visibility | public: anybody can download questions and answers; private: the scored ones are held back; unknown
-- visibility_url | page that shows it; null = visibility unknown
-- source_name | who describes it
-- source_url | where it is public
WITH curated AS (
    FROM raw.facts_benchmarks
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
)

SELECT
    benchmark_id,
    name,
    version,
    domain,
    unit,
    direction,
    chance,
    ceiling,
    released_on,
    visibility,
    visibility_url,
    source_name,
    source_url
FROM curated
UNION ALL
SELECT
    benchmark_id,
    min(benchmark_name) AS name,
    NULL AS version,
    NULL AS domain,
    NULL AS unit,
    'higher' AS direction,
    NULL AS chance,
    NULL AS ceiling,
    NULL AS released_on,
    'unknown' AS visibility,
    NULL AS visibility_url,
    'model cards on the Hub' AS source_name,
    min(source_url) AS source_url
FROM raw.card_metrics
GROUP BY benchmark_id
UNION ALL
SELECT
    b.benchmark_id,
    min(b.benchmark_name) AS name,
    NULL AS version,
    NULL AS domain,
    NULL AS unit,
    min(b.direction) AS direction,
    NULL AS chance,
    NULL AS ceiling,
    NULL AS released_on,
    'unknown' AS visibility,
    NULL AS visibility_url,
    min(b.source_name) AS source_name,
    min(b.source_url) AS source_url
FROM raw.board_series AS b
WHERE
    b.benchmark_id NOT IN (SELECT c.benchmark_id FROM curated AS c)
    AND b.benchmark_id NOT IN (SELECT m.benchmark_id FROM raw.card_metrics AS m)
GROUP BY b.benchmark_id
