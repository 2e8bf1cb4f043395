-- Ids and names of models are unique.
SELECT min(model_id) AS model_id
FROM staging.models
GROUP BY name
HAVING count(*) > 1
UNION ALL
SELECT model_id
FROM staging.models
GROUP BY model_id
HAVING count(*) > 1
