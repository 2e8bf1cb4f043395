"""Intervals from the Kaplan-Meier curve that keep their promise with few and dependent records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from pipeline.gap.lag import CatchUp

Floats = npt.NDArray[np.float64]


def km_influence(times: Floats, matched: npt.NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Kaplan-Meier curve and the influence of each record on it.

    The influence is minus the share times the martingale residual of the record, cumulated over
    `1 / (at risk - matched)`; the sum of its squares over independent records is Greenwood's variance up
    to ties (Reid, 1981; Williams, 1995 for clusters).

    Returns:
        The k distinct times, the k shares still unmatched just after each, and n x k influences.
    """
    grid = np.unique(times)
    at_risk = (times[:, None] >= grid).astype(np.float64)
    leaves = ((times[:, None] == grid) & matched[:, None]).astype(np.float64)
    total, deaths = at_risk.sum(axis=0), leaves.sum(axis=0)
    hazard = deaths / total
    share: Floats = np.round(np.cumprod(1 - hazard), 12).astype(np.float64)
    rest = np.divide(1.0, total - deaths, out=np.zeros_like(total), where=total > deaths)
    return grid, share, -share * np.cumsum((leaves - at_risk * hazard) * rest, axis=1)


FEWEST_MATCHES = 3
"""Open models that must answer for the records before the median has an interval: two say nothing of how they vary.
Asking for more would keep the intervals of those worlds only in which open models happened to come fast."""
RESTRICTED_TAIL = 0.25
"""Share of the nominal error that the interval of the restricted mean uses: it covers too rarely at all of it."""


@dataclass(frozen=True)
class Calibrated:
    """Intervals in months; an end is null where the records do not reach it, or too few open models answer for them.

    `matches` is the number of those models.
    """

    median_lo: float | None = None
    median_hi: float | None = None
    restricted_lo: float | None = None
    restricted_hi: float | None = None
    matches: int = 0


def calibrated_intervals(events: Sequence[CatchUp], level: float, horizon: float) -> Calibrated:
    """Intervals of the Kaplan-Meier median and of the mean restricted to a horizon.

    The variance allows for what makes these records dependent: those matched by one open model are one
    cluster, all that are not matched yet are one more (the next open models will answer them together),
    and clusters that follow each other in time are correlated. Student's t on the number of matching
    open models less one replaces the normal law. The coverage is in docs/coverage.md.

    The interval of the median holds the times at which the curve does not differ from one half, tested
    on the logit scale (Brookmeyer and Crowley, 1982, with another variance); that of the restricted
    mean is the usual one about the estimate at a part of the nominal error, kept within 0 and the horizon.

    Args:
        events: one per closed record in order of date, as `catch_up` gives them.
        level: nominal coverage.
        horizon: of the restricted mean, months.
    """
    places: dict[str | None, int] = {}
    member = np.array([places.setdefault(event.open, len(places)) for event in events], dtype=np.intp)
    matches = len(places) - (None in places)
    if matches < 2:
        return Calibrated(matches=matches)
    times = np.maximum(np.array([event.lag_months for event in events]), 0.0)
    grid, share, influence = km_influence(times, np.array([not event.censored for event in events]))
    clusters = np.zeros((len(places), len(grid)))
    np.add.at(clusters, member, influence)
    limit = float(student.ppf((1 + level) / 2, matches - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.log(share / (1 - share)) * share * (1 - share) / np.sqrt(_variance(clusters))
    distance = np.where(share >= 1, np.inf, np.where(share <= 0, -np.inf, distance))
    ends = (distance <= limit, distance < -limit)
    enough = matches >= FEWEST_MATCHES
    lo, hi = (float(grid[end.argmax()]) if enough and end.any() else None for end in ends)
    widths = np.diff(np.concatenate([[0.0], np.minimum(grid, horizon), [horizon]]))
    restricted = widths[0] + share @ widths[1:]
    wider = float(student.ppf(1 - (1 - level) * RESTRICTED_TAIL / 2, matches - 1))
    reach = wider * float(np.sqrt(_variance(clusters @ widths[1:, None])[0]))
    return Calibrated(lo, hi, max(float(restricted) - reach, 0.0), min(float(restricted) + reach, horizon), matches)


def _variance(clusters: Floats) -> Floats:
    """Variance of each column's sum over clusters in order of time.

    Newey and West (1987): Bartlett weights up to the cube root of the number of clusters; never below
    the variance without them, and corrected for few clusters.
    """
    count = len(clusters)
    reach = round(count ** (1 / 3))
    alone: Floats = (clusters**2).sum(axis=0)
    total = alone.copy()
    for step in range(1, reach + 1):
        total += 2 * (1 - step / (reach + 1)) * (clusters[step:] * clusters[:-step]).sum(axis=0)
    return np.asarray(np.maximum(total, alone) * count / (count - 1), dtype=np.float64)
