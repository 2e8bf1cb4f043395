"""Forecasts of the indices and how far to trust them: gap.forecast, gap.parity and gap.backtest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import numpy as np
import polars as pl

from pipeline.errors import InputError
from pipeline.gap.backtest import backtest, hindsight, verdict
from pipeline.gap.forecast import Today, parity, parity_by_line
from pipeline.gap.frontier import records
from pipeline.gap.index import IndexFit, fit
from pipeline.gap.index_design import prepare
from pipeline.gap.monthly import monthly
from pipeline.gap.sides import availability
from pipeline.gap_tables import COMPOSITES, asked_date, by_date
from pipeline.index_tables import SERIES, Indexed
from pipeline.progress import report

LINES: dict[str, int | None] = {"whole": None, "24m": 24, "12m": 12}
_QUANTILES = ("q05", "q10", "q25", "q50", "q75", "q90", "q95")
FORECAST_COLUMNS: dict[str, Any] = {
    "series": pl.String, "on": pl.Date, "months_ahead": pl.Int64,
    **{f"{what}_{q}": pl.Float64 for what in ("gap", "open", "closed") for q in _QUANTILES},
    "p_parity": pl.Float64,
}  # fmt: skip
PARITY_COLUMNS: dict[str, Any] = {
    "series": pl.String, "as_of": pl.Date, "gap_today": pl.Float64, **{f"p_{n}y": pl.Float64 for n in range(1, 6)},
    "p_none": pl.Float64, "date_shown": pl.Boolean, "parity_on": pl.Date, "sentence": pl.String, "basis": pl.String,
    "notes": pl.List(pl.String),
}  # fmt: skip
LINE_COLUMNS: dict[str, Any] = {
    "series": pl.String, "measure": pl.String, "period": pl.String, "slope_per_year": pl.Float64,
    "level_today": pl.Float64, "crosses_on": pl.Date, "n": pl.Int64, "note": pl.String,
}  # fmt: skip
BACKTEST_COLUMNS: dict[str, Any] = {
    "series": pl.String, "basis": pl.String, "method": pl.String, "measure": pl.String, "horizon": pl.Int64,
    "origins": pl.String, "n": pl.Int64, "mae": pl.Float64, "mae_persistence": pl.Float64, "bias": pl.Float64,
    "n_interval": pl.Int64, "coverage80": pl.Float64, "coverage90": pl.Float64, "skill": pl.Float64,
    "skill_lo": pl.Float64, "skill_hi": pl.Float64, "first_origin": pl.Date, "last_origin": pl.Date,
}  # fmt: skip
SCHEMAS = {
    "forecast": FORECAST_COLUMNS, "parity": PARITY_COLUMNS, "parity_line": LINE_COLUMNS, "backtest": BACKTEST_COLUMNS,
}  # fmt: skip


@dataclass(frozen=True)
class Sides:
    """Records of both sides of one series."""

    closed: pl.DataFrame
    opened: pl.DataFrame

    @classmethod
    def of(cls, scores: pl.DataFrame, as_of: date) -> Sides:
        """From scores as `sides.availability` takes them."""
        found = records(availability(scores, as_of).rows)
        return cls(*(found.filter(pl.col("side") == side) for side in ("closed", "open")))


def fill(connection: duckdb.DuckDBPyConnection, found: Indexed) -> dict[str, int]:
    """`compute` of the date that this build is about."""
    rows = connection.execute("FROM staging.index_inputs").pl()
    return compute(connection, found, rows, asked_date(connection))


def compute(connection: duckdb.DuckDBPyConnection, found: Indexed, rows: pl.DataFrame, as_of: date) -> dict[str, int]:
    """Fill the tables of SCHEMAS for every index that has both sides.

    Args:
        connection: the work file.
        found: the gap inputs with the index.
        rows: staging.index_inputs.
        as_of: date of the world.

    Returns:
        Row counts by table.
    """
    tables: dict[str, list[pl.DataFrame]] = {name: [] for name in SCHEMAS}
    chosen = found.inputs.filter(pl.col("series").is_in(COMPOSITES))
    for until, part in by_date(chosen, as_of) if chosen.height else ():
        for (name,), scores in part.partition_by("series", as_dict=True).items():
            refit = (rows, found.fits["eci"][0]) if name == SERIES else None
            for table, frame in foresee(scores, until, refit).items():
                tables[table].append(frame.with_columns(series=pl.lit(name)))
    counts = {}
    for table, schema in SCHEMAS.items():
        frame = pl.concat(
            [pl.DataFrame(schema=schema)]
            + [part.select(pl.col(column).cast(kind) for column, kind in schema.items()) for part in tables[table]]
        )
        connection.execute(f"CREATE OR REPLACE TABLE gap.{table} AS FROM frame")
        counts[table] = frame.height
    return counts


def foresee(
    scores: pl.DataFrame, as_of: date, refit: tuple[pl.DataFrame, IndexFit] | None = None
) -> dict[str, pl.DataFrame]:
    """Parity, lines and backtest of one series; a refitted backtest where the rows of the index are given.

    Args:
        scores: of the series, as `sides.availability` takes them.
        as_of: date of the world.
        refit: staging.index_inputs and today's fit.

    Returns:
        A frame for each of SCHEMAS, without the column `series`.
    """
    sides = Sides.of(scores, as_of)
    points = monthly(sides.closed, sides.opened, as_of)
    if points.is_empty():
        return {}
    outlook = parity(points, as_of, Today(sides.closed["score"][-1], sides.opened["score"][-1]))
    origins = points["on"].to_list()
    judged = [backtest(hindsight(points, origins), points, "hindsight")]
    notes = [outlook.note] if outlook.note else []
    if refit is not None:
        known, skipped = refits(*refit, scores, origins)
        judged.append(backtest(known, points, "refit"))
        if skipped:
            notes.append(f"refit: at {len(skipped)} early origins the table could not carry an index")
    table = pl.concat(judged)
    said = verdict(table, outlook)
    chances = dict(zip((f"p_{n}y" for n in range(1, 6)), outlook.within or (None,) * 5, strict=True))
    row = {
        "as_of": as_of, "gap_today": outlook.gap_today, **chances, "p_none": outlook.none, "date_shown": said.shown,
        "parity_on": said.parity_on, "sentence": said.sentence, "basis": said.basis, "notes": notes,
    }  # fmt: skip
    lines = [
        {"measure": measure, "period": period} | vars(parity_by_line(points, as_of, months, measure))
        for measure in ("lag", "gap")
        for period, months in LINES.items()
    ]
    return {
        "forecast": outlook.path,
        "parity": pl.DataFrame([row], schema={k: v for k, v in PARITY_COLUMNS.items() if k != "series"}),
        "parity_line": pl.DataFrame(lines, schema={k: v for k, v in LINE_COLUMNS.items() if k != "series"}),
        "backtest": table,
    }


def refits(
    rows: pl.DataFrame, today: IndexFit, scores: pl.DataFrame, origins: Sequence[date]
) -> tuple[dict[date, pl.DataFrame], list[date]]:
    """Monthly frontiers as an index fitted on what was dated by each origin would have shown them.

    Only models and benchmarks dated by then take part; their scores may have been measured later, which
    the table does not tell. The two anchors did not exist at early origins, so each refit is put on
    today's points by least squares over the models it shares with today's fit: that fixes the unit
    and nothing else.

    Args:
        rows: `model, benchmark, performance, released_on, benchmark_on`.
        today: today's fit.
        scores: the facts (dates, access) of the models.
        origins: firsts of months.

    Returns:
        Monthly points by origin, and the origins at which the table could not carry an index.
    """
    points = today.models.select("model", today="index")
    facts = scores.drop("score", "stderr", strict=False)
    known: dict[date, pl.DataFrame] = {}
    skipped = []
    for done, origin in enumerate(origins, start=1):
        report("index as of earlier months", done, len(origins))
        dated = rows.filter(pl.col("released_on") <= origin, (pl.col("benchmark_on") <= origin).fill_null(value=True))
        try:
            table = prepare(dated)
            ranked = points.filter(pl.col("model").is_in(table.models)).sort("today")
            ends = dict(ranked[[0, -1]].iter_rows())
            fitted = fit(table, anchors=ends)
        except InputError:
            skipped.append(origin)
            continue
        both = fitted.models.join(points, on="model")
        slope, level = np.polyfit(both["capability"].to_numpy(), both["today"].to_numpy(), 1)
        then = fitted.models.select("model", score=pl.col("capability") * slope + level)
        sides = Sides.of(facts.join(then, on="model"), origin)
        known[origin] = monthly(sides.closed, sides.opened, origin)
    return known, skipped
