-- Scores of one model on one benchmark lie within a tenth of the scale of one another.
SELECT
    model,
    benchmark,
    max(spread) AS spread
FROM marts.score_conflicts
WHERE scale = 'fraction' AND spread > 0.1
GROUP BY model, benchmark
