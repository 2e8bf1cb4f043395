-- Every score belongs to a known model and series.
SELECT s.score_id
FROM staging.scores AS s
LEFT JOIN staging.models AS m ON s.model_id = m.model_id
LEFT JOIN staging.series AS e ON s.series_id = e.series_id
WHERE m.model_id IS NULL OR e.series_id IS NULL
