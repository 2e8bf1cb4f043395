-- Every name stands for a model that is there.
SELECT
    source,
    name,
    model_id
FROM staging.aliases
WHERE model_id NOT IN (SELECT m.model_id FROM staging.models AS m)
