-- A source means one thing by a name.
SELECT
    source,
    name
FROM staging.aliases
GROUP BY source, name
HAVING count(*) > 1
