"""One capability index from many benchmarks, compatible with Epoch's Capabilities Index.

`performance = sigmoid(slope * (capability - difficulty))`, fitted by least squares with a ridge, and
rescaled so that two models have agreed values. Benchmarks with different evaluators enter alike, so
the index is a composite and not one evaluation.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import polars as pl

from pipeline.errors import InputError
from pipeline.gap.index_design import Table, slope_anchor
from pipeline.gap.index_solver import Problem, Solution, State, solve

DEFAULT_ANCHORS: Mapping[str, float] = {"Claude 3.5 Sonnet": 130.0, "GPT-5": 150.0}
Mode = Literal["eci", "robust"]
RIDGE: Mapping[str, float] = {"eci": 0.1, "robust": 1e-3}

_INDISTINGUISHABLE = 1e-6  # capabilities closer than this cannot carry a scale
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class IndexFit:
    """A fitted index.

    Attributes:
        table: the rows it was fitted on.
        problem: what was minimised.
        solution: parameters on the scale of the fit.
        models: `model, index, benchmarks, capability`, best first; capability is on the fitted scale.
        benchmarks: `benchmark, difficulty, slope, models`, hardest first, on the index scale: a model
            whose index equals the difficulty is expected halfway between chance and ceiling.
        rows: `model, benchmark, performance, fitted, residual`.
        anchors: model to value; met exactly.
        mode: which ridge was used.
        slope_anchor: the benchmark whose slope is 1 on the fitted scale.
        notes: how to read the figures.
    """

    table: Table
    problem: Problem
    solution: Solution
    models: pl.DataFrame
    benchmarks: pl.DataFrame
    rows: pl.DataFrame
    anchors: Mapping[str, float]
    mode: Mode
    slope_anchor: str
    notes: tuple[str, ...]

    @property
    def left_out(self) -> pl.DataFrame:
        """`model, reason` of the models that do not take part."""
        return self.table.left_out

    @property
    def cost(self) -> float:
        """Half of the squared residuals plus the ridge."""
        return self.solution.cost

    @property
    def iterations(self) -> int:
        """Steps the solver tried."""
        return self.solution.iterations

    @property
    def rmse(self) -> float:
        """Root mean squared residual, in shares of the distance from chance to ceiling."""
        return math.sqrt(float((self.rows["residual"].to_numpy() ** 2).mean()))

    @property
    def index(self) -> Floats:
        """The index of each model in the order of `table.models`."""
        return rescale(self.solution.parameters[: len(self.table.models)], self.table.models, self.anchors)[0]


def parse_anchors(texts: Sequence[str]) -> dict[str, float]:
    """Read `NAME=VALUE` twice, as the command line takes them; the defaults where none is given.

    Raises:
        InputError: a text is not of this form.
    """
    anchors = {}
    for text in texts:
        name, _, value = text.rpartition("=")
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not name.strip() or not math.isfinite(number):
            raise InputError(f"--anchor {text!r}", "it is not NAME=VALUE", 'Write it like --anchor "GPT-5=150"')
        if name.strip() in anchors:
            raise InputError(f"--anchor {text!r}", "the same model is given twice", "Name two models")
        anchors[name.strip()] = number
    return anchors or dict(DEFAULT_ANCHORS)


def fit(
    table: Table,
    mode: Mode = "eci",
    anchors: Mapping[str, float] | None = None,
    slope_anchor_benchmark: str | None = None,
    lam: float | None = None,
    start: Floats | None = None,
) -> IndexFit:
    """Fit the index of a prepared table.

    Args:
        table: as `index_design.prepare` gives it.
        mode: `eci` (ridge 0.1, as Epoch fits it) or `robust` (ridge 0.001, which pulls less towards 0).
        anchors: two models and the values their index shall have; `DEFAULT_ANCHORS` where null.
        slope_anchor_benchmark: the benchmark whose slope is 1; Winogrande where null.
        lam: a ridge other than the mode's.
        start: parameters to begin at.

    Raises:
        InputError: the ridge is not positive, or the anchors cannot carry the scale.
    """
    if mode not in get_args(Mode):
        raise InputError(f"mode {mode!r}", "is not known", f"Use {' or '.join(get_args(Mode))}")
    ridge = RIDGE[mode] if lam is None else lam
    if not math.isfinite(ridge) or ridge <= 0:
        raise InputError(
            f"lambda {ridge}", "it must be above 0: without a ridge the scale is not determined", "Use 0.1 or 0.001"
        )
    chosen = dict(DEFAULT_ANCHORS if anchors is None else anchors)
    check_anchors(table, chosen)
    place, note = slope_anchor(table, slope_anchor_benchmark)
    problem = problem_of(table, place, ridge)
    solution = solve(problem, start)
    notes = [*table.notes, *([note] if note else [])]
    if not solution.converged:
        notes.append(f"the fit stopped after {solution.iterations} steps with a gradient of {solution.slack:.1g}")
    low, high = problem.bounds
    pressed = int((((solution.parameters <= low) | (solution.parameters >= high)) & ~problem.held).sum())
    if pressed:
        notes.append(f"{pressed} parameters lie at a bound of the fit")
    return _described(table, problem, solution, chosen, mode, tuple(notes))


def problem_of(table: Table, slope_anchor_place: int, lam: float) -> Problem:
    """What `fit` minimises on a table."""
    return Problem(
        model_of=table.model_of,
        benchmark_of=table.benchmark_of,
        performance=table.performance,
        models=len(table.models),
        benchmarks=len(table.benchmarks),
        fixed=slope_anchor_place,
        lam=lam,
    )


def check_anchors(table: Table, anchors: Mapping[str, float]) -> None:
    """Refuse anchors that are not two models of the table with two different values.

    Raises:
        InputError: they are not.
    """
    example = 'Give two models of the table with --anchor "NAME=VALUE" twice'
    if len(anchors) != 2:
        raise InputError(f"anchors {', '.join(anchors) or '(none)'}", f"{len(anchors)} models, not two", example)
    values = list(anchors.values())
    if not all(map(math.isfinite, values)) or values[0] == values[1]:
        raise InputError(f"anchors {', '.join(anchors)}", "their values are not two different numbers", example)
    for name in anchors:
        if name in table.models:
            continue
        reason = table.left_out.filter(pl.col("model") == name)["reason"].to_list()
        wrong = f"it is left out of the index ({reason[0]})" if reason else "the table has no such model"
        near = difflib.get_close_matches(name, table.models, n=3)
        hint = f" (close names: {', '.join(near)})" if near else ""
        raise InputError(f"anchor {name!r}", wrong, example + hint)


def rescale(capability: Floats, models: Sequence[str], anchors: Mapping[str, float]) -> tuple[Floats, Floats, Floats]:
    """Capabilities on the scale of the index, by the straight line through the two anchors.

    Args:
        capability: ... x models.
        models: their names.
        anchors: two of them and their values.

    Returns:
        The index, and the shift and factor of the line (`index = shift + factor * capability`), one
        for each set of capabilities. Where the anchors come out level or the wrong way round the
        factor is not a positive number, and the caller has to refuse it.
    """
    (one, other), (at_one, at_other) = (list(side) for side in zip(*anchors.items(), strict=True))
    first, second = capability[..., models.index(one)], capability[..., models.index(other)]
    apart = np.where(np.abs(second - first) < _INDISTINGUISHABLE, np.nan, second - first)
    factor = np.asarray((at_other - at_one) / apart, dtype=np.float64)
    shift = np.asarray(at_one - factor * first, dtype=np.float64)
    index = shift[..., None] + factor[..., None] * capability
    # Rounding must not move the anchors themselves.
    index[..., models.index(one)] = np.where(np.isnan(factor), np.nan, at_one)
    index[..., models.index(other)] = np.where(np.isnan(factor), np.nan, at_other)
    return index, shift, factor


def _described(
    table: Table, problem: Problem, solution: Solution, anchors: Mapping[str, float], mode: Mode, notes: tuple[str, ...]
) -> IndexFit:
    located = problem.models + problem.benchmarks
    capability = solution.parameters[: problem.models]
    index, shift, factor = rescale(capability, table.models, anchors)
    if not factor > 0:
        raise InputError(
            f"anchors {', '.join(anchors)}",
            "the fit does not put the one with the higher value clearly above the other, so they carry no scale",
            "Choose two models further apart, the better one with the higher value",
        )
    models = pl.DataFrame(
        {"model": table.models, "index": index, "benchmarks": table.benchmarks_of(), "capability": capability}
    ).sort(["index", "model"], descending=[True, False])
    benchmarks = pl.DataFrame(
        {
            "benchmark": table.benchmarks,
            "difficulty": shift + factor * solution.parameters[problem.models : located],
            "slope": solution.parameters[located:] / factor,
            "models": table.models_on(),
        }
    ).sort(["difficulty", "benchmark"], descending=[True, False])
    state = State(problem, solution.parameters, np.ones(len(table.performance)))
    return IndexFit(
        table=table,
        problem=problem,
        solution=solution,
        models=models,
        benchmarks=benchmarks,
        rows=table.rows.with_columns(fitted=state.fitted, residual=state.residual),
        anchors=anchors,
        mode=mode,
        slope_anchor=table.benchmarks[problem.fixed],
        notes=notes,
    )
