-- Scores comparable with one another: one benchmark, one protocol, one evaluator.
-- Cards and boards name benchmarks as they like; the table of facts benchmark_names says which benchmark a name is.
-- A name that it lacks stays a benchmark of its own.
--
-- protocol_class puts what the words of a protocol say in one order, so that two series can be told apart or together:
-- N-shot, shots mixed; CoT; thinking, non-thinking; effort minimal, low, medium, high, xhigh or max;
-- budget Nk, budget mixed;
-- no tools, tools; search; pass@N, avg@N, maj@N, cons@N, cot@N, best@N, N samples; parallel;
-- bash-only, bash-only v1 (mini-SWE-agent 0 and 1), bash-only v2 (mini-SWE-agent 2);
-- vN of the questions, val, text only, semi-private, N tasks, N tasks omitted; acc_norm, mc1, mc2, f1, prompt strict,
-- prompt loose, inst strict, inst loose; filter NAME (how answers are cut out); task vN; chat template;
-- turns (examples as turns), system prompt, own generation (arguments); smoke test;
-- harness 0.3 (before 0.4), lighteval, harness 0.4.0 (to 0.4.2), harness 0.4.2+ (unreleased), harness 0.4.3 (and
-- later), whose prompts differ; normalised.
-- What is not stated is left out, and where nothing is: not stated.
--
-- series_id | stable id
-- benchmark_id | benchmark
-- name_kind | where the name of the benchmark stands: card, board, dataset or record; null = in no need of one
-- name | dataset, board or evaluation that the source names
-- title | what a card calls the dataset beside its id; null = nothing else
-- part | configuration or task of a dataset, column of a board; null = the whole
-- protocol | shots, chain of thought, tools, scaffold, effort, as far as stated
-- protocol_class | the same in one vocabulary
-- evaluator | who ran it; mixed or not stated where several did or nobody is named
-- comparability | same_evaluator, same_protocol or loose
-- unit | unit of its scores
-- direction | higher or lower is better
-- chance | score of guessing in this unit; null = unknown
-- ceiling | best possible score in this unit; null = unknown
-- edition_of | ranking of which this is the edition of one day; null where there is but one
-- edition_on | that day
-- source_name | who publishes it
-- source_url | where it is public
WITH curated AS (
    FROM raw.facts_series
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
),

benchmarks AS (
    FROM raw.facts_benchmarks
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
),

names AS (
    FROM raw.facts_benchmark_names
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
),

stated AS (
    SELECT
        series_id,
        min(benchmark_id) AS benchmark_id,
        min(name_kind) AS name_kind,
        min(name) AS name,
        min(title) AS title,
        min(part) AS part,
        min(protocol) AS protocol,
        min(evaluator) AS evaluator,
        min(comparability) AS comparability,
        min(unit) AS unit,
        min(direction) AS direction,
        NULL AS chance,
        CASE min(unit) WHEN 'percent' THEN 100.0 WHEN 'fraction' THEN 1.0 END AS ceiling,
        NULL AS edition_of,
        NULL AS edition_on,
        min(evaluator) AS source_name,
        'https://huggingface.co/models?other=model-index' AS source_url,
        '' AS source
    FROM raw.card_metrics
    GROUP BY series_id
    UNION ALL BY NAME
    SELECT * EXCLUDE (benchmark_name)
    FROM raw.board_series
    WHERE series_id NOT IN (SELECT c.series_id FROM curated AS c)
),

mapped AS (
    SELECT
        s.series_id,
        coalesce(n.benchmark_id, s.benchmark_id) AS benchmark_id,
        s.name_kind,
        s.name,
        s.title,
        s.part,
        s.protocol,
        s.evaluator,
        s.comparability,
        s.unit,
        s.direction,
        coalesce(
            s.chance,
            -- What a benchmark's numbers mean in this unit; normalised ones begin at chance, of others it is not known.
            CASE s.unit WHEN 'percent' THEN 100 WHEN 'fraction' THEN 1 END
            * CASE n.scale WHEN 'raw' THEN b.chance WHEN 'normalised' THEN 0 END
        ) AS chance,
        s.ceiling,
        s.edition_of,
        s.edition_on,
        s.source_name,
        s.source_url,
        concat_ws(', ', s.protocol, n.protocol, CASE n.scale WHEN 'normalised' THEN 'between chance (0)' END) AS words
    FROM stated AS s
    LEFT JOIN names AS n
        ON
            s.name_kind = n.kind
            AND lower(s.name) = lower(n.name)
            AND coalesce(lower(s.title), '') = coalesce(lower(n.title), '')
            AND coalesce(lower(s.part), '') = coalesce(lower(n.part), '')
    LEFT JOIN benchmarks AS b ON n.benchmark_id = b.benchmark_id
    -- A README may state a series that cards of the Hub's list state too.
    QUALIFY row_number() OVER (PARTITION BY s.series_id ORDER BY s.source) = 1
    UNION ALL BY NAME
    SELECT
        * EXCLUDE (capture_id),
        protocol AS words
    FROM curated
),

read_words AS (
    SELECT
        *,
        regexp_replace(lower(words), '\bzero[- ]shot', '0-shot', 'g') AS said
    FROM mapped
),

