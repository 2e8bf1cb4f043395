"""The table behind the capability index: which rows take part, and whether they can be compared at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipeline.errors import InputError
from pipeline.gap.frontier import CLIP

FEWEST_BENCHMARKS = 4
FROM = date(2023, 1, 1)
ALGORITHM = 1
"""Raised with every change that moves a fitted number or a draw, so that cached draws are made anew."""

_ANCHOR_BENCHMARK = "winogrande"
_COLUMNS = {
    "model": pl.String(),
    "benchmark": pl.String(),
    "performance": pl.Float64(),
    "released_on": pl.Date(),
}
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Table:
    """The rows an index is fitted on, one a model and benchmark, ordered by both.

    Attributes:
        rows: `model, benchmark, performance` (clipped).
        models: names in order.
        benchmarks: names in order.
        model_of: the place of each row's model.
        benchmark_of: the place of each row's benchmark.
        left_out: `model, reason`.
        notes: how to read the table.
    """

    rows: pl.DataFrame
    models: tuple[str, ...]
    benchmarks: tuple[str, ...]
    model_of: Ints
    benchmark_of: Ints
    left_out: pl.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def performance(self) -> Floats:
        """The clipped performance of each row."""
        return self.rows["performance"].to_numpy()

    def models_on(self) -> Ints:
        """How many models each benchmark has."""
        return np.bincount(self.benchmark_of, minlength=len(self.benchmarks))

    def benchmarks_of(self) -> Ints:
        """How many benchmarks each model has."""
        return np.bincount(self.model_of, minlength=len(self.models))


def prepare(rows: pl.DataFrame, fewest_benchmarks: int = FEWEST_BENCHMARKS, since: date = FROM) -> Table:
    """Choose the rows the index is fitted on.

    The best run of each model on each benchmark counts. A model whose release date is unknown stays:
    nothing says that it is too early; of several dates of one model the earliest counts. Leaving models
    out takes no benchmark from the others, so one pass is enough.

    Args:
        rows: `model, benchmark, performance` (scaled between chance and ceiling, higher better) and
            optionally `released_on`; further columns are ignored.
        fewest_benchmarks: models with fewer are left out.
        since: models released before are left out.

    Raises:
        InputError: a column is missing, a cell is empty or no number, nothing is left, or the models
            and benchmarks left fall into parts that share nothing.
    """
    seen = _checked(rows)
    models = seen.group_by("model").agg(
        released_on=pl.col("released_on").min(), benchmarks=pl.col("benchmark").n_unique()
    )
    left_out = (
        models.with_columns(
            reason=pl.when(pl.col("released_on") < since)
            .then(pl.format("released on {}, before {}", "released_on", pl.lit(since)))
            .when(pl.col("benchmarks") < fewest_benchmarks)
            .then(pl.format("{} benchmarks, fewer than {}", "benchmarks", pl.lit(fewest_benchmarks)))
        )
        .drop_nulls("reason")
        .select("model", "reason")
        .sort("model")
    )
    kept = seen.join(left_out, on="model", how="anti")
    if kept.is_empty():
        raise InputError(
            "index",
            f"no model is left: each has fewer than {fewest_benchmarks} benchmarks or came out before {since}",
            "Add scores on further benchmarks",
        )
    undated = models.join(left_out, on="model", how="anti")["released_on"].null_count()
    notes = (f"{undated} models without a release date take part: nothing says that they are too early",)
    best = kept.group_by("model", "benchmark").agg(pl.col("performance").max().clip(CLIP, 1 - CLIP))
    table = tabulate(best, left_out, notes if undated else ())
    _refuse_parts(table)
    return table


def tabulate(rows: pl.DataFrame, left_out: pl.DataFrame, notes: tuple[str, ...] = ()) -> Table:
    """Number the models and benchmarks of rows that are already chosen and clipped."""
    ordered = rows.select("model", "benchmark", "performance").sort("model", "benchmark")
    models, model_of = np.unique(ordered["model"].to_list(), return_inverse=True)
    benchmarks, benchmark_of = np.unique(ordered["benchmark"].to_list(), return_inverse=True)
    return Table(
        rows=ordered,
        models=tuple(models.tolist()),
        benchmarks=tuple(benchmarks.tolist()),
        model_of=model_of.astype(np.int64),
        benchmark_of=benchmark_of.astype(np.int64),
        left_out=left_out,
        notes=notes,
    )


def parts(table: Table) -> Ints:
    """The part of the table each model lies in: models are connected by the benchmarks they share."""
    size = len(table.models) + len(table.benchmarks)
    places = (table.model_of, len(table.models) + table.benchmark_of)
    graph = coo_array((np.ones(len(table.model_of)), places), shape=(size, size))
    _, labels = connected_components(graph, directed=False)
    return np.asarray(labels[: len(table.models)], dtype=np.int64)


def slope_anchor(table: Table, wanted: str | None = None) -> tuple[int, str | None]:
    """The place of the benchmark whose slope is fixed at 1, and a note where it is not Winogrande.

    Without Winogrande the benchmark with most models takes its place, the first by name among equals.

    Raises:
        InputError: the benchmark asked for is not in the table.
    """
    if wanted is not None:
        if wanted not in table.benchmarks:
            raise InputError(f"benchmark {wanted!r}", "it is not in the table", "Name one that models are scored on")
        return table.benchmarks.index(wanted), f"slope anchor: {wanted}, as asked for"
    on = table.models_on()
    usual = [
        place
        for place, name in enumerate(table.benchmarks)
        if _ANCHOR_BENCHMARK in "".join(filter(str.isalnum, name.casefold()))
    ]
    place = max(usual or range(len(table.benchmarks)), key=lambda candidate: (on[candidate], -candidate))
    if usual:
        return place, None
    return place, f"slope anchor: {table.benchmarks[place]}, which most models have; the table has no Winogrande"


def content_key(rows: pl.DataFrame, mode: str, anchors: Mapping[str, float], draws: int, seed: int) -> str:
    """What a cached set of draws is stored under: the same whatever the order of the rows.

    Args:
        rows: as `prepare` takes them.
        mode: of the fit.
        anchors: model to value.
        draws: how many.
        seed: of the draws.
    """
    # Hexadecimal floats are exact; each row is text of its own, so no two tables can run into one another.
    lines = sorted(
        json.dumps([model, benchmark, performance.hex(), day and day.isoformat()])
        for model, benchmark, performance, day in _checked(rows).iter_rows()
    )
    settings = [ALGORITHM, mode, sorted((name, float(value).hex()) for name, value in anchors.items()), draws, seed]
    return hashlib.sha256("\n".join([json.dumps(settings), *lines]).encode()).hexdigest()


def _checked(rows: pl.DataFrame) -> pl.DataFrame:
    """The four columns, typed; refused where a cell that is needed is empty."""
    missing = [name for name in _COLUMNS if name not in rows.columns and name != "released_on"]
    if missing:
        raise InputError("index", f"the scores have no column {', '.join(missing)}", "Add it")
    if rows.is_empty():
        raise InputError("index", "the table holds no scores", "Add some")
    if "released_on" not in rows.columns:
        rows = rows.with_columns(released_on=pl.lit(None, dtype=pl.Date))
    try:
        typed = rows.select(pl.col(name).cast(kind) for name, kind in _COLUMNS.items())
    except pl.exceptions.PolarsError as error:
        wrong = f"a column has the wrong type ({str(error).splitlines()[0]})"
        raise InputError("index", wrong, "Performance is a number, released_on a date") from error
    useless = typed.filter(
        pl.col("model").is_null()
        | pl.col("benchmark").is_null()
        | ~pl.col("performance").is_finite().fill_null(value=False)
    )
    if useless.height:
        model, benchmark = useless.row(0)[:2]
        raise InputError(
            f"score of {model} on {benchmark}",
            f"it has no name or no finite performance, and so do {useless.height - 1} others",
            "Leave such rows out, and give each benchmark its chance and ceiling",
        )
    return typed


def _refuse_parts(table: Table) -> None:
    part = parts(table)
    if part.max() == 0:
        return
    described = []
    for label in np.argsort(-np.bincount(part), kind="stable").tolist():
        first = int((part == label).argmax())
        rows = np.flatnonzero(part[table.model_of] == label)
        benchmarks = np.unique(table.benchmark_of[rows])
        described.append(
            f"{(part == label).sum()} models on {len(benchmarks)} benchmarks"
            f" (such as {table.models[first]} on {table.benchmarks[benchmarks[0]]})"
        )
    raise InputError(
        "index",
        f"the table falls into {len(described)} parts that share no benchmark: {'; '.join(described)}",
        "Add scores that connect them, or fit each part alone",
    )
