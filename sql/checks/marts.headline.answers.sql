-- The headline series has an answer for the default definition and tolerance.
SELECT count(*) AS rows_found
FROM marts.headline
WHERE is_headline AND open_definition = 'downloadable' AND tolerance = 'strict' AND state <> 'not_enough_data'
HAVING count(*) <> 1
