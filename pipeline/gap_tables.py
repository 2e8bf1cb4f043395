"""The gap functions applied to the warehouse: staging.gap_inputs in, the gap schema out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import duckdb
import polars as pl

from pipeline.errors import WarehouseError
from pipeline.gap.frontier import gap_over_time, records
from pipeline.gap.lag import parse_tolerance
from pipeline.gap.series import SeriesReport, series_report
from pipeline.gap.sides import availability, parse_open_definition
from pipeline.report.sentence import answer

DEFINITIONS = ("downloadable", "commercial", "unrestricted")
TOLERANCES = ("strict", "significant")

SUMMARY_COLUMNS: dict[str, Any] = {
    "series": pl.String, "open_definition": pl.String, "tolerance": pl.String, "as_of": pl.Date,
    "state": pl.String, "sentence": pl.String,
    "open_model": pl.String, "open_on": pl.Date, "open_score": pl.Float64,
    "closed_model": pl.String, "closed_on": pl.Date, "closed_score": pl.Float64,
    "gap_raw": pl.Float64, "gap_logit": pl.Float64, "lag_months": pl.Float64, "lag_bounded": pl.Boolean,
    "km_median": pl.Float64, "km_lo": pl.Float64, "km_hi": pl.Float64, "rmst18": pl.Float64,
    "records": pl.Int64, "censored": pl.Int64, "naive_mean": pl.Float64, "oldest_unmatched": pl.Float64,
    "models": pl.Int64, "open_models": pl.Int64, "closed_models": pl.Int64, "unknown_models": pl.Int64,
    "saturated": pl.Boolean, "notes": pl.List(pl.String),
}  # fmt: skip
CATCH_UP_COLUMNS: dict[str, Any] = {
    "series": pl.String, "open_definition": pl.String, "tolerance": pl.String, "closed": pl.String,
    "closed_on": pl.Date, "closed_score": pl.Float64, "open": pl.String, "open_on": pl.Date,
    "lag_months": pl.Float64, "censored": pl.Boolean, "already_reached": pl.Boolean,
}  # fmt: skip
FRONTIER_COLUMNS: dict[str, Any] = {
    "series": pl.String, "side": pl.String, "available_on": pl.Date, "model": pl.String, "score": pl.Float64,
}  # fmt: skip
GAP_COLUMNS: dict[str, Any] = {
    "series": pl.String, "day": pl.Date, "open_score": pl.Float64, "closed_score": pl.Float64,
    "gap_raw": pl.Float64, "gap_logit": pl.Float64,
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


def compute(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Fill gap.summary, gap.catch_up, gap.frontier and gap.gap from staging.gap_inputs and raw.run.

    Returns:
        Row counts by table.
    """
    inputs = two_sided(connection.execute("FROM staging.gap_inputs").pl())
    row = connection.execute("SELECT as_of FROM raw.run").fetchone()
    if row is None:
        raise WarehouseError("raw.run", "it is empty", "Run the whole pipeline with `moat run`")
    as_of: date = row[0]
    tables: dict[str, list[pl.DataFrame]] = {"summary": [], "catch_up": [], "frontier": [], "gap": []}
    for until, part in by_date(inputs, as_of):
        _collect(tables, part, until)
    schemas = {
        "summary": SUMMARY_COLUMNS,
        "catch_up": CATCH_UP_COLUMNS,
        "frontier": FRONTIER_COLUMNS,
        "gap": GAP_COLUMNS,
    }
    counts = {}
    for table, schema in schemas.items():
        frame = pl.concat([pl.DataFrame(schema=schema), *tables[table]])
        connection.execute(f"CREATE OR REPLACE TABLE gap.{table} AS FROM frame")
        counts[table] = frame.height
    return counts


def _collect(tables: dict[str, list[pl.DataFrame]], part: pl.DataFrame, until: date) -> None:
    units = dict(part.select("series", "unit").unique("series").iter_rows())
    for definition in DEFINITIONS:
        for tolerance in TOLERANCES:
            reports = series_report(part, until, parse_tolerance(tolerance), parse_open_definition(definition))
            where = {"open_definition": definition, "tolerance": tolerance}
            summaries = [_summary(report, units[report.series], definition) | where for report in reports]
            events = [
                {"series": report.series} | where | vars(event) for report in reports for event in report.catch_up
            ]
            tables["summary"].append(pl.DataFrame(summaries, schema=SUMMARY_COLUMNS))
            tables["catch_up"].append(pl.DataFrame(events, schema=CATCH_UP_COLUMNS))
    sides = availability(part, until)
    frontiers = records(sides.rows)
    oriented = frontiers.join(sides.series.select("series", "orient"), on="series").with_columns(
        score=pl.col("score") * pl.col("orient")
    )
    tables["frontier"].append(oriented.select(pl.col(name).cast(kind) for name, kind in FRONTIER_COLUMNS.items()))
    moves = gap_over_time(frontiers, sides.series).rename({"on": "day"})
    tables["gap"].append(moves.select(pl.col(name).cast(kind) for name, kind in GAP_COLUMNS.items()))


def _summary(report: SeriesReport, unit: str | None, definition: str) -> dict[str, Any]:
    state, sentence = answer(report, unit, definition)
    best_open, best_closed, outcome = report.frontier_open, report.frontier_closed, report.survival
    return {
        "series": report.series, "as_of": report.as_of, "state": state, "sentence": sentence,
        "open_model": best_open and best_open.model, "open_on": best_open and best_open.released_on,
        "open_score": best_open and best_open.score,
        "closed_model": best_closed and best_closed.model, "closed_on": best_closed and best_closed.released_on,
        "closed_score": best_closed and best_closed.score,
        "gap_raw": report.gap_raw, "gap_logit": report.gap_logit,
        "lag_months": report.backward.months, "lag_bounded": report.backward.bounded,
        "km_median": outcome.median, "km_lo": outcome.lo, "km_hi": outcome.hi, "rmst18": outcome.rmst18,
        "records": outcome.n, "censored": outcome.censored, "naive_mean": outcome.naive_mean,
        "oldest_unmatched": outcome.oldest_unmatched_months,
        "models": report.models, "open_models": report.open, "closed_models": report.closed,
        "unknown_models": report.unknown, "saturated": report.saturated, "notes": list(report.notes),
    }  # fmt: skip
