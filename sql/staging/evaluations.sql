-- How scores came about that lm-evaluation-harness computed, one row a score, as far as its result file says.
-- score_id | score, see staging.scores
-- model_id | model
-- series_id | series
-- suite | suite of the project that it was run in; null = not an evaluation of the project
-- task | task or group of the harness
-- metric | metric
-- filter | how answers were cut out; none = not at all
-- value | score
-- stderr | standard error
-- higher_is_better | direction of the metric; null = not stated
-- n | questions asked; null = not stated
-- n_original | questions there are; null = not stated
-- shots | examples in the prompt; null = not stated
-- era | 0.3, lighteval, 0.4.0, 0.4.2+ (between releases) or 0.4.3: files whose prompts are the same
-- harness | version of the harness; null = not stated
-- task_version | version of the task
-- task_hash | of all questions, prompts and answers
-- config_hash | of the settings of the task
-- backend | what ran the model
-- backend_versions | its packages, JSON
-- device | such as cuda; null = not stated
-- dtype | type of the weights
-- quantised | how the model was quantised on loading; null = it was not
-- batch_size | questions at once, as stated
-- max_length | tokens of a prompt
-- chat_template_sha | of the template through which questions were put; null = none, or not stated
-- multiturn | whether examples were turns of a conversation
-- system_instruction_sha | of a system prompt; null = none, or not stated
-- gen_kwargs | what was changed in how answers are written, JSON
-- seeds | random, numpy, torch and few-shot seed, JSON
-- dataset | dataset on the Hub
-- dataset_name | its configuration
-- dataset_revision | its commit; null = not stated
-- model_revision | commit of the model; null = not stated
-- evaluated_on | day
WITH stated AS (
    SELECT
        fact_id,
        settings
    FROM raw.board_scores
    WHERE settings IS NOT NULL
)

SELECT
    s.score_id,
    s.model_id,
    s.series_id,
    b.settings ->> '$.suite' AS suite,
    b.settings ->> '$.task' AS task,
    b.settings ->> '$.metric' AS metric,
    b.settings ->> '$.filter' AS filter,
    s.value,
    s.stderr,
    try_cast(b.settings ->> '$.higher_is_better' AS BOOLEAN) AS higher_is_better,
    s.n,
    try_cast(b.settings ->> '$.n_original' AS BIGINT) AS n_original,
    try_cast(b.settings ->> '$.shots' AS BIGINT) AS shots,
    b.settings ->> '$.era' AS era,
    b.settings ->> '$.harness' AS harness,
    b.settings ->> '$.task_version' AS task_version,
    b.settings ->> '$.task_hash' AS task_hash,
    b.settings ->> '$.config_hash' AS config_hash,
    b.settings ->> '$.backend' AS backend,
    b.settings ->> '$.backend_versions' AS backend_versions,
    b.settings ->> '$.device' AS device,
    b.settings ->> '$.dtype' AS dtype,
    b.settings ->> '$.quantised' AS quantised,
    b.settings ->> '$.batch_size' AS batch_size,
    try_cast(b.settings ->> '$.max_length' AS BIGINT) AS max_length,
    b.settings ->> '$.chat_template_sha' AS chat_template_sha,
    try_cast(b.settings ->> '$.multiturn' AS BOOLEAN) AS multiturn,
    b.settings ->> '$.system_instruction_sha' AS system_instruction_sha,
    b.settings ->> '$.gen_kwargs' AS gen_kwargs,
    b.settings ->> '$.seeds' AS seeds,
    b.settings ->> '$.dataset' AS dataset,
    b.settings ->> '$.dataset_name' AS dataset_name,
    s.dataset_revision,
    s.model_revision,
    s.evaluated_on
FROM stated AS b
INNER JOIN staging.scores AS s ON b.fact_id = s.score_id
