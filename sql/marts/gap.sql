-- Gap between the frontiers on every day on which one of them moves; closed minus open, negative: open leads.
-- series | series id
-- day | day on which a frontier moved
-- open_score | best open score by then
-- closed_score | best closed score by then
-- gap_raw | closed minus open in the unit of the series
-- gap_bias | estimated bias of the gap; null without standard errors
-- gap_lo | lower end of the 90% interval of the gap
-- gap_hi | upper end
-- gap_logit | difference of logits between chance and ceiling; null where these are unknown
SELECT
    series,
    day,
    open_score,
    closed_score,
    gap_raw,
    gap_bias,
    gap_lo,
    gap_hi,
    gap_logit
FROM marts.gap_by_open
WHERE open_definition = 'downloadable'
