-- A scaled score lies between -1 and 1 for correlations of embeddings, 0 and 1 otherwise.
SELECT
    score_id,
    value_scaled
FROM staging.scores
WHERE
    value_scaled > 1
    OR value_scaled < -1
    OR (value_scaled < 0 AND tier <> 'D')
    OR isnan(value)
