-- Ancestors that a repository's name tells where neither the Hub nor a public page does, by the rules of parent_rules.
-- child | repository that declares no parent
-- parent | repository whose whole name stands in the child's: it descends from that one, perhaps through others
-- relation | finetune, quantized or unknown, as the rule has it
-- rule_id | rule of the table of facts parent_rules
-- confidence | of that rule, by its labelled sample
WITH rules AS (
    FROM raw.facts_parent_rules
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
),

curated AS (
    SELECT child FROM raw.facts_derivatives
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
),

-- A name that others declare as their parent is known as a base.
known AS (
    SELECT
        parent AS id,
        count(DISTINCT split_part(child, '/', 1)) AS accounts
    FROM raw.lineage_edges
    WHERE split_part(child, '/', 1) <> split_part(parent, '/', 1)
    GROUP BY parent
    HAVING count(DISTINCT split_part(child, '/', 1)) > 1
),

repositories AS (
    SELECT
        id,
        lower(split_part(id, '/', 1)) AS account,
        regexp_replace(lower(split_part(id, '/', -1)), '[-_ ]+', '-', 'g') AS plain,
        derivation
    FROM staging.hub_models
    WHERE deleted_seen_at IS NULL AND length(id) < 200
),

begun AS (
    SELECT
        r.id,
        r.account,
        string_split(r.plain, '-') AS parts,
        unnest(range(1, len(string_split(r.plain, '-')) + 1)) AS first
    FROM repositories AS r
    -- Merges have several parents, and copies are known for what they are.
    WHERE
        r.derivation IS NULL
        AND r.id NOT IN (SELECT e.child FROM raw.lineage_edges AS e)
        AND r.id NOT IN (SELECT d.child FROM curated AS d)
),

spanned AS (
    SELECT
        *,
        unnest(range(first, len(parts) + 1)) AS last
    FROM begun
),

-- Names without a number, or as short as `model`, say nothing.
named AS (
    SELECT
        id,
        account,
        parts,
        first,
        last,
        array_to_string(parts[first:last], '-') AS plain
    FROM spanned
    WHERE last - first + 1 < len(parts) AND length(plain) > 5 AND regexp_matches(plain, '[0-9]')
),

bases AS (
    SELECT
        r.id,
        r.account,
        r.plain,
        coalesce(k.accounts, 0) AS accounts
    FROM repositories AS r
    LEFT JOIN known AS k ON r.id = k.id
    WHERE length(r.plain) > 5 AND regexp_matches(r.plain, '[0-9]') AND coalesce(r.derivation, '') <> 'namesake'
),

-- Known bases by anybody, others by their own account alone: two joins, as many share a name.
pairs AS (
    SELECT
        n.id AS child,
        b.id AS parent,
        b.plain,
        b.accounts,
        n.parts,
        n.first,
        n.last,
        n.account = b.account AS is_same
    FROM named AS n
    INNER JOIN bases AS b ON n.plain = b.plain AND n.id <> b.id
    WHERE b.accounts > 0
    UNION ALL
    SELECT
        n.id AS child,
        b.id AS parent,
        b.plain,
        b.accounts,
        n.parts,
        n.first,
        n.last,
        TRUE AS is_same
    FROM named AS n
    INNER JOIN bases AS b ON n.plain = b.plain AND n.account = b.account AND n.id <> b.id
    WHERE b.accounts = 0
),

possible AS MATERIALIZED (
    SELECT
        p.child,
        p.parent,
        p.plain,
        p.accounts,
        p.is_same,
        array_to_string(list_concat(p.parts[1:p.first - 1], ['*'], p.parts[p.last + 1:]), '-') AS shape,
        b.downloads,
        abs(c.params_total - b.params_total) < 0.02 * b.params_total AS is_as_large
    FROM pairs AS p
    INNER JOIN staging.hub_models AS c ON p.child = c.id
    INNER JOIN staging.hub_models AS b ON p.parent = b.id
    -- Bases and their versions are uploaded in any order within a few days.
    WHERE coalesce(c.created_at > b.created_at - INTERVAL 7 DAY, TRUE)
),

-- Each shape once: a pattern costs more than a join.
shapes AS (
    SELECT DISTINCT shape FROM possible
),

fitting AS (
    SELECT
        s.shape,
        r.rule_id,
        r.account,
        r.parameters,
        r.relation,
        r.confidence
    FROM shapes AS s
    INNER JOIN rules AS r
        ON regexp_matches(s.shape, r.shape) AND NOT coalesce(regexp_matches(s.shape, r.unless), FALSE)
)

SELECT
    p.child,
    p.parent,
    f.relation,
    f.rule_id,
    f.confidence
FROM possible AS p
INNER JOIN fitting AS f ON p.shape = f.shape
WHERE
    (f.account = 'any' OR (f.account = 'same') = p.is_same)
    AND (f.parameters = 'any' OR p.is_as_large)
QUALIFY
    row_number() OVER (
        PARTITION BY p.child
        ORDER BY
            length(p.plain) DESC, p.is_same DESC, p.accounts DESC, p.downloads DESC, f.confidence DESC, p.parent ASC,
            f.rule_id ASC
    ) = 1
