-- The same edges sorted by child: what families are walked up on.
-- child | number of the child, `key` in marts.family
-- parent | number of the parent
-- parent_id | the parent
-- relation | finetune, adapter, quantized, merge, distilled or unknown
-- evidence | tag, declared, curated or inferred
-- downloads | of the parent, in the last 30 days; null = not listed
-- is_listed | whether the Hub in use lists the parent
-- goes_on | whether the parent has parents itself
SELECT
    s.child,
    s.parent,
    k.id AS parent_id,
    s.relation,
    s.evidence,
    k.downloads,
    k.is_listed,
    s.parent IN (SELECT o.child FROM lineage.steps AS o) AS goes_on
FROM lineage.steps AS s
INNER JOIN lineage.keys AS k ON s.parent = k.key
ORDER BY s.child ASC, s.parent ASC
