-- One row a parent and child.
SELECT
    child,
    parent
FROM staging.lineage_edges
GROUP BY child, parent
HAVING count(*) > 1
