-- Why the headline differs between two builds that followed one another; a change of nothing gives no row.
-- It depends on the builds that were made here, not on captures alone, so it is no part of the logical hash.
-- built_before | when the earlier build was made (UTC)
-- built_after | when the later build was made (UTC)
-- as_of_before | date of the world the series spoke of in the earlier build
-- as_of_after | the same in the later build
-- series | series id of an index: epoch_eci (the headline) or capability_index (our own fit)
-- open_definition | downloadable, commercial or unrestricted
-- metric | gap (points, closed minus open) or lag (backward lag in months), both at strict tolerance
-- before | the metric in the earlier build; null where undefined
-- after | the metric in the later build; null where undefined
-- difference | after minus before, the sum of the amounts of all factors
-- factor | new_models, removed_models, resolved, rescored, redated, relicensed or elapsed (time alone)
-- amount | what this factor did to the metric; null where it cannot be told
-- models | models it concerns, for resolved the published numbers; null for elapsed
-- note | why the amounts are null
SELECT
    built_before,
    built_after,
    as_of_before,
    as_of_after,
    series,
    open_definition,
    metric,
    round(before, 6) AS before,
    round(after, 6) AS after,
    round(difference, 6) AS difference,
    factor,
    round(amount, 6) AS amount,
    models,
    note
FROM gap.vintage_changes
