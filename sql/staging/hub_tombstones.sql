-- Repositories that were deleted and made anew under the same id: what the earlier one was.
-- model_id | hub:<id>@<day of its creation>
-- id | repository id, which another repository has now
-- author | account that owned it
-- created_at | its creation (UTC)
-- ended_at | when the other one was first seen (UTC)
-- licence | licence as written
-- licence_class | unrestricted, restricted, non_commercial or unknown, by the table of licences
-- params_total | parameters
WITH licences AS (
    SELECT
        licence,
        licence_class
    FROM raw.facts_licences
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
)

SELECT
    'hub:' || f.id || '@' || cast(cast(f.created_at AS DATE) AS VARCHAR) AS model_id,
    f.id,
    f.author,
    f.created_at,
    f.ended_at,
    f.licence,
    coalesce(l.licence_class, 'unknown') AS licence_class,
    f.params_total
FROM raw.hub_former AS f
LEFT JOIN licences AS l ON lower(f.licence) = l.licence
QUALIFY row_number() OVER (PARTITION BY f.id, cast(f.created_at AS DATE) ORDER BY f.ended_at DESC) = 1
