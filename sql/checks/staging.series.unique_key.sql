-- One row a series.
SELECT series_id
FROM staging.series
GROUP BY series_id
HAVING count(*) > 1
