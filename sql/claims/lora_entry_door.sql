-- The share of adapters among derivatives: of LLaMA in 2023 by public pages, of everything in the last whole half-year.
-- held | yes where adapters were the most frequent technique
-- holds | the same today; unknown on a part of the Hub
WITH hub AS (
    -- What a part of the Hub does not list says nothing.
    SELECT hub = 'https://huggingface.co' AS is_whole
    FROM ops.schema_version
),

early AS (
    SELECT
        t.kind,
        count(DISTINCT e.child) AS derivatives
    FROM staging.lineage_edges AS e
    INNER JOIN staging.techniques AS t ON e.child = t.id
    WHERE e.evidence = 'curated' AND t.rule_id = 'curated' AND e.born_on < DATE '2023-07-01'
    GROUP BY t.kind
),

then_ AS (
    SELECT
        sum(derivatives) FILTER (kind = 'adapter') AS adapters,
        max(derivatives) AS most,
        sum(derivatives) AS of_all
    FROM early
),

ended AS (
    SELECT max(started_on + cast(observed_days AS INTEGER)) AS day
    FROM marts.derivative_clock
),

whole AS (
    SELECT max(a.half_year) AS half_year
    FROM marts.technique_adoption AS a
    CROSS JOIN ended AS e
    WHERE a.half_year <= e.day - INTERVAL 6 MONTH
),

halves AS (
    SELECT a.*
    FROM marts.technique_adoption AS a
    INNER JOIN whole AS w ON a.half_year = w.half_year
),

now_ AS (
    SELECT
        coalesce(max(share) FILTER (kind = 'adapter'), 0) AS adapters,
        max(share) FILTER (kind <> 'none') AS most,
        max(of_all) AS of_all
    FROM halves
)

SELECT
    format('{} of {} derivatives were adapters', t.adapters, t.of_all) AS at_the_time,
    CASE WHEN t.adapters = t.most THEN 'yes' ELSE 'no' END AS held,
    format('{:.0f}% of {} new derivatives are', 100 * n.adapters, n.of_all) AS today,
    CASE WHEN NOT h.is_whole THEN 'unknown' WHEN n.adapters = n.most THEN 'yes' ELSE 'no' END AS holds
FROM then_ AS t
CROSS JOIN now_ AS n
CROSS JOIN hub AS h
