-- Models that boards of scores name, and what they are: resolved by exact name or repository, or left as they are.
-- source | board
-- name | name as the board writes it
-- model_id | release it stands for; <board>:<name> where it is not resolved
-- method | hub id, exact, normalised or manual; unresolved
-- hub_id | repository that the board says it is; null = not stated
-- organisation | as the board states it
-- country | as the board states it
-- released_on | as the board states it
-- released_on_source | how that date is known
-- access | open, closed or unknown, as the board states it
-- licence_class | of open models, as the board states it
-- params_b | billions of parameters, as the board states it
WITH aliases AS (
    FROM raw.facts_aliases
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
),

releases AS (
    FROM raw.facts_releases
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
),

-- Ids of repositories differ in more than case, so a board may write them in lower case.
repositories AS (
    SELECT
        lower(h.id) AS written,
        min(coalesce(r.model_id, 'hub:' || h.id)) AS model_id
    FROM staging.hub_models AS h
    LEFT JOIN releases AS r ON h.id = r.hub_id
    WHERE lower(h.id) IN (SELECT lower(b.hub_id) FROM raw.board_models AS b)
    GROUP BY lower(h.id)
)

SELECT
    b.source,
    b.model AS name,
    coalesce(a.model_id, r.model_id, b.source || ':' || b.model) AS model_id,
    coalesce(a.method, CASE WHEN r.model_id IS NULL THEN 'unresolved' ELSE 'hub id' END) AS method,
    b.hub_id,
    b.organisation,
    b.country,
    b.released_on,
    b.released_on_source,
    coalesce(b.access, 'unknown') AS access,
    b.licence_class,
    b.params_b
FROM raw.board_models AS b
LEFT JOIN aliases AS a ON b.source = 'epoch' AND a.source = 'epoch_eci' AND b.model = a.name
LEFT JOIN repositories AS r ON lower(b.hub_id) = r.written
