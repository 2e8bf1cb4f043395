-- Every score names where it is public and the capture that holds it.
SELECT score_id
FROM staging.scores
WHERE source_url IS NULL OR source_url NOT LIKE 'http%' OR capture_id IS NULL
