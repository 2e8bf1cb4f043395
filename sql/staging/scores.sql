-- Every score ever captured, one row a fact; a corrected or vanished score keeps its row and is superseded.
-- score_id | fingerprint of the fact
-- model_id | model
-- series_id | series
-- model_as_written | name the source uses
-- value | score as published
-- unit | percent, fraction, elo, points or minutes, as proven
-- value_scaled | 0-1 for percent and fraction; null for units without an end
-- value_normalised | 0 at chance and 1 at the ceiling of its series; null where either is unknown
-- ci_lo | lower end of the published interval
-- ci_hi | upper end of the published interval
-- stderr | standard error where published
-- n | number of items where published
-- effort | effort or version label where published
-- evaluated_on | day of the evaluation where published
-- published_on | day of publication where stated
-- observed_on | day of the dated snapshot it was read from; null = read live
-- tier | evidence tier A, A-, B, B+, C, D or E (see the docs)
-- self_reported | whether the developer reports its own model; null = unknown
-- doubtful | marked doubtful until checked; never in defaults
-- left_out | why it counts in no default: doubtful, flagged, merge, quantised, re-upload, namesake or smoke; null
-- source_name | who published the number; null = not stated
-- source_kind | url, name_only or not_stated: how the source itself is known
-- source_url | where the row is public
-- note | remark of the collection
-- model_revision | commit of the repository that was evaluated; null = not stated
-- dataset_revision | commit of the dataset that it was evaluated on; null = not stated
-- capture_id | capture that holds it last
-- seen_at | when it was first captured (UTC)
-- superseded_at | first later capture (UTC) without it; null = current
WITH facts AS (
    SELECT * FROM raw.facts_scores_closed
    UNION ALL BY NAME
    SELECT * FROM raw.facts_scores_epoch_matrix
    UNION ALL BY NAME
    SELECT * FROM raw.facts_scores_epoch_eci
),

-- Rows of a collection that agree in everything are told apart by their number.
numbered AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY
                capture_id, model_id, series_id, model_as_written, model_version, value,
                source_name, source_url, note
        ) AS row_number
    FROM facts
),

-- What a repository said that was deleted and made anew is said of the earlier one.
former AS (
    SELECT
        c.fact_id,
        min_by(t.model_id, t.ended_at) AS model_id
    FROM raw.card_metrics AS c
    INNER JOIN staging.hub_tombstones AS t ON c.repo_id = t.id AND c.gone_at <= t.ended_at
    GROUP BY c.fact_id
),

found AS (
    SELECT
        'facts' AS source,
        md5(concat_ws(
            chr(31), 'facts', model_id, series_id, coalesce(model_as_written, ''), coalesce(model_version, ''),
            value, coalesce(source_name, ''), source_url, coalesce(note, ''), row_number
        )) AS score_id,
        model_id,
        series_id,
        model_as_written,
        value,
        unit,
        ci_lo,
        ci_hi,
        model_version AS effort,
        evaluated_on,
        published_on,
        observed_on,
        tier,
        self_reported,
        doubtful,
        source_name,
        source_kind,
        source_url,
        note,
        capture_id
    FROM numbered
    UNION ALL BY NAME
    SELECT
        'hub_models' AS source,
        c.fact_id AS score_id,
        coalesce(f.model_id, m.model_id, 'hub:' || c.repo_id) AS model_id,
        m.variant AS packing,
        c.series_id,
        c.index_name AS model_as_written,
        c.value,
        c.unit,
        c.evaluated_on,
        c.tier,
        c.self_reported,
        false AS doubtful,
        c.source_name,
        'url' AS source_kind,
        c.source_url,
        c.capture_id,
        c.seen_at,
        c.gone_at
    FROM raw.card_metrics AS c
    LEFT JOIN staging.aliases AS m ON c.repo_id = m.name AND m.source = 'hub_models'
    LEFT JOIN former AS f ON c.fact_id = f.fact_id
    UNION ALL BY NAME
    SELECT
        b.source,
        b.fact_id AS score_id,
        m.model_id,
        m.variant AS packing,
        b.series_id,
        b.model AS model_as_written,
        b.value,
        e.unit,
        b.ci_lo,
        b.ci_hi,
        b.stderr,
        b.n,
        b.variant AS effort,
        b.evaluated_on,
        e.edition_on AS published_on,
        b.observed_on,
        b.tier,
        b.self_reported,
        b.doubtful,
        b.source_name,
        CASE WHEN b.source_name IS null THEN 'not_stated' ELSE 'url' END AS source_kind,
        b.source_url,
        b.note,
        b.model_revision,
        b.dataset_revision,
        b.capture_id,
        b.seen_at,
        b.gone_at
    FROM raw.board_scores AS b
    INNER JOIN raw.board_series AS e ON b.source = e.source AND b.series_id = e.series_id
    INNER JOIN staging.board_models AS m ON b.source = m.source AND b.model = m.name
),

