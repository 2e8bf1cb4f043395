"""Policies applied to the warehouse: staging in, gap.score_picks and gap.policy_effects out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import polars as pl

from pipeline.errors import InputError
from pipeline.gap.frontier import scaled
from pipeline.gap.index import fit
from pipeline.gap.index_design import prepare
from pipeline.gap.lag import Tolerance
from pipeline.gap.policy import CELL, COMPARABILITY, POLICIES, Policy, comparability, pick, weighed
from pipeline.gap.series import SeriesReport, series_report
from pipeline.gap.sides import OpenDefinition
from pipeline.gap_tables import asked_date, by_date, two_sided
from pipeline.index_tables import PUBLISHED, SERIES, Indexed

PREFIX = "cell:"
"""Series of a benchmark whose scores a policy picked, one a model."""

CELL_INDEX = f"{PREFIX}{SERIES}"
_STRICT = Tolerance("strict")
_NOTES = {
    PUBLISHED: "one score a model: every policy gives the same figure",
    SERIES: "fitted on Epoch's table: the policy chooses among the runs that the table has of a cell",
    CELL_INDEX: "fitted on the benchmarks of Epoch's table, each cell holding what the policy picks of all its scores",
}
_FACTS = ("released_on", "weights_on", "access", "licence_class", "country")

PICK_COLUMNS: dict[str, Any] = {
    "score_id": pl.String, "score": pl.Float64, "scale": pl.String, "picked_by": pl.List(pl.String),
    "reason": pl.String,
}  # fmt: skip
EFFECT_COLUMNS: dict[str, Any] = {
    "policy": pl.String, "series": pl.String, "benchmark": pl.String, "unit": pl.String, "as_of": pl.Date,
    "open_model": pl.String, "open_score": pl.Float64, "closed_model": pl.String, "closed_score": pl.Float64,
    "comparability": pl.String, "gap": pl.Float64, "lag_months": pl.Float64, "lag_bounded": pl.Boolean,
    "catch_up_median": pl.Float64, "records": pl.Int64, "censored": pl.Int64, "pairs_same_evaluator": pl.Int64,
    "pairs_same_protocol": pl.Int64, "pairs_loose": pl.Int64, "models": pl.Int64, "open_models": pl.Int64,
    "closed_models": pl.Int64, "scores_picked": pl.Int64, "scores_left_out": pl.Int64, "notes": pl.List(pl.String),
}  # fmt: skip
SCHEMAS = {"score_picks": PICK_COLUMNS, "policy_effects": EFFECT_COLUMNS}

QUERY = """
WITH newest_editions AS (
    SELECT e.series_id
    FROM staging.series AS e
    WHERE e.edition_of IS NOT NULL AND e.edition_on <= $as_of
    QUALIFY row_number() OVER (PARTITION BY e.edition_of ORDER BY e.edition_on DESC) = 1
),

series AS (
    SELECT
        e.*,
        b.chance AS benchmark_chance,
        b.ceiling AS benchmark_ceiling,
        e.edition_of IS NOT NULL AND e.series_id NOT IN (FROM newest_editions) AS past,
        regexp_matches(e.protocol_class, '\\bnormalised\\b') AS normalised,
        b.chance IS NOT NULL AND e.chance IS NULL AS of_unknown_chance
    FROM staging.series AS e
    INNER JOIN staging.benchmarks AS b ON e.benchmark_id = b.benchmark_id
    -- Under a name that nobody has mapped stand different measures of one dataset: no cell.
    WHERE b.unit IS NOT NULL OR e.benchmark_id = $benchmark
),

