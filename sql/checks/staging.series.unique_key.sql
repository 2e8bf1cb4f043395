-- One row a series, of a known benchmark.
SELECT e.series_id
FROM staging.series AS e
LEFT JOIN staging.benchmarks AS b ON e.benchmark_id = b.benchmark_id
GROUP BY e.series_id
HAVING count(*) > 1 OR count(b.benchmark_id) = 0
