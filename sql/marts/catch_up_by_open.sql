-- Every closed record and the open model that matched it, by definition of open, tolerance and slice.
-- series | series id
-- slice | all, or the part of the open models looked at
-- open_definition | downloadable, commercial or unrestricted
-- tolerance | strict or significant
-- closed_model | model that raised the closed frontier
-- closed_on | day it did
-- closed_score | its score
-- matched_by | first open model to reach that score; null = none yet
-- matched_on | day that model's weights were public
-- lag_months | months from closed_on to matched_on, signed; for an unmatched record the months waited so far
-- censored | no open model has matched it by the as-of date: the lag is a lower bound
-- already_reached | an open model was there before
SELECT
    series,
    slice,
    open_definition,
    tolerance,
    closed AS closed_model,
    closed_on,
    round(closed_score, 6) AS closed_score,
    open AS matched_by,
    open_on AS matched_on,
    round(lag_months, 6) AS lag_months,
    censored,
    already_reached
FROM gap.catch_up
