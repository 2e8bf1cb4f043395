-- Names of benchmarks that the tables of facts do not know: their scores stand apart, under a benchmark of their own.
-- benchmark_id | the benchmark they stand under until then
-- found_in | card, board, dataset or record; null = a board that gives the id itself
-- name | dataset, board or evaluation that the source names
-- title | what a card calls the dataset beside its id; null = nothing else
-- part | configuration or task of a dataset, column of a board; null = the whole
-- series | series under this name
-- scores | current scores in them
-- models | models that have one
-- what_to_do | the table of facts to edit
SELECT
    e.benchmark_id,
    e.name_kind AS found_in,
    coalesce(e.name, b.name) AS name,
    e.title,
    e.part,
    count(DISTINCT e.series_id) AS series,
    count(s.score_id) AS scores,
    count(DISTINCT s.model_id) AS models,
    CASE
        WHEN e.name_kind IS NULL THEN 'Add the benchmark under this id to pipeline/facts/tables/benchmarks.csv'
        ELSE 'Add this name, with the benchmark it is, to pipeline/facts/tables/benchmark_names.csv'
    END AS what_to_do
FROM staging.series AS e
INNER JOIN staging.benchmarks AS b ON e.benchmark_id = b.benchmark_id
LEFT JOIN staging.scores AS s ON e.series_id = s.series_id AND s.superseded_at IS NULL
WHERE
    e.benchmark_id NOT IN (
        SELECT f.benchmark_id FROM raw.facts_benchmarks AS f
        WHERE f.capture_id = (SELECT max(c.capture_id) FROM raw.facts_benchmarks AS c)
    )
GROUP BY ALL
ORDER BY models DESC, scores DESC, e.benchmark_id ASC, e.title ASC, e.part ASC
