-- What the memo names by whether it was built on something; today the repositories of the last year, likewise.
-- held | yes where most of what it names was built on another model
-- holds | yes where most of the repositories of the last two half-years were; unknown on a part of the Hub
WITH hub AS (
    -- What a part of the Hub does not list says nothing.
    SELECT hub = 'https://huggingface.co' AS is_whole
    FROM ops.schema_version
),

named AS (
    SELECT
        count(*) FILTER (base IS NOT NULL) AS built,
        count(*) AS of_all
    FROM marts.memo_timeline
    WHERE repository IS NOT NULL
),

halves AS (
    SELECT DISTINCT half_year FROM marts.lineage_evidence
    WHERE half_year IS NOT NULL
    ORDER BY half_year DESC
    LIMIT 2
),

recent AS (
    SELECT
        sum(e.repositories) FILTER (e.evidence <> 'none') AS built,
        sum(e.repositories) AS of_all
    FROM marts.lineage_evidence AS e
    INNER JOIN halves AS h ON e.half_year = h.half_year
)

SELECT
    format('{} of {} named models stood on another', n.built, n.of_all) AS at_the_time,
    CASE WHEN 2 * n.built > n.of_all THEN 'yes' ELSE 'no' END AS held,
    format('{:.0f}% of new repositories do', 100 * r.built / r.of_all) AS today,
    CASE WHEN NOT h.is_whole THEN 'unknown' WHEN 2 * r.built > r.of_all THEN 'yes' ELSE 'no' END AS holds
FROM named AS n
CROSS JOIN recent AS r
CROSS JOIN hub AS h
