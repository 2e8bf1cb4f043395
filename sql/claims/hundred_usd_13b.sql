-- What training cost where a source states it, and what the cheapest 13B was worth beside ChatGPT.
-- held | in part where a model of at most 13B cost 100 USD or less; yes where it also reached ChatGPT on the index
-- holds | no table of sources states the cost of today's models
WITH costs AS (
    SELECT
        count(*) AS stated,
        count(*) FILTER (cost_usd <= 100 AND params_b <= 13) AS cheap
    FROM marts.memo_timeline
    WHERE cost_usd IS NOT NULL
),

headline AS (
    SELECT DISTINCT series FROM marts.headline
    WHERE is_headline
),

rated AS (
    SELECT
        max(s.value) FILTER (m.name LIKE 'vicuna-13b%') AS vicuna,
        max(s.value) FILTER (m.name LIKE 'GPT-3.5 Turbo (Jun 2023)%') AS chatgpt
    FROM staging.scores AS s
    INNER JOIN staging.models AS m ON s.model_id = m.model_id
    INNER JOIN headline AS h ON s.series_id = h.series
    WHERE s.superseded_at IS NULL
)

SELECT
    format('{} of {} stated costs up to 100 USD', c.cheap, c.stated) AS at_the_time,
    CASE WHEN c.cheap = 0 THEN 'no' WHEN r.vicuna >= r.chatgpt THEN 'yes' ELSE 'in part' END AS held,
    'no source states the cost' AS today,
    'unknown' AS holds
FROM costs AS c
CROSS JOIN rated AS r
