-- One row a benchmark, and one for that of every series.
SELECT b.benchmark_id
FROM staging.benchmarks AS b
GROUP BY b.benchmark_id
HAVING count(*) > 1
UNION ALL
SELECT e.benchmark_id
FROM staging.series AS e
WHERE e.benchmark_id NOT IN (SELECT b.benchmark_id FROM staging.benchmarks AS b)
