-- An open model of the last 90 days has a score.
SELECT
    c.model,
    c.released_on
FROM marts.coverage AS c
CROSS JOIN raw.run AS r
WHERE c.released_on > r.as_of - 90
