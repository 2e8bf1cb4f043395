-- Open models without a single usable score: what the answer does not know yet.
-- model | name
-- organisation | who released it
-- released_on | first public availability; null = unknown
-- params_total | total parameters
-- licence_class | licence class
-- source_url | where it is public
SELECT
    m.name AS model,
    m.organisation,
    m.released_on,
    m.params_total,
    m.licence_class,
    m.source_url
FROM staging.models AS m
WHERE
    m.access = 'open'
    -- What is dated later does not exist yet.
    AND (m.released_on IS NULL OR m.released_on <= (SELECT r.as_of FROM raw.run AS r))
    AND m.model_id NOT IN (
        SELECT s.model_id FROM staging.scores AS s
        WHERE s.superseded_at IS NULL AND NOT s.doubtful
    )
