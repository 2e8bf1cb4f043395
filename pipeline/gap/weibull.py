"""Weibull fit of catch-up times by censored likelihood."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from pipeline.gap.lag import DAYS_PER_MONTH, CatchUp
from pipeline.gap.one_thread import one_thread

ONE_DAY = 1 / DAYS_PER_MONTH
"""Months. Dates are days: a match on the day itself or before it came some time before one day."""

_LOG_SHAPE = math.log(100.0)  # a shape beyond this means times that are all but equal
_LOG_SCALE = (-10.0, 30.0)
_LOG_LOG2 = math.log(math.log(2.0))
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Weibull:
    """`P(T > t) = exp(-(t / scale) ** shape)`, t in months.

    Attributes:
        shape: above 1, catching up becomes likelier the longer it has been due.
        scale: months; 63% are matched by then.
        median: months; without an interval, because none from this law covers (docs/coverage.md).
        log_likelihood: at the fit, in units of months.
        n: records.
        censored: those not matched yet.
        notes: why a number is null.
    """

    shape: float | None
    scale: float | None
    median: float | None
    log_likelihood: float | None
    n: int
    censored: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Observed:
    """Times as the likelihood sees them: log months, and how each is known.

    Attributes:
        log_months: log of the time, or of the bound where it is only bounded.
        exact: matched after one day or later.
        left: matched within a day or before the record: known only to be below one day.
    """

    log_months: Floats
    exact: Bools
    left: Bools

    @classmethod
    def of(cls, lags: Floats, censored: Bools) -> Observed:
        """Signed lags in months and flags. A record is known unmatched for at least one day."""
        left = ~censored & (lags <= 0)
        months = np.where(left, ONE_DAY, np.where(censored, np.maximum(lags, ONE_DAY), lags))
        return cls(np.log(months), ~censored & ~left, left)


def log_densities(z: Floats, exact: Bools, left: Bools) -> tuple[Floats, Floats, Floats]:
    """Log-likelihood of each time and its first two derivatives in `z`.

    `z = shape * (log t - log scale)` is a standard smallest-extreme-value variable (Lawless, Statistical
    Models and Methods for Lifetime Data, 2003, section 5.1). Exact: `z - e^z`, to which
    `log shape - log t` belongs; right-censored: `-e^z`; left-censored: `log(1 - exp(-e^z))`.
    All three are concave in z.
    """
    hazard = np.exp(np.clip(z, -700.0, 500.0))
    value: Floats = exact * z - hazard
    first: Floats = exact - hazard
    second: Floats = -hazard
    if left.any():
        h = np.minimum(hazard[left], 500.0)
        ratio = h / np.expm1(h)
        value[left] = np.log(-np.expm1(-h))
        first[left] = ratio
        second[left] = ratio * (1 - h - ratio)
    return value, first, second


def unidentified(seen: Observed) -> str | None:
    """Why these times do not identify a Weibull distribution, else null."""
    if not len(seen.exact):
        return "no closed record to follow"
    if not seen.exact.any():
        return "no record was matched at a known time after it"
    top = seen.log_months[seen.exact].max()
    spread = top - seen.log_months[seen.exact].min() > 1e-9
    later = (~seen.exact & ~seen.left & (seen.log_months > top + 1e-9)).any()
    if not (spread or later or seen.left.any()):
        return "the matched times are all equal, so the shape has no bound"
    return None


def weibull(lags: Floats, censored: Bools) -> Weibull:
    """Fit by maximum likelihood, analytic gradient, in log shape and log scale.

    Args:
        lags: signed months; the age of the record where censored.
        censored: not matched yet.
    """
    n, waiting = len(lags), int(np.sum(censored))
    seen = Observed.of(np.asarray(lags, dtype=np.float64), np.asarray(censored, dtype=np.bool_))
    why = unidentified(seen)
    if why:
        return Weibull(None, None, None, None, n, waiting, (f"weibull: {why}",))

    def negative(theta: Floats) -> tuple[float, Floats]:
        shape = math.exp(theta[0])
        z = shape * (seen.log_months - theta[1])
        value, first, _ = log_densities(z, seen.exact, seen.left)
        total = value.sum() + (theta[0] - seen.log_months)[seen.exact].sum()
        return -total, -np.array([seen.exact.sum() + (first * z).sum(), -shape * first.sum()])

    start = np.array([0.3, seen.log_months[seen.exact].mean() + 0.3])
    bounds = [(-_LOG_SHAPE, _LOG_SHAPE), _LOG_SCALE]
    with one_thread():
        found = minimize(negative, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-12})
    log_shape, log_scale = (float(part) for part in found.x)
    if _at_a_bound(log_shape, log_scale):
        note = "weibull: the likelihood has no maximum within a shape of 0.01 to 100"
        return Weibull(None, None, None, None, n, waiting, (note,))
    shape = math.exp(log_shape)
    return Weibull(
        shape=shape,
        scale=math.exp(log_scale),
        median=math.exp(log_scale + _LOG_LOG2 / shape),
        log_likelihood=-float(found.fun),
        n=n,
        censored=waiting,
    )


def weibull_of(events: Sequence[CatchUp]) -> Weibull:
    """`weibull` of the closed records of a series, as `catch_up` gives them."""
    lags = np.array([event.lag_months for event in events], dtype=np.float64)
    return weibull(lags, np.array([event.censored for event in events], dtype=np.bool_))


def _at_a_bound(log_shape: float, log_scale: float) -> bool:
    return abs(log_shape) > _LOG_SHAPE - 1e-3 or not _LOG_SCALE[0] + 1e-3 < log_scale < _LOG_SCALE[1] - 1e-3
