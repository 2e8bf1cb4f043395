-- Vicuna-13B beside ChatGPT (GPT-3.5 Turbo of June 2023) in the headline series; today the frontiers.
-- held | yes where the 90% intervals of both meet
-- holds | yes where the 90% interval of today's gap reaches zero
WITH headline AS (
    FROM marts.headline
    WHERE is_headline AND open_definition = 'downloadable' AND tolerance = 'strict'
),

rated AS (
    SELECT
        m.name,
        max(s.value) AS score,
        max(s.ci_lo) AS lo,
        max(s.ci_hi) AS hi
    FROM staging.scores AS s
    INNER JOIN staging.models AS m ON s.model_id = m.model_id
    INNER JOIN headline AS h ON s.series_id = h.series
    WHERE s.superseded_at IS NULL
    GROUP BY m.name
),

vicuna AS (
    FROM rated
    WHERE name LIKE 'vicuna-13b%'
    QUALIFY row_number() OVER (ORDER BY score DESC, name ASC) = 1
),

chatgpt AS (
    FROM rated
    WHERE name LIKE 'GPT-3.5 Turbo (Jun 2023)%'
    QUALIFY row_number() OVER (ORDER BY score DESC, name ASC) = 1
)

SELECT
    format('Vicuna-13B {:.0f}, ChatGPT {:.0f} on the index', v.score, c.score) AS at_the_time,
    CASE WHEN v.hi >= c.lo THEN 'yes' WHEN v.hi < c.lo THEN 'no' ELSE 'unknown' END AS held,
    format('best open {:.0f}, best closed {:.0f}', h.open_score, h.closed_score) AS today,
    CASE WHEN h.gap_lo <= 0 THEN 'yes' WHEN h.gap_lo > 0 THEN 'no' ELSE 'unknown' END AS holds
FROM headline AS h
LEFT JOIN vicuna AS v ON TRUE
LEFT JOIN chatgpt AS c ON TRUE
