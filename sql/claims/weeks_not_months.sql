-- Days between what the memo names, by the record; today how soon others build on a base model.
-- held | yes where half of those steps came within 14 days of the one before
-- holds | yes where half of the bases of the last two years were built on by others within 30 days
WITH recent AS (
    FROM marts.uptake
    WHERE kind = 'any' AND days = 30
),

steps AS (
    SELECT date_diff('day', lag(evidenced_on) OVER (ORDER BY evidenced_on, event_id), evidenced_on) AS days
    FROM marts.memo_timeline
    WHERE claimed_on IS NOT NULL
),

pace AS (
    SELECT
        count(days) AS steps,
        median(days) AS days
    FROM steps
)

SELECT
    format('{:.0f} days between {} steps (median)', p.days, p.steps) AS at_the_time,
    CASE WHEN p.days <= 14 THEN 'yes' ELSE 'no' END AS held,
    format('{} of {} bases built on by others in 30 days', n.built_on, n.bases) AS today,
    n.is_half AS holds
FROM pace AS p
CROSS JOIN recent AS n
