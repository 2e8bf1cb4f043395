-- Models with a score, by Epoch's published index where they are in it, with the range of ranks its interval allows.
-- rank_best | best rank the interval allows; null = not in the index
-- rank_worst | worst rank the interval allows; null where no interval is published
-- model | name
-- organisation | who released it
-- country | country of the organisation
-- access | open, closed or unknown
-- licence_class | licence class of open models
-- params_total | total parameters; null = not disclosed
-- released_on | first public availability
-- released_on_source | how the date is known
-- index_value | index; null = not in it
-- index_lo | lower end of its 90% interval
-- index_hi | upper end of its 90% interval
-- benchmarks | benchmarks with a score that counts, in any series
-- own_benchmarks | of these scored by the project itself
-- smoke_tests | scores of smoke tests, which count nowhere
-- source_url | where the index is public; of a model that is not in it, where the model is
WITH current AS (
    SELECT
        s.model_id,
        s.series_id,
        s.left_out,
        s.value,
        s.ci_lo,
        s.ci_hi,
        s.source_url,
        e.benchmark_id,
        e.evaluator = 'Open Moat' AS is_own
    FROM staging.scores AS s
    INNER JOIN staging.series AS e ON s.series_id = e.series_id
    WHERE s.superseded_at IS NULL
),

indexed AS (
    SELECT
        c.model_id,
        c.value,
        c.ci_lo,
        c.ci_hi,
        c.source_url
    FROM current AS c
    INNER JOIN staging.models AS m ON c.model_id = m.model_id
    WHERE
        c.series_id = 'epoch_eci'
        -- What is dated later does not exist yet.
        AND (m.released_on IS NULL OR m.released_on <= (SELECT r.as_of FROM raw.run AS r))
),

counted AS (
    SELECT
        model_id,
        count(DISTINCT benchmark_id) FILTER (left_out IS NULL) AS benchmarks,
        count(DISTINCT benchmark_id) FILTER (left_out IS NULL AND is_own) AS own_benchmarks,
        count(*) FILTER (left_out = 'smoke') AS smoke_tests
    FROM current
    WHERE series_id <> 'epoch_eci'
    GROUP BY model_id
)

SELECT
    CASE
        WHEN i.model_id IS NOT NULL
            THEN (
                SELECT count(*) + 1 FROM indexed AS o
                WHERE o.ci_lo > coalesce(i.ci_hi, i.value)
            )
    END AS rank_best,
    CASE
        WHEN i.ci_lo IS NOT NULL
            THEN (
                SELECT count(*) FROM indexed AS o
                WHERE coalesce(o.ci_hi, o.value) >= i.ci_lo
            )
    END AS rank_worst,
    m.name AS model,
    m.organisation,
    m.country,
    m.access,
    m.licence_class,
    m.params_total,
    m.released_on,
    m.released_on_source,
    i.value AS index_value,
    i.ci_lo AS index_lo,
    i.ci_hi AS index_hi,
    coalesce(c.benchmarks, 0) AS benchmarks,
    coalesce(c.own_benchmarks, 0) AS own_benchmarks,
    coalesce(c.smoke_tests, 0) AS smoke_tests,
    coalesce(i.source_url, m.source_url) AS source_url
FROM staging.models AS m
LEFT JOIN indexed AS i ON m.model_id = i.model_id
LEFT JOIN counted AS c ON m.model_id = c.model_id
WHERE
    (i.model_id IS NOT NULL OR c.benchmarks > 0 OR c.smoke_tests > 0)
    AND (m.released_on IS NULL OR m.released_on <= (SELECT r.as_of FROM raw.run AS r))
ORDER BY i.value DESC NULLS LAST, benchmarks DESC, m.name ASC
