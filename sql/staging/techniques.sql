-- How a repository was made, as far as its tags, library, task, relations or name say, one row a repository and kind.
-- id | repository
-- kind | instruct, preference, quantised, adapter, merge, distilled or multimodal
-- format | of quantised weights: GGUF, GPTQ, AWQ, ...; null = not said
-- rule_id | rule of the table of facts technique_rules, the surest one; curated = shown by a public page
-- confidence | of that rule
WITH rules AS (
    FROM raw.facts_technique_rules
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
),

curated AS (
    FROM raw.facts_derivatives
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
),

said AS (
    SELECT
        m.id,
        'tag' AS field,
        lower(t.tag) AS word
    FROM staging.hub_models AS m, unnest(m.tags) AS t (tag)
    UNION ALL
    SELECT
        id,
        'library' AS field,
        lower(library) AS word
    FROM staging.hub_models
    UNION ALL
    SELECT
        id,
        'pipeline_tag' AS field,
        lower(pipeline_tag) AS word
    FROM staging.hub_models
    UNION ALL
    SELECT
        child AS id,
        'relation' AS field,
        relation AS word
    FROM raw.lineage_edges
),

found AS (
    SELECT
        s.id,
        r.kind,
        r.format,
        r.rule_id,
        r.confidence
    FROM said AS s
    INNER JOIN rules AS r ON s.field = r.field AND s.word = r.matches
    UNION ALL
    SELECT
        n.id,
        r.kind,
        r.format,
        r.rule_id,
        r.confidence
    FROM lineage.names AS n
    INNER JOIN rules AS r ON n.rule_id = r.rule_id
    UNION ALL
    SELECT
        child AS id,
        kind,
        NULL AS format,
        'curated' AS rule_id,
        1.0 AS confidence
    FROM curated
)

SELECT
    id,
    kind,
    min_by(format, (-confidence, rule_id)) AS format,
    min_by(rule_id, (-confidence, rule_id)) AS rule_id,
    max(confidence) AS confidence
FROM found
GROUP BY id, kind
ORDER BY id ASC, kind ASC
