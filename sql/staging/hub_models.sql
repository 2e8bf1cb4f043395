-- Latest state of every repository of the Hub in use, as the Hub states it.
-- id | repository id, organisation/name
-- author | account that owns the repository
-- created_at | creation of the repository (UTC), not the release of the model; null at the Hub's floor date
-- last_modified | last change (UTC)
-- downloads | downloads of the last 30 days
-- likes | likes
-- licence | licence as written on the card, else its licence tag; null where neither is one text
-- licence_name | name that the card gives to a licence of its own
-- licence_class | unrestricted, restricted, non_commercial or unknown, by the table of licences
-- tags | tags of the Hub
-- pipeline_tag | task of the Hub
-- library | library that loads the model
-- params_total | parameters by the safetensors header, else the GGUF header
-- gated | false, auto or manual; null where not stated
-- disabled | whether the Hub disabled the repository; null where not stated
-- deleted_seen_at | first list (UTC) without it, if verified or the next lacked it too; private ones look alike
-- renamed_to | id under which the Hub now has it; null = not renamed, or not asked
-- derivation | merge (by tag or base models) or namesake (another's older repository has its name and size)
-- capture_id | capture this state comes from
WITH licences AS (
    SELECT
        licence,
        licence_class
    FROM raw.facts_licences
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
),

renamed AS (
    SELECT
        asked,
        id
    FROM raw.hub_renames
    WHERE state = 'renamed'
    QUALIFY row_number() OVER (PARTITION BY asked ORDER BY capture_id DESC) = 1
),

merged AS (
    SELECT DISTINCT child
    FROM raw.lineage_edges
    WHERE relation = 'merge'
),

sized AS (
    SELECT
        m.id,
        m.author,
        m.created_at,
        m.params_total,
        i.id IS NOT NULL AS is_known,
        regexp_replace(lower(split_part(m.id, '/', -1)), '[^a-z0-9]', '', 'g') AS plain
    FROM raw.hub_models AS m
    LEFT JOIN identity.repositories AS i ON m.id = i.id
    -- Declared packings and copies are known for what they are.
    WHERE m.params_total > 0 AND coalesce(i.method, '') NOT IN ('declared', 'renamed')
),

repeated AS (
    SELECT hash(plain, params_total) AS kind
    FROM sized
    -- A name such as `model` or `output` says nothing.
    WHERE length(plain) > 5 AND regexp_matches(plain, '[0-9]')
    GROUP BY hash(plain, params_total)
    HAVING count(*) > 1
),

firsts AS (
    SELECT
        s.id,
        s.author,
        s.is_known,
        -- Those without a time of creation are older than the field.
        first_value(s.author) OVER (
            PARTITION BY s.plain, s.params_total ORDER BY s.is_known DESC, s.created_at ASC NULLS FIRST, s.id ASC
        ) AS first_author
    FROM sized AS s
    WHERE hash(s.plain, s.params_total) IN (SELECT r.kind FROM repeated AS r)
),

namesakes AS (
    SELECT id
    FROM firsts
    WHERE author <> first_author AND NOT is_known
)

SELECT
    m.id,
    m.author,
    m.created_at,
    m.last_modified,
    m.downloads,
    m.likes,
    m.licence,
    m.licence_name,
    coalesce(named.licence_class, written.licence_class, 'unknown') AS licence_class,
    m.tags,
    m.pipeline_tag,
    m.library,
    m.params_total,
    m.gated,
    m.disabled,
    m.gone_at AS deleted_seen_at,
    renamed.id AS renamed_to,
    CASE
        WHEN merged.child IS NOT NULL OR list_has_any(m.tags, ['merge', 'mergekit']) THEN 'merge'
        WHEN namesakes.id IS NOT NULL THEN 'namesake'
    END AS derivation,
    m.capture_id
FROM raw.hub_models AS m
LEFT JOIN licences AS written ON lower(m.licence) = written.licence
-- A condition on one side alone would make these joins try every pair.
LEFT JOIN licences AS named ON CASE WHEN lower(m.licence) = 'other' THEN lower(m.licence_name) END = named.licence
LEFT JOIN merged ON m.id = merged.child
LEFT JOIN namesakes ON m.id = namesakes.id
LEFT JOIN renamed ON CASE WHEN m.gone_at IS NOT NULL THEN m.id END = renamed.asked
