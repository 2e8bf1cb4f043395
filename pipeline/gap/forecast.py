"""When open may reach closed: a simulation of both frontiers, and the published straight line beside it."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from pipeline.errors import InputError
from pipeline.gap.lag import Floats

BLOCK_MONTHS = 3
"""A release is often answered within the quarter, so months are drawn in runs of three: the same block as
that of the closing rate. Longer ones would leave fewer than eight different blocks in 24 months."""
WINDOW_MONTHS = 24
YEARS_AHEAD = 5
MONTHS_AHEAD = 12 * YEARS_AHEAD
PATHS = 4000
LEAST_POINTS = 12
"""Monthly points a forecast needs: one year, for every method alike, so that all are judged on the same origins."""
LEAST_LAGS = 6  # points of a line through the lag, as in the closing rate
QUANTILES = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)
DAYS_PER_YEAR = 365.25

_SEED = 20260101  # fixed, so that the same input always gives the same paths
_ROUNDING = 1e-9  # relative to the scores; sums of increments must still meet exactly
_FAR = 100  # years; a crossing beyond them says nothing
_NAMES = [f"{what}_q{round(100 * q):02}" for what in ("gap", "open", "closed") for q in QUANTILES]
_SCHEMA: dict[str, type[pl.DataType]] = {
    "on": pl.Date, "months_ahead": pl.Int64, **dict.fromkeys(_NAMES, pl.Float64), "p_parity": pl.Float64,
}  # fmt: skip
Places = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Today:
    """Both frontiers on the day of the forecast, oriented (higher is better)."""

    closed: float
    open: float


@dataclass(frozen=True)
class Parity:
    """First passage of the simulated gap through zero.

    Attributes:
        as_of: the day the paths start.
        gap_today: closed minus open on that day; null where a side is empty.
        increments: monthly steps the paths are drawn from.
        within: probability of parity within 1, 2, ... 5 years; null where not simulated.
        none: probability of no parity within 5 years; null likewise.
        likely_on: first month by which parity is at least as likely as not; null where later or unknown.
        path: a row a month ahead from 0 to 60, see `parity`; empty where not simulated.
        note: why there is no simulation, or what is to be known about it.
    """

    as_of: date
    gap_today: float | None
    increments: int
    within: tuple[float, ...] | None
    none: float | None
    likely_on: date | None
    path: pl.DataFrame
    note: str | None


@dataclass(frozen=True)
class ParityLine:
    """Where a straight line through the lag (or the gap) of one series meets zero.

    Attributes:
        slope_per_year: months (points) a year; null with too few months.
        level_today: the line on the day of the forecast.
        crosses_on: the day the line meets zero; null where it does not cross ahead.
        n: monthly points the line goes through.
        note: the finding in words, with what was left out.
    """

    slope_per_year: float | None
    level_today: float | None
    crosses_on: date | None
    n: int
    note: str


def blocks(rng: np.random.Generator, n: int, draws: int, length: int, block: int) -> Places:
    """Places 0 to n - 1 drawn in runs of `block`, a row a draw (circular block bootstrap).

    Runs go on from the last place to the first (Politis and Romano, 1992), so that every month is
    drawn equally often; without that the latest months, which matter most, would be drawn least.
    """
    starts = rng.integers(n, size=(draws, -(-length // block), 1))
    return ((starts + np.arange(block)) % n).reshape(draws, -1)[:, :length]


def consecutive(monthly: pl.DataFrame, until: date) -> pl.DataFrame:
    """The monthly points up to a day.

    Raises:
        InputError: a month is missing, repeated or not at its place, so that steps are not steps of a month.
    """
    points = monthly.filter(pl.col("on") <= until)
    months = points.select(pl.col("on").dt.year() * 12 + pl.col("on").dt.month())["on"].to_numpy().astype(np.int64)
    if (np.diff(months) != 1).any():
        raise InputError("monthly points", "skip or repeat a month", "Pass them as `monthly` gives them")
    return points


def increments(points: pl.DataFrame) -> Floats:
    """Steps of both frontiers (closed, open) over the last 24 months; one row a month."""
    return np.diff(points.select("closed", "open").to_numpy(), axis=0)[-WINDOW_MONTHS:]


def simulate(steps: Floats, today: Today, months: int, paths: int = PATHS) -> Floats:
    """Paths of both frontiers, month 0 (today) included.

    A step holds what both sides did in one month, none, one or both of them with a release: arrivals
    and sizes of jumps are drawn together. Each path first draws its own past of the same length and
    then its future from that. Otherwise the mean step of 24 months would be taken as known, which it
    is not: over five years that uncertainty is larger than that of the drawing itself.

    Args:
        steps: monthly steps, columns closed and open.
        today: where all paths start.
        months: how far they go.
        paths: how many.

    Returns:
        paths x (months + 1) x 2, the last axis closed and open.
    """
    rng, n = np.random.default_rng(_SEED), len(steps)
    past = blocks(rng, n, paths, n, BLOCK_MONTHS)
    drawn = np.take_along_axis(past, blocks(rng, n, paths, months, BLOCK_MONTHS), axis=1)
    start = np.broadcast_to([today.closed, today.open], (paths, 1, 2))
    found: Floats = np.concatenate([start, start + np.cumsum(steps[drawn], axis=1)], axis=1)
    return found


def parity(monthly: pl.DataFrame, as_of: date, today: Today | None = None, paths: int = PATHS) -> Parity:
    """Probability that open reaches closed by each month of the next five years.

    Both frontiers are drawn on from today by the monthly steps of the last 24 months (`simulate`).
    Parity is a gap of at most zero at the end of a month; once reached it counts as reached, whoever
    leads later. A lead that comes and goes within one month is not seen.

    Args:
        monthly: as `monthly.monthly` gives it; later months than `as_of` are left out.
        as_of: the day the paths start.
        today: both frontiers on that day; those of the last monthly point where null.
        paths: how many are simulated.

    Returns:
        With `path`: `on, months_ahead`, the quantiles `gap_q05` to `gap_q95`, `open_q..`, `closed_q..`
        and `p_parity`, the probability of parity by then.

    Raises:
        InputError: the monthly points skip a month.
    """
    points = consecutive(monthly, as_of)
    if today is None and points.height:
        today = Today(points["closed"][-1], points["open"][-1])
    steps = increments(points)
    gap = None if today is None else today.closed - today.open
    if today is None or gap is None or points.height < LEAST_POINTS:
        note = f"parity: needs {LEAST_POINTS} months with both sides, has {points.height}"
        reached = gap is not None and gap <= 0
        within, none = ((1.0,) * YEARS_AHEAD, 0.0) if reached else (None, None)
        note = "parity: open has reached closed already" if reached else note
        return Parity(as_of, gap, len(steps), within, none, as_of if reached else None, _empty(), note)
    drawn = simulate(steps, today, MONTHS_AHEAD, paths)
    path = _summary(drawn, as_of)
    chance = path["p_parity"].to_numpy()
    likely = path.filter(pl.col("p_parity") >= 0.5)["on"]
    return Parity(
        as_of=as_of,
        gap_today=gap,
        increments=len(steps),
        within=tuple(float(chance[12 * year]) for year in range(1, YEARS_AHEAD + 1)),
        none=float(1 - chance[-1]),
        likely_on=likely[0] if len(likely) else None,
        path=path,
        note="parity: open has reached closed already" if gap <= 0 else None,
    )


def parity_by_line(monthly: pl.DataFrame, as_of: date, months: int | None = None, measure: str = "lag") -> ParityLine:
    """The day on which a least-squares line through the monthly lag meets zero.

    The method of a published date of parity (Doubleword, June 2026: a straight line through the lag
    of one index), kept to be judged. Months in which the lag is only a lower bound are left out: it
    grows by a month a month there, whatever the models do.

    Args:
        monthly: as `monthly.monthly` gives it; later months than `as_of` are left out.
        as_of: the day the line is drawn.
        months: only the last so many monthly points; all where null.
        measure: `lag` (months) or `gap` (points).

    Raises:
        InputError: the monthly points skip a month.
    """
    points = consecutive(monthly, as_of)
    points = points if months is None else points.tail(months)
    known = measured(points, measure).drop_nulls()
    left_out = points.height - known.height
    aside = f" ({left_out} months without a measured {measure} left out)" if left_out else ""
    if known.height < LEAST_LAGS:
        note = f"line: needs {LEAST_LAGS} months with a measured {measure}, has {known.height}{aside}"
        return ParityLine(None, None, None, known.height, note)
    years = (known["on"] - as_of).dt.total_days().to_numpy() / DAYS_PER_YEAR
    slope, level = fit(years, known[measure].to_numpy())
    crosses_on = None
    if level <= 0:
        note = "the line is at or below zero already"
    elif slope >= -_ROUNDING:
        note = "the line does not cross zero: it is level or rising"
    elif level > -slope * _FAR:
        note = f"the line does not cross zero within {_FAR} years"
    else:
        crosses_on = as_of + timedelta(days=round(-level / slope * DAYS_PER_YEAR))
        note = "the line crosses zero"
    return ParityLine(slope, level, crosses_on, known.height, note + aside)


def measured(points: pl.DataFrame, measure: str) -> pl.DataFrame:
    """`on` and the measure by month, null where it is undefined or, for the lag, only a lower bound."""
    value = pl.col(measure)
    return points.select("on", value if measure == "gap" else pl.when(~pl.col("bounded")).then(value).alias(measure))


def fit(x: Floats, y: Floats) -> tuple[float, float]:
    """Least-squares slope, and the level of the line at x = 0."""
    centred = x - x.mean()
    slope = float(centred @ y / (centred @ centred))
    return slope, float(y.mean() - slope * x.mean())


def months_later(start: date, months: int) -> date:
    """The same day that many months on, or the last of the month where it has no such day."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def _summary(drawn: Floats, as_of: date) -> pl.DataFrame:
    """The frame of `parity` from simulated paths."""
    closed, opened = drawn[:, :, 0], drawn[:, :, 1]
    gap = closed - opened
    reached = np.logical_or.accumulate(gap <= _ROUNDING * np.maximum(1.0, np.abs(closed)), axis=1)
    ahead = range(gap.shape[1])
    fans = np.concatenate([np.quantile(side, QUANTILES, axis=0) for side in (gap, opened, closed)])
    return pl.DataFrame(
        {
            "on": [months_later(as_of, month) for month in ahead],
            "months_ahead": list(ahead),
            **dict(zip(_NAMES, fans, strict=True)),
            "p_parity": reached.mean(axis=0),
        },
        schema=_SCHEMA,
    )


def _empty() -> pl.DataFrame:
    return pl.DataFrame(schema=_SCHEMA)
