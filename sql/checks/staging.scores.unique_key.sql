-- One row a fact.
SELECT score_id
FROM staging.scores
GROUP BY score_id
HAVING count(*) > 1
