-- read = kept + quarantined + duplicates, for items and for metrics.
SELECT
    source,
    capture_id
FROM ops.captures
WHERE
    rows_read <> rows_kept + rows_quarantined + rows_duplicate
    OR metrics_read <> metrics_kept + metrics_quarantined
