"""The capability index in the warehouse: staging.index_inputs in, gap.index* and joint draws out.

Draws are cached by the content of their input, so an unchanged table costs nothing.
"""

from __future__ import annotations

import os
import uuid
import zipfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl

from pipeline.gap.frontier import records
from pipeline.gap.index import IndexFit, Mode, fit
from pipeline.gap.index_bootstrap import DRAWS, SEED, bootstrap, intervals
from pipeline.gap.index_bootstrap import Draws as IndexDraws
from pipeline.gap.index_checks import with_each_slope_anchor, without_each_benchmark
from pipeline.gap.index_design import content_key, prepare
from pipeline.gap.lag import Scale, Tolerance, backward_lag
from pipeline.gap.noise import Draws
from pipeline.gap.sides import availability, latest_date
from pipeline.progress import report

SERIES = "capability_index"
PUBLISHED = "epoch_eci"
MODES: tuple[Mode, ...] = ("eci", "robust")
_RELEASE_COLUMNS = ("released_on", "weights_on", "access", "licence_class", "country", "params_b")
SLOPE_ANCHORS = 10
"""Benchmarks tried as the slope anchor: those with most models, on which a slope can rest."""

INDEX_COLUMNS: dict[str, Any] = {
    "mode": pl.String, "model": pl.String, "index": pl.Float64, "lo": pl.Float64, "hi": pl.Float64,
    "stderr": pl.Float64, "benchmarks": pl.Int64, "spread": pl.String,
}  # fmt: skip
BENCHMARK_COLUMNS: dict[str, Any] = {
    "mode": pl.String, "benchmark": pl.String, "difficulty": pl.Float64, "slope": pl.Float64, "models": pl.Int64,
}  # fmt: skip
SENSITIVITY_COLUMNS: dict[str, Any] = {
    "variant": pl.String, "benchmark": pl.String, "gap": pl.Float64, "gap_change": pl.Float64,
    "lag_months": pl.Float64, "lag_change": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True)
class Indexed:
    """The gap inputs with the index beside the other series.

    Attributes:
        inputs: staging.gap_inputs and the rows of `capability_index`; Epoch's published index carries
            the standard errors of our fit of the same table.
        draws: joint draws by series: ours, and the same deviations around Epoch's published points.
        fits: the index in both modes; empty where there is nothing to fit.
    """

    inputs: pl.DataFrame
    draws: dict[str, Draws]
    fits: dict[Mode, tuple[IndexFit, pl.DataFrame]]


def cached_draws(fitted: IndexFit, rows: pl.DataFrame, draws: int, cache: Path | None) -> IndexDraws:
    """The bootstrap of a fit, from the cache where the same input was drawn before.

    A damaged cache file is drawn again: zip checksums tell.

    Args:
        fitted: the index.
        rows: what it was prepared from.
        draws: how many.
        cache: folder; null for none.
    """
    key = content_key(rows, fitted.mode, fitted.anchors, draws, SEED)
    file = cache / f"{key}.npz" if cache else None
    if file is not None and file.exists():
        try:
            with np.load(file, allow_pickle=False) as held:
                return IndexDraws(
                    tuple(held["models"].tolist()), held["index"], int(held["asked"]), tuple(held["notes"].tolist())
                )
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            file.unlink()
    step = f"index draws ({fitted.mode})"
    found = bootstrap(fitted, draws, SEED, lambda done, total: report(step, done, total))
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f".{uuid.uuid4().hex}.npz")
        np.savez_compressed(
            part, models=np.array(found.models), index=found.index, asked=found.asked,
            notes=np.array(found.notes, dtype=np.str_),
        )  # fmt: skip
        os.replace(part, file)  # noqa: PTH105
    return found


