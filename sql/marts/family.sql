-- The family of every repository that has a parent or a child: how many there are above and below it, and how deep.
-- id | repository
-- parents | repositories that it was built on directly
-- children | repositories built on it directly
-- ancestors | repositories above it, within 30 generations
-- descendants | repositories below it, within 30 generations
-- inferred_descendants | of these, known only through an edge that a name tells
-- depth | generations from its furthest ancestor, by the shortest way to each; 0 = nothing is known above it
-- height | generations to its furthest descendant, likewise
-- root | its furthest ancestor, of several the first by name; null = nothing is known above it
-- circle | label of the circle of declarations that it lies on, which is not followed; null = none
-- is_cut | whether the family goes on beyond 30 generations
WITH RECURSIVE steps AS MATERIALIZED (
    SELECT
        e.parent,
        e.child,
        e.evidence = 'inferred' AS is_inferred
    FROM staging.lineage_steps AS e
    INNER JOIN staging.lineage_keys AS p ON e.parent = p.key
    INNER JOIN staging.lineage_keys AS c ON e.child = c.key
    ANTI JOIN lineage.circles AS o ON c.id = o.child AND p.id = o.parent
),

-- From the second generation on, only steps below somebody's child matter.
onward AS MATERIALIZED (
    SELECT
        s.parent,
        s.child,
        s.is_inferred
    FROM steps AS s
    WHERE s.parent IN (SELECT c.child FROM steps AS c)
),

walk AS (
    SELECT
        parent AS ancestor,
        child AS descendant,
        is_inferred,
        cast(1 AS TINYINT) AS generations
    FROM steps
    UNION
    SELECT
        w.ancestor,
        s.child AS descendant,
        w.is_inferred OR s.is_inferred AS is_inferred,
        cast(w.generations + 1 AS TINYINT) AS generations
    FROM walk AS w
    INNER JOIN onward AS s ON w.descendant = s.parent
    WHERE w.generations < 30
),

pairs AS MATERIALIZED (
    SELECT
        ancestor,
        descendant,
        bool_and(is_inferred) AS is_inferred,
        min(generations) AS generations
    FROM walk
    GROUP BY ancestor, descendant
),

above AS (
    SELECT
        descendant AS key,
        count(*) FILTER (generations = 1) AS parents,
        count(*) AS ancestors,
        max(generations) AS depth,
        -- Of the furthest, the first by name: keys are in the order of names.
        arg_max(ancestor, 100000000 * cast(generations AS BIGINT) - ancestor) AS root
    FROM pairs
    GROUP BY descendant
),

below AS (
    SELECT
        ancestor AS key,
        count(*) FILTER (generations = 1) AS children,
        count(*) AS descendants,
        count(*) FILTER (is_inferred) AS inferred_descendants,
        max(generations) AS height
    FROM pairs
    GROUP BY ancestor
),

-- Whoever has a parent thirty generations below somebody, or a child as far above.
out_of_sight AS (
    SELECT DISTINCT unnest([w.ancestor, s.child]) AS key
    FROM pairs AS w
    INNER JOIN steps AS s ON w.descendant = s.parent
    ANTI JOIN pairs AS n ON w.ancestor = n.ancestor AND s.child = n.descendant
    WHERE w.generations = 30
),

circled AS (
    SELECT
        unnest([child, parent]) AS id,
        circle
    FROM lineage.circles
),

labelled AS (
    SELECT DISTINCT
        id,
        circle
    FROM circled
)

SELECT
    n.id,
    coalesce(a.parents, 0) AS parents,
    coalesce(b.children, 0) AS children,
    coalesce(a.ancestors, 0) AS ancestors,
    coalesce(b.descendants, 0) AS descendants,
    coalesce(b.inferred_descendants, 0) AS inferred_descendants,
    coalesce(a.depth, 0) AS depth,
    coalesce(b.height, 0) AS height,
    r.id AS root,
    c.circle,
    s.key IS NOT NULL AS is_cut
FROM staging.lineage_keys AS n
LEFT JOIN above AS a ON n.key = a.key
LEFT JOIN below AS b ON n.key = b.key
LEFT JOIN staging.lineage_keys AS r ON a.root = r.key
LEFT JOIN labelled AS c ON n.id = c.id
LEFT JOIN out_of_sight AS s ON n.key = s.key
ORDER BY n.key ASC
