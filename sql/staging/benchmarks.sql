-- Benchmarks of the facts, and those that only cards or boards name and the facts do not know by that name.
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
),

named AS (
    SELECT
        benchmark_id,
        benchmark_name,
        'higher' AS direction,
        'model cards on the Hub' AS source_name,
        source_url,
        0 AS place
    FROM raw.card_metrics
    UNION ALL
    SELECT
        benchmark_id,
        benchmark_name,
        direction,
        source_name,
        source_url,
        1 AS place
    FROM raw.board_series
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
    n.benchmark_id,
    min(n.benchmark_name) AS name,
    NULL AS version,
    NULL AS domain,
    NULL AS unit,
    min(n.direction) AS direction,
    NULL AS chance,
    NULL AS ceiling,
    NULL AS released_on,
    'unknown' AS visibility,
    NULL AS visibility_url,
    min_by(n.source_name, (n.place, n.source_url, n.source_name)) AS source_name,
    min_by(n.source_url, (n.place, n.source_url)) AS source_url
FROM named AS n
WHERE
    n.benchmark_id IN (SELECT e.benchmark_id FROM staging.series AS e)
    AND n.benchmark_id NOT IN (SELECT c.benchmark_id FROM curated AS c)
GROUP BY n.benchmark_id
