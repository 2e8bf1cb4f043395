-- The edges of staging.lineage_edges by the numbers of staging.lineage_keys: what trees are walked on.
-- parent | number of the parent
-- child | number of the child
-- relation | finetune, adapter, quantized, merge, distilled or unknown
-- evidence | tag, declared, curated or inferred
SELECT
    p.key AS parent,
    c.key AS child,
    e.relation,
    e.evidence
FROM staging.lineage_edges AS e
INNER JOIN staging.lineage_keys AS p ON e.parent = p.id
INNER JOIN staging.lineage_keys AS c ON e.child = c.id
ORDER BY p.key ASC, c.key ASC
