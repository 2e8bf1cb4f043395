-- What the rule against clones and doubtful entries leaves out of each series, and what it would change.
-- series | series id
-- reason | doubtful, flagged, merge, quantised, re-upload, namesake or smoke
-- scores | current scores left out
-- models | models they are of
-- best_model | best of them that is open
-- best_score | its score
-- counted_model | best open model that counts
-- counted_score | its score; null = none counts
-- would_lead | the one left out would be the open record; null = nothing to compare
WITH current AS (
    SELECT
        s.series_id,
        s.model_id,
        s.left_out,
        m.name,
        m.access,
        s.value,
        CASE e.direction WHEN 'lower' THEN -s.value ELSE s.value END AS oriented
    FROM staging.scores AS s
    INNER JOIN staging.series AS e ON s.series_id = e.series_id
    INNER JOIN staging.models AS m ON s.model_id = m.model_id
    WHERE s.superseded_at IS NULL
),

counted AS (
    SELECT
        series_id,
        max(oriented) AS oriented
    FROM current
    WHERE left_out IS NULL AND access = 'open'
    GROUP BY series_id
),

leaders AS (
    SELECT
        c.series_id,
        min(c.name) AS name,
        min(c.value) AS score
    FROM current AS c
    INNER JOIN counted AS n ON c.series_id = n.series_id AND c.oriented = n.oriented
    WHERE c.left_out IS NULL AND c.access = 'open'
    GROUP BY c.series_id
),

out_of_it AS (
    SELECT
        series_id,
        left_out,
        count(*) AS scores,
        count(DISTINCT model_id) AS models,
        max(oriented) FILTER (WHERE access = 'open') AS oriented
    FROM current
    WHERE left_out IS NOT NULL
    GROUP BY series_id, left_out
),

best AS (
    SELECT
        o.series_id,
        o.left_out,
        min(c.name) AS name,
        min(c.value) AS score
    FROM out_of_it AS o
    INNER JOIN current AS c ON o.series_id = c.series_id AND o.left_out = c.left_out AND o.oriented = c.oriented
    WHERE c.access = 'open'
    GROUP BY o.series_id, o.left_out
)

SELECT
    o.series_id AS series,
    o.left_out AS reason,
    o.scores,
    o.models,
    b.name AS best_model,
    round(b.score, 6) AS best_score,
    l.name AS counted_model,
    round(l.score, 6) AS counted_score,
    o.oriented > n.oriented AS would_lead
FROM out_of_it AS o
LEFT JOIN best AS b ON o.series_id = b.series_id AND o.left_out = b.left_out
LEFT JOIN counted AS n ON o.series_id = n.series_id
LEFT JOIN leaders AS l ON o.series_id = l.series_id
