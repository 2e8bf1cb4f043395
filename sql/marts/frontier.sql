-- Models that raised the frontier of their side, per series with both sides; open = downloadable weights.
-- series | series id
-- side | open or closed
-- released_on | day the model became available on this side
-- model_name | model
-- score | its score, the running maximum of the side from this day on
-- comparability | same_evaluator, same_protocol or loose
SELECT
    series,
    side,
    released_on,
    model_name,
    score,
    comparability
FROM marts.frontier_by_open
WHERE open_definition = 'downloadable'
