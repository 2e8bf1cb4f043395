-- What became of the score: each derivative beside its base, in the same series only.
-- base | repository of the base model
-- child | derivative
-- relation | finetune, adapter, quantized, merge, distilled or unknown
-- evidence | tag, declared, curated or inferred
-- kinds | how the derivative was made, as far as that is said
-- series_id | series that has both
-- benchmark_id | its benchmark
-- base_score | best current score of the base in it
-- child_score | best current score of the derivative in it
-- unit | unit of both
-- difference | child_score - base_score; of series where lower is better, the other way round
-- retention | child_score / base_score; null where lower is better, or the base has none
WITH named AS (
    SELECT
        a.name AS id,
        a.model_id
    FROM staging.aliases AS a
    WHERE a.source = 'hub_models' AND a.variant IS NULL
),

-- A release may have several repositories; scores are of the release.
pairs AS (
    SELECT
        e.parent AS base,
        e.child,
        e.relation,
        e.evidence,
        p.model_id AS base_id,
        c.model_id AS child_id
    FROM staging.lineage_edges AS e
    ANTI JOIN lineage.circles AS o ON e.child = o.child AND e.parent = o.parent
    INNER JOIN named AS p ON e.parent = p.id
    INNER JOIN named AS c ON e.child = c.id
    WHERE p.model_id <> c.model_id
),

best AS (
    SELECT
        s.model_id,
        s.series_id,
        e.benchmark_id,
        e.unit,
        e.direction,
        CASE e.direction WHEN 'lower' THEN min(s.value) ELSE max(s.value) END AS value
    FROM staging.scores AS s
    INNER JOIN staging.series AS e ON s.series_id = e.series_id AND s.unit = e.unit
    WHERE
        s.superseded_at IS NULL
        -- Merges and packings are what is asked about here; what is doubtful or a test is not.
        AND coalesce(s.left_out, '') NOT IN ('doubtful', 'flagged', 'smoke')
        AND (s.model_id IN (SELECT p.base_id FROM pairs AS p) OR s.model_id IN (SELECT p.child_id FROM pairs AS p))
    GROUP BY s.model_id, s.series_id, e.benchmark_id, e.unit, e.direction
),

made AS (
    SELECT
        id,
        list_sort(list(kind)) AS kinds
    FROM staging.techniques
    WHERE confidence >= 0.9
    GROUP BY id
)

SELECT
    p.base,
    p.child,
    p.relation,
    p.evidence,
    coalesce(m.kinds, []) AS kinds,
    b.series_id,
    b.benchmark_id,
    b.value AS base_score,
    c.value AS child_score,
    b.unit,
    CASE b.direction WHEN 'lower' THEN b.value - c.value ELSE c.value - b.value END AS difference,
    CASE WHEN b.direction <> 'lower' THEN c.value / nullif(b.value, 0) END AS retention
FROM pairs AS p
INNER JOIN best AS b ON p.base_id = b.model_id
INNER JOIN best AS c ON p.child_id = c.model_id AND b.series_id = c.series_id
LEFT JOIN made AS m ON p.child = m.id
