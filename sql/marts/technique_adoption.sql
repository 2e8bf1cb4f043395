-- How new derivatives are made, by the half-year of their creation: the share of each kind among them.
-- half_year | first day of the half-year
-- kind | instruct, preference, quantised, adapter, merge, distilled or multimodal; none = nothing is said
-- derivatives | new derivatives of this kind; one may be of several
-- of_all | new derivatives in that half-year, whatever their kind
-- share | derivatives / of_all
-- authors | accounts that made them
-- of_them_declared | of these whose base the Hub declares, by tag or card
-- of_them_inferred | of these whose base a name alone tells; the rest is known from the project's table
WITH born AS (
    SELECT
        child,
        min(born_on) AS born_on,
        bool_or(evidence IN ('tag', 'declared')) AS is_declared,
        bool_and(evidence = 'inferred') AS is_inferred
    FROM staging.lineage_edges
    GROUP BY child
),

placed AS (
    SELECT
        child,
        is_declared,
        is_inferred,
        lower(split_part(child, '/', 1)) AS author,
        make_date(year(born_on), CASE WHEN month(born_on) < 7 THEN 1 ELSE 7 END, 1) AS half_year
    FROM born
    WHERE born_on IS NOT NULL
),

made AS (
    SELECT
        p.half_year,
        p.child,
        p.author,
        p.is_declared,
        p.is_inferred,
        coalesce(t.kind, 'none') AS kind
    FROM placed AS p
    LEFT JOIN staging.techniques AS t ON p.child = t.id AND t.confidence >= 0.9
),

totals AS (
    SELECT
        half_year,
        count(*) AS of_all
    FROM placed
    GROUP BY half_year
)

SELECT
    m.half_year,
    m.kind,
    count(*) AS derivatives,
    t.of_all,
    count(*) / t.of_all AS share,
    count(DISTINCT m.author) AS authors,
    count(*) FILTER (m.is_declared) AS of_them_declared,
    count(*) FILTER (m.is_inferred) AS of_them_inferred
FROM made AS m
INNER JOIN totals AS t ON m.half_year = t.half_year
GROUP BY m.half_year, m.kind, t.of_all
ORDER BY m.half_year ASC, m.kind ASC
