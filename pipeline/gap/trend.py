"""Closing rates: how fast the gap and the lag of one series rise or fall, over several windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from pipeline.gap.lag import Floats

BLOCK_MONTHS = 3
DRAWS = 400
LEVEL = 0.90
STRETCH, STRETCH_FROM, STRETCH_FALL = 3.5, 12, 0.35
"""Frontiers move in jumps that last for months, so blocks of three months understate the spread: drawn
deviations are stretched by 3.5 up to 12 points and by 3.5 * (12 / n)^0.35 beyond, which gives nominal 90%
intervals a coverage of 85-95% in simulated worlds (docs/coverage.md)."""
LEAST_POINTS = 6  # two blocks; with fewer the residuals say nothing
DIVERGENCE_MONTHS = 3.0
SINCE = date(2025, 1, 1)
WINDOWS = ("12m", "24m", "since_2025", "whole")
MEASURES = ("gap", "gap_logit", "lag")
_SEED = 20250101  # fixed, so that the same input always gives the same interval


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

    The sign depends on the window, so all are given together. Intervals are 90%: a moving-block
    bootstrap of the residuals (Künsch, 1989) in blocks of three months, stretched as `STRETCH` says.

    Args:
        points: as `monthly` gives them, with `gap_logit`.
        as_of: date of the world; a window of n months holds the n month starts up to it.
        gap: gap of the day, for the comparison of both clocks.
        lag: backward lag of the day, months.
    """
    months = points.select(pl.col("on").dt.year() * 12 + pl.col("on").dt.month())["on"].to_numpy().astype(np.float64)
    values = {name: points[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in ("closed", *MEASURES)}
    found = []
    for window in WINDOWS:
        inside = (points["on"] > _start(window, as_of)).to_numpy()
        closed = _both(tuple(months[inside] / 12), tuple(values["closed"][inside]))
        per_year = closed[0].slope_per_year if closed else None
        diverges = None
        if gap is not None and lag is not None and per_year is not None and per_year > 0:
            diverges = abs(lag - 12 * gap / per_year) > DIVERGENCE_MONTHS
        for measure in MEASURES:
            known = inside & ~np.isnan(values[measure])
            ols, pairs = _both(tuple(months[known] / 12), tuple(values[measure][known])) or (None, None)
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


@lru_cache(maxsize=4096)
def _both(when: tuple[float, ...], what: tuple[float, ...]) -> tuple[Slope, Slope] | None:
    """Least squares and Theil-Sen, each with the bootstrap of its own residuals; null with too few points.

    The gap is the same at every tolerance, so the same points come again and again.
    """
    n = len(when)
    if n < LEAST_POINTS:
        return None
    years, values = np.array(when), np.array(what)
    centred = years - years.mean()
    weights = centred / (centred @ centred)
    i, j = np.triu_indices(n, 1)
    span = years[j] - years[i]
    pairs = float(np.median((values[j] - values[i]) / span))
    least_squares = float(weights @ values)
    index = _blocks(n)
    # A line of two parameters leaves residuals that are too small by this much.
    widen = np.sqrt(n / (n - 2))
    rest = widen * _residuals(years, values, least_squares)
    drawn = widen * _residuals(years, values, pairs)[index]
    return (
        _slope(least_squares, rest[index] @ weights, n),
        _slope(pairs, np.median((drawn[:, j] - drawn[:, i]) / span, axis=1), n),
    )


def _residuals(years: Floats, values: Floats, slope: float) -> Floats:
    rest = values - slope * years
    centred: Floats = rest - rest.mean()
    return centred


@cache
def _blocks(n: int) -> npt.NDArray[np.intp]:
    """DRAWS x n places: blocks of three consecutive months, drawn with replacement, cut to length."""
    starts = np.random.default_rng(_SEED).integers(0, n - BLOCK_MONTHS + 1, size=(DRAWS, -(-n // BLOCK_MONTHS)))
    return (starts[:, :, None] + np.arange(BLOCK_MONTHS)).reshape(DRAWS, -1)[:, :n]


def _slope(point: float, deviations: Floats, n: int) -> Slope:
    draws = point + STRETCH * min(1.0, STRETCH_FROM / n) ** STRETCH_FALL * deviations
    tail = (1 - LEVEL) / 2
    lo, hi = np.quantile(draws, [tail, 1 - tail])
    return Slope(point, float(lo), float(hi), float(np.mean(draws < 0)))
