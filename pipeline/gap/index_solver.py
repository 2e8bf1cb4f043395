"""Least squares for the capability index: `performance = sigmoid(slope * (capability - difficulty))`.

Every row of the table meets one model and one benchmark, so the part of the curvature that belongs to
the capabilities is diagonal. Eliminating it leaves a dense system of two unknowns a benchmark, which is
why a fit takes milliseconds where a general solver that differentiates numerically takes seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.linalg import lapack
from scipy.special import expit

from pipeline.gap.one_thread import one_thread

REACH = 10.0  # capabilities and difficulties lie within +-REACH, slopes below it
FLATTEST = 0.1
MAX_ITERATIONS = 500

_GRADIENT = 1e-10  # largest projected gradient of a solution
# Steps use the exact curvature once the gradient is this small: it converges quadratically there, while
# further away the residuals can make it indefinite and Gauss-Newton is the safer direction.
_NEAR = 1e-2
_HOPELESS = 1e10  # with this much damping a step is too short to tell apart from rounding
_ROUNDING = 4 * float(np.finfo(np.float64).eps)
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Problem:
    """What is fitted. Parameters are one vector: capabilities, difficulties, slopes.

    Attributes:
        model_of: n places of models, by row.
        benchmark_of: n places of benchmarks, by row; no pair of the two occurs twice.
        performance: n shares between 0 and 1.
        models: number of models.
        benchmarks: number of benchmarks.
        fixed: place of the benchmark whose slope is 1 and not fitted.
        lam: strength of the ridge.
    """

    model_of: Ints
    benchmark_of: Ints
    performance: Floats
    models: int
    benchmarks: int
    fixed: int
    lam: float

    @cached_property
    def held(self) -> npt.NDArray[np.bool_]:
        """True at the one parameter that is not fitted."""
        held = np.zeros(self.models + 2 * self.benchmarks, dtype=np.bool_)
        held[self.models + self.benchmarks + self.fixed] = True
        return held

    @cached_property
    def ridge(self) -> Floats:
        """Weight of each squared parameter: `lam / free parameters`, 0 for the one that is not free."""
        return np.where(self.held, 0.0, self.lam / (len(self.held) - 1))

    @cached_property
    def bounds(self) -> tuple[Floats, Floats]:
        """Lowest and highest value of each parameter."""
        located = self.models + self.benchmarks
        return (
            np.concatenate([np.full(located, -REACH), np.full(self.benchmarks, FLATTEST)]),
            np.full(located + self.benchmarks, REACH),
        )

    def start(self) -> Floats:
        """Every model equally able, every benchmark equally hard and equally steep."""
        located = self.models + self.benchmarks
        return np.concatenate([np.zeros(located), np.ones(self.benchmarks)])


@dataclass(frozen=True)
class Solution:
    """Where the cost is least.

    Attributes:
        parameters: capabilities, difficulties and slopes.
        cost: `(sum of squared residuals + lam * mean of squared free parameters) / 2`.
        iterations: steps tried.
        slack: largest projected gradient left.
        converged: whether that is as small as rounding allows.
    """

    parameters: Floats
    cost: float
    iterations: int
    slack: float
    converged: bool


class State:
    """Cost and derivatives at one vector of parameters. `weights` says how often each row counts."""

    def __init__(self, problem: Problem, parameters: Floats, weights: Floats) -> None:
        self.problem, self.parameters, self.weights = problem, parameters, weights
        located = problem.models + problem.benchmarks
        self.steep = parameters[located:][problem.benchmark_of]
        self.above = (
            parameters[: problem.models][problem.model_of] - parameters[problem.models : located][problem.benchmark_of]
        )
        self.fitted: Floats = expit(self.steep * self.above)
        self.residual = self.fitted - problem.performance
        squares = weights @ self.residual**2 + problem.ridge @ parameters**2
        self.cost = float(squares) / 2

    @cached_property
    def _pull(self) -> Floats:
        pull: Floats = self.weights * self.residual * self.fitted * (1 - self.fitted)
        return pull

    @cached_property
    def gradient(self) -> Floats:
        """First derivatives of the cost; 0 for the parameter that is not fitted."""
        by_model, by_benchmark, p = self.problem.model_of, self.problem.benchmark_of, self.problem
        steeply = self._pull * self.steep
        slopes = np.concatenate(
            [
                np.bincount(by_model, steeply, p.models),
                -np.bincount(by_benchmark, steeply, p.benchmarks),
                np.bincount(by_benchmark, self._pull * self.above, p.benchmarks),
            ]
        )
        gradient: Floats = np.where(p.held, 0.0, slopes + p.ridge * self.parameters)
        return gradient

    @cached_property
    def stuck(self) -> npt.NDArray[np.bool_]:
        """Parameters that cannot move: the one not fitted, and those pressed against a bound."""
        low, high = self.problem.bounds
        at_low = (self.parameters <= low) & (self.gradient > 0)
        at_high = (self.parameters >= high) & (self.gradient < 0)
        return self.problem.held | at_low | at_high

    @cached_property
    def slack(self) -> float:
        """Largest gradient among the parameters that can move."""
        return float(np.abs(np.where(self.stuck, 0.0, self.gradient)).max())

    def step(self, damping: float, exact: bool) -> Floats | None:
        """The damped step that solves the local quadratic model; null where that has no minimum.

        Args:
            damping: added to the diagonal of the curvature.
            exact: whether the curvature includes the second derivatives of the residuals.
        """
        p, m, b = self.problem, self.problem.model_of, self.problem.benchmark_of
        sensitivity = self.fitted * (1 - self.fitted)
        bend = self.weights * sensitivity**2
        twist = np.zeros_like(bend)
        if exact:
            bend = bend + self._pull * (1 - 2 * self.fitted)
            twist = self._pull
        by_slope = bend * self.steep**2
        mixed = bend * self.steep * self.above + twist
        own = np.bincount(m, by_slope, p.models) + p.ridge[: p.models] + damping
        if own.min() <= 0:
            return None
        cross = np.zeros((p.models, 2 * p.benchmarks))
        cross[m, b] = -by_slope
        cross[m, p.benchmarks + b] = mixed
        places = np.arange(p.benchmarks)
        rest = np.diag(
            np.concatenate([np.bincount(b, by_slope, p.benchmarks), np.bincount(b, bend * self.above**2, p.benchmarks)])
            + p.ridge[p.models :]
            + damping
        )
        between = -np.bincount(b, mixed, p.benchmarks)
        rest[places, p.benchmarks + places] = between
        rest[p.benchmarks + places, places] = between
        # A parameter that cannot move drops out of the system: its row and column become those of the identity.
        still = self.stuck[p.models :]
        cross[self.stuck[: p.models]] = 0
        cross[:, still] = 0
        rest[still] = 0
        rest[:, still] = 0
        rest[still, still] = 1
        gradient = np.where(self.stuck, 0.0, self.gradient)
        scaled = cross / np.sqrt(own)[:, None]
        right = cross.T @ (gradient[: p.models] / own) - gradient[p.models :]
        _, moved, failed = lapack.dposv(rest - scaled.T @ scaled, right)
        if failed:
            return None
        models = -(gradient[: p.models] + cross @ moved) / own
        return np.where(self.stuck, 0.0, np.concatenate([models, moved]))


def solve(problem: Problem, start: Floats | None = None, weights: Floats | None = None) -> Solution:
    """Minimise the cost within the bounds (projected Levenberg-Marquardt, then Newton).

    Args:
        problem: the table and its ridge.
        start: parameters to begin at; `Problem.start` where null.
        weights: how often each row counts; once where null. A benchmark or model whose rows all count
            0 is still determined, by the ridge alone.
    """
    with one_thread():
        return _solve(problem, start, np.ones(len(problem.performance)) if weights is None else weights)


def _solve(problem: Problem, start: Floats | None, counts: Floats) -> Solution:
    low, high = problem.bounds
    first = np.where(problem.held, 1.0, np.clip(problem.start() if start is None else start, low, high))
    state = State(problem, first, counts)
    damping, growth, tried = 1e-3, 2.0, 0
    exact = state.slack < _NEAR
    while state.slack > _GRADIENT and tried < MAX_ITERATIONS and damping < _HOPELESS:
        tried += 1
        step = state.step(damping, exact)
        if step is None:
            # Indefinite: no damping below the ridge is worth trying, the safe direction is at hand.
            exact = exact and damping > 1e-6
            damping *= 4
            continue
        moved = np.clip(state.parameters + step, low, high)
        step = moved - state.parameters
        after = State(problem, moved, counts)
        gain = state.cost - after.cost
        promised = float(damping * (step @ step) - state.gradient @ step) / 2
        noise = _ROUNDING * (1 + state.cost)
        # A clipped step may promise nothing. Where the promise is below rounding, the gradient has to judge.
        judged = after.slack < state.slack if promised <= noise else gain >= 1e-4 * promised - noise
        if promised < 0 or not judged:
            damping, growth = damping * growth, growth * 2
            continue
        quality = min(gain / promised, 1.5) if promised > 100 * noise else 1.0
        damping = max(damping * max(0.1, 1 - (2 * quality - 1) ** 3), 1e-15)
        growth = 2.0
        state = after
        exact = state.slack < _NEAR
    return Solution(state.parameters, state.cost, tried, state.slack, converged=state.slack < 1e-7)
