-- Whose base models derivatives descend from, by the account of the furthest ancestor: in 2023, and in the last year.
-- held | yes where Meta's had the largest share before July 2023
-- holds | the same for the last year of derivatives; unknown on a part of the Hub
WITH hub AS (
    -- What a part of the Hub does not list says nothing.
    SELECT hub = 'https://huggingface.co' AS is_whole
    FROM ops.schema_version
),

born AS (
    SELECT
        child,
        min(born_on) AS born_on
    FROM staging.lineage_edges
    GROUP BY child
),

owned AS (
    SELECT
        b.born_on,
        CASE
            WHEN split_part(f.root, '/', 1) IN ('meta-llama', 'huggyllama', 'facebook') THEN 'Meta'
            ELSE split_part(f.root, '/', 1)
        END AS account
    FROM born AS b
    INNER JOIN marts.family AS f ON b.child = f.id
    WHERE f.root IS NOT NULL AND b.born_on IS NOT NULL
),

counted AS (
    SELECT
        account,
        count(*) FILTER (born_on < DATE '2023-07-01') AS early,
        count(*) FILTER (born_on > (SELECT max(o.born_on) FROM owned AS o) - INTERVAL 12 MONTH) AS late
    FROM owned
    GROUP BY account
),

shares AS (
    SELECT
        account,
        early / sum(early) OVER () AS early,
        late / sum(late) OVER () AS late,
        sum(late) OVER () AS of_all
    FROM counted
),

found AS (
    SELECT
        max(early) FILTER (account = 'Meta') AS meta_early,
        max(early) AS most_early,
        coalesce(max(late) FILTER (account = 'Meta'), 0) AS meta_late,
        max(late) AS most_late,
        any_value(of_all) AS of_all,
        arg_max(account, (late, account)) AS first_late
    FROM shares
)

SELECT
    format('{:.0f}% of derivatives are of Meta''s', 100 * f.meta_early) AS at_the_time,
    CASE WHEN f.meta_early = f.most_early THEN 'yes' ELSE 'no' END AS held,
    format('{:.0f}% of {} do; {} has {:.0f}%', 100 * f.meta_late, f.of_all, f.first_late, 100 * f.most_late) AS today,
    CASE WHEN NOT h.is_whole THEN 'unknown' WHEN f.meta_late = f.most_late THEN 'yes' ELSE 'no' END AS holds
FROM found AS f
CROSS JOIN hub AS h