scores AS (
    SELECT
        s.score_id, s.model_id, e.benchmark_id, s.series_id, m.access, e.protocol, e.protocol_class, e.evaluator,
        e.comparability, coalesce(e.direction, 'higher') AS direction, s.effort, s.tier, s.self_reported,
        s.evaluated_on, s.observed_on, coalesce(s.evaluated_on, s.published_on) AS dated_on,
        coalesce(s.left_out, CASE WHEN e.past THEN 'older edition' END) AS left_out,
        e.source_url = 'https://epoch.ai/data/eci_benchmarks.csv' AS of_index,
        -- The ends of the series and those of the benchmark prove the way from one scale to the other.
        s.value_scaled IS NOT NULL AND s.value_normalised IS NOT NULL
        AND coalesce(e.benchmark_chance <> e.benchmark_ceiling, FALSE) AS proven,
        CASE
            WHEN s.value_scaled IS NULL THEN s.unit
            WHEN proven THEN 'fraction'
            WHEN e.normalised THEN 'between chance and ceiling'
            WHEN e.of_unknown_chance THEN 'fraction of unknown chance'
            ELSE 'fraction'
        END AS kind,
        CASE
            WHEN s.value_scaled IS NULL THEN 1
            WHEN proven THEN (e.benchmark_ceiling - e.benchmark_chance) / (e.ceiling - e.chance)
            WHEN s.unit = 'percent' THEN 0.01
            ELSE 1
        END AS factor,
        CASE
            WHEN proven
                THEN e.benchmark_chance + s.value_normalised * (e.benchmark_ceiling - e.benchmark_chance)
            ELSE coalesce(s.value_scaled, s.value)
        END AS score,
        s.stderr * factor AS stderr,
        CASE kind
            WHEN 'fraction' THEN e.benchmark_chance WHEN 'between chance and ceiling' THEN 0.0
        END AS chance,
        CASE
            WHEN kind IN ('fraction', 'fraction of unknown chance') THEN coalesce(e.benchmark_ceiling, 1.0)
            WHEN kind = 'between chance and ceiling' THEN 1.0
        END AS ceiling
    FROM staging.scores AS s
    INNER JOIN series AS e ON s.series_id = e.series_id
    INNER JOIN staging.models AS m ON s.model_id = m.model_id
    WHERE
        s.superseded_at IS NULL
        AND coalesce(e.benchmark_id = $benchmark, TRUE)
        AND greatest(coalesce(s.evaluated_on, $as_of), coalesce(s.published_on, $as_of)) <= $as_of
)

SELECT
    * EXCLUDE (kind, factor, proven),
    CASE WHEN kind LIKE 'fraction%' THEN 'fraction' ELSE kind END AS unit,
    kind || CASE direction WHEN 'lower' THEN ', lower is better' ELSE '' END AS scale
FROM scores
"""
"""The scores that were there by a date, each on a scale that is proven.

