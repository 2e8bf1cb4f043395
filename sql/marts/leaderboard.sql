-- Models by Epoch's published index, with the range of ranks that its 90% interval leaves open.
-- rank_best | best rank the interval allows
-- rank_worst | worst rank the interval allows; null where no interval is published
-- model | name
-- organisation | who released it
-- country | country of the organisation
-- access | open, closed or unknown
-- licence_class | licence class of open models
-- params_total | total parameters; null = not disclosed
-- released_on | first public availability
-- released_on_source | how the date is known
-- index_value | index
-- index_lo | lower end of its 90% interval
-- index_hi | upper end of its 90% interval
-- benchmarks | benchmarks with a score in any series
-- source_url | where the index is public
WITH indexed AS (
    SELECT
        s.model_id,
        s.value,
        s.ci_lo,
        s.ci_hi,
        s.source_url
    FROM staging.scores AS s
    INNER JOIN staging.models AS m ON s.model_id = m.model_id
    WHERE
        s.series_id = 'epoch_eci' AND s.superseded_at IS NULL
        -- What is dated later does not exist yet.
        AND (m.released_on IS NULL OR m.released_on <= (SELECT r.as_of FROM raw.run AS r))
),

counted AS (
    SELECT
        s.model_id,
        count(DISTINCT e.benchmark_id) AS benchmarks
    FROM staging.scores AS s
    INNER JOIN staging.series AS e ON s.series_id = e.series_id
    WHERE s.series_id <> 'epoch_eci' AND s.superseded_at IS NULL AND NOT s.doubtful
    GROUP BY s.model_id
)

SELECT
    (
        SELECT count(*) + 1 FROM indexed AS o
        WHERE o.ci_lo > coalesce(i.ci_hi, i.value)
    ) AS rank_best,
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
    i.source_url
FROM indexed AS i
INNER JOIN staging.models AS m ON i.model_id = m.model_id
LEFT JOIN counted AS c ON i.model_id = c.model_id
ORDER BY i.value DESC, m.name ASC
