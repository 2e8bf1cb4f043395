-- Names that stand for no known release yet, the most used first: what they may mean, and how to say so.
-- source | board that writes the name
-- name | name as written
-- scores | current scores under it
-- series | series they are in
-- candidates | releases it may mean
-- reason | why it is not resolved
-- command | what to run to resolve it by hand
WITH used AS (
    SELECT
        s.model_id,
        count(*) AS scores,
        count(DISTINCT s.series_id) AS series
    FROM staging.scores AS s
    WHERE s.superseded_at IS NULL
    GROUP BY s.model_id
)

SELECT
    a.source,
    a.name,
    coalesce(u.scores, 0) AS scores,
    coalesce(u.series, 0) AS series,
    a.candidates,
    a.reason,
    'moat resolve ''' || replace(a.name, '''', '''\''''') || ''' --source ' || a.source || ' --as '
    || coalesce(a.candidates[1], 'MODEL_ID') || ' --url URL' AS command
FROM staging.aliases AS a
LEFT JOIN used AS u ON a.model_id = u.model_id
WHERE a.method = 'unresolved'
ORDER BY scores DESC, a.source ASC, a.name ASC
