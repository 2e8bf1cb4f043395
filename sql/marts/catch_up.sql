-- Every closed record and the open model that matched it; strict tolerance, open = downloadable weights.
-- series | series id
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
    closed_model,
    closed_on,
    closed_score,
    matched_by,
    matched_on,
    lag_months,
    censored,
    already_reached
FROM marts.catch_up_by_open
WHERE tolerance = 'strict' AND open_definition = 'downloadable' AND slice = 'all'
