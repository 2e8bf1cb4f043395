-- On which side a model stood from when: open, closed or unknown at a date.
-- model_id | model
-- access | open (weights downloadable), closed or unknown
-- from_on | first day; null = unknown
-- until_on | first day on which it was so no more; null = it still is
-- evidence | how it is known: as staging.models has it, weights (their publication) or deleted (its repository is gone)
WITH dated AS (
    SELECT
        m.model_id,
        m.access,
        m.access_source,
        m.released_on,
        CASE WHEN m.access = 'open' THEN coalesce(m.weights_on, m.released_on) END AS open_on,
        CASE WHEN m.access = 'open' AND m.weights_on > m.released_on THEN m.weights_on END AS opened_on,
        cast(coalesce(h.deleted_seen_at, t.ended_at) AS DATE) AS deleted_on
    FROM staging.models AS m
    LEFT JOIN staging.hub_models AS h ON m.model_id = 'hub:' || h.id AND h.deleted_seen_at IS NOT NULL
    LEFT JOIN staging.hub_tombstones AS t ON m.model_id = t.model_id
)

SELECT
    model_id,
    'closed' AS access,
    released_on AS from_on,
    opened_on AS until_on,
    'weights' AS evidence
FROM dated
WHERE opened_on IS NOT NULL
UNION ALL
SELECT
    model_id,
    access,
    coalesce(open_on, released_on) AS from_on,
    CASE WHEN access = 'open' THEN deleted_on END AS until_on,
    CASE WHEN opened_on IS NULL THEN access_source ELSE 'weights' END AS evidence
FROM dated
UNION ALL
SELECT
    model_id,
    'unknown' AS access,
    deleted_on AS from_on,
    NULL AS until_on,
    'deleted' AS evidence
FROM dated
WHERE access = 'open' AND deleted_on IS NOT NULL
