-- How long after a base model's weights the first derivative of each kind came: days, and what they rest on. Bases are
-- repositories that have a derivative, and those of every dated release, built on or not.
-- base | repository of the base model
-- kind | instruct, preference, quantised, adapter, merge, distilled or multimodal
-- started_on | day from which days are counted
-- started_from | weights (a fact), release (of the model) or repository (its creation, which may be later)
-- days_to_first | to the first derivative by anybody; null = none yet (censored)
-- first_child | that derivative
-- first_on | its day: of publication where curated, else the creation of its repository
-- first_evidence | tag, declared or curated
-- days_to_first_outside | to the first by an account that is not the base's
-- first_outside | that derivative
-- days_to_first_used | to the first by an account that is not the base's, with 1,000 downloads in 30 days or more
-- first_used | that derivative
-- censored | whether there is none yet
-- observed_days | days from the start to the end of observation
-- children | derivatives of this kind that are declared or curated; the clock rests on these
-- of_them_curated | of these known only from the project's table
-- inferred_children | derivatives of this kind that names alone tell: no clock rests on them
-- older_children | of the base, older than its start by their repositories: not counted, the start may be too late
WITH starts AS (
    FROM raw.facts_base_starts
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
),

released AS (
    SELECT
        a.name AS id,
        min(coalesce(m.weights_on, m.released_on)) AS released_on
    FROM staging.aliases AS a
    INNER JOIN staging.models AS m ON a.model_id = m.model_id
    WHERE a.source = 'hub_models' AND a.variant IS NULL AND m.released_on_source <> 'hub_created'
    GROUP BY a.name
),

-- A base that nobody built on says as much as one that many did.
candidates AS (
    SELECT parent FROM staging.lineage_edges
    UNION
    SELECT id AS parent FROM released
),

bases AS (
    SELECT
        e.parent AS base,
        coalesce(s.weights_on, r.released_on, cast(h.created_at AS DATE)) AS started_on,
        CASE
            WHEN s.weights_on IS NOT NULL THEN 'weights'
            WHEN r.released_on IS NOT NULL THEN 'release'
            WHEN h.created_at IS NOT NULL THEN 'repository'
        END AS started_from
    FROM candidates AS e
    LEFT JOIN starts AS s ON e.parent = s.repository
    LEFT JOIN released AS r ON e.parent = r.id
    LEFT JOIN staging.hub_models AS h ON e.parent = h.id
),

children AS (
    SELECT
        e.parent AS base,
        e.child,
        e.evidence,
        e.born_on,
        lower(split_part(e.child, '/', 1)) <> lower(split_part(e.parent, '/', 1)) AS is_outside,
        coalesce(h.downloads, 0) >= 1000 AS is_used
    FROM staging.lineage_edges AS e
    ANTI JOIN lineage.circles AS o ON e.child = o.child AND e.parent = o.parent
    LEFT JOIN staging.hub_models AS h ON e.child = h.id
),

placed AS (
    SELECT
        b.base,
        b.started_on,
        b.started_from,
        c.child,
        c.evidence,
        c.born_on,
        c.is_outside,
        c.is_used,
        c.born_on < b.started_on AS is_older,
        date_diff('day', b.started_on, c.born_on) AS days
    FROM bases AS b
    INNER JOIN children AS c ON b.base = c.base
    WHERE c.born_on IS NOT NULL
),

kinds AS (
    SELECT DISTINCT kind FROM raw.facts_technique_rules
),

-- A derivative of what shows pictures already is none that made it do so.
shown AS (
    SELECT id FROM staging.techniques
    WHERE kind = 'multimodal'
),

made AS (
    SELECT
        p.*,
        p.evidence = 'inferred' AS is_inferred,
        t.kind
    FROM placed AS p
    INNER JOIN staging.techniques AS t ON p.child = t.id
    WHERE
        NOT p.is_older AND t.confidence >= 0.9
        AND (t.kind <> 'multimodal' OR p.base NOT IN (SELECT s.id FROM shown AS s))
),

counted AS (
    SELECT
        base,
        kind,
        min(days) FILTER (NOT is_inferred) AS days_to_first,
        min_by(child, (days, child)) FILTER (NOT is_inferred) AS first_child,
        min(born_on) FILTER (NOT is_inferred) AS first_on,
        min_by(evidence, (days, child)) FILTER (NOT is_inferred) AS first_evidence,
        min(days) FILTER (NOT is_inferred AND is_outside) AS days_to_first_outside,
        min_by(child, (days, child)) FILTER (NOT is_inferred AND is_outside) AS first_outside,
        min(days) FILTER (NOT is_inferred AND is_outside AND is_used) AS days_to_first_used,
        min_by(child, (days, child)) FILTER (NOT is_inferred AND is_outside AND is_used) AS first_used,
        count(*) FILTER (NOT is_inferred) AS children,
        count(*) FILTER (evidence = 'curated') AS of_them_curated,
        count(*) FILTER (is_inferred) AS inferred_children
    FROM made
    GROUP BY base, kind
),

ends AS (
    SELECT least(max(r.as_of), (SELECT cast(max(h.last_modified) AS DATE) FROM staging.hub_models AS h)) AS day
    FROM raw.run AS r
),

watched AS (
    SELECT
        b.base,
        b.started_on,
        b.started_from,
        date_diff('day', b.started_on, e.day) AS observed_days,
        count(p.child) FILTER (p.is_older AND p.evidence <> 'inferred') AS older_children
    FROM bases AS b
    CROSS JOIN ends AS e
    LEFT JOIN placed AS p ON b.base = p.base
    WHERE b.started_on <= e.day
    GROUP BY b.base, b.started_on, b.started_from, e.day
)

SELECT
    o.base,
    k.kind,
    o.started_on,
    o.started_from,
    c.days_to_first,
    c.first_child,
    c.first_on,
    c.first_evidence,
    c.days_to_first_outside,
    c.first_outside,
    c.days_to_first_used,
    c.first_used,
    coalesce(c.children, 0) = 0 AS censored,
    o.observed_days,
    coalesce(c.children, 0) AS children,
    coalesce(c.of_them_curated, 0) AS of_them_curated,
    coalesce(c.inferred_children, 0) AS inferred_children,
    o.older_children
FROM watched AS o
CROSS JOIN kinds AS k
LEFT JOIN counted AS c ON o.base = c.base AND k.kind = c.kind
ORDER BY o.base ASC, k.kind ASC
