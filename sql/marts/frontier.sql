-- Models that raised the frontier of their side, per series with both sides; open = downloadable weights.
-- series | series id
-- side | open or closed
-- released_on | day the model became available on this side
-- model_name | model
-- score | its score, the running maximum of the side from this day on
-- comparability | same_evaluator, same_protocol or loose
SELECT
    f.series,
    f.side,
    f.available_on AS released_on,
    f.model AS model_name,
    round(f.score, 6) AS score,
    e.comparability
FROM gap.frontier AS f
INNER JOIN staging.series AS e ON f.series = e.series_id
WHERE f.open_definition = 'downloadable'
