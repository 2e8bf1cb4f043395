-- What the headline owes to disputed dates: the same estimators on each way to date the models.
-- series | series id
-- dating | as used; as Epoch has it; as announced (by vendors, where an announcement is among the facts)
-- redated | models whose day differs from the one that is used
-- gap_raw | closed minus open in the unit of the series
-- lag_months | how long ago a closed model was already better than the best open one
-- catch_up_median | Kaplan-Meier median of months until a closed record was matched
-- catch_up_lo | lower end of its calibrated 90% interval
-- catch_up_hi | upper end; null = not reached within the records
-- records | closed records
-- censored | of these not matched yet
SELECT
    series,
    dating,
    redated,
    round(gap_raw, 6) AS gap_raw,
    round(lag_months, 6) AS lag_months,
    round(catch_up_median, 6) AS catch_up_median,
    round(catch_up_lo, 6) AS catch_up_lo,
    round(catch_up_hi, 6) AS catch_up_hi,
    records,
    censored
FROM gap.date_sensitivity
