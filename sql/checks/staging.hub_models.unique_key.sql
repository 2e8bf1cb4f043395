-- One row a repository.
SELECT id
FROM staging.hub_models
GROUP BY id
HAVING count(*) > 1
