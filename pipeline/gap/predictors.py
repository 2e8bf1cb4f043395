"""Ways to say what the gap or the lag will be in some months, each from what was known on one day.

They are here to be judged against one another (`backtest`); "no change" is the one to beat.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import polars as pl
from scipy.special import stdtrit

from pipeline.gap.forecast import LEAST_LAGS, LEAST_POINTS, Today, fit, increments, measured, simulate
from pipeline.gap.lag import Floats

Measure = Literal["gap", "lag"]
LEVELS = (0.80, 0.90)
LEAST_ERRORS = 10
"""Past errors an empirical interval needs: with fewer the 90% quantile is only their maximum."""
MEAN_MONTHS = 12
PATHS = 2000


@dataclass(frozen=True)
class Prediction:
    """A value ahead; the ends of its intervals are null where a method has none yet."""

    point: float
    lo80: float | None = None
    hi80: float | None = None
    lo90: float | None = None
    hi90: float | None = None


Predictor = Callable[[pl.DataFrame, int], Prediction | None]


def persistence(history: pl.DataFrame, horizon: int, measure: Measure = "gap") -> Prediction | None:
    """No change. The interval holds 80% or 90% of the changes over the horizon seen by then.

    Sizes of changes are taken, not signs, so that the interval lies around "no change". Null with
    too short a history or nothing measured in its last month.
    """
    values = _values(history, measure)
    if np.isfinite(values).sum() < _least(measure) or not math.isfinite(values[-1]):
        return None
    return _from_errors(float(values[-1]), values[horizon:] - values[:-horizon])


def mean_12m(history: pl.DataFrame, horizon: int) -> Prediction | None:
    """The mean gap of the last 12 months; the interval from its own errors over the horizon seen by then."""
    values = _values(history, "gap")
    if len(values) < MEAN_MONTHS:
        return None
    means = np.convolve(values, np.full(MEAN_MONTHS, 1 / MEAN_MONTHS), mode="valid")
    due = values[MEAN_MONTHS - 1 + horizon :]
    return _from_errors(float(means[-1]), due - means[: len(due)])


def trend(history: pl.DataFrame, horizon: int) -> Prediction | None:
    """The least-squares line through the gap of the last 12 months, drawn on.

    The interval is the prediction interval of a line with independent residuals. Those of a frontier
    are not independent, so it is too narrow; the backtest says by how much.
    """
    values = _values(history, "gap")
    if len(values) < LEAST_POINTS:
        return None
    return _line(_ages(LEAST_POINTS), values[-LEAST_POINTS:], horizon)


def simulation(history: pl.DataFrame, horizon: int) -> Prediction | None:
    """Median and quantiles of the simulation that gives the probability of parity."""
    if history.height < LEAST_POINTS:
        return None
    today = Today(history["closed"][-1], history["open"][-1])
    last = simulate(increments(history), today, horizon, PATHS)[:, -1]
    tails = [0.5, *(tail for level in LEVELS for tail in ((1 - level) / 2, (1 + level) / 2))]
    return Prediction(*(float(q) for q in np.quantile(last[:, 0] - last[:, 1], tails)))


def lag_line(history: pl.DataFrame, horizon: int) -> Prediction | None:
    """The published method: the least-squares line through every lag measured so far, drawn on.

    Months in which the lag is only a lower bound are left out. Interval as in `trend`.
    """
    values = _values(history, "lag")
    known = np.isfinite(values)
    if known.sum() < LEAST_LAGS or not known[-1]:
        return None
    return _line(_ages(len(values))[known], values[known], horizon)


PREDICTORS: dict[Measure, dict[str, Predictor]] = {
    "gap": {"persistence": persistence, "mean_12m": mean_12m, "trend": trend, "simulation": simulation},
    "lag": {"persistence": partial(persistence, measure="lag"), "lag_line": lag_line},
}
"""The methods by what they predict: the gap in points, the backward lag in months."""


def _least(measure: Measure) -> int:
    return LEAST_POINTS if measure == "gap" else LEAST_LAGS


def _values(history: pl.DataFrame, measure: Measure) -> Floats:
    """The measure by month, NaN where not measured."""
    return measured(history, measure)[measure].fill_null(math.nan).to_numpy()


def _ages(n: int) -> Floats:
    """The last n months as they lie before the last one: 1 - n to 0."""
    return np.arange(1 - n, 1, dtype=np.float64)


def _from_errors(point: float, errors: Floats) -> Prediction:
    """The point with an interval as wide as past errors were."""
    sizes = np.abs(errors[np.isfinite(errors)])
    if len(sizes) < LEAST_ERRORS:
        return Prediction(point)
    return _around(point, *(float(size) for size in np.quantile(sizes, LEVELS)))


def _line(x: Floats, y: Floats, ahead: float) -> Prediction:
    """A line through months up to 0, and its prediction interval `ahead` months later."""
    slope, level = fit(x, y)
    freedom = len(x) - 2
    rest = y - level - slope * x
    spread = math.sqrt(float(rest @ rest) / freedom)
    centred = x - x.mean()
    spread *= math.sqrt(1 + 1 / len(x) + (ahead - float(x.mean())) ** 2 / float(centred @ centred))
    return _around(level + slope * ahead, *(spread * float(stdtrit(freedom, (1 + of) / 2)) for of in LEVELS))


def _around(point: float, half80: float, half90: float) -> Prediction:
    return Prediction(point, point - half80, point + half80, point - half90, point + half90)
