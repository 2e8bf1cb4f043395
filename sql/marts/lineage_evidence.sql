-- How much of the family tree is known: repositories by what tells what they were built on, by half-year of creation.
-- half_year | first day of the half-year of their creation; null = unknown
-- evidence | declared (by tag or card), curated (a public page), inferred (its name), unknown or none
-- meaning | what that says, in words
-- repositories | repositories of that half-year
-- of_all | of them all
-- share | repositories / of_all
WITH known AS (
    SELECT
        child AS id,
        bool_or(evidence IN ('tag', 'declared')) AS is_declared,
        bool_or(evidence = 'curated') AS is_curated
    FROM staging.lineage_edges
    WHERE parent_state <> 'itself'
    GROUP BY child
),

-- Whoever was made so was made of another model.
made AS (
    SELECT DISTINCT id
    FROM staging.techniques
    WHERE kind <> 'multimodal' AND confidence >= 0.9
),

placed AS (
    SELECT
        make_date(year(m.created_at), CASE WHEN month(m.created_at) < 7 THEN 1 ELSE 7 END, 1) AS half_year,
        CASE
            WHEN k.is_declared THEN 'declared'
            WHEN k.is_curated THEN 'curated'
            WHEN k.id IS NOT NULL THEN 'inferred'
            WHEN t.id IS NOT NULL THEN 'unknown'
            ELSE 'none'
        END AS evidence
    FROM staging.hub_models AS m
    LEFT JOIN known AS k ON m.id = k.id
    LEFT JOIN made AS t ON m.id = t.id
    WHERE m.deleted_seen_at IS NULL
),

counted AS (
    SELECT
        half_year,
        evidence,
        count(*) AS repositories
    FROM placed
    GROUP BY half_year, evidence
)

SELECT
    half_year,
    evidence,
    CASE evidence
        WHEN 'declared' THEN 'the Hub says what it was built on'
        WHEN 'curated' THEN 'a public page says what it was built on'
        WHEN 'inferred' THEN 'its name tells what it descends from'
        WHEN 'unknown' THEN 'it was made of another model, and nobody says of which'
        ELSE 'nothing says that it was made of another model'
    END AS meaning,
    repositories,
    cast(sum(repositories) OVER (PARTITION BY half_year) AS BIGINT) AS of_all,
    repositories / sum(repositories) OVER (PARTITION BY half_year) AS share
FROM counted
ORDER BY half_year ASC NULLS LAST, evidence ASC
