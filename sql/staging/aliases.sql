-- Every name a source uses for a model, and how it was resolved.
-- name | name as the source writes it
-- source | source that writes it
-- model_id | the release it stands for, or the row that an unresolved name has to itself
-- method | exact, hub id, registry, normalised, variant, manual, declared (base on its card), renamed or unresolved
-- confidence | how sure that is, by the method; null = unresolved
-- variant | how the model was run or packed, as far as the name says; null = not said
-- candidates | releases an unresolved name may mean
-- reason | why it is unresolved
WITH curated AS (
    FROM raw.facts_aliases
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
)

SELECT
    name,
    source,
    model_id,
    method,
    1.0 AS confidence,
    NULL AS variant,
    [] AS candidates,
    NULL AS reason
FROM curated
UNION ALL
SELECT
    h.id AS name,
    'hub_models' AS source,
    coalesce(r.model_id, 'hub:' || h.id) AS model_id,
    coalesce(r.method, 'hub id') AS method,
    coalesce(r.confidence, 1.0) AS confidence,
    r.variant,
    [] AS candidates,
    NULL AS reason
FROM staging.hub_models AS h
LEFT JOIN identity.repositories AS r ON h.id = r.id
UNION ALL
SELECT
    b.name,
    b.source,
    b.model_id,
    b.method,
    b.confidence,
    b.variant,
    CASE WHEN b.method = 'unresolved' THEN i.candidates ELSE [] END AS candidates,
    CASE WHEN b.method = 'unresolved' THEN i.reason END AS reason
FROM staging.board_models AS b
INNER JOIN identity.names AS i ON b.source = i.source AND b.name = i.name
