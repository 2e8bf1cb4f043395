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
    round(open_score, 6) AS open_score,
    round(closed_score, 6) AS closed_score,
    round(gap_raw, 6) AS gap_raw,
    round(gap_bias, 6) AS gap_bias,
    round(gap_lo, 6) AS gap_lo,
    round(gap_hi, 6) AS gap_hi,
    round(gap_logit, 6) AS gap_logit
FROM gap.gap
WHERE open_definition = 'downloadable'
