-- Everything that could not be read or proven, with the reason; nothing is dropped silently.
-- source | source
-- kind | repository, card, card metric, eval result or lineage
-- key | repository it belongs to, as far as it has one
-- reason | why it was put aside
-- payload | first 300 characters, control characters escaped
-- capture_id | capture that holds it
SELECT
    source,
    kind,
    key,
    reason,
    payload,
    capture_id
FROM raw.quarantine
