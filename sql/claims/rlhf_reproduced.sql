-- Days from LLaMA's leak to weights tuned on preferences by anybody and by OpenAssistant; today those of a base.
-- held | yes where OpenAssistant's own were public by the memo's day 43, in part where anybody's were
-- holds | yes where half of the bases of the last two years were tuned on preferences by others within 43 days
WITH recent AS (
    FROM marts.uptake
    WHERE kind = 'preference' AND days = 43
),

named AS (
    SELECT weights_day FROM marts.memo_timeline
    WHERE event_id = 'openassistant'
),

first_weights AS (
    SELECT min(days_to_first) AS days FROM marts.derivative_clock
    WHERE base LIKE 'huggyllama/llama-%' AND kind = 'preference'
)

SELECT
    format('first on day {}, OpenAssistant''s on day {}', w.days, o.weights_day) AS at_the_time,
    CASE WHEN o.weights_day <= 43 THEN 'yes' WHEN w.days <= 43 THEN 'in part' ELSE 'no' END AS held,
    format('{} of {} bases so tuned by others in 43 days', n.built_on, n.bases) AS today,
    n.is_half AS holds
FROM named AS o
CROSS JOIN first_weights AS w
CROSS JOIN recent AS n
