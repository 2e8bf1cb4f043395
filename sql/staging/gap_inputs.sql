-- What the gap functions read: the best current score of every model in every series, doubtful rows left out.
-- series | series id
-- benchmark | benchmark of the series
-- domain | what it measures; null = unknown
-- visibility | whether its questions are public, private or unknown
-- comparability | same_evaluator, same_protocol or loose
-- model | name of the model
-- score | best score as published
-- stderr | its standard error; null = not published
-- released_on | first public availability
-- weights_on | first public weights; null = not stated
-- access | open, closed or unknown
-- licence_class | licence class of open models
-- country | country of the organisation; null = unknown
-- params_b | total parameters in billions
-- chance | score of guessing; null = unknown
-- ceiling | best possible score; null = unknown
-- direction | higher or lower is better
-- unit | unit of the score
-- evaluated_on | day of the evaluation where published
-- observed_on | day of the dated snapshot it was read from
-- self_reported | whether the developer reports its own model
WITH newest_editions AS (
    SELECT e.series_id
    FROM staging.series AS e
    WHERE e.edition_of IS NOT NULL AND e.edition_on <= (SELECT r.as_of FROM raw.run AS r)
    QUALIFY row_number() OVER (PARTITION BY e.edition_of ORDER BY e.edition_on DESC) = 1
)

SELECT
    s.series_id AS series,
    e.benchmark_id AS benchmark,
    b.domain,
    b.visibility,
    e.comparability,
    m.name AS model,
    s.value AS score,
    s.stderr,
    m.released_on,
    m.weights_on,
    m.access,
    m.licence_class,
    m.country,
    m.params_total / 1e9 AS params_b,
    e.chance,
    e.ceiling,
    e.direction,
    s.unit,
    s.evaluated_on,
    s.observed_on,
    s.self_reported
FROM staging.scores AS s
INNER JOIN staging.series AS e ON s.series_id = e.series_id
INNER JOIN staging.benchmarks AS b ON e.benchmark_id = b.benchmark_id
INNER JOIN staging.models AS m ON s.model_id = m.model_id
WHERE
    s.superseded_at IS NULL
    AND s.left_out IS NULL
    -- Of a ranking with editions only the newest counts.
    AND (e.edition_of IS NULL OR e.series_id IN (FROM newest_editions))
QUALIFY row_number() OVER (
    PARTITION BY s.series_id, s.model_id
    ORDER BY CASE e.direction WHEN 'lower' THEN -s.value ELSE s.value END DESC, s.score_id
) = 1
