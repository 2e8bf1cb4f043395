-- The gap of the headline series on the day of the memo, beside that of today.
-- held | unknown: the index has too few models before the memo to say whether the gap was closing
-- holds | yes where today's 90% interval of the gap lies below that of then; unknown where they meet
WITH headline AS (
    FROM marts.headline
    WHERE is_headline AND open_definition = 'downloadable' AND tolerance = 'strict'
),

gaps AS (
    SELECT g.*
    FROM marts.gap AS g
    INNER JOIN headline AS h ON g.series = h.series
),

earlier AS (
    FROM gaps
    WHERE day <= DATE '2023-05-04'
    QUALIFY row_number() OVER (ORDER BY day DESC) = 1
),

later AS (
    FROM gaps
    QUALIFY row_number() OVER (ORDER BY day DESC) = 1
)

SELECT
    format('gap {:.1f} points', e.gap_raw) AS at_the_time,
    'unknown' AS held,
    format('gap {:.1f} points, {:.1f} months behind', l.gap_raw, h.lag_months) AS today,
    CASE WHEN l.gap_hi < e.gap_lo THEN 'yes' WHEN l.gap_lo > e.gap_hi THEN 'no' ELSE 'unknown' END AS holds
FROM earlier AS e
CROSS JOIN later AS l
CROSS JOIN headline AS h
