"""What the index owes to single choices: each benchmark left out, and each as the slope anchor.

Both give the index of every model under every variant, so that the caller can follow any figure made
from it, such as today's gap.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import polars as pl

from pipeline.gap.index import IndexFit, problem_of, rescale
from pipeline.gap.index_design import Table, parts, slope_anchor, tabulate
from pipeline.gap.index_solver import Solution, solve

Floats = npt.NDArray[np.float64]
Progress = Callable[[int, int], None]


def without_each_benchmark(fitted: IndexFit, on_progress: Progress | None = None) -> pl.DataFrame:
    """The index refitted without each benchmark in turn.

    The models stay the same, also those left with fewer benchmarks than the table asks for: the
    question is what the benchmark does, not what leaving models out does. Without the slope anchor
    the benchmark that `slope_anchor` names next takes its place.

    Args:
        fitted: the index.
        on_progress: told how many of how many benchmarks are done.

    Returns:
        `left_out, model, index`, a row for every benchmark and model. The index is null where nothing
        measured connects a model with the anchors any more, or the anchors cannot carry the scale.
    """
    names, frames = fitted.table.benchmarks, []
    for done, name in enumerate(names, start=1):
        frames.append(_labelled("left_out", name, fitted.table, _without(fitted, name)))
        if on_progress is not None:
            on_progress(done, len(names))
    return pl.concat(frames)


def with_each_slope_anchor(
    fitted: IndexFit, most: int | None = None, on_progress: Progress | None = None
) -> pl.DataFrame:
    """The index refitted with each benchmark in turn as the one whose slope is fixed.

    Args:
        fitted: the index.
        most: only this many benchmarks, those with most models first (ties by name); all where null.
        on_progress: told how many of how many benchmarks are done.

    Returns:
        `slope_anchor, model, index`, a row for every benchmark and model; null as above.
    """
    table, models = fitted.table, len(fitted.table.models)
    order = np.argsort(-table.models_on(), kind="stable")[:most].tolist()
    frames = []
    for done, place in enumerate(order, start=1):
        problem = problem_of(table, place, fitted.problem.lam)
        # The same curves with the slope of the new anchor at 1: a start as good as the solution itself.
        start = fitted.solution.parameters.copy()
        steep = start[models + len(table.benchmarks) + place]
        start[: models + len(table.benchmarks)] *= steep
        start[models + len(table.benchmarks) :] /= steep
        index = _index(solve(problem, start), table, fitted)
        frames.append(_labelled("slope_anchor", table.benchmarks[place], table, index))
        if on_progress is not None:
            on_progress(done, len(order))
    return pl.concat(frames)


def _without(fitted: IndexFit, name: str) -> Floats:
    """The index in the order of the whole table's models, NaN where there is none."""
    whole = fitted.table
    rows = whole.rows.filter(pl.col("benchmark") != name)
    index = np.full(len(whole.models), np.nan)
    if not set(fitted.anchors) <= set(rows["model"]):
        return index
    table = tabulate(rows, whole.left_out)
    place, _ = slope_anchor(table, fitted.slope_anchor if fitted.slope_anchor != name else None)
    part = parts(table)
    with_anchors = {int(part[table.models.index(anchor)]) for anchor in fitted.anchors}
    if len(with_anchors) > 1:
        return index
    solution = solve(problem_of(table, place, fitted.problem.lam), _kept_start(fitted, table))
    found = np.where(np.isin(part, list(with_anchors)), _index(solution, table, fitted), np.nan)
    index[np.searchsorted(whole.models, table.models)] = found
    return index


def _kept_start(fitted: IndexFit, table: Table) -> Floats:
    """The solution's parameters for the models and benchmarks that a smaller table still has."""
    whole, solution = fitted.table, fitted.solution.parameters
    models = np.searchsorted(whole.models, table.models)
    benchmarks = np.searchsorted(whole.benchmarks, table.benchmarks)
    first, second = len(whole.models), len(whole.models) + len(whole.benchmarks)
    return np.concatenate([solution[models], solution[first + benchmarks], solution[second + benchmarks]])


def _index(solution: Solution, table: Table, fitted: IndexFit) -> Floats:
    index, _, factor = rescale(solution.parameters[: len(table.models)], table.models, fitted.anchors)
    return index if factor > 0 else np.full(len(index), np.nan)


def _labelled(column: str, name: str, table: Table, index: Floats) -> pl.DataFrame:
    return pl.DataFrame({"model": table.models, "index": index}).select(
        pl.lit(name).alias(column), "model", pl.col("index").fill_nan(None)
    )
