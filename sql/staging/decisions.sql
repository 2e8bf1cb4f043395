-- Date, access and licence class of releases that no source of their own states, by the rule that two must agree.
-- model_id | release
-- released_on | the earliest of the dates within a week of another source's; null = no two agree
-- released_on_source | two sources
-- access | open where a repository is named and nobody says closed, closed where two say so and nobody open
-- access_source | repository or two sources
-- licence_class | class of the licence that all who name one name alike
WITH days AS (
    SELECT
        model_id,
        source,
        evidence,
        day
    FROM staging.statements
    WHERE field = 'released_on' AND day IS NOT NULL
),

agreed AS (
    SELECT
        one.model_id,
        min(one.day) AS released_on
    FROM days AS one
    INNER JOIN days AS two
        ON one.model_id = two.model_id AND one.source <> two.source AND abs(datediff('day', one.day, two.day)) <= 7
    -- The creation of a repository or an evaluation may confirm a date, and is none.
    WHERE one.evidence NOT IN ('hub_created', 'first_evaluation')
    GROUP BY one.model_id
),

accesses AS (
    SELECT
        model_id,
        count(DISTINCT source) FILTER (WHERE field = 'access' AND value = 'open') AS says_open,
        count(DISTINCT source) FILTER (WHERE field = 'access' AND value = 'closed') AS says_closed,
        count(*) FILTER (WHERE field = 'repository') AS repositories
    FROM staging.statements
    GROUP BY model_id
),

-- apache_2_0 is apache-2.0.
classes AS (
    SELECT
        regexp_replace(licence, '[^a-z0-9+]', '', 'g') AS plain,
        licence_class
    FROM raw.facts_licences
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
),

written AS (
    SELECT
        model_id,
        regexp_replace(lower(value), '[^a-z0-9+]', '', 'g') AS plain
    FROM staging.statements
    WHERE field = 'licence'
),

licences AS (
    SELECT
        s.model_id,
        CASE
            WHEN count(DISTINCT c.licence_class) = 1 AND count(*) = count(c.licence_class) THEN min(c.licence_class)
        END AS licence_class
    FROM written AS s
    LEFT JOIN classes AS c ON s.plain = c.plain
    GROUP BY s.model_id
)

SELECT
    a.model_id,
    g.released_on,
    CASE WHEN g.released_on IS NOT NULL THEN 'two sources' END AS released_on_source,
    CASE
        WHEN a.says_open > 0 AND a.repositories > 0 AND a.says_closed = 0 THEN 'open'
        WHEN a.says_closed > 1 AND a.says_open = 0 AND a.repositories = 0 THEN 'closed'
    END AS access,
    CASE
        WHEN a.says_open > 0 AND a.repositories > 0 AND a.says_closed = 0 THEN 'repository'
        WHEN a.says_closed > 1 AND a.says_open = 0 AND a.repositories = 0 THEN 'two sources'
    END AS access_source,
    l.licence_class
FROM accesses AS a
LEFT JOIN agreed AS g ON a.model_id = g.model_id
LEFT JOIN licences AS l ON a.model_id = l.model_id
