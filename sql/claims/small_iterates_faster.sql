-- Derivatives within 90 days by the size of the base: of LLaMA's four sizes, and of the bases of the last two years.
-- held | yes where 7B and 13B had more than 30B and 65B
-- holds | yes where bases up to 13B have a quarter more on average; unknown where closer, or on a part of the Hub
WITH hub AS (
    -- What a part of the Hub does not list says nothing.
    SELECT hub = 'https://huggingface.co' AS is_whole
    FROM ops.schema_version
),

llama AS (
    SELECT
        sum(derivatives) FILTER (base IN ('huggyllama/llama-7b', 'huggyllama/llama-13b')) AS small,
        sum(derivatives) FILTER (base IN ('huggyllama/llama-30b', 'huggyllama/llama-65b')) AS large
    FROM marts.derivatives_over_time
    WHERE days = 90
),

sized AS (
    SELECT
        d.derivatives,
        h.params_total <= 13e9 AS is_small
    FROM marts.derivatives_over_time AS d
    INNER JOIN staging.hub_models AS h ON d.base = h.id
    WHERE
        d.days = 90 AND d.complete AND h.params_total > 0
        AND d.started_on >= (SELECT max(o.started_on) FROM marts.derivatives_over_time AS o) - INTERVAL 24 MONTH
),

recent AS (
    SELECT
        avg(derivatives) FILTER (is_small) AS small,
        avg(derivatives) FILTER (NOT is_small) AS large
    FROM sized
)

SELECT
    format('{} of 7B and 13B, {} of 30B and 65B', l.small, l.large) AS at_the_time,
    CASE WHEN l.small > l.large THEN 'yes' ELSE 'no' END AS held,
    format('{:.1f} a base up to 13B, {:.1f} above', r.small, r.large) AS today,
    CASE
        WHEN NOT h.is_whole THEN 'unknown'
        WHEN r.small > 1.25 * r.large THEN 'yes'
        WHEN r.small < 0.8 * r.large THEN 'no'
        ELSE 'unknown'
    END AS holds
FROM llama AS l
CROSS JOIN recent AS r
CROSS JOIN hub AS h
