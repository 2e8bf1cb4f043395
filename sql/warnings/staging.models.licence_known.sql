-- The licence of an open model is of a known class.
SELECT
    model_id,
    name
FROM staging.models
WHERE access = 'open' AND coalesce(licence_class, 'unknown') = 'unknown'
