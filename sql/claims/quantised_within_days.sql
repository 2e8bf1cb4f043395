-- Days from LLaMA's leak to 4 bits on a laptop and to the first quantised weights; today those of a base by others.
-- held | yes where quantised weights were public within 14 days
-- holds | yes where others did so with half of recent bases within 14 days
WITH recent AS (
    FROM marts.uptake
    WHERE kind = 'quantised' AND days = 14
),

laptop AS (
    SELECT evidenced_day FROM marts.memo_timeline
    WHERE event_id = 'four_bit_macbook'
),

first_weights AS (
    SELECT days_to_first FROM marts.derivative_clock
    WHERE base = 'huggyllama/llama-7b' AND kind = 'quantised'
)

SELECT
    format('on a laptop on day {}, weights on day {}', l.evidenced_day, w.days_to_first) AS at_the_time,
    CASE WHEN w.days_to_first <= 14 THEN 'yes' ELSE 'no' END AS held,
    format('{} of {} bases packed by others in 14 days', n.built_on, n.bases) AS today,
    n.is_half AS holds
FROM laptop AS l
CROSS JOIN first_weights AS w
CROSS JOIN recent AS n
