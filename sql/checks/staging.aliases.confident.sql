-- A name is resolved only with a confidence of at least 0.9, and what is unresolved has none.
SELECT
    source,
    name
FROM staging.aliases
WHERE (method <> 'unresolved' AND coalesce(confidence, 0.0) < 0.9) OR (method = 'unresolved' AND confidence IS NOT NULL)
