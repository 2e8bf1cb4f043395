-- Where everything came from: rows, counts, freshness, licence and attribution of each source.
-- source | source
-- state | asked; not offered: by the Hub that was asked; not asked: left out; by hand: with moat load; own: moat eval
-- origin | the Hub that was asked, or the project's own tables
-- rows_read | items of its newest capture
-- rows_kept | of these kept
-- rows_quarantined | of these put aside with a reason
-- rows_duplicate | of these seen before in the same capture
-- metrics_read | scores read, of cards and of filed results
-- metrics_kept | of these kept
-- metrics_quarantined | of these put aside with a reason
-- scores | current scores in staging
-- attribution | how to name it
-- url | where it is public
-- licence | licence of its data
-- captured_at | when its content last changed (UTC)
-- checked_at | when it was last asked (UTC)
-- due_at | when the daily schedule asks it next (UTC); null = never
-- requests | requests that its newest capture took
WITH newest AS (
    SELECT *
    FROM raw.captures
    QUALIFY row_number() OVER (PARTITION BY source ORDER BY capture_id DESC) = 1
),

scored AS (
    SELECT
        c.source,
        count(*) AS scores
    FROM staging.scores AS s
    INNER JOIN raw.captures AS c ON s.capture_id = c.capture_id
    WHERE s.superseded_at IS NULL
    GROUP BY c.source
)

SELECT
    i.source,
    i.state,
    n.origin,
    n.rows_read,
    n.rows_kept,
    n.rows_quarantined,
    n.rows_duplicate,
    n.metrics_read,
    n.metrics_kept,
    n.metrics_quarantined,
    coalesce(s.scores, 0) AS scores,
    i.attribution,
    i.url,
    i.licence,
    n.finished_at AS captured_at,
    i.checked_at,
    CASE
        WHEN i.state NOT IN ('by hand', 'own') THEN date_trunc('day', i.checked_at - INTERVAL 6 HOUR) + INTERVAL 30 HOUR
    END AS due_at,
    n.requests
FROM raw.sources AS i
LEFT JOIN newest AS n ON i.source = n.source
LEFT JOIN scored AS s ON i.source = s.source
