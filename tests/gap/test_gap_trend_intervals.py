"""Closing rates: the interval against plain loops, and what the document calls its numbers."""

from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest

from pipeline.gap.trend import closing_rates, document, notes
from tests.gap.test_gap_trend import points


def by_loops(months, values, inside, level=0.90):
    """Least-squares slope with its interval by the definitions: the memory of all months, the weights of the window."""
    total = len(values)
    rest = residuals(months, values)
    squares = sum(r * r for r in rest)
    raw = sum(a * b for a, b in pairwise(rest)) / squares
    memory = min(max(raw + (2 + 4 * raw) / total, 0.0), 0.9)
    # What a line leaves of residuals of unit variance that are alike so much, squared and summed.
    alike = [[memory ** abs(a - b) for a in months] for b in months]
    left = sum(residuals(months, [row[i] for row in alike])[i] for i in range(total))
    # Trace of M R is the sum over i of (M R)[i, i]: residual i of column i.
    variance = squares / left
    mine = [months[i] for i in inside]
    centre = sum(mine) / len(mine)
    spread = sum(((m - centre) / 12) ** 2 for m in mine)
    weights = [(m - centre) / 12 / spread for m in mine]
    slope = sum(w * values[i] for w, i in zip(weights, inside, strict=True))
    error = sum(
        a * b * variance * memory ** abs(x - y)
        for a, x in zip(weights, mine, strict=True)
        for b, y in zip(weights, mine, strict=True)
    )
    half = (1.75 + 27 / total * (len(mine) / total) ** 2) * error**0.5
    return slope, slope - half, slope + half, NormalDist().cdf(-slope / half * 1.6448536269514722)


def residuals(months, values):
    slope, level = np.polyfit(months, values, 1)
    return [v - level - slope * m for m, v in zip(months, values, strict=True)]


@pytest.mark.parametrize("seed", range(6))
def test_intervals_against_plain_loops(seed):
    values = (10 + np.cumsum(np.random.default_rng(seed).choice([-2.0, 0.0, 0.0, 1.5], 40))).tolist()
    frame = points(values)
    found = {r.window: r for r in closing_rates(frame, frame["on"][-1], None, None) if r.measure == "gap"}
    for window, inside in (("12m", range(28, 40)), ("24m", range(16, 40)), ("whole", range(40))):
        ols, pairs = found[window].ols, found[window].theil_sen
        got = (ols.slope_per_year, ols.lo, ols.hi, ols.p_closing)
        assert got == pytest.approx(by_loops(list(range(40)), values, list(inside)), rel=1e-6)
        # Theil-Sen has the same half-width about its own slope.
        assert pairs.hi - pairs.lo == pytest.approx(ols.hi - ols.lo)
        assert (pairs.hi + pairs.lo) / 2 == pytest.approx(pairs.slope_per_year)


def test_the_document_names_its_numbers():
    frame = points([2.0 * month for month in range(12)], lags=[5.0] * 12)
    rates = closing_rates(frame, frame["on"][-1], 22.0, 20.0)
    entries = {entry["window"]: entry for entry in document(rates)}
    assert list(entries) == ["12m", "24m", "since_2025", "whole"]
    whole = entries["whole"]
    # 22 points at 24 a year are 11 months, and the lag is 20.
    assert (whole["closed_slope_per_year"], whole["diverges"], whole["n"]) == (pytest.approx(24), True, 12)
    assert set(whole["theil_sen"]) == {"slope_per_year", "lo", "hi", "p_closing"}
    assert whole["gap_logit"] is None
    assert (whole["lag"]["n"], whole["lag"]["slope_per_year"]) == (12, pytest.approx(0))
    assert [note for note in notes(rates) if "quote both" in note] == [
        "the lag and the gap divided by the pace of closed models differ by more than 3 months (12m, 24m, whole):"
        " quote both"
    ]
    short = document(closing_rates(frame.head(3), frame["on"][2], None, None))[-1]
    nulls = ("slope_per_year", "lo", "hi", "p_closing", "closed_slope_per_year", "diverges")
    assert {name: short[name] for name in nulls} == dict.fromkeys(nulls)
