-- Days from LLaMA's leak to LLaMA-Adapter and to LLaVA; today the first derivative, by others, that reads pictures.
-- held | in part where LLaMA-Adapter came within 31 days: its hour rests on its paper, not on the Hub
-- holds | yes where half of the bases of the last two years were so extended by others within 90 days
WITH recent AS (
    FROM marts.uptake
    WHERE kind = 'multimodal' AND days = 90
)

SELECT
    format('LLaMA-Adapter on day {}, LLaVA on day {}', a.evidenced_day, l.evidenced_day) AS at_the_time,
    CASE WHEN a.evidenced_day <= 31 THEN 'in part' ELSE 'no' END AS held,
    format('{} of {} bases given eyes by others in 90 days', n.built_on, n.bases) AS today,
    n.is_half AS holds
FROM marts.memo_timeline AS a
CROSS JOIN marts.memo_timeline AS l
CROSS JOIN recent AS n
WHERE a.event_id = 'llama_adapter' AND l.event_id = 'llava'
