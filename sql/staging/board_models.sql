-- Models that boards of scores name, and what they are: the release they stand for, or left as they are.
-- source | board
-- name | name as the board writes it
-- model_id | release or repository it stands for; <board>:<name> where it is not resolved
-- method | exact, hub id, registry, normalised, variant, manual, declared or renamed; unresolved
-- confidence | of the resolution; null = unresolved
-- variant | how the model was run or packed, as far as the name says; null = not said
-- hub_id | repository that the board says it is; null = not stated
-- organisation | as the board states it
-- country | as the board states it
-- released_on | as the board states it
-- released_on_source | how that date is known
-- access | open, closed or unknown, as the board states it
-- licence_class | of open models, as the board states it
-- params_b | billions of parameters, as the board states it
WITH named AS (
    SELECT
        lower(hub_id) AS written,
        'hub:' || min(hub_id) AS model_id
    FROM raw.board_models
    WHERE lower(hub_id) = lower(model)
    GROUP BY lower(hub_id)
),

-- Ids of repositories differ in more than case, so a board may write them in lower case.
repositories AS (
    SELECT
        lower(h.id) AS written,
        min_by(coalesce(r.model_id, 'hub:' || h.id), h.id) AS model_id,
        min_by(coalesce(r.method, 'hub id'), h.id) AS method,
        min_by(coalesce(r.confidence, 1.0), h.id) AS confidence,
        min_by(r.variant, h.id) AS variant
    FROM raw.hub_models AS h
    LEFT JOIN identity.repositories AS r ON h.id = r.id
    WHERE lower(h.id) IN (SELECT n.written FROM named AS n)
    GROUP BY lower(h.id)
)

SELECT
    b.source,
    b.model AS name,
    coalesce(i.model_id, r.model_id, n.model_id, b.source || ':' || b.model) AS model_id,
    CASE
        WHEN i.model_id IS NOT NULL THEN i.method
        WHEN n.model_id IS NOT NULL THEN coalesce(r.method, 'hub id')
        ELSE 'unresolved'
    END AS method,
    CASE WHEN i.model_id IS NOT NULL THEN i.confidence WHEN n.model_id IS NOT NULL THEN coalesce(r.confidence, 1.0)
    END AS confidence,
    coalesce(i.variant, r.variant) AS variant,
    b.hub_id,
    b.organisation,
    b.country,
    b.released_on,
    b.released_on_source,
    coalesce(b.access, 'unknown') AS access,
    b.licence_class,
    b.params_b
FROM raw.board_models AS b
INNER JOIN identity.names AS i ON b.source = i.source AND b.model = i.name
-- A repository that the board names is believed where the name is that of the repository, listed or not.
LEFT JOIN named AS n ON lower(b.hub_id) = n.written AND lower(b.model) = n.written
LEFT JOIN repositories AS r ON n.written = r.written
