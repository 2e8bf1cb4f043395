-- What sources say of a release's date, access and licence, beside what is used: where they disagree, all is kept.
-- model_id | release
-- field | released_on, access, licence or repository
-- value | as stated; a date may be a month alone
-- day | the date, where it is whole; null for other fields
-- evidence | announcement, aggregator, epoch, override; weak: hub_created (of its repository), first_evaluation
-- name_as_written | name the source uses
-- source | who says so
-- source_name | who says so, in words
-- source_url | where it is public
WITH stated AS (
    FROM raw.facts_statements
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
),

releases AS (
    FROM raw.facts_releases
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
),

overrides AS (
    FROM raw.facts_overrides
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
)

SELECT
    model_id,
    field,
    value,
    CASE WHEN field = 'released_on' AND length(value) = 10 THEN try_cast(value AS DATE) END AS day,
    evidence,
    name_as_written,
    source,
    source_name,
    source_url
FROM stated
UNION ALL
SELECT
    r.model_id,
    'released_on' AS field,
    cast(r.released_on AS VARCHAR) AS value,
    r.released_on AS day,
    r.released_on_source AS evidence,
    r.name AS name_as_written,
    'facts' AS source,
    r.source_name,
    r.source_url
FROM releases AS r
WHERE r.released_on IS NOT NULL
UNION ALL
SELECT
    r.model_id,
    'access' AS field,
    r.access AS value,
    NULL AS day,
    r.released_on_source AS evidence,
    r.name AS name_as_written,
    'facts' AS source,
    r.source_name,
    r.source_url
FROM releases AS r
WHERE r.access IS NOT NULL
UNION ALL
SELECT
    r.model_id,
    'released_on' AS field,
    cast(cast(h.created_at AS DATE) AS VARCHAR) AS value,
    cast(h.created_at AS DATE) AS day,
    'hub_created' AS evidence,
    h.id AS name_as_written,
    'hub_models' AS source,
    'Hugging Face Hub' AS source_name,
    'https://huggingface.co/' || h.id AS source_url
FROM releases AS r
INNER JOIN staging.hub_models AS h ON r.hub_id = h.id
WHERE h.created_at IS NOT NULL
UNION ALL
SELECT
    o.model_id,
    o.field,
    o.value,
    CASE WHEN o.field = 'released_on' THEN try_cast(o.value AS DATE) END AS day,
    'override' AS evidence,
    r.name AS name_as_written,
    'facts' AS source,
    o.source_name,
    o.source_url
FROM overrides AS o
INNER JOIN releases AS r ON o.model_id = r.model_id
UNION ALL
SELECT
    b.model_id,
    'released_on' AS field,
    cast(min(s.evaluated_on) AS VARCHAR) AS value,
    min(s.evaluated_on) AS day,
    'first_evaluation' AS evidence,
    min_by(s.model, s.evaluated_on) AS name_as_written,
    s.source,
    min_by(s.source_name, s.evaluated_on) AS source_name,
    min_by(s.source_url, s.evaluated_on) AS source_url
FROM raw.board_scores AS s
INNER JOIN staging.board_models AS b ON s.source = b.source AND s.model = b.name
WHERE s.evaluated_on IS NOT NULL AND b.model_id IN (SELECT r.model_id FROM releases AS r)
GROUP BY b.model_id, s.source
