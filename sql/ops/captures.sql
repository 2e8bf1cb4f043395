-- One row a capture of this build's sources, oldest first.
-- source | source
-- capture_id | capture
-- origin | the Hub that was asked, or the project's own tables
-- started_at | start (UTC)
-- finished_at | end (UTC)
-- revision | what the source calls its state
-- rows_read | items read
-- rows_kept | of these kept
-- rows_quarantined | of these put aside with a reason
-- rows_duplicate | of these seen before in the same capture
-- metrics_read | scores read, of cards and of filed results
-- metrics_kept | of these kept
-- metrics_quarantined | of these put aside with a reason
-- requests | requests used
-- client | client and version
-- bytes | bytes as received
-- sha256 | hash of the pages as received
SELECT
    source,
    capture_id,
    origin,
    started_at,
    finished_at,
    revision,
    rows_read,
    rows_kept,
    rows_quarantined,
    rows_duplicate,
    metrics_read,
    metrics_kept,
    metrics_quarantined,
    requests,
    client,
    bytes,
    sha256
FROM raw.captures
ORDER BY source, capture_id
