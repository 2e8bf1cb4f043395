-- Parent and child repositories: as the Hub declares them, as public pages show, and as names tell where neither does.
-- child | repository built on the parent
-- parent | repository it was built on, under its present id; it may be missing from the Hub
-- relation | finetune, adapter, quantized, merge, distilled or unknown
-- evidence | tag (the Hub's reading of the card), declared (card only), curated (public page) or inferred (name)
-- rule_id | of an inferred edge, its rule in the table of facts parent_rules; null = not inferred
-- confidence | 1 for what is declared or shown by a public page; of an inferred edge that of its rule
-- parent_state | listed, renamed (declared under an earlier id), missing (not in the Hub in use) or itself
-- born_on | day of the child: of publication where curated, else the creation of its repository; null = unknown
WITH curated AS (
    FROM raw.facts_derivatives
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
),

stated AS (
    SELECT
        e.child,
        e.parent,
        e.relation,
        e.evidence,
        NULL AS rule_id,
        1.0 AS confidence
    FROM raw.lineage_edges AS e
    INNER JOIN staging.hub_models AS m ON e.child = m.id
    WHERE m.deleted_seen_at IS NULL
    UNION ALL
    SELECT
        c.child,
        c.parent,
        c.relation,
        'curated' AS evidence,
        NULL AS rule_id,
        1.0 AS confidence
    FROM curated AS c
    ANTI JOIN raw.lineage_edges AS e ON c.child = e.child AND c.parent = e.parent
    UNION ALL
    SELECT
        child,
        parent,
        relation,
        'inferred' AS evidence,
        rule_id,
        confidence
    FROM staging.inferred_edges
),

resolved AS (
    SELECT
        s.child,
        coalesce(m.renamed_to, s.parent) AS parent,
        s.relation,
        s.evidence,
        s.rule_id,
        s.confidence,
        CASE
            WHEN s.child = coalesce(m.renamed_to, s.parent) THEN 'itself'
            WHEN m.renamed_to IS NOT NULL THEN 'renamed'
            WHEN m.id IS NOT NULL THEN 'listed'
            ELSE 'missing'
        END AS parent_state
    FROM stated AS s
    LEFT JOIN staging.hub_models AS m ON s.parent = m.id
    -- A card may name a parent by its earlier and its present id.
    QUALIFY row_number() OVER (PARTITION BY s.child, coalesce(m.renamed_to, s.parent) ORDER BY s.relation, s.parent) = 1
)

SELECT
    r.child,
    r.parent,
    r.relation,
    r.evidence,
    r.rule_id,
    r.confidence,
    r.parent_state,
    coalesce(c.released_on, cast(h.created_at AS DATE)) AS born_on
FROM resolved AS r
LEFT JOIN curated AS c ON r.child = c.child AND r.parent = c.parent
LEFT JOIN staging.hub_models AS h ON r.child = h.id