-- Series that a board states live: what a dated snapshot of the same table said before is superseded by it.
live AS (
    SELECT
        series_id,
        min(seen_at) AS seen_at
    FROM raw.board_scores
    WHERE gone_at IS null AND source <> 'open_llm_csv'
    GROUP BY series_id
),

captures AS (
    SELECT
        source,
        capture_id,
        finished_at,
        lead(finished_at) OVER (PARTITION BY source ORDER BY capture_id) AS replaced_at
    FROM raw.captures
)

SELECT
    f.score_id,
    f.model_id,
    f.series_id,
    f.model_as_written,
    f.value,
    f.unit,
    CASE f.unit WHEN 'percent' THEN f.value / 100 WHEN 'fraction' THEN f.value END AS value_scaled,
    CASE WHEN f.unit = e.unit THEN (f.value - e.chance) / nullif(e.ceiling - e.chance, 0) END AS value_normalised,
    f.ci_lo,
    f.ci_hi,
    f.stderr,
    f.n,
    f.effort,
    f.evaluated_on,
    f.published_on,
    f.observed_on,
    f.tier,
    f.self_reported,
    f.doubtful,
    CASE
        WHEN f.doubtful AND f.note LIKE 'flagged%' THEN 'flagged'
        WHEN (f.doubtful AND f.note LIKE 'merge%') OR o.derivation = 'merge' THEN 'merge'
        WHEN f.doubtful AND f.note LIKE 'smoke test%' THEN 'smoke'
        WHEN f.doubtful AND f.note LIKE 'quantised%' THEN 'quantised'
        WHEN f.doubtful THEN 'doubtful'
        WHEN f.packing = 'copy' THEN 're-upload'
        WHEN o.derivation = 'namesake' THEN 'namesake'
        WHEN regexp_matches(f.packing, 'packing (gg|awq|gptq|exl|bnb|mlx|.bit|int|fp[48]|..fp4|w[0-9]|i?q[0-9])')
            THEN 'quantised'
    END AS left_out,
    f.source_name,
    f.source_kind,
    f.source_url,
    f.note,
    f.model_revision,
    f.dataset_revision,
    f.capture_id,
    coalesce(f.seen_at, min(c.finished_at) OVER (PARTITION BY f.score_id)) AS seen_at,
    -- Captures may be deltas, so what was folded carries its own dates; those of the project's tables are whole.
    CASE f.source
        WHEN 'facts' THEN coalesce(c.replaced_at, l.seen_at)
        ELSE least(f.gone_at, l.seen_at)
    END AS superseded_at
FROM found AS f
INNER JOIN staging.models AS o ON f.model_id = o.model_id
INNER JOIN captures AS c ON f.capture_id = c.capture_id AND f.source = c.source
LEFT JOIN staging.series AS e ON f.series_id = e.series_id
LEFT JOIN live AS l ON f.series_id = l.series_id AND f.source IN ('facts', 'open_llm_csv')
QUALIFY row_number() OVER (PARTITION BY f.score_id ORDER BY f.capture_id DESC) = 1
