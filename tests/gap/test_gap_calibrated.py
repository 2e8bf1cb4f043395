"""The calibrated intervals against the same written as plain loops over records and open models."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import t as student

from pipeline.gap.calibrated import FEWEST_MATCHES, RESTRICTED_TAIL, calibrated_intervals
from tests.gap.test_gap_survival import event

HORIZON = 18.0


def curve(events):
    """Share unmatched after each time, and the influence of each record on it, by the definitions."""
    times = [max(e.lag_months, 0.0) for e in events]
    grid = sorted(set(times))
    share, rows, left = [], [[0.0] * len(grid) for _ in events], 1.0
    cumulated = [0.0] * len(events)
    for place, now in enumerate(grid):
        at_risk = sum(time >= now for time in times)
        matched = sum(time == now and not e.censored for time, e in zip(times, events, strict=True))
        left *= 1 - matched / at_risk
        for i, (time, e) in enumerate(zip(times, events, strict=True)):
            residual = (time == now and not e.censored) - (time >= now) * matched / at_risk
            if at_risk > matched:
                cumulated[i] += residual / (at_risk - matched)
            rows[i][place] = -left * cumulated[i]
        share.append(round(left, 12))
    return grid, share, rows


def variance(clusters):
    """Newey and West over clusters in order of time, never below that of independent ones."""
    n = len(clusters)
    reach = round(n ** (1 / 3))
    alone = sum(value**2 for value in clusters)
    total = alone
    for step in range(1, reach + 1):
        products = sum(clusters[place] * clusters[place + step] for place in range(n - step))
        total += 2 * (1 - step / (reach + 1)) * products
    return max(total, alone) * n / (n - 1)


def by_loops(events, level):
    """Both intervals."""
    grid, share, rows = curve(events)
    names = list(dict.fromkeys(e.open for e in events))
    matches = len([name for name in names if name is not None])

    def of_clusters(values):
        return [sum(v for v, e in zip(values, events, strict=True) if e.open == name) for name in names]

    limit = student.ppf((1 + level) / 2, matches - 1)
    inside, lo, hi = [], None, None
    for place, s in enumerate(share):
        if s in (0.0, 1.0):
            distance = math.inf if s else -math.inf
        else:
            spread = math.sqrt(variance(of_clusters([row[place] for row in rows])))
            distance = math.log(s / (1 - s)) * s * (1 - s) / spread
        inside.append(distance)
    if matches >= FEWEST_MATCHES:
        lo = next((grid[i] for i, distance in enumerate(inside) if distance <= limit), None)
        hi = next((grid[i] for i, distance in enumerate(inside) if distance < -limit), None)
    edges = [0.0, *(min(time, HORIZON) for time in grid), HORIZON]
    widths = [b - a for a, b in pairwise(edges)]
    mean = widths[0] + sum(s * w for s, w in zip(share, widths[1:], strict=True))
    areas = of_clusters([sum(v * w for v, w in zip(row, widths[1:], strict=True)) for row in rows])
    reach = student.ppf(1 - (1 - level) * RESTRICTED_TAIL / 2, matches - 1) * math.sqrt(variance(areas))
    return lo, hi, max(mean - reach, 0.0), min(mean + reach, HORIZON)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("level", [0.5, 0.7, 0.9, 0.97])
def test_against_plain_loops(seed, level):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(6, 40))
    lags = np.round(rng.gamma(2.0, 4.0, count) - 1.0, 1)  # some at the same time, some before their day
    opened = np.sort(rng.integers(0, max(count // 2, 2), count))
    waiting = rng.random(count) < 0.2
    events = [event(lag, None if w else f"m{o}") for lag, o, w in zip(lags, opened, waiting, strict=True)]
    found = calibrated_intervals(events, level, HORIZON)
    expected = by_loops(events, level)
    ends = (found.median_lo, found.median_hi, found.restricted_lo, found.restricted_hi)
    for end, other in zip(ends, expected, strict=True):
        assert end == (None if other is None else pytest.approx(other))
    assert found.matches == len({e.open for e in events if e.open is not None})
