-- The edges of staging.lineage_edges by number, sorted by parent: what families are walked down on.
-- parent | number of the parent, `key` in marts.family
-- child | number of the child
-- child_id | the child
-- relation | finetune, adapter, quantized, merge, distilled or unknown
-- evidence | tag, declared, curated or inferred
-- downloads | of the child, in the last 30 days; null = not listed
-- is_listed | whether the Hub in use lists the child
-- goes_on | whether the child has children itself
SELECT
    s.parent,
    s.child,
    k.id AS child_id,
    s.relation,
    s.evidence,
    k.downloads,
    k.is_listed,
    s.child IN (SELECT o.parent FROM lineage.steps AS o) AS goes_on
FROM lineage.steps AS s
INNER JOIN lineage.keys AS k ON s.child = k.key
ORDER BY s.parent ASC, s.child ASC
