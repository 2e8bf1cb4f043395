-- What the memo "We Have No Moat, And Neither Does OpenAI" of May 2023 names: its dates and those of the authors.
-- event_id | event
-- name | what happened
-- named_in | memo: in its text; article: by those who wrote about it
-- technique | pretraining, weights, port, method, instruction_tuning, preference, quantisation, adapter or multimodal
-- claim | what the memo says of it; null = nothing
-- claimed_on | day by the memo; null = it gives none
-- claimed_day | days from the leak of LLaMA's weights to that day
-- evidenced_on | day by its authors' own publication, or the earliest public record
-- evidenced_day | days from the leak to that day
-- weights_on | day on which its weights were public; null = not stated, or there are none
-- weights_day | days from the leak to that day
-- memo_early_by | days by which the memo is earlier than the evidence; negative = later; null = one is missing
-- verdict | what the record makes of the memo's date
-- base | repository it was built on; null = none
-- repository | its repository; null = none
-- on_the_hub | whether the Hub in use lists that repository; null = it has none
-- hub_created_on | creation of the repository by the Hub; null = not listed
-- hub_declares_base | whether the Hub declares that base; null = it is not listed, or has no base
-- params_b | billions of parameters
-- cost_usd | cost of training where a source states it
-- note | what else the sources say
-- claim_url | where the memo is public
-- evidence_url | where the evidenced day is public
WITH events AS (
    FROM raw.facts_memo_events
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
),

stated AS (
    FROM raw.facts_memo_dates
    QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
),

days AS (
    SELECT
        event_id,
        max(CASE WHEN kind = 'claimed' THEN date END) AS claimed_on,
        max(CASE WHEN kind = 'evidenced' THEN date END) AS evidenced_on,
        max(CASE WHEN kind = 'evidenced' THEN source_url END) AS evidence_url,
        max(CASE WHEN kind = 'weights' THEN date END) AS weights_on
    FROM stated
    GROUP BY event_id
),

leak AS (
    SELECT evidenced_on AS day
    FROM days
    WHERE event_id = 'llama_leak'
)

SELECT
    e.event_id,
    e.name,
    e.named_in,
    e.technique,
    e.claim,
    d.claimed_on,
    date_diff('day', (SELECT l.day FROM leak AS l), d.claimed_on) AS claimed_day,
    d.evidenced_on,
    date_diff('day', (SELECT l.day FROM leak AS l), d.evidenced_on) AS evidenced_day,
    d.weights_on,
    date_diff('day', (SELECT l.day FROM leak AS l), d.weights_on) AS weights_day,
    date_diff('day', d.claimed_on, d.evidenced_on) AS memo_early_by,
    CASE
        WHEN d.claimed_on IS NULL THEN 'the memo gives no date'
        WHEN d.evidenced_on IS NULL THEN 'the record gives no date'
        WHEN d.claimed_on = d.evidenced_on THEN 'the record agrees'
        WHEN d.claimed_on < d.evidenced_on
            THEN 'the memo is ' || date_diff('day', d.claimed_on, d.evidenced_on) || ' days early'
        ELSE 'the memo is ' || date_diff('day', d.evidenced_on, d.claimed_on) || ' days late'
    END AS verdict,
    e.base,
    e.repository,
    CASE WHEN e.repository IS NOT NULL THEN h.id IS NOT NULL AND h.deleted_seen_at IS NULL END AS on_the_hub,
    cast(h.created_at AS DATE) AS hub_created_on,
    CASE WHEN h.id IS NOT NULL AND e.base IS NOT NULL THEN g.child IS NOT NULL END AS hub_declares_base,
    e.params_b,
    e.cost_usd,
    e.note,
    e.source_url AS claim_url,
    d.evidence_url
FROM events AS e
INNER JOIN days AS d ON e.event_id = d.event_id
LEFT JOIN staging.hub_models AS h ON e.repository = h.id
LEFT JOIN raw.lineage_edges AS g ON e.repository = g.child AND e.base = g.parent
ORDER BY coalesce(d.claimed_on, d.evidenced_on), e.event_id
