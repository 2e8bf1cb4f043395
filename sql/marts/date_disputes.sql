-- Releases that sources date differently: every date beside the one that is used.
-- model_id | release
-- model | its name
-- used_on | date that is used; null = none is believed
-- used_source | how that is known
-- stated_on | date of this source
-- evidence | announcement, aggregator, epoch, hub_created (weak) or override
-- source | who says so
-- days_later | days from the date that is used to this one; null = none is used
-- source_url | where it is public
SELECT
    m.model_id,
    m.name AS model,
    m.released_on AS used_on,
    m.released_on_source AS used_source,
    s.day AS stated_on,
    s.evidence,
    s.source,
    datediff('day', m.released_on, s.day) AS days_later,
    s.source_url
FROM staging.statements AS s
INNER JOIN staging.models AS m ON s.model_id = m.model_id
WHERE s.field = 'released_on' AND s.day IS DISTINCT FROM m.released_on AND s.day IS NOT NULL
ORDER BY abs(datediff('day', m.released_on, s.day)) DESC NULLS FIRST, m.model_id ASC, s.source ASC
