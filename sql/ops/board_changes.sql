-- What each dated snapshot of a board changed in the state before it, by series; see docs/adr/0016.
-- source | board
-- capture_id | capture that holds the snapshot
-- observed_on | day of the snapshot; null where the board was read live
-- series_id | series
-- new | scores that were not listed before
-- same | scores equal to those listed before, at the coarser of both precisions
-- finer | of the same: now published with more digits
-- rescored | scores with another value than before
-- gone | scores listed before and not any more
SELECT
    source,
    capture_id,
    observed_on,
    series_id,
    new,
    same,
    finer,
    rescored,
    gone
FROM raw.board_changes
ORDER BY source, observed_on, capture_id, series_id
