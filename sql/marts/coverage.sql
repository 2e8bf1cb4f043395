-- Open models without a single usable score: what the answer does not know yet.
-- model | name
-- organisation | who released it
-- released_on | first public availability; null = unknown
-- params_total | total parameters
-- licence_class | licence class
-- hub_id | repository to evaluate, no packing or copy: of the model's name, else the most downloaded; null = none
-- downloads | of that repository; null = not listed
-- gated | whether that repository needs a token
-- source_url | where it is public
WITH repositories AS (
    SELECT
        m.model_id,
        max_by(
            u.hub_id, (lower(split_part(u.hub_id, '/', -1)) = lower(m.name), coalesce(h.downloads, -1), u.hub_id)
        ) AS hub_id
    FROM staging.models AS m,
        unnest(m.hub_ids) AS u (hub_id)
    LEFT JOIN staging.hub_models AS h ON u.hub_id = h.id
    LEFT JOIN staging.aliases AS a ON u.hub_id = a.name AND a.source = 'hub_models'
    WHERE h.deleted_seen_at IS NULL AND coalesce(a.variant NOT LIKE 'packing%' AND a.variant <> 'copy', TRUE)
    GROUP BY m.model_id
)

SELECT
    m.name AS model,
    m.organisation,
    m.released_on,
    m.params_total,
    m.licence_class,
    p.hub_id,
    h.downloads,
    coalesce(h.gated NOT IN ('', 'false'), FALSE) AS gated,
    m.source_url
FROM staging.models AS m
LEFT JOIN repositories AS p ON m.model_id = p.model_id
LEFT JOIN staging.hub_models AS h ON p.hub_id = h.id
WHERE
    m.access = 'open'
    -- What is dated later does not exist yet.
    AND (m.released_on IS NULL OR m.released_on <= (SELECT r.as_of FROM raw.run AS r))
    AND m.model_id NOT IN (
        SELECT s.model_id FROM staging.scores AS s
        WHERE s.superseded_at IS NULL AND NOT s.doubtful
    )
