-- A frontier only improves.
SELECT
    f.series,
    f.side,
    f.released_on
FROM marts.frontier AS f
INNER JOIN staging.series AS e ON f.series = e.series_id
QUALIFY
    CASE e.direction WHEN 'lower' THEN -f.score ELSE f.score END
    <= lag(CASE e.direction WHEN 'lower' THEN -f.score ELSE f.score END)
        OVER (PARTITION BY f.series, f.side ORDER BY f.released_on)
