-- What each policy of one score a model and benchmark makes of the indices and of every benchmark with both sides.
-- policy | default, independent, vendor, highest, lowest or same_protocol (see docs/adr/0017)
-- series | epoch_eci and capability_index as everywhere; cell:capability_index fitted on the picks; cell:<benchmark>
-- benchmark | benchmark; null for an index
-- as_of | day the figures speak of
-- unit | unit of gap and scores
-- open_model | best open model; null where the policy leaves too little
-- open_score | its score
-- closed_model | best closed model
-- closed_score | its score
-- comparability | of the scores of these two: same_evaluator, same_protocol or loose
-- gap | how far closed leads; strict tolerance, open = downloadable
-- lag_months | how long ago a closed model was already better than today's best open one
-- lag_bounded | true where the lag is at least that long
-- catch_up_median | Kaplan-Meier median of the months until a closed record is matched; null = not reached
-- records | closed records
-- censored | those not matched yet
-- pairs_same_evaluator | records and their matches that one evaluator scored by one protocol
-- pairs_same_protocol | those of one stated protocol
-- pairs_loose | all other matched records
-- loose | whether the two frontier holders or any matched record compare loosely: never in a headline
-- models | models with a score that the policy picks
-- open_models | open ones
-- closed_models | closed ones
-- scores_picked | scores that enter
-- scores_left_out | current scores of the same benchmarks that do not
-- gap_change | gap less that of the default policy
-- notes | how to read the numbers and why one is null
SELECT
    e.policy,
    e.series,
    e.benchmark,
    e.as_of,
    e.unit,
    e.open_model,
    round(e.open_score, 6) AS open_score,
    e.closed_model,
    round(e.closed_score, 6) AS closed_score,
    e.comparability,
    round(e.gap, 6) AS gap,
    round(e.lag_months, 6) AS lag_months,
    e.lag_bounded,
    round(e.catch_up_median, 6) AS catch_up_median,
    e.records,
    e.censored,
    e.pairs_same_evaluator,
    e.pairs_same_protocol,
    e.pairs_loose,
    coalesce(e.comparability = 'loose' OR e.pairs_loose > 0, FALSE) AS loose,
    e.models,
    e.open_models,
    e.closed_models,
    e.scores_picked,
    e.scores_left_out,
    round(e.gap - d.gap, 6) AS gap_change,
    e.notes
FROM gap.policy_effects AS e
LEFT JOIN gap.policy_effects AS d ON e.series = d.series AND d.policy = 'default'
