-- Days from LLaMA's leak to Alpaca and to the first tuned weights; today the first tuned weights of a base by others.
-- held | yes where tuned weights were public within ten days, in part where they were announced by then
-- holds | yes where half of the bases of the last two years were instruction-tuned by others within 10 days
WITH recent AS (
    FROM marts.uptake
    WHERE kind = 'instruct' AND days = 10
),

alpaca AS (
    SELECT evidenced_day FROM marts.memo_timeline
    WHERE event_id = 'alpaca'
),

first_weights AS (
    SELECT days_to_first FROM marts.derivative_clock
    WHERE base = 'huggyllama/llama-7b' AND kind = 'instruct'
)

SELECT
    format('announced on day {}, weights on day {}', a.evidenced_day, w.days_to_first) AS at_the_time,
    CASE WHEN w.days_to_first <= 10 THEN 'yes' WHEN a.evidenced_day <= 10 THEN 'in part' ELSE 'no' END AS held,
    format('{} of {} bases tuned by others in 10 days', n.built_on, n.bases) AS today,
    n.is_half AS holds
FROM alpaca AS a
CROSS JOIN first_weights AS w
CROSS JOIN recent AS n
