"""How long catching up takes, with the records nobody has matched yet kept in (Kaplan-Meier)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.gap.calibrated import FEWEST_MATCHES, calibrated_intervals
from pipeline.gap.lag import CatchUp

HORIZON_MONTHS = 18.0
DRAWS = 1000
_SEED = 20240301  # fixed, so that the same input always gives the same interval
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Survival:
    """Months until an open match, over the closed records of a series.

    Attributes:
        median: Kaplan-Meier median of max(lag, 0).
        lo: lower end of its interval (bootstrap over matching open models).
        hi: upper end; null while too many draws never reach one half.
        rmst18: mean restricted to 18 months, the curve held flat beyond the last record.
        n: closed records; null where the tolerance could not be applied.
        censored: those not matched yet.
        naive_mean: mean signed lag of the matched ones only; biased low.
        oldest_unmatched_months: age of the oldest censored record, a lower bound of today's lag.
        notes: why a number is null, and how to read the others.
        rmst18_lo: lower end of the interval of `rmst18` (`calibrated_intervals`).
        rmst18_hi: upper end.
        calibrated_lo: lower end of the interval of the median whose coverage holds with few records
            (`calibrated_intervals`); `lo` and `hi` are too narrow there (docs/coverage.md).
        calibrated_hi: upper end; null while the records do not reach it.
    """

    median: float | None
    lo: float | None
    hi: float | None
    rmst18: float | None
    n: int | None
    censored: int | None
    naive_mean: float | None
    oldest_unmatched_months: float | None
    notes: tuple[str, ...] = ()
    rmst18_lo: float | None = None
    rmst18_hi: float | None = None
    calibrated_lo: float | None = None
    calibrated_hi: float | None = None


def kaplan_meier(times: Floats, matched: npt.NDArray[np.bool_], weights: Floats) -> tuple[Floats, Floats]:
    """Product-limit curves of many weighted samples at once (Kaplan and Meier, 1958).

    Args:
        times: n durations of at least 0.
        matched: n flags; false is censored. At equal times matches come before censorings.
        weights: draws x n, how often each duration counts in each draw.

    Returns:
        The k distinct times, ascending, and the draws x k shares still unmatched just after each.
    """
    distinct, place = np.unique(times, return_inverse=True)
    member = (place[:, None] == np.arange(len(distinct))).astype(np.float64)
    leaving = weights @ member
    deaths = (weights * matched) @ member
    at_risk = np.cumsum(leaving[:, ::-1], axis=1)[:, ::-1]
    hazard = np.divide(deaths, at_risk, out=np.zeros_like(deaths), where=at_risk > 0)
    # Cumulated rounding may leave 0.5000000001, which must still count as one half.
    shares: Floats = np.round(np.cumprod(1 - hazard, axis=1), 12).astype(np.float64)
    return distinct, shares


def medians(times: Floats, shares: Floats) -> Floats:
    """First time at which each curve is at or below one half; infinite where it never is."""
    below = shares <= 0.5
    return np.where(below.any(axis=1), times[below.argmax(axis=1)], np.inf)


def restricted_mean(times: Floats, share: Floats, horizon: float = HORIZON_MONTHS) -> float:
    """Area under one curve from 0 to the horizon, in months; the last share is held beyond the data."""
    edges = np.concatenate([[0.0], np.minimum(times, horizon), [horizon]])
    return float(np.sum(np.diff(edges) * np.concatenate([[1.0], share])))


def survival(events: Sequence[CatchUp], level: float = 0.90, draws: int = DRAWS) -> Survival:
    """Summarise the catch-up times of one series.

    The interval is a percentile bootstrap clustered by the matching open model, each censored record
    its own cluster: records matched by one model are not independent. Quantiles are observed medians,
    never interpolated, because a draw's median may be infinite.

    Args:
        events: one per closed record, as `catch_up` gives them.
        level: nominal coverage of the interval.
        draws: bootstrap draws; the seed is fixed.
    """
    if not events:
        return Survival(None, None, None, None, 0, 0, None, None, ("survival: no closed record to follow",))
    lags = np.array([event.lag_months for event in events])
    matched = np.array([not event.censored for event in events])
    times = np.maximum(lags, 0.0)
    grid, shares = kaplan_meier(times, matched, np.ones((1, len(events))))
    median = float(medians(grid, shares)[0])
    notes = []
    if not np.isfinite(median):
        notes.append("survival median: fewer than half of the closed records are matched so far")
    clusters = [f"match {e.open}" if e.open is not None else f"record {i}" for i, e in enumerate(events)]
    lo, hi = _interval(grid, times, matched, clusters, level=level, draws=draws)
    calibrated = calibrated_intervals(events, level, HORIZON_MONTHS)
    if lo is None or hi is None:
        notes.append("survival interval: an end is not reached within the records")
    if calibrated.matches < FEWEST_MATCHES:
        notes.append(f"calibrated interval: only {calibrated.matches} open models answer for the records")
    elif calibrated.median_lo is None or calibrated.median_hi is None:
        notes.append("calibrated interval: an end is not reached within the records")
    if matched.any():
        notes.append("naive mean: matched records only, biased low")
    else:
        notes.append("naive mean: no closed record is matched")
    if matched.all():
        notes.append("oldest unmatched: every closed record is matched")
    if shares[0, -1] > 0 and grid[-1] < HORIZON_MONTHS:
        notes.append("restricted mean: the curve is held flat beyond the last record")
    return Survival(
        median=median if np.isfinite(median) else None,
        lo=lo,
        hi=hi,
        rmst18=restricted_mean(grid, shares[0]),
        n=len(events),
        censored=int((~matched).sum()),
        naive_mean=float(lags[matched].mean()) if matched.any() else None,
        oldest_unmatched_months=None if matched.all() else float(lags[~matched].max()),
        notes=tuple(notes),
        rmst18_lo=calibrated.restricted_lo,
        rmst18_hi=calibrated.restricted_hi,
        # With very few records the test may reject the estimate itself: an interval holds its estimate.
        calibrated_lo=_widest(min, calibrated.median_lo, median),
        calibrated_hi=_widest(max, calibrated.median_hi, median),
    )


def _widest(pick: Callable[[float, float], float], end: float | None, median: float) -> float | None:
    return pick(end, median) if end is not None and np.isfinite(median) else end


def _interval(
    grid: Floats,
    times: Floats,
    matched: npt.NDArray[np.bool_],
    clusters: list[str],
    *,
    level: float,
    draws: int,
) -> tuple[float | None, float | None]:
    """Both ends of the clustered bootstrap interval of the median; an infinite end is null."""
    names, member = np.unique(clusters, return_inverse=True)
    if len(names) < 2:
        return None, None
    picks = np.random.default_rng(_SEED).multinomial(len(names), [1 / len(names)] * len(names), size=draws)
    _, shares = kaplan_meier(times, matched, picks[:, member].astype(np.float64))
    tail = (1 - level) / 2
    ends = np.quantile(medians(grid, shares), [tail, 1 - tail], method="inverted_cdf")
    lo, hi = (float(end) if np.isfinite(end) else None for end in ends)
    return lo, hi
