"""The gap functions applied to the warehouse: staging.gap_inputs in, the gap schema out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import duckdb
import polars as pl

from pipeline.errors import WarehouseError
from pipeline.gap.frontier import gap_over_time, records
from pipeline.gap.lag import parse_tolerance
from pipeline.gap.noise import Draws
from pipeline.gap.pooled import pooled_lag
from pipeline.gap.series import SeriesReport, series_report
from pipeline.gap.sides import availability, parse_open_definition
from pipeline.gap.slices import EVERYTHING, Slice, restrict, slices
from pipeline.index_tables import Indexed
from pipeline.report.sentence import answer

DEFINITIONS = ("downloadable", "commercial", "unrestricted")
TOLERANCES = ("strict", "significant")
COMPOSITES = ("epoch_eci", "capability_index")
"""Indices over many benchmarks: sliced, and left out where benchmarks are pooled."""

_WHERE: dict[str, Any] = {"series": pl.String, "slice": pl.String, "open_definition": pl.String, "tolerance": pl.String}
SUMMARY_COLUMNS: dict[str, Any] = _WHERE | {
    "as_of": pl.Date, "state": pl.String, "sentence": pl.String,
    "open_model": pl.String, "open_on": pl.Date, "open_score": pl.Float64,
    "closed_model": pl.String, "closed_on": pl.Date, "closed_score": pl.Float64,
    "gap_raw": pl.Float64, "gap_bias": pl.Float64, "gap_lo": pl.Float64, "gap_hi": pl.Float64,
    "gap_logit": pl.Float64, "lag_months": pl.Float64, "lag_bounded": pl.Boolean,
    "lag_lo": pl.Float64, "lag_hi": pl.Float64, "clearly_behind_on": pl.Date,
    "km_median": pl.Float64, "km_lo": pl.Float64, "km_hi": pl.Float64,
    "calibrated_lo": pl.Float64, "calibrated_hi": pl.Float64,
    "rmst18": pl.Float64, "rmst18_lo": pl.Float64, "rmst18_hi": pl.Float64,
    "weibull_shape": pl.Float64, "weibull_median": pl.Float64,
    "records": pl.Int64, "censored": pl.Int64, "naive_mean": pl.Float64, "oldest_unmatched": pl.Float64,
    "models": pl.Int64, "open_models": pl.Int64, "closed_models": pl.Int64, "unknown_models": pl.Int64,
    "self_reported_pct": pl.Float64, "saturated": pl.Boolean, "notes": pl.List(pl.String),
}  # fmt: skip
CATCH_UP_COLUMNS: dict[str, Any] = _WHERE | {
    "closed": pl.String, "closed_on": pl.Date, "closed_score": pl.Float64, "open": pl.String, "open_on": pl.Date,
    "lag_months": pl.Float64, "censored": pl.Boolean, "already_reached": pl.Boolean,
}  # fmt: skip
CLOSING_COLUMNS: dict[str, Any] = _WHERE | {
    "measure": pl.String, "period": pl.String, "estimator": pl.String, "slope_per_year": pl.Float64,
    "lo": pl.Float64, "hi": pl.Float64, "p_closing": pl.Float64, "n": pl.Int64, "first_on": pl.Date,
    "closed_per_year": pl.Float64, "diverges": pl.Boolean,
}  # fmt: skip
FRONTIER_COLUMNS: dict[str, Any] = {
    "series": pl.String, "open_definition": pl.String, "side": pl.String, "available_on": pl.Date,
    "model": pl.String, "score": pl.Float64,
}  # fmt: skip
GAP_COLUMNS: dict[str, Any] = {
    "series": pl.String, "open_definition": pl.String, "day": pl.Date,
    "open_score": pl.Float64, "closed_score": pl.Float64,
    "gap_raw": pl.Float64, "gap_bias": pl.Float64, "gap_lo": pl.Float64, "gap_hi": pl.Float64,
    "gap_logit": pl.Float64,
}  # fmt: skip
POOLED_COLUMNS: dict[str, Any] = {
    "scope": pl.String, "with_loose": pl.Boolean, "median_months": pl.Float64, "lo": pl.Float64, "hi": pl.Float64,
    "between_sd": pl.Float64, "private_ratio": pl.Float64, "ratio_lo": pl.Float64, "ratio_hi": pl.Float64,
    "benchmarks": pl.Int64, "records": pl.Int64, "censored": pl.Int64, "notes": pl.List(pl.String),
}  # fmt: skip
SCHEMAS = {
    "summary": SUMMARY_COLUMNS, "catch_up": CATCH_UP_COLUMNS, "closing": CLOSING_COLUMNS,
    "frontier": FRONTIER_COLUMNS, "gap": GAP_COLUMNS, "pooled": POOLED_COLUMNS,
}  # fmt: skip


def two_sided(inputs: pl.DataFrame) -> pl.DataFrame:
    """The inputs of series that hold at least one open and one closed model; the rest can have no gap."""
    sides = pl.col("access").filter(pl.col("access").is_in(["open", "closed"])).n_unique().over("series")
    return inputs.filter(sides == 2)


def by_date(inputs: pl.DataFrame, as_of: date) -> Iterator[tuple[date, pl.DataFrame]]:
    """Split the inputs by the date their series can speak of.

    A dated snapshot knows nothing of what came after it: its series end there, even if `as_of` is later.
    """
    dated = inputs.with_columns(
        until=pl.min_horizontal(pl.col("observed_on").max().over("series").fill_null(as_of), pl.lit(as_of))
    )
    for (until,), part in sorted(dated.partition_by("until", as_dict=True).items()):
        yield until, part.drop("until")


def asked_date(connection: duckdb.DuckDBPyConnection) -> date:
    """Date of the world this build is about.

    Raises:
        WarehouseError: no run has noted it.
    """
    row = connection.execute("SELECT as_of FROM raw.run").fetchone()
    if row is None:
        raise WarehouseError("raw.run", "it is empty", "Run the whole pipeline with `moat run`")
    as_of: date = row[0]
    return as_of


def fill(connection: duckdb.DuckDBPyConnection, found: Indexed) -> dict[str, int]:
    """`compute` of the date that this build is about."""
    return compute(connection, found.inputs, found.draws, asked_date(connection))


def compute(
    connection: duckdb.DuckDBPyConnection, inputs: pl.DataFrame, draws: Mapping[str, Draws], as_of: date
) -> dict[str, int]:
    """Fill the tables of SCHEMAS.

    Args:
        connection: the work file.
        inputs: staging.gap_inputs, with the index.
        draws: joint draws of the indices, by series.
        as_of: date of the world.

    Returns:
        Row counts by table.
    """
    found: dict[str, list[pl.DataFrame]] = {table: [] for table in SCHEMAS}
    for until, part in by_date(two_sided(inputs), as_of):
        _reports(found, part, until, draws)
        _frontiers(found, part, until)
    catch_up = pl.concat([pl.DataFrame(schema=CATCH_UP_COLUMNS), *found["catch_up"]])
    found["pooled"].append(pooled(catch_up, inputs))
    counts = {}
    for table, schema in SCHEMAS.items():
        frame = pl.concat([pl.DataFrame(schema=schema), *found[table]])
        connection.execute(f"CREATE OR REPLACE TABLE gap.{table} AS FROM frame")
        counts[table] = frame.height
    return counts


def pooled(catch_up: pl.DataFrame, inputs: pl.DataFrame) -> pl.DataFrame:
    """The lag pooled over benchmarks: all, by domain and by visibility; with and without loose series.

    Args:
        catch_up: CATCH_UP_COLUMNS of every series.
        inputs: `series, benchmark, comparability, domain, visibility`.
    """
    known = inputs.select("series", "benchmark", "comparability", "domain", "visibility").unique("series")
    chosen = catch_up.filter(
        tolerance="strict", open_definition="downloadable", slice=EVERYTHING.name
    ).join(known, on="series").filter(~pl.col("series").is_in(COMPOSITES))  # fmt: skip
    frame = chosen.select(
        pl.col("benchmark").alias("series"), "lag_months", "censored", "domain", "visibility", "comparability",
        private=pl.when(pl.col("visibility") != "unknown").then(pl.col("visibility") == "private"),
    )  # fmt: skip
    rows = []
    for with_loose in (False, True):
        part = frame if with_loose else frame.filter(pl.col("comparability") != "loose")
        scopes = {"all": part}
        for column in ("domain", "visibility"):
            for (value,), group in sorted(part.drop_nulls(column).partition_by(column, as_dict=True).items()):
                scopes[f"{column} {value}"] = group
        for scope, group in scopes.items():
            result = pooled_lag(group.select("series", "lag_months", "censored", "private"))
            rows.append(
                {
                    "scope": scope, "with_loose": with_loose, "median_months": result.median,
                    "lo": result.lo, "hi": result.hi, "between_sd": result.between_sd,
                    "private_ratio": result.private_ratio, "ratio_lo": result.ratio_lo, "ratio_hi": result.ratio_hi,
                    "benchmarks": result.benchmarks, "records": result.records, "censored": result.censored,
                    "notes": list(result.notes),
                }
            )  # fmt: skip
    return pl.DataFrame(rows, schema=POOLED_COLUMNS)


def _reports(found: dict[str, list[pl.DataFrame]], part: pl.DataFrame, until: date, draws: Mapping[str, Draws]) -> None:
    """Every series whole by definition and tolerance; the indices by slice besides."""
    for definition in DEFINITIONS:
        for tolerance in TOLERANCES:
            _report(found, part, until, draws, definition, tolerance, EVERYTHING)
    indices = part.filter(pl.col("series").is_in(COMPOSITES))
    for piece in slices(indices) if indices.height else ():
        for tolerance in TOLERANCES if piece != EVERYTHING else ():
            _report(found, indices, until, draws, DEFINITIONS[0], tolerance, piece)


def _report(
    found: dict[str, list[pl.DataFrame]],
    part: pl.DataFrame,
    until: date,
    draws: Mapping[str, Draws],
    definition: str,
    tolerance: str,
    piece: Slice,
) -> None:
    chosen, remarks = restrict(part, piece)
    known = {row["series"]: row for row in part.group_by("series").agg(
        pl.col("unit").first(), own=pl.col("self_reported").mean() * 100).iter_rows(named=True)}  # fmt: skip
    reports = series_report(chosen, until, parse_tolerance(tolerance), parse_open_definition(definition), draws)
    summaries, events, rates = [], [], []
    for report in reports:
        row = known[report.series]
        where = {"series": report.series, "slice": piece.name, "open_definition": definition, "tolerance": tolerance}
        state, sentence = answer(report, row["unit"], definition, piece.words)
        summary = where | {"state": state, "sentence": sentence, "self_reported_pct": row["own"]} | _numbers(report)
        summary["notes"] = [*report.notes, *remarks]
        summaries.append(summary)
        events += [where | vars(event) for event in report.catch_up]
        for rate in report.closing:
            about = where | {"measure": rate.measure, "period": rate.window, "n": rate.n, "first_on": rate.first_on,
                             "closed_per_year": rate.closed_per_year, "diverges": rate.diverges}  # fmt: skip
            for estimator, slope in (("ols", rate.ols), ("theil_sen", rate.theil_sen)):
                rates.append(about | {"estimator": estimator} | (vars(slope) if slope else {}))
    found["summary"].append(pl.DataFrame(summaries, schema=SUMMARY_COLUMNS))
    found["catch_up"].append(pl.DataFrame(events, schema=CATCH_UP_COLUMNS))
    found["closing"].append(pl.DataFrame(rates, schema=CLOSING_COLUMNS))
    if piece == EVERYTHING and tolerance == TOLERANCES[0]:
        found["gap"].append(_gap_rows(part, until, definition, reports))


def _gap_rows(part: pl.DataFrame, until: date, definition: str, reports: list[SeriesReport]) -> pl.DataFrame:
    """The gap on every day on which a frontier moves, with its interval where the noise is known."""
    sides = availability(part, until, parse_open_definition(definition))
    moves = gap_over_time(records(sides.rows), sides.series).rename({"on": "day"})
    moves = moves.with_columns(open_definition=pl.lit(definition))
    noise = [
        report.noise.over_time.select(
            pl.lit(report.series).alias("series"), pl.col("on").alias("day"), gap_bias="bias", gap_lo="lo", gap_hi="hi"
        )
        for report in reports
        if report.noise.over_time is not None
    ]
    if noise:
        moves = moves.join(pl.concat(noise), on=["series", "day"], how="left")
    return moves.select(
        (pl.col(name) if name in moves.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in GAP_COLUMNS.items()
    )


def _frontiers(found: dict[str, list[pl.DataFrame]], part: pl.DataFrame, until: date) -> None:
    """The records of both sides, in each definition of open."""
    for definition in DEFINITIONS:
        sides = availability(part, until, parse_open_definition(definition))
        oriented = records(sides.rows).join(sides.series.select("series", "orient"), on="series")
        published = oriented.with_columns(
            score=pl.col("score") * pl.col("orient"), open_definition=pl.lit(definition)
        )  # fmt: skip
        found["frontier"].append(published.select(pl.col(name).cast(kind) for name, kind in FRONTIER_COLUMNS.items()))


def _numbers(report: SeriesReport) -> dict[str, Any]:
    best_open, best_closed, outcome = report.frontier_open, report.frontier_closed, report.survival
    duration, noise = report.weibull, report.noise
    return {
        "as_of": report.as_of,
        "open_model": best_open and best_open.model, "open_on": best_open and best_open.released_on,
        "open_score": best_open and best_open.score,
        "closed_model": best_closed and best_closed.model, "closed_on": best_closed and best_closed.released_on,
        "closed_score": best_closed and best_closed.score,
        "gap_raw": report.gap_raw, "gap_logit": report.gap_logit,
        "gap_bias": noise.gap_bias, "gap_lo": noise.gap_lo, "gap_hi": noise.gap_hi,
        "lag_months": report.backward.months, "lag_bounded": report.backward.bounded,
        "lag_lo": noise.lag_lo, "lag_hi": noise.lag_hi, "clearly_behind_on": noise.clearly_behind_on,
        "km_median": outcome.median, "km_lo": outcome.lo, "km_hi": outcome.hi,
        "calibrated_lo": outcome.calibrated_lo, "calibrated_hi": outcome.calibrated_hi,
        "rmst18": outcome.rmst18, "rmst18_lo": outcome.rmst18_lo, "rmst18_hi": outcome.rmst18_hi,
        "weibull_shape": duration and duration.shape, "weibull_median": duration and duration.median,
        "records": outcome.n, "censored": outcome.censored, "naive_mean": outcome.naive_mean,
        "oldest_unmatched": outcome.oldest_unmatched_months,
        "models": report.models, "open_models": report.open, "closed_models": report.closed,
        "unknown_models": report.unknown, "saturated": report.saturated,
    }  # fmt: skip
