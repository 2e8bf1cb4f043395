-- A source that is asked answered in the last seven days.
SELECT
    s.source,
    s.checked_at
FROM marts.sources AS s
CROSS JOIN raw.run AS r
WHERE s.state = 'asked' AND cast(s.checked_at AS DATE) < r.as_of - 7
