-- The family of every repository that has a parent or a child: how many there are above and below it, and how deep.
-- id | repository
-- key | its number: depth first, so that the numbers of a family lie together
-- parents | repositories that it was built on directly
-- children | repositories built on it directly
-- ancestors | repositories above it, within 30 generations
-- descendants | repositories below it, within 30 generations
-- tagged_descendants | of these, known by the Hub's tags; a way is as strong as its weakest edge, the strongest counts
-- declared_descendants | known by cards
-- curated_descendants | known by public pages
-- inferred_descendants | known by names alone
-- depth | generations from its furthest ancestor, by the shortest way to each; 0 = nothing is known above it
-- height | generations to its furthest descendant, likewise
-- root | its furthest ancestor, of several the one of the first family; null = nothing is known above it
-- circle | label of the circle of declarations that it lies on, which is not followed; null = none
-- is_cut | whether the family goes on beyond 30 generations
WITH RECURSIVE circling AS MATERIALIZED (
    SELECT
        p.key AS parent,
        c.key AS child
    FROM lineage.circles AS o
    INNER JOIN lineage.keys AS p ON o.parent = p.id
    INNER JOIN lineage.keys AS c ON o.child = c.id
),

steps AS MATERIALIZED (
    SELECT
        e.parent,
        e.child,
        cast(list_position(['tag', 'declared', 'curated', 'inferred'], e.evidence) AS TINYINT) AS weakness
    FROM lineage.steps AS e
    ANTI JOIN circling AS o ON e.child = o.child AND e.parent = o.parent
),

-- From the second generation on, only steps below somebody's child matter.
onward AS MATERIALIZED (
    SELECT
        s.parent,
        s.child,
        s.weakness
    FROM steps AS s
    WHERE s.parent IN (SELECT c.child FROM steps AS c)
),

walk AS (
    SELECT
        parent AS ancestor,
        child AS descendant,
        weakness,
        cast(1 AS TINYINT) AS generations
    FROM steps
    UNION
    SELECT
        w.ancestor,
        s.child AS descendant,
        greatest(w.weakness, s.weakness) AS weakness,
        cast(w.generations + 1 AS TINYINT) AS generations
    FROM walk AS w
    INNER JOIN onward AS s ON w.descendant = s.parent
    WHERE w.generations < 30
),

pairs AS MATERIALIZED (
    SELECT
        ancestor,
        descendant,
        min(weakness) AS weakness,
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
        arg_max(ancestor, 100000000 * cast(generations AS BIGINT) - ancestor) AS root
    FROM pairs
    GROUP BY descendant
),

below AS (
    SELECT
        ancestor AS key,
        count(*) FILTER (generations = 1) AS children,
        count(*) AS descendants,
        count(*) FILTER (weakness = 1) AS tagged,
        count(*) FILTER (weakness = 2) AS declared,
        count(*) FILTER (weakness = 3) AS curated,
        count(*) FILTER (weakness = 4) AS inferred,
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
    n.key,
    coalesce(a.parents, 0) AS parents,
    coalesce(b.children, 0) AS children,
    coalesce(a.ancestors, 0) AS ancestors,
    coalesce(b.descendants, 0) AS descendants,
    coalesce(b.tagged, 0) AS tagged_descendants,
    coalesce(b.declared, 0) AS declared_descendants,
    coalesce(b.curated, 0) AS curated_descendants,
    coalesce(b.inferred, 0) AS inferred_descendants,
    coalesce(a.depth, 0) AS depth,
    coalesce(b.height, 0) AS height,
    r.id AS root,
    c.circle,
    s.key IS NOT NULL AS is_cut
FROM lineage.keys AS n
LEFT JOIN above AS a ON n.key = a.key
LEFT JOIN below AS b ON n.key = b.key
LEFT JOIN lineage.keys AS r ON a.root = r.key
LEFT JOIN labelled AS c ON n.id = c.id
LEFT JOIN out_of_sight AS s ON n.key = s.key
ORDER BY n.id ASC
