"""Closing rates: how fast the gap and the lag of one series rise or fall, over several windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from scipy.special import ndtr, ndtri

from pipeline.gap.lag import Floats

LEVEL = 0.90
MOST_MEMORY = 0.9
"""Greatest correlation of one month with the next that is believed: beyond it the spread has no bound."""
REACH, REACH_SHORT = 1.75, 27.0
"""Half-width of an interval in standard errors: 1.75 + 27 / N * (n / N)^2 for n months of a history of N, because
the line through a short history takes part of the movement for trend. Chosen so that nominal 90% intervals
cover 85-95% in simulated worlds (docs/coverage.md)."""
LEAST_POINTS = 6  # with fewer the residuals say nothing
DIVERGENCE_MONTHS = 3.0
SINCE = date(2025, 1, 1)
WINDOWS = ("12m", "24m", "since_2025", "whole")
MEASURES = ("gap", "gap_logit", "lag")

_LEVEL_PACE = 1e-9  # a slope below it is rounding
_ROUNDING = 1e-20  # of the sum of squares: a straight line leaves residuals of rounding only


@dataclass(frozen=True)
class Slope:
    """A slope per year with its interval and the probability that it is below 0 (closing)."""

    slope_per_year: float
    lo: float
    hi: float
    p_closing: float


@dataclass(frozen=True)
class ClosingRate:
    """Slopes of one measure over one window.

    Attributes:
        window: one of WINDOWS.
        measure: one of MEASURES; points, logits or months.
        n: monthly points used; months in which the measure is undefined are left out.
        first_on: first monthly point used; null without any.
        ols: least-squares slope; null with fewer than LEAST_POINTS points.
        theil_sen: median of the slopes of all pairs; null likewise.
        closed_per_year: least-squares slope of the closed frontier over the window, points a year.
        diverges: the lag of today and the gap of today divided by `closed_per_year` differ by more than
            three months: the two clocks tell different stories. Null where either is undefined.
    """

    window: str
    measure: str
    n: int
    first_on: date | None
    ols: Slope | None
    theil_sen: Slope | None
    closed_per_year: float | None = None
    diverges: bool | None = None


def closing_rates(points: pl.DataFrame, as_of: date, gap: float | None, lag: float | None) -> list[ClosingRate]:
    """Slopes per year of every measure over every window, windows first.

    The sign depends on the window, so all are given together. Frontiers move in jumps whose effect lasts
    for months, so neighbouring months err alike: the 90% intervals take the residuals of the whole
    history for a first-order autoregression (Prais and Winsten, 1954). A bootstrap in blocks of three
    months covered the truth in 40-60% of simulated worlds (docs/adr/0010).

    Args:
        points: as `monthly` gives them, with `gap_logit`.
        as_of: date of the world; a window of n months holds the n month starts up to it.
        gap: gap of the day, for the comparison of both clocks.
        lag: backward lag of the day, months.
    """
    months = points.select(pl.col("on").dt.year() * 12 + pl.col("on").dt.month())["on"].to_numpy().astype(np.float64)
    values = {name: points[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in ("closed", *MEASURES)}
    memory = {
        name: _memory(months[~np.isnan(values[name])], values[name][~np.isnan(values[name])]) for name in MEASURES
    }
    found = []
    for window in WINDOWS:
        inside = (points["on"] > _start(window, as_of)).to_numpy()
        per_year = _ols(months[inside], values["closed"][inside]) if inside.sum() >= LEAST_POINTS else None
        diverges = None
        if gap is not None and lag is not None and per_year is not None and per_year > _LEVEL_PACE:
            diverges = abs(lag - 12 * gap / per_year) > DIVERGENCE_MONTHS
        for measure in MEASURES:
            known = inside & ~np.isnan(values[measure])
            ols, pairs = _both(months[known], values[measure][known], memory[measure]) or (None, None)
            first = points["on"][int(known.argmax())] if known.any() else None
            found.append(ClosingRate(window, measure, int(known.sum()), first, ols, pairs, per_year, diverges))
    return found


def document(rates: Sequence[ClosingRate]) -> list[dict[str, Any]]:
    """One entry a window: the gap by least squares, the other estimator and measures inside it.

    A measure without a single defined month is null.
    """
    entries: dict[str, dict[str, Any]] = {}
    for rate in rates:
        inner = _plain(rate.ols) | {
            "n": rate.n,
            "from": rate.first_on and rate.first_on.isoformat(),
            "theil_sen": _plain(rate.theil_sen),
        }
        if rate.measure == "gap":
            clocks = {"closed_slope_per_year": rate.closed_per_year, "diverges": rate.diverges}
            entries[rate.window] = {"window": rate.window} | inner | clocks
        else:
            entries[rate.window][rate.measure] = inner if rate.n else None
    return list(entries.values())


def _plain(slope: Slope | None) -> dict[str, float | None]:
    return dict(vars(slope)) if slope else dict.fromkeys(("slope_per_year", "lo", "hi", "p_closing"))


def notes(rates: Sequence[ClosingRate]) -> Iterator[str]:
    """Why slopes are missing, and where the clocks disagree."""
    short = [rate.window for rate in rates if rate.measure == "gap" and rate.ols is None]
    if short:
        yield f"closing rate: fewer than {LEAST_POINTS} months with both sides in {', '.join(short)}"
    apart = [rate.window for rate in rates if rate.measure == "gap" and rate.diverges]
    if apart:
        yield (
            f"the lag and the gap divided by the pace of closed models differ by more than "
            f"{DIVERGENCE_MONTHS:g} months ({', '.join(apart)}): quote both"
        )


def _start(window: str, as_of: date) -> date:
    """The day before the window: points after it count."""
    if window == "whole":
        return date.min
    if window == "since_2025":
        return date(SINCE.year - 1, 12, 31)
    months = as_of.year * 12 + as_of.month - 1 - int(window.removesuffix("m"))
    return date(months // 12, months % 12 + 1, 1)


@dataclass(frozen=True)
class _Memory:
    """How the months of a whole history of `n` points err: their variance, and how alike neighbours do."""

    n: int
    variance: float
    correlation: float


def _memory(months: Floats, values: Floats) -> _Memory:
    """Variance and correlation of the residuals from a straight line.

    The correlation is corrected for the line and for small samples (Orcutt and Winokur, 1969). The
    variance allows for what the line takes out of residuals that are correlated so much.
    """
    n = len(months)
    if n < LEAST_POINTS:
        return _Memory(n, 0.0, 0.0)
    design = np.stack([np.ones(n), months], axis=1)
    annihilator = np.eye(n) - design @ np.linalg.pinv(design)
    rest = annihilator @ values
    total = float(rest @ rest)
    if total <= _ROUNDING * float(values @ values):
        return _Memory(n, 0.0, 0.0)
    raw = float(rest[1:] @ rest[:-1]) / total
    correlation = min(max(raw + (2 + 4 * raw) / n, 0.0), MOST_MEMORY)
    return _Memory(n, total / float(np.trace(annihilator @ _alike(months, correlation))), correlation)


def _alike(months: Floats, correlation: float) -> Floats:
    """Correlation of every month with every other: the power of how far apart they are."""
    return np.asarray(correlation ** np.abs(np.subtract.outer(months, months)), dtype=np.float64)


def _weights(months: Floats) -> Floats:
    """What each value adds to the least-squares slope, per year."""
    centred = (months - months.mean()) / 12
    weights: Floats = centred / (centred @ centred)
    return weights


def _ols(months: Floats, values: Floats) -> float:
    return float(_weights(months) @ values)


def _both(months: Floats, values: Floats, memory: _Memory) -> tuple[Slope, Slope] | None:
    """Least squares and Theil-Sen with one half-width; null with too few points."""
    n = len(months)
    if n < LEAST_POINTS:
        return None
    weights = _weights(months)
    error = float(np.sqrt(memory.variance * weights @ _alike(months, memory.correlation) @ weights))
    half = (REACH + REACH_SHORT / memory.n * (n / memory.n) ** 2) * error
    i, j = np.triu_indices(n, 1)
    pairs = float(np.median((values[j] - values[i]) / (months[j] - months[i])) * 12)
    return _slope(float(weights @ values), half), _slope(pairs, half)


def _slope(point: float, half: float) -> Slope:
    """The probability is that of a normal law whose 90% interval this is."""
    if half == 0:
        return Slope(point, point, point, float(point < 0))
    return Slope(point, point - half, point + half, float(ndtr(-point / half * ndtri((1 + LEVEL) / 2))))
