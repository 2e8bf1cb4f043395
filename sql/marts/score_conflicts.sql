-- Every current score of a model on a benchmark that has more than one distinct score, and which policies pick it.
-- score_id | score, as in staging.scores
-- model_id | model
-- model | name of the model
-- benchmark_id | benchmark
-- benchmark | name of the benchmark
-- scores | current scores of this model on this benchmark
-- value | score as published
-- unit | its unit
-- score | the score on the scale of `scale`
-- scale | fraction, another unit, or between chance and ceiling where a score is published so and the two are not known
-- spread | largest minus smallest score of the model on the benchmark on this scale
-- protocol | shots, chain of thought, tools, scaffold, effort, as far as stated
-- evaluator | who ran it; mixed or not stated where several did or nobody is named
-- tier | evidence tier A, A-, B, B+, C, D or E (see the docs)
-- self_reported | whether the developer reports its own model; null = unknown
-- effort | effort or version label where published
-- dated_on | day of the evaluation, else of publication; null = not stated
-- source_name | who published the number; null = not stated
-- source_url | where the row is public
-- picked_by | policies that pick this score (see docs/adr/0017)
-- reason | why the default policy does not pick it: the step at which it lost, or why it counts nowhere; null = picked
SELECT
    p.score_id,
    s.model_id,
    m.name AS model,
    e.benchmark_id,
    b.name AS benchmark,
    count(*) OVER (PARTITION BY s.model_id, e.benchmark_id) AS scores,
    s.value,
    s.unit,
    round(p.score, 9) AS score,
    p.scale,
    round(
        max(p.score) OVER (PARTITION BY s.model_id, e.benchmark_id, p.scale)
        - min(p.score) OVER (PARTITION BY s.model_id, e.benchmark_id, p.scale), 9
    ) AS spread,
    e.protocol,
    e.evaluator,
    s.tier,
    s.self_reported,
    s.effort,
    coalesce(s.evaluated_on, s.published_on) AS dated_on,
    s.source_name,
    s.source_url,
    p.picked_by,
    p.reason
FROM gap.score_picks AS p
INNER JOIN staging.scores AS s ON p.score_id = s.score_id
INNER JOIN staging.series AS e ON s.series_id = e.series_id
INNER JOIN staging.benchmarks AS b ON e.benchmark_id = b.benchmark_id
INNER JOIN staging.models AS m ON s.model_id = m.model_id
