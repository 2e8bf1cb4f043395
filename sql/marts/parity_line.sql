-- The method behind published dates of parity, a straight line through the lag or the gap, run on our series.
-- series | series id
-- measure | lag (months) or gap (points)
-- period | whole, 24m or 12m
-- slope_per_year | slope of the line
-- level_today | the line on the as-of date
-- crosses_on | day it meets zero; null where it does not cross, a valid finding
-- months | monthly points it goes through
-- note | the finding in words
SELECT
    series,
    measure,
    period,
    round(slope_per_year, 6) AS slope_per_year,
    round(level_today, 6) AS level_today,
    crosses_on,
    n AS months,
    note
FROM gap.parity_line
