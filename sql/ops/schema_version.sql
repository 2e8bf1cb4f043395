-- Version of the public contract of this file and whom to name when using it.
-- schema_version | rises when a public column is renamed, retyped or removed
-- attribution | text to print beside anything made from this file
-- hub | the Hub this build asked
-- as_of | date of the world it was asked for
SELECT
    1 AS schema_version,
    'Open Moat (CC BY 4.0); includes data of Epoch AI (CC BY 4.0) and of the sources named on each row' AS attribution,
    hub,
    as_of
FROM raw.run
