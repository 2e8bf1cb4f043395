-- Repositories that have a parent or a child, by number: numbers join many times faster than names.
-- key | number, in the order of names
-- id | repository
-- downloads | downloads of the last 30 days; null = not listed
-- is_listed | whether the Hub in use lists it
WITH members AS (
    SELECT child AS id FROM staging.lineage_edges
    UNION
    SELECT parent AS id FROM staging.lineage_edges
)

SELECT
    cast(row_number() OVER (ORDER BY m.id) AS INTEGER) AS key,
    m.id,
    h.downloads,
    h.id IS NOT NULL AS is_listed
FROM members AS m
LEFT JOIN staging.hub_models AS h ON m.id = h.id
ORDER BY m.id ASC
