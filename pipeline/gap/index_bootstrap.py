"""How sure the index is: rows resampled within each model, the fit repeated on each draw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from pipeline.errors import InputError
from pipeline.gap.index import IndexFit, rescale
from pipeline.gap.index_design import Table
from pipeline.gap.index_solver import solve

DRAWS = 500
SEED = 20240301  # fixed, so that the same input always gives the same draws
NEIGHBOURS = 10
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Draws:
    """The index of every model in every draw.

    Attributes:
        models: names, in the order of the rows of `index`.
        index: models x draws; the anchors are the same in each.
        asked: draws made; those in which the anchors could not carry the scale are missing from `index`.
        notes: how to read them.
    """

    models: tuple[str, ...]
    index: Floats
    asked: int
    notes: tuple[str, ...] = ()


def draw_weights(table: Table, draw: int, seed: int = SEED) -> Floats:
    """How often each row counts in one draw: each model keeps its number of rows, with replacement.

    The draw's own seed depends on its number only, so it is the same however many draws are made and
    in whatever order.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(draw,)))
    size = table.benchmarks_of()
    first = np.cumsum(size) - size
    picks = rng.integers(0, size[table.model_of]) + first[table.model_of]
    return np.bincount(picks, minlength=len(table.model_of)).astype(np.float64)


def bootstrap(
    fitted: IndexFit,
    draws: int = DRAWS,
    seed: int = SEED,
    on_progress: Callable[[int, int], None] | None = None,
) -> Draws:
    """Refit the index on resampled rows, starting from the solution, and anchor each draw again.

    A draw may leave a benchmark without rows or separate the table. The ridge, whose weight is the
    same in every draw, still determines every parameter; a benchmark without rows influences nothing.

    Args:
        fitted: the index.
        draws: how many.
        seed: of the draws.
        on_progress: told how many of how many draws are done.

    Raises:
        InputError: fewer than one draw is asked for, or in more than half of them the anchors come
            out level or the wrong way round.
    """
    if draws < 1:
        raise InputError(f"{draws} draws", "at least one is needed", "Ask for 500")
    table, count = fitted.table, len(fitted.table.models)
    capability = np.empty((draws, count))
    unfinished = 0
    for draw in range(draws):
        solution = solve(fitted.problem, fitted.solution.parameters, draw_weights(table, draw, seed))
        capability[draw] = solution.parameters[:count]
        unfinished += not solution.converged
        if on_progress is not None:
            on_progress(draw + 1, draws)
    index, _, factor = rescale(capability, table.models, fitted.anchors)
    upright = factor > 0
    lost = int((~upright).sum())
    if 2 * lost > draws:
        raise InputError(
            f"anchors {', '.join(fitted.anchors)}",
            f"in {lost} of {draws} draws the better one does not come out above the other",
            "Choose two models further apart, each with more benchmarks",
        )
    notes = []
    if lost:
        notes.append(f"{lost} of {draws} draws left out: the anchors came out level or the wrong way round")
    if unfinished:
        notes.append(f"{unfinished} of {draws} draws stopped before they converged")
    return Draws(table.models, np.ascontiguousarray(index[upright].T), draws, tuple(notes))


def intervals(fitted: IndexFit, draws: Draws, level: float = 0.90, neighbours: int = NEIGHBOURS) -> pl.DataFrame:
    """The index with its interval and standard error, best model first.

    The anchors do not move between draws, which says nothing about how well they are measured. Each is
    given the median interval width and standard error of the models nearest to it in index, centred.

    Args:
        fitted: the index.
        draws: of the same fit.
        level: nominal coverage of the percentile interval.
        neighbours: how many models stand in for an anchor.

    Returns:
        `model, index, lo, hi, stderr, benchmarks, spread` (`draws`, or `neighbours` for the anchors).
        Standard errors are null with a single draw.
    """
    tail = (1 - level) / 2
    ends = np.quantile(draws.index, [tail, 1 - tail], axis=1)
    several = draws.index.shape[1] > 1
    stderr = draws.index.std(axis=1, ddof=1) if several else [None] * len(draws.models)
    spread = pl.DataFrame({"model": draws.models, "lo": ends[0], "hi": ends[1], "stderr": stderr}).cast(
        {"stderr": pl.Float64}
    )
    every = fitted.models.select("model", "index", "benchmarks").join(spread, on="model", maintain_order="left")
    measured = every.filter(~pl.col("model").is_in(list(fitted.anchors)))
    return pl.concat(
        [measured.with_columns(spread=pl.lit("draws"))]
        + [
            anchor_interval(measured, every.filter(pl.col("model") == name), neighbours).with_columns(
                spread=pl.lit("neighbours")
            )
            for name in fitted.anchors
        ]
    ).select("model", "index", "lo", "hi", "stderr", "benchmarks", "spread").sort(
        ["index", "model"], descending=[True, False]
    )  # fmt: skip


def anchor_interval(measured: pl.DataFrame, anchor: pl.DataFrame, neighbours: int = NEIGHBOURS) -> pl.DataFrame:
    """The anchor's row with the median interval width and standard error of its neighbours.

    Args:
        measured: `model, index, lo, hi, stderr` of the models that are no anchors.
        anchor: the one row of the anchor, the same columns.
        neighbours: how many of the nearest in index count.
    """
    near = (
        measured.with_columns(away=(pl.col("index") - anchor["index"][0]).abs())
        .sort("away", "model")
        .head(neighbours)
        .select(width=(pl.col("hi") - pl.col("lo")).median(), stderr=pl.col("stderr").median())
    )
    half = pl.lit(near["width"][0], dtype=pl.Float64) / 2
    return anchor.with_columns(
        lo=pl.col("index") - half, hi=pl.col("index") + half, stderr=pl.lit(near["stderr"][0], dtype=pl.Float64)
    )
