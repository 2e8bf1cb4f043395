-- No model is dated in the future.
SELECT m.model_id
FROM staging.models AS m
WHERE m.released_on > current_date OR m.weights_on > current_date
