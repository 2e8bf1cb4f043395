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
        created_at,
        params_total,
        downloads,
        derivation
    FROM staging.hub_models
    WHERE deleted_seen_at IS NULL AND length(id) < 200
),

undeclared AS (
    SELECT
        r.*,
        string_split(r.plain, '-') AS parts
    FROM repositories AS r
    -- Merges have several parents, and copies are known for what they are.
    WHERE
        r.derivation IS NULL
        AND r.id NOT IN (SELECT e.child FROM raw.lineage_edges AS e)
        AND r.id NOT IN (SELECT d.child FROM curated AS d)
),

begun AS (
    SELECT
        *,
        unnest(range(1, len(parts) + 1)) AS first
    FROM undeclared
),

spanned AS (
    SELECT
        *,
        unnest(range(first, len(parts) + 1)) AS last
    FROM begun
),

named AS (
    SELECT
        id,
        account,
        created_at,
        params_total,
        array_to_string(parts[first:last], '-') AS parent_name,
        array_to_string(list_concat(parts[1:first - 1], ['*'], parts[last + 1:]), '-') AS shape
    FROM spanned
    WHERE last - first + 1 < len(parts)
),

-- Names without a number, or as short as `model`, say nothing.
bases AS (
    SELECT
        r.*,
        coalesce(k.accounts, 0) AS accounts
    FROM repositories AS r
    LEFT JOIN known AS k ON r.id = k.id
    WHERE length(r.plain) > 5 AND regexp_matches(r.plain, '[0-9]') AND coalesce(r.derivation, '') <> 'namesake'
)

SELECT
    n.id AS child,
    b.id AS parent,
    r.relation,
    r.rule_id,
    r.confidence
FROM named AS n
INNER JOIN bases AS b ON n.parent_name = b.plain AND n.id <> b.id
INNER JOIN rules AS r
    ON regexp_matches(n.shape, r.shape) AND NOT coalesce(regexp_matches(n.shape, r.unless), FALSE)
WHERE
    (r.account = 'any' OR (r.account = 'same') = (n.account = b.account))
    AND (n.account = b.account OR b.accounts > 0)
    AND (r.parameters = 'any' OR abs(n.params_total - b.params_total) < 0.02 * b.params_total)
    -- Bases and their versions are uploaded in any order within a few days.
    AND coalesce(n.created_at > b.created_at - INTERVAL 7 DAY, TRUE)
QUALIFY
    row_number() OVER (
        PARTITION BY n.id
        ORDER BY
            length(b.plain) DESC, n.account = b.account DESC, b.accounts DESC, b.downloads DESC, r.confidence DESC,
            b.id ASC, r.rule_id ASC
    ) = 1