Fractions and percent become fractions on the benchmark's own scale. What a source publishes between chance and
ceiling stays on a scale of its own where these are not known, and so does a fraction of which it is not known where
chance lies.
"""


@dataclass(frozen=True)
class Effect:
    """What a policy makes of one series.

    Attributes:
        policy: its name.
        series: `epoch_eci`, `capability_index` or `cell:<benchmark>`.
        report: gap, lag and catch-up; null where the scores that are left cannot carry an index.
        picked: scores in use.
        left_out: current scores of the same benchmarks that are not.
        unit: of gap and scores.
        frontier: comparability of the two frontier holders; null where a side is empty.
        pairs: comparability of each event of `report.catch_up`; null where it is censored.
        notes: how the figures came about.
    """

    policy: str
    series: str
    report: SeriesReport | None
    picked: int
    left_out: int
    unit: str
    frontier: str | None = None
    pairs: tuple[str | None, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """What is asked of the scores: the options of `moat gap`."""

    as_of: date
    tolerance: Tolerance = _STRICT
    definition: OpenDefinition = "downloadable"

    def reports(self, inputs: pl.DataFrame) -> list[SeriesReport]:
        """The report of every series that has both sides, by name."""
        found = [
            report
            for until, part in by_date(two_sided(inputs), self.as_of)
            for report in series_report(part, until, self.tolerance, self.definition)
        ]
        return sorted(found, key=lambda report: report.series)


def candidates(connection: duckdb.DuckDBPyConnection, as_of: date, benchmark: str | None = None) -> pl.DataFrame:
    """The scores of every cell that were there by a date, with what the steps of a policy look at.

    Args:
        connection: a work or published file.
        as_of: date of the world; later scores and editions do not exist yet.
        benchmark: only this one.
    """
    return weighed(connection.execute(QUERY, {"as_of": as_of, "benchmark": benchmark}).pl())


def cell_inputs(connection: duckdb.DuckDBPyConnection, rows: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """The scores a policy picks, as the gap functions take them: one series a benchmark.

    Args:
        connection: a work or published file.
        rows: as `candidates` gives them.
        policy: one of POLICIES.

    Returns:
        Columns of staging.gap_inputs that the gap functions read, `series` being `cell:<benchmark>`, and
        the columns that `gap.policy.comparability` reads.
    """
    chosen = rows.join(pick(rows, policy).filter("chosen").select("score_id"), on="score_id")
    picked = chosen.drop("access").with_columns(series=PREFIX + pl.col("benchmark_id"), benchmark="benchmark_id")
    connection.register("picked", picked)
    try:
        return connection.execute(
            "SELECT p.*, m.name AS model, m.released_on, m.weights_on, m.access, m.licence_class, m.country,"
            " m.params_total / 1e9 AS params_b FROM picked AS p INNER JOIN staging.models AS m USING (model_id)"
            " ORDER BY p.series, m.name"
        ).pl()
    finally:
        connection.unregister("picked")


def index_effects(
    connection: duckdb.DuckDBPyConnection, rows: pl.DataFrame, policy: Policy, question: Question
) -> list[Effect]:
    """What a policy makes of the headline: the published index, our fit of its table, and our fit of the cells.

    Args:
        connection: a work or published file.
        rows: as `candidates` gives them.
        policy: one of POLICIES.
        question: date, tolerance and definition of open.
    """
    published = connection.execute("SELECT * FROM staging.gap_inputs WHERE series = $series", {"series": PUBLISHED})
    found = [
        Effect(policy.name, PUBLISHED, report, report.models, 0, "points", "same_protocol",
               _matched(report, "same_protocol"), (_NOTES[PUBLISHED],))
        for report in question.reports(published.pl())
    ]  # fmt: skip
    table = rows.filter("of_index").with_columns(excluded="left_out")
    if table.height:
        of_table = rows.join(table.select("benchmark_id").unique(), on="benchmark_id", how="semi")
        found.append(_fitted(connection, SERIES, table, policy, question))
        found.append(_fitted(connection, CELL_INDEX, of_table, policy, question))
    return found


def cell_effects(
    connection: duckdb.DuckDBPyConnection, rows: pl.DataFrame, policy: Policy, question: Question
) -> list[Effect]:
    """What a policy makes of every benchmark with both sides, by name; the arguments are those of `index_effects`."""
    sides = pl.col("access").filter(pl.col("access").is_in(["open", "closed"])).n_unique().over("benchmark_id")
    # An index over many benchmarks is none itself.
    cells = rows.filter(sides == 2, (pl.col("series_id") != PUBLISHED).all().over("benchmark_id"))
    counts = dict(cells.group_by("benchmark_id").len().iter_rows())
    inputs = cell_inputs(connection, cells, policy)
    found = []
    for report in question.reports(inputs):
        own = inputs.filter(series=report.series)
        frontier, pairs = _pairs(report, own)
        left_out = counts[own["benchmark"][0]] - own.height
        found.append(Effect(policy.name, report.series, report, own.height, left_out, own["unit"][0], frontier, pairs))
    return found


def _matched(report: SeriesReport, said: str) -> tuple[str | None, ...]:
    """One comparability for every matched record."""
    return tuple(None if event.censored else said for event in report.catch_up)


def _pairs(report: SeriesReport, scores: pl.DataFrame) -> tuple[str | None, tuple[str | None, ...]]:
    """Comparability of the two frontier holders, and of each closed record with its match."""
    holders = (report.frontier_closed, report.frontier_open)
    names = [[holder and holder.model for holder in holders]]
    names += [[event.closed, event.open] for event in report.catch_up]
    pairs = pl.DataFrame(names, schema={"model": pl.String, "model_other": pl.String}, orient="row")
    one = scores.select("model", "series_id", "comparability", "protocol_class", "evaluator")
    other = one.rename({name: f"{name}_other" for name in one.columns})
    known = pairs.join(one, on="model", how="left", maintain_order="left").join(
        other, on="model_other", how="left", maintain_order="left"
    )
    both = known["series_id"].is_not_null() & known["series_id_other"].is_not_null()
    first, *rest = known.select(pl.when(both).then(comparability(known))).to_series().to_list()
    return first, tuple(rest)


def _fitted(
    connection: duckdb.DuckDBPyConnection, series: str, rows: pl.DataFrame, policy: Policy, question: Question
) -> Effect:
    """The capability index of what a policy picks, without draws, in the mode `eci`."""
    chosen = cell_inputs(connection, rows, policy).filter(pl.col("direction") != "lower")
    placed = chosen.with_columns(
        performance=scaled(pl.col("score"), pl.col("chance"), pl.col("ceiling"))
    ).drop_nulls("performance")  # fmt: skip
    left_out = rows.height - placed.height
    try:
        index = fit(prepare(placed.select("model", "benchmark", "performance", "released_on"))).models
    except InputError as error:
        return Effect(policy.name, series, None, placed.height, left_out, "points", notes=(_NOTES[series], str(error)))
    facts = placed.unique("model").select("model", *_FACTS)
    scores = index.select("model", score="index").join(facts, on="model").with_columns(
        series=pl.lit(series), unit=pl.lit("points"), observed_on=placed["observed_on"].max()
    )  # fmt: skip
    reports = question.reports(scores)
    # Our fit of one table compares as the table does; cells of many sources do not.
    said = "same_protocol" if series == SERIES else "loose"
    return Effect(
        policy.name, series, reports[0] if reports else None, placed.height, left_out, "points", said,
        _matched(reports[0], said) if reports else (), (_NOTES[series],),
    )  # fmt: skip


def write(connection: duckdb.DuckDBPyConnection, as_of: date) -> dict[str, int]:
    """Fill the tables of SCHEMAS: strict tolerance, open = downloadable.

    Returns:
        Row counts by table.
    """
    rows, question = candidates(connection, as_of), Question(as_of)
    found = [
        _row(effect)
        for policy in POLICIES.values()
        for ask in (index_effects, cell_effects)
        for effect in ask(connection, rows, policy, question)
    ]
    counts = {}
    for name, frame in (
        ("score_picks", disputed(rows)),
        ("policy_effects", pl.DataFrame(found, schema=EFFECT_COLUMNS)),
    ):
        connection.execute(f"CREATE OR REPLACE TABLE gap.{name} AS FROM frame")
        counts[name] = frame.height
    return counts


def disputed(rows: pl.DataFrame) -> pl.DataFrame:
    """PICK_COLUMNS of the scores of every cell with more than one distinct score, older editions aside.

    `reason` is why `default` does not pick a score.
    """
    current = pl.col("left_out").ne_missing("older edition")
    values = pl.struct("scale", "merit").filter(current).n_unique().over(CELL)
    held = rows.filter((values > 1) & current)
    picks = {name: pick(held, policy) for name, policy in POLICIES.items()}
    chosen = pl.concat(
        found.filter("chosen").select("score_id", policy=pl.lit(name)) for name, found in picks.items()
    )  # fmt: skip
    lists = chosen.group_by("score_id", maintain_order=True).agg(picked_by="policy")
    return (
        held.join(picks["default"].select("score_id", "reason"), on="score_id")
        .join(lists, on="score_id", how="left")
        .with_columns(pl.col("picked_by").fill_null([]))
        .select(*PICK_COLUMNS)
    )


def fill(connection: duckdb.DuckDBPyConnection, _found: Indexed) -> dict[str, int]:
    """`write` of the date that this build is about."""
    return write(connection, asked_date(connection))


def _row(effect: Effect) -> dict[str, Any]:
    report = effect.report
    where = {
        "policy": effect.policy, "series": effect.series, "unit": effect.unit, "comparability": effect.frontier,
        "benchmark": effect.series.removeprefix(PREFIX) if effect.series not in _NOTES else None,
        "scores_picked": effect.picked, "scores_left_out": effect.left_out,
    }  # fmt: skip
    if report is None:
        return where | {"notes": list(effect.notes)}
    pairs = {f"pairs_{name}": effect.pairs.count(name) for name in COMPARABILITY}
    opened, closed = report.frontier_open, report.frontier_closed
    return where | pairs | {
        "as_of": report.as_of, "open_model": opened and opened.model, "open_score": opened and opened.score,
        "closed_model": closed and closed.model, "closed_score": closed and closed.score, "gap": report.gap_raw,
        "lag_months": report.backward.months, "lag_bounded": report.backward.bounded,
        "catch_up_median": report.survival.median, "records": report.survival.n, "censored": report.survival.censored,
        "models": report.models, "open_models": report.open, "closed_models": report.closed,
        "notes": [*effect.notes, *report.notes],
    }  # fmt: skip