def indexed(inputs: pl.DataFrame, rows: pl.DataFrame, cache: Path | None, draws: int = DRAWS) -> Indexed:
    """Fit the index in both modes and put it beside the other series.

    Args:
        inputs: staging.gap_inputs.
        rows: staging.index_inputs; without rows there is no index.
        cache: folder of drawn bootstraps; null for none.
        draws: how many.

    Raises:
        InputError: the table cannot carry the index.
    """
    if rows.is_empty():
        return Indexed(inputs, {}, {})
    table = prepare(rows)
    fits: dict[Mode, tuple[IndexFit, pl.DataFrame]] = {}
    joint: dict[str, Draws] = {}
    for mode in MODES:
        fitted = fit(table, mode)
        drawn = cached_draws(fitted, rows, draws, cache)
        fits[mode] = fitted, intervals(fitted, drawn)
        if mode == "eci":
            joint[SERIES] = Draws(drawn.models, drawn.index)
    measured = fits["eci"][1].select("model", "stderr", score="index")
    published = inputs.filter(series=PUBLISHED)
    facts = inputs.unique("model").select("model", *_RELEASE_COLUMNS)
    own = measured.join(facts, on="model").with_columns(
        series=pl.lit(SERIES), benchmark=pl.lit(SERIES), unit=pl.lit("points"), direction=pl.lit("higher"),
        comparability=pl.lit("same_protocol"), visibility=pl.lit("unknown"), observed_on=rows["observed_on"].max(),
    )  # fmt: skip
    if published.height and set(published["model"]) <= set(drawn.models):
        points = dict(published.select("model", "score").iter_rows())
        within = Draws(tuple(points), joint[SERIES].of(list(points)))
        joint[PUBLISHED] = within.around(points)
        known = published.drop("stderr").join(measured.select("model", "stderr"), on="model")
        inputs = pl.concat([inputs.filter(pl.col("series") != PUBLISHED), known], how="diagonal_relaxed")
    return Indexed(pl.concat([inputs, own], how="diagonal_relaxed"), joint, fits)


def load(connection: duckdb.DuckDBPyConnection, cache: Path | None) -> Indexed:
    """`indexed` on the tables of a work or published file."""
    inputs = connection.execute("FROM staging.gap_inputs").pl()
    return indexed(inputs, connection.execute("FROM staging.index_inputs").pl(), cache)


def write(connection: duckdb.DuckDBPyConnection, found: Indexed) -> dict[str, int]:
    """Fill gap.index, gap.index_benchmarks and gap.index_sensitivity.

    Returns:
        Row counts by table.
    """
    models = [values.with_columns(mode=pl.lit(mode)) for mode, (_, values) in found.fits.items()]
    benchmarks = [fitted.benchmarks.with_columns(mode=pl.lit(mode)) for mode, (fitted, _) in found.fits.items()]
    counts = {}
    for name, schema, frames in (
        ("index", INDEX_COLUMNS, models),
        ("index_benchmarks", BENCHMARK_COLUMNS, benchmarks),
        ("index_sensitivity", SENSITIVITY_COLUMNS, _sensitivity(found)),
    ):
        frame = pl.concat(
            [pl.DataFrame(schema=schema)]
            + [part.select(pl.col(column).cast(kind) for column, kind in schema.items()) for part in frames]
        )
        connection.execute(f"CREATE OR REPLACE TABLE gap.{name} AS FROM frame")
        counts[name] = frame.height
    return counts


def _sensitivity(found: Indexed) -> list[pl.DataFrame]:
    """Today's gap and lag with each benchmark left out, and with others as the slope anchor."""
    if not found.fits:
        return []
    fitted = found.fits["eci"][0]
    facts = found.inputs.filter(series=SERIES).drop("series", "score", "stderr")
    base = _gap_and_lag(fitted.models.select("model", "index", variant=pl.lit("none")), facts)
    frames = []
    for name, table in (
        ("without", without_each_benchmark(fitted)),
        ("slope anchor", with_each_slope_anchor(fitted, SLOPE_ANCHORS)),
    ):
        values = _gap_and_lag(table.rename({table.columns[0]: "variant"}), facts)
        frames.append(
            values.rename({"variant": "benchmark"}).with_columns(
                gap_change=pl.col("gap") - base["gap"][0],
                lag_change=pl.col("lag_months") - base["lag_months"][0],
                variant=pl.lit(name),
            )
        )
    return frames


def _gap_and_lag(index: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """`variant, gap, lag_months` of indices `variant, model, index`; each variant is a series of its own."""
    scores = index.drop_nulls("index").rename({"index": "score", "variant": "series"}).join(facts, on="model")
    as_of = date.fromisoformat(str(facts["observed_on"].max() or latest_date(scores)))
    frontiers = records(availability(scores, as_of).rows)
    rows = []
    for (variant,), part in frontiers.partition_by("series", as_dict=True).items():
        closed, opened = (part.filter(pl.col("side") == side) for side in ("closed", "open"))
        whole = not closed.is_empty() and not opened.is_empty()
        gap = closed["score"][-1] - opened["score"][-1] if whole else None
        lag = backward_lag(closed, opened, as_of, Tolerance("strict"), Scale()).months
        rows.append({"variant": variant, "gap": gap, "lag_months": lag})
    return pl.DataFrame(rows, schema={"variant": pl.String, "gap": pl.Float64, "lag_months": pl.Float64})
