-- Derivatives of every base model and the accounts that made them, 7, 30 and 90 days after its start.
-- base | repository of the base model
-- started_on | day from which days are counted, see marts.derivative_clock
-- days | 7, 30 or 90
-- derivatives | direct derivatives by then
-- authors | accounts that made them: a thousand uploads by one account are one author
-- outside_authors | of these other than the base's own
-- of_them_declared | derivatives that the Hub declares, by tag or card
-- of_them_curated | derivatives known only from the project's table
-- of_them_inferred | derivatives that names alone tell
-- complete | whether so many days have passed
WITH starts AS (
    SELECT
        base,
        any_value(started_on) AS started_on,
        any_value(observed_days) AS observed_days
    FROM marts.derivative_clock
    GROUP BY base
),

children AS (
    SELECT
        s.base,
        e.child,
        e.evidence,
        lower(split_part(e.child, '/', 1)) AS author,
        date_diff('day', s.started_on, e.born_on) AS born
    FROM starts AS s
    INNER JOIN staging.lineage_edges AS e ON s.base = e.parent
    ANTI JOIN lineage.circles AS o ON e.child = o.child AND e.parent = o.parent
)

SELECT
    s.base,
    s.started_on,
    w.days,
    count(c.child) AS derivatives,
    count(DISTINCT c.author) AS authors,
    count(DISTINCT CASE WHEN c.author <> lower(split_part(s.base, '/', 1)) THEN c.author END) AS outside_authors,
    count(c.child) FILTER (c.evidence IN ('tag', 'declared')) AS of_them_declared,
    count(c.child) FILTER (c.evidence = 'curated') AS of_them_curated,
    count(c.child) FILTER (c.evidence = 'inferred') AS of_them_inferred,
    s.observed_days >= w.days AS complete
FROM starts AS s
CROSS JOIN (VALUES (7), (30), (90)) AS w (days)
LEFT JOIN children AS c ON s.base = c.base AND c.born BETWEEN 0 AND w.days
GROUP BY s.base, s.started_on, s.observed_days, w.days
