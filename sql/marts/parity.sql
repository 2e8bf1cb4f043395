-- Will open reach closed? Probabilities by simulation, and whether a date may be given at all.
-- series | series id
-- as_of | date of the world
-- gap_today | closed minus open, points
-- p_1y | probability of parity within 1 year
-- p_2y | within 2 years
-- p_3y | within 3 years
-- p_4y | within 4 years
-- p_5y | within 5 years
-- p_none | probability of no parity within 5 years
-- date_shown | the simulation is proven better than no change 12 months ahead
-- parity_on | first month by which parity is as likely as not; null unless shown
-- sentence | the finding, with both errors
-- basis | backtest it rests on, hindsight or refit
-- notes | what is to be known about it
SELECT
    series,
    as_of,
    round(gap_today, 6) AS gap_today,
    p_1y,
    p_2y,
    p_3y,
    p_4y,
    p_5y,
    p_none,
    date_shown,
    parity_on,
    sentence,
    basis,
    notes
FROM gap.parity
