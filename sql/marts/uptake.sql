-- How many base models of the last two years others built on within so many days, by kind of derivative.
-- kind | instruct, preference, quantised, adapter, merge, distilled or multimodal; any = whichever came first
-- days | 7, 10, 14, 30, 43 or 90
-- bases | bases seen for so long, whose start is more than a repository's creation
-- built_on | of these, with a first derivative by an account that is not the base's within so many days
-- share | built_on / bases
-- is_half | yes, no, or unknown: too close to say (score test at 90%), or the Hub in use is a part
-- is_whole | whether that is the whole Hub: what a part of it does not list says nothing
WITH ended AS (
    SELECT max(started_on + cast(observed_days AS INTEGER)) AS day
    FROM marts.derivative_clock
),

-- What shows pictures already cannot be made to.
shown AS (
    SELECT id FROM staging.techniques
    WHERE kind = 'multimodal'
),

recent AS (
    SELECT
        c.base,
        c.kind,
        c.observed_days,
        c.days_to_first_outside
    FROM marts.derivative_clock AS c
    CROSS JOIN ended AS e
    LEFT JOIN shown AS s ON c.base = s.id AND c.kind = 'multimodal'
    WHERE s.id IS NULL AND c.started_from <> 'repository' AND c.started_on >= e.day - INTERVAL 24 MONTH
),

clocks AS (
    FROM recent
    UNION ALL
    SELECT
        base,
        'any' AS kind,
        any_value(observed_days) AS observed_days,
        min(days_to_first_outside) AS days_to_first_outside
    FROM recent
    GROUP BY base
),

counted AS (
    SELECT
        c.kind,
        w.days,
        count(*) AS bases,
        count(*) FILTER (c.days_to_first_outside <= w.days) AS built_on
    FROM clocks AS c
    CROSS JOIN (VALUES (7), (10), (14), (30), (43), (90)) AS w (days)
    WHERE c.observed_days >= w.days
    GROUP BY c.kind, w.days
),

hub AS (
    SELECT hub = 'https://huggingface.co' AS is_whole
    FROM raw.run
)

SELECT
    c.kind,
    c.days,
    c.bases,
    c.built_on,
    c.built_on / c.bases AS share,
    CASE
        WHEN NOT h.is_whole OR abs(2 * c.built_on - c.bases) < 1.645 * sqrt(c.bases) THEN 'unknown'
        WHEN 2 * c.built_on > c.bases THEN 'yes'
        ELSE 'no'
    END AS is_half,
    h.is_whole
FROM counted AS c
CROSS JOIN hub AS h
ORDER BY c.kind ASC, c.days ASC
