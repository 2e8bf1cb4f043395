-- Parent and child repositories as the Hub's tags and cards declare them; nothing is inferred.
-- child | repository built on the parent
-- parent | repository it was built on; it may be missing from the Hub
-- relation | finetune, adapter, quantized, merge or unknown
-- evidence | tag (the Hub's reading of the card) or declared (card only)
-- confidence | 1 for what is declared
SELECT
    e.child,
    e.parent,
    e.relation,
    e.evidence,
    1.0 AS confidence
FROM raw.lineage_edges AS e
INNER JOIN staging.hub_models AS m ON e.child = m.id
WHERE m.deleted_seen_at IS NULL
