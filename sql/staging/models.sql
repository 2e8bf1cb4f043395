-- One row per release: curated ones with their overrides, other repositories of the Hub, other models that boards name.
-- model_id | stable id; hub:<repository>, listed or named by a board, or <board>:<name> for what is no curated release
-- name | name people use, unique
-- organisation | who released it
-- country | country of the organisation
-- released_on | first public availability (API or weights); null = unknown
-- released_on_source | how it is known: epoch, announcement, override, two sources, hub_created (weak), unknown
-- weights_on | first public weights where stated; null = not stated
-- access | open (weights downloadable), closed or unknown
-- access_source | how it is known: release, override, hub (listed), repository (a source names it), two sources, board
-- licence_class | of open models: unrestricted, restricted, non_commercial or unknown; null for others
-- params_total | total parameters, as published; a size in billions is as round as its source gives it
-- params_active | active parameters; null = not stated
-- hub_ids | repositories of this release, packings and copies among them
-- derivation | merge (of others) or namesake (another's older repository has its name and size); null = neither known
-- overridden | fields that a curated override replaced
-- source_name | who says so
-- source_url | where it is public
WITH releases AS (
    FROM raw.facts_releases
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
),

stated AS (
    FROM raw.facts_overrides
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
),

overrides AS (
    SELECT
        model_id,
        max(CASE WHEN field = 'access' THEN value END) AS access,
        max(CASE WHEN field = 'licence_class' THEN value END) AS licence_class,
        max(CASE WHEN field = 'released_on' THEN value END) AS released_on,
        max(CASE WHEN field = 'weights_on' THEN value END) AS weights_on,
        list_sort(list(field)) AS fields
    FROM stated
    GROUP BY model_id
),

sizes AS (
    FROM raw.facts_sizes
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
),

repositories AS (
    SELECT
        *,
        params_total IS NOT NULL AND NOT coalesce(disabled, FALSE) AS is_there
    FROM staging.hub_models
),

members AS (
    SELECT
        model_id,
        list_sort(list(id)) AS ids
    FROM identity.repositories
    GROUP BY model_id
),

curated AS (
    SELECT
        r.model_id,
        r.name,
        r.organisation,
        r.country,
        coalesce(cast(o.released_on AS DATE), r.released_on, d.released_on, cast(h.created_at AS DATE)) AS released_on,
        CASE
            WHEN o.released_on IS NOT NULL THEN 'override'
            WHEN r.released_on IS NOT NULL THEN r.released_on_source
            WHEN d.released_on IS NOT NULL THEN d.released_on_source
            WHEN h.created_at IS NOT NULL THEN 'hub_created'
            ELSE 'unknown'
        END AS released_on_source,
        coalesce(cast(o.weights_on AS DATE), r.weights_on) AS weights_on,
        coalesce(o.access, r.access, CASE WHEN h.is_there THEN 'open' END, d.access, 'unknown') AS access,
        CASE
            WHEN o.access IS NOT NULL THEN 'override'
            WHEN r.access IS NOT NULL THEN 'release'
            WHEN h.is_there THEN 'hub'
            ELSE coalesce(d.access_source, 'unknown')
        END AS access_source,
        coalesce(o.licence_class, r.licence_class, d.licence_class, h.licence_class) AS licence_class,
        cast(coalesce(r.params_b, s.params_b) * 1e9 AS BIGINT) AS params_stated,
        coalesce(m.ids, CASE WHEN r.hub_id IS NULL THEN [] ELSE [r.hub_id] END) AS hub_ids,
        h.params_total,
        coalesce(o.fields, []) AS overridden,
        r.source_name,
        r.source_url
    FROM releases AS r
    LEFT JOIN overrides AS o ON r.model_id = o.model_id
    LEFT JOIN sizes AS s ON r.model_id = s.model_id
    LEFT JOIN staging.decisions AS d ON r.model_id = d.model_id
    LEFT JOIN members AS m ON r.model_id = m.model_id
    LEFT JOIN repositories AS h ON r.hub_id = h.id
),

-- Repositories that boards name and the Hub does not list: deleted, private, or of a Hub that was not asked.
unlisted AS (
    SELECT
        b.model_id,
        min(b.hub_id) AS name,
        min(b.organisation) AS organisation,
        min(b.country) AS country,
        min(b.released_on) AS released_on,
        min_by(b.released_on_source, b.released_on) AS released_on_source,
        max(b.params_b) AS params_b,
        min_by(b.source, b.source) AS source
    FROM staging.board_models AS b
    WHERE
        starts_with(b.model_id, 'hub:')
        AND substr(b.model_id, 5) NOT IN (SELECT h.id FROM staging.hub_models AS h)
    GROUP BY b.model_id
),

unresolved AS (
    SELECT
        b.*,
        -- Two boards may mean two models by one name.
        count(*) OVER (PARTITION BY b.name) > 1
        OR b.name IN (SELECT c.name FROM curated AS c)
        OR b.name IN (SELECT h.id FROM staging.hub_models AS h)
        OR b.name IN (SELECT l.name FROM unlisted AS l) AS ambiguous
    FROM staging.board_models AS b
    WHERE b.method = 'unresolved'
)

SELECT
    c.model_id,
    c.name,
    c.organisation,
    c.country,
    c.released_on,
    c.released_on_source,
    c.weights_on,
    c.access,
    c.access_source,
    CASE WHEN c.access = 'open' THEN coalesce(c.licence_class, 'unknown') END AS licence_class,
    coalesce(c.params_stated, c.params_total) AS params_total,
    cast(NULL AS BIGINT) AS params_active,
    c.hub_ids,
    cast(NULL AS VARCHAR) AS derivation,
    c.overridden,
    c.source_name,
    c.source_url
FROM curated AS c
UNION ALL BY NAME
SELECT
    'hub:' || h.id AS model_id,
    h.id AS name,
    h.author AS organisation,
    cast(NULL AS VARCHAR) AS country,
    cast(h.created_at AS DATE) AS released_on,
    CASE WHEN h.created_at IS NULL THEN 'unknown' ELSE 'hub_created' END AS released_on_source,
    cast(NULL AS DATE) AS weights_on,
    CASE WHEN h.is_there THEN 'open' ELSE 'unknown' END AS access,
    CASE WHEN h.is_there THEN 'hub' ELSE 'unknown' END AS access_source,
    CASE WHEN h.is_there THEN h.licence_class END AS licence_class,
    h.params_total,
    cast(NULL AS BIGINT) AS params_active,
    list_sort([h.id] || coalesce(m.ids, [])) AS hub_ids,
    h.derivation,
    [] AS overridden,
    'Hugging Face Hub' AS source_name,
    'https://huggingface.co/' || h.id AS source_url
FROM repositories AS h
LEFT JOIN members AS m ON 'hub:' || h.id = m.model_id
WHERE h.id NOT IN (SELECT r.id FROM identity.repositories AS r)
UNION ALL BY NAME
SELECT
    u.model_id,
    CASE WHEN u.ambiguous THEN u.name || ' (' || u.source || ')' ELSE u.name END AS name,
    u.organisation,
    u.country,
    u.released_on,
    coalesce(u.released_on_source, 'unknown') AS released_on_source,
    cast(NULL AS DATE) AS weights_on,
    u.access,
    CASE WHEN u.access = 'unknown' THEN 'unknown' ELSE 'board' END AS access_source,
    CASE WHEN u.access = 'open' THEN coalesce(u.licence_class, 'unknown') END AS licence_class,
    cast(u.params_b * 1e9 AS BIGINT) AS params_total,
    cast(NULL AS BIGINT) AS params_active,
    [] AS hub_ids,
    cast(NULL AS VARCHAR) AS derivation,
    [] AS overridden,
    s.attribution AS source_name,
    s.url AS source_url
FROM unresolved AS u
INNER JOIN raw.sources AS s ON u.source = s.source
UNION ALL BY NAME
SELECT
    l.model_id,
    l.name,
    l.organisation,
    l.country,
    l.released_on,
    coalesce(l.released_on_source, 'unknown') AS released_on_source,
    cast(NULL AS DATE) AS weights_on,
    'unknown' AS access,
    'unknown' AS access_source,
    cast(NULL AS VARCHAR) AS licence_class,
    cast(l.params_b * 1e9 AS BIGINT) AS params_total,
    cast(NULL AS BIGINT) AS params_active,
    [l.name] AS hub_ids,
    cast(NULL AS VARCHAR) AS derivation,
    [] AS overridden,
    s.attribution AS source_name,
    'https://huggingface.co/' || l.name AS source_url
FROM unlisted AS l
INNER JOIN raw.sources AS s ON l.source = s.source
UNION ALL BY NAME
SELECT
    f.model_id,
    f.id || ' (of ' || cast(cast(f.created_at AS DATE) AS VARCHAR) || ', deleted)' AS name,
    f.author AS organisation,
    cast(NULL AS VARCHAR) AS country,
    cast(f.created_at AS DATE) AS released_on,
    'hub_created' AS released_on_source,
    cast(NULL AS DATE) AS weights_on,
    CASE WHEN f.params_total IS NULL THEN 'unknown' ELSE 'open' END AS access,
    CASE WHEN f.params_total IS NULL THEN 'unknown' ELSE 'hub' END AS access_source,
    CASE WHEN f.params_total IS NULL THEN NULL ELSE f.licence_class END AS licence_class,
    f.params_total,
    cast(NULL AS BIGINT) AS params_active,
    [] AS hub_ids,
    cast(NULL AS VARCHAR) AS derivation,
    [] AS overridden,
    'Hugging Face Hub' AS source_name,
    'https://huggingface.co/' || f.id AS source_url
FROM staging.hub_tombstones AS f
