-- Parent and child repositories: as tags and cards on the Hub declare them, and as public pages show where they do not.
-- child | repository built on the parent
-- parent | repository it was built on, under its present id; it may be missing from the Hub
-- relation | finetune, adapter, quantized, merge, distilled or unknown
-- evidence | tag (the Hub's reading of the card), declared (card only) or curated (the project's table of derivatives)
-- confidence | 1 for what is declared or shown by a public page
-- parent_state | listed, renamed (declared under an earlier id) or missing (not in the Hub in use)
-- born_on | day of the child: of publication where curated, else the creation of its repository; null = unknown
-- in_circle | parent and child each declare the other
WITH curated AS (
    FROM raw.facts_derivatives
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
),

stated AS (
    SELECT
        e.child,
        e.parent,
        e.relation,
        e.evidence
    FROM raw.lineage_edges AS e
    INNER JOIN staging.hub_models AS m ON e.child = m.id
    WHERE m.deleted_seen_at IS NULL
    UNION ALL
    SELECT
        c.child,
        c.parent,
        c.relation,
        'curated' AS evidence
    FROM curated AS c
    ANTI JOIN raw.lineage_edges AS e ON c.child = e.child AND c.parent = e.parent
),

resolved AS (
    SELECT
        s.child,
        coalesce(m.renamed_to, s.parent) AS parent,
        s.relation,
        s.evidence,
        CASE WHEN m.renamed_to IS NOT NULL THEN 'renamed' WHEN m.id IS NOT NULL THEN 'listed' ELSE 'missing' END
            AS parent_state
    FROM stated AS s
    LEFT JOIN staging.hub_models AS m ON s.parent = m.id
    WHERE s.child <> coalesce(m.renamed_to, s.parent)
    -- A card may name a parent by its earlier and its present id.
    QUALIFY row_number() OVER (PARTITION BY s.child, coalesce(m.renamed_to, s.parent) ORDER BY s.relation, s.parent) = 1
)

SELECT
    r.child,
    r.parent,
    r.relation,
    r.evidence,
    1.0 AS confidence,
    r.parent_state,
    coalesce(c.released_on, cast(h.created_at AS DATE)) AS born_on,
    b.child IS NOT NULL AS in_circle
FROM resolved AS r
LEFT JOIN curated AS c ON r.child = c.child AND r.parent = c.parent
LEFT JOIN staging.hub_models AS h ON r.child = h.id
LEFT JOIN resolved AS b ON r.child = b.parent AND r.parent = b.child