-- What the words say, one column for each part of the vocabulary; '' where they do not.
found AS (
    SELECT
        *,
        list_distinct(
            regexp_extract_all(said, '\b(\d+)[- ]shots?\b', 1)
            || regexp_extract_all(said, '\b(?:few)?[- ]?shots? (\d+)\b', 1)
        ) AS shots,
        regexp_extract(said, '(?:effort|setting|reasoning) (x-?high|high|medium|low|minimal|max)\b', 1) AS effort,
        regexp_extract(said, '[(,] ?(x-?high|high|medium|low|minimal)[),]', 1) AS effort_in_brackets,
        list_distinct(
            regexp_extract_all(said, '(?:thinking,? |setting |[(/])(\d+)k\b', 1)
            || regexp_extract_all(said, '\b(\d+)k thinking\b', 1)
        ) AS budgets,
        regexp_extract(said, '\b(pass|avg|maj|cons|cot|best)1?@(\d+)\b', ['how', 'times']) AS sampling,
        regexp_extract(said, '\b(\d+) samples\b', 1) AS samples,
        regexp_extract(said, 'mini-swe-agent v?(\d+)\.', 1) AS agent,
        regexp_extract(said, '(?:^|, )v(\d+)\b', 1) AS questions,
        regexp_extract(said, '\b\d+ tasks( omitted)?\b') AS tasks,
        regexp_extract(said, '\b(mc1|mc2|f1)\b', 1) AS metric,
        regexp_extract(said, 'lm[-_ ]eval[a-z_ -]* v?(\d+)\.(\d+)(?:\.(\d+))?', ['major', 'minor', 'patch']) AS harness
    FROM read_words
)

SELECT
    series_id,
    benchmark_id,
    name_kind,
    name,
    title,
    part,
    protocol,
    coalesce(
        nullif(
            concat_ws(
                ', ',
                CASE len(shots) WHEN 0 THEN NULL WHEN 1 THEN concat(shots[1], '-shot') ELSE 'shots mixed' END,
                CASE WHEN regexp_matches(said, '\bcot\b|chain[- ]of[- ]thought') THEN 'CoT' END,
                CASE
                    WHEN regexp_matches(said, 'non-thinking|w/o thinking|no thinking') THEN 'non-thinking'
                    WHEN regexp_matches(said, '\bthinking\b') THEN 'thinking'
                END,
                'effort ' || replace(coalesce(nullif(effort, ''), nullif(effort_in_brackets, '')), 'x-high', 'xhigh'),
                CASE len(budgets)
                    WHEN 0 THEN NULL WHEN 1 THEN concat('budget ', budgets[1], 'k') ELSE 'budget mixed'
                END,
                CASE
                    WHEN regexp_matches(said, '\b(no|without|w/o) tools?\b') THEN 'no tools'
                    WHEN regexp_matches(said, '\b(with|w/) (tools?|python|code)\b|\+ (python|code)\b') THEN 'tools'
                END,
                CASE WHEN regexp_matches(said, '(^|, )(with )?search\b') THEN 'search' END,
                CASE WHEN sampling['how'] <> '' THEN concat(sampling['how'], '@', sampling['times']) END,
                CASE WHEN sampling['how'] = '' AND contains(said, 'single attempt') THEN 'pass@1' END,
                CASE WHEN samples <> '' THEN concat(samples, ' samples') END,
                CASE WHEN regexp_matches(said, '\bparallel\b') THEN 'parallel' END,
                CASE
                    WHEN contains(said, 'bash-only') AND agent IN ('0', '1') THEN 'bash-only v1'
                    WHEN contains(said, 'bash-only') AND agent = '2' THEN 'bash-only v2'
                    WHEN contains(said, 'bash-only') THEN 'bash-only'
                END,
                CASE WHEN questions <> '' THEN concat('v', questions) END,
                CASE WHEN regexp_matches(said, '(^|, )val\b') THEN 'val' END,
                CASE WHEN contains(said, 'text only') THEN 'text only' END,
                CASE WHEN contains(said, 'semi-private') THEN 'semi-private' END,
                nullif(tasks, ''),
                CASE WHEN regexp_matches(said, '\bacc(uracy)?[-_ ]norm') THEN 'acc_norm' END,
                nullif(metric, ''),
                CASE WHEN contains(said, 'prompt strict') THEN 'prompt strict' END,
                replace(nullif(regexp_extract(said, '\b(prompt|inst)_level_(strict|loose)', 0), ''), '_level_', ' '),
                nullif(regexp_extract(said, '(?:^|, )(filter [\w-]+)', 1), ''),
                'task v' || nullif(regexp_extract(said, '(?:^|, )task version ([\w.]+)', 1), ''),
                CASE WHEN contains(said, 'chat template') THEN 'chat template' END,
                CASE WHEN contains(said, 'examples as turns') THEN 'turns' END,
                CASE WHEN contains(said, 'system instruction') THEN 'system prompt' END,
                CASE WHEN contains(said, 'generation arguments') THEN 'own generation' END,
                CASE WHEN contains(said, 'smoke test') THEN 'smoke test' END,
                CASE
                    WHEN contains(said, 'lighteval') THEN 'lighteval'
                    WHEN harness['major'] = '' THEN NULL
                    WHEN contains(said, 'unreleased later state') THEN 'harness 0.4.2+'
                    WHEN harness['major'] = '0' AND try_cast(harness['minor'] AS BIGINT) < 4 THEN 'harness 0.3'
                    WHEN harness['major'] = '0' AND harness['minor'] = '4' AND harness['patch'] IN ('', '0', '1', '2')
                        THEN 'harness 0.4.0'
                    ELSE 'harness 0.4.3'
                END,
                CASE WHEN contains(said, 'between chance (0)') THEN 'normalised' END
            ),
            ''
        ),
        'not stated'
    ) AS protocol_class,
    evaluator,
    comparability,
    unit,
    direction,
    chance,
    ceiling,
    cast(edition_of AS VARCHAR) AS edition_of,
    cast(edition_on AS DATE) AS edition_on,
    source_name,
    source_url
FROM found
