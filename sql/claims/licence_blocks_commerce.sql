-- The share of open models under a licence without restrictions: of the half-year of the memo, and of the last year.
-- held | yes where it was under a half
-- holds | the same today
WITH opened AS (
    SELECT
        licence_class = 'unrestricted' AS is_free,
        released_on
    FROM staging.models
    WHERE access = 'open' AND released_on IS NOT NULL AND licence_class <> 'unknown'
),

shares AS (
    SELECT
        count(*) FILTER (is_free AND released_on BETWEEN DATE '2023-01-01' AND DATE '2023-06-30') AS then_free,
        count(*) FILTER (released_on BETWEEN DATE '2023-01-01' AND DATE '2023-06-30') AS then_all,
        count(*) FILTER (is_free AND released_on > (SELECT max(o.released_on) FROM opened AS o) - INTERVAL 12 MONTH)
            AS now_free,
        count(*) FILTER (released_on > (SELECT max(o.released_on) FROM opened AS o) - INTERVAL 12 MONTH) AS now_all
    FROM opened
)

SELECT
    format('{} of {} open models free to use', then_free, then_all) AS at_the_time,
    CASE WHEN then_all = 0 THEN 'unknown' WHEN 2 * then_free < then_all THEN 'yes' ELSE 'no' END AS held,
    format('{} of {} are', now_free, now_all) AS today,
    CASE WHEN now_all = 0 THEN 'unknown' WHEN 2 * now_free < now_all THEN 'yes' ELSE 'no' END AS holds
FROM shares
