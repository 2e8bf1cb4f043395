-- Every name a source uses for a model, and how it was resolved.
-- name | name as the source writes it
-- source | source that writes it
-- model_id | the release it stands for, or the row that an unresolved name has to itself
-- method | exact, hub id, normalised, manual, renamed (the Hub sends from one id to the other) or unresolved
-- confidence | 1 for exact names, Hub ids and manual rows, 0.95 for normalised names; null = unresolved
WITH curated AS (
    FROM raw.facts_aliases
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
)

SELECT
    name,
    source,
    model_id,
    method,
    CASE WHEN method = 'normalised' THEN 0.95 ELSE 1.0 END AS confidence
FROM curated
UNION ALL
SELECT
    repository AS name,
    'hub_models' AS source,
    m.model_id,
    'hub id' AS method,
    1.0 AS confidence
FROM staging.models AS m, unnest(m.hub_ids) AS hub (repository)
UNION ALL
SELECT
    name,
    source,
    model_id,
    method,
    CASE method WHEN 'unresolved' THEN NULL WHEN 'normalised' THEN 0.95 ELSE 1.0 END AS confidence
FROM staging.board_models
UNION ALL
SELECT
    r.asked AS name,
    'hub_renames' AS source,
    m.model_id,
    'renamed' AS method,
    1.0 AS confidence
FROM raw.hub_renames AS r
INNER JOIN staging.models AS m ON list_contains(m.hub_ids, r.id)
WHERE r.state = 'renamed'
QUALIFY row_number() OVER (PARTITION BY r.asked ORDER BY r.capture_id DESC) = 1
