-- One answer per series, slice, definition of open and tolerance.
SELECT
    series,
    slice,
    open_definition,
    tolerance
FROM marts.headline
GROUP BY ALL
HAVING count(*) > 1
