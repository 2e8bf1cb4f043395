-- Every score that was read is in staging once: none is lost in finding its model or series.
WITH read_scores AS (
    SELECT
        source,
        count(*) AS scores
    FROM raw.board_scores
    GROUP BY source
    UNION ALL
    SELECT
        'hub_models' AS source,
        count(*) AS scores
    FROM raw.card_metrics
),

staged AS (
    SELECT
        c.source,
        count(*) AS scores
    FROM staging.scores AS s
    INNER JOIN raw.captures AS c ON s.capture_id = c.capture_id
    GROUP BY c.source
)

SELECT
    r.source,
    r.scores AS read_scores,
    coalesce(g.scores, 0) AS staged_scores
FROM read_scores AS r
LEFT JOIN staged AS g ON r.source = g.source
WHERE r.scores <> coalesce(g.scores, 0)
