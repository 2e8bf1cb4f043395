-- Repositories whose licence contradicts itself: card against tag, or more freedom than the base model gives.
-- repository | repository id
-- conflict | tag (the card says otherwise) or base (the base model's licence is stricter)
-- licence | licence as written on the card, else its tag
-- licence_class | class that is used for it, by its own licence
-- other | what contradicts it: the tag, or the base model
-- other_licence | licence there
-- other_class | its class
WITH classes AS (
    SELECT
        licence,
        licence_class
    FROM raw.facts_licences
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
),

strictness AS (
    SELECT
        v.licence_class,
        v.rank
    FROM (VALUES ('unrestricted', 1), ('restricted', 2), ('non_commercial', 3)) AS v (licence_class, rank)
),

tagged AS (
    SELECT
        h.id,
        h.licence,
        h.licence_class,
        unnest(list_filter(h.tags, t -> starts_with(t, 'license:'))) AS tag
    FROM staging.hub_models AS h
)

SELECT
    t.id AS repository,
    'tag' AS conflict,
    t.licence,
    t.licence_class,
    t.tag AS other,
    substr(t.tag, 9) AS other_licence,
    coalesce(c.licence_class, 'unknown') AS other_class
FROM tagged AS t
LEFT JOIN classes AS c ON lower(substr(t.tag, 9)) = c.licence
WHERE lower(t.licence) <> lower(substr(t.tag, 9))
UNION ALL
SELECT
    h.id AS repository,
    'base' AS conflict,
    h.licence,
    h.licence_class,
    p.id AS other,
    p.licence AS other_licence,
    p.licence_class AS other_class
FROM staging.lineage_edges AS e
INNER JOIN staging.hub_models AS h ON e.child = h.id
INNER JOIN staging.hub_models AS p ON e.parent = p.id
INNER JOIN strictness AS own ON h.licence_class = own.licence_class
INNER JOIN strictness AS base ON p.licence_class = base.licence_class
-- A licence is not passed on by a name.
WHERE own.rank < base.rank AND e.evidence <> 'inferred'
