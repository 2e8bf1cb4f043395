-- Releases whose access sources state differently, or whose access nobody proves: every statement beside what is used.
-- model_id | release
-- model | its name
-- used | open, closed or unknown, as used
-- used_source | how that is known
-- stated | what this source says
-- source | who says so
-- source_url | where it is public
SELECT
    m.model_id,
    m.name AS model,
    m.access AS used,
    m.access_source AS used_source,
    s.value AS stated,
    s.source,
    s.source_url
FROM staging.statements AS s
INNER JOIN staging.models AS m ON s.model_id = m.model_id
WHERE s.field = 'access' AND s.value <> m.access
