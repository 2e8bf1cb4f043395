"""Simulated worlds in which the long-run median lag is known.

A world is one series: a closed frontier that jumps, and an open side that follows it. The capability
of the closed frontier rises by an exponential jump at each closed release. An open release on day s
reaches what the closed frontier was some lag before s, so its catch-up time is that lag plus the wait
for the next open release, and one open release often answers several closed records. Both sides run
for years before the records are counted, so a world is stationary and its long-run median exists.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import polars as pl

from pipeline.gap.frontier import records as frontier_records
from pipeline.gap.lag import DAYS_PER_MONTH, CatchUp, Scale, Tolerance, catch_up
from pipeline.gap.survival import kaplan_meier, medians, restricted_mean

Floats = npt.NDArray[np.float64]
FIRST_DAY = date(2000, 1, 1)
WARM_UP_MONTHS = 72.0
LONG = 15_000
STRICT = Tolerance("strict")
_COLUMNS = {
    "series": pl.String,
    "model": pl.String,
    "side": pl.String,
    "available_on": pl.Date,
    "released_on": pl.Date,
    "score": pl.Float64,
    "stderr": pl.Float64,
}


@dataclass(frozen=True)
class Process:
    """How the two sides release models. Months throughout.

    Attributes:
        name: of the set, as it is printed.
        closed_every: mean time between two closed records.
        open_every: mean time between two open releases that may match.
        head: median lag of what an open release reaches.
        spread: standard deviation of the log of that lag; 0 makes it constant.
        memory: correlation of that lag between one open release and the next.
        closed_shape: gamma shape of the closed waiting times: 1 is Poisson, below 1 comes in bursts,
            infinite is a clock.
        open_shape: the same for the open side.
    """

    name: str
    closed_every: float
    open_every: float
    head: float
    spread: float = 0.35
    memory: float = 0.0
    closed_shape: float = 1.0
    open_shape: float = 1.0


@dataclass(frozen=True)
class World:
    """One simulated series as it is known on its last day.

    Attributes:
        scores: as `series_report` takes them; both sides, all that was released from the first
            counted record on, and the last of each side before it.
        as_of: the last day.
        events: the catch-up of each counted closed record, by the rules of the pipeline.
    """

    scores: pl.DataFrame
    as_of: date
    events: list[CatchUp]


# The first set looks like Epoch's index on 2026-08-11: a record every 2.2 months, 19 of them in 41 months,
# 4 unmatched, 7 open models behind the other 15, median 7.
PROCESSES = (
    Process("like the index", closed_every=2.15, open_every=4.0, head=4.6),
    Process("fast, few bursts", closed_every=1.6, open_every=1.5, head=3.0, closed_shape=2.0),
    Process("slow, in bursts", closed_every=2.4, open_every=6.0, head=8.0, closed_shape=0.5),
    Process("lag that drifts", closed_every=2.15, open_every=3.0, head=5.3, memory=0.6),
)


def _releases(rng: np.random.Generator, every: float, shape: float, until: float) -> Floats:
    """Times of a renewal process with gamma waits, from 0 to `until`."""
    count = int(until / every * 1.2) + 60
    while True:
        waits = np.full(count, every) if np.isinf(shape) else rng.gamma(shape, every / shape, count)
        times: Floats = np.cumsum(waits)
        if times[-1] >= until:
            return times[times <= until]
        count *= 2


def _lags(rng: np.random.Generator, process: Process, count: int) -> Floats:
    """Lag of what each open release reaches: lognormal, first-order autoregressive on the log scale."""
    noise = rng.standard_normal(count)
    state = np.empty(count)
    held = rng.standard_normal()
    fresh = np.sqrt(1 - process.memory**2)
    for place in range(count):
        held = process.memory * held + fresh * noise[place]
        state[place] = held
    return np.asarray(process.head * np.exp(process.spread * state), dtype=np.float64)


def world(seed: int, records: int, process: Process = PROCESSES[0], warm_up: float = WARM_UP_MONTHS) -> World:
    """One world with about that many closed records.

    Its length is fixed in advance as `records` times the mean wait, so the number of records varies
    from world to world as it does in life, and the last day falls anywhere between two records.

    Args:
        seed: of this world.
        records: expected number of closed records.
        process: how models are released.
        warm_up: months before the first counted day.
    """
    rng = np.random.default_rng([seed, records])
    end = warm_up + records * process.closed_every
    closed = _releases(rng, process.closed_every, process.closed_shape, end)
    opened = _releases(rng, process.open_every, process.open_shape, end)
    level = np.cumsum(rng.exponential(1.0, len(closed)))
    behind = opened - _lags(rng, process, len(opened))
    # Between two closed releases the open side is somewhere between the two; before the first, below it.
    reached = np.interp(behind, closed, level, left=0.0)
    rows = _table("closed", closed, level, warm_up).vstack(_table("open", opened, reached, warm_up))
    as_of = FIRST_DAY + timedelta(days=int(end * DAYS_PER_MONTH))
    return World(_as_scores(rows), as_of, _events(rows, as_of))


def _table(side: str, months: Floats, score: Floats, warm_up: float) -> pl.DataFrame:
    """Models of one side that are counted, on whole days."""
    first = max(int(np.searchsorted(months, warm_up)) - (side == "open"), 0)
    days = [FIRST_DAY + timedelta(days=int(month * DAYS_PER_MONTH)) for month in months[first:]]
    # A match long ago must still be found: the open side starts at the best it had by then.
    best = np.maximum.accumulate(score)[first:] if side == "open" else score[first:]
    # Typed, because a short world may hold no closed release at all.
    return pl.DataFrame(
        {
            "series": ["world"] * len(days),
            "model": [f"{side} {place}" for place in range(len(days))],
            "side": [side] * len(days),
            "available_on": days,
            "released_on": days,
            "score": best,
            "stderr": [None] * len(days),
        },
        schema=_COLUMNS,
    )


def _as_scores(rows: pl.DataFrame) -> pl.DataFrame:
    """The columns of a scores table."""
    return rows.select("series", "model", "score", "released_on", access="side")


def _events(rows: pl.DataFrame, as_of: date) -> list[CatchUp]:
    """The pipeline's own frontiers and catch-up, at the strict tolerance."""
    fronts = frontier_records(rows)
    sides = (fronts.filter(pl.col("side") == side) for side in ("closed", "open"))
    return catch_up(*sides, as_of, STRICT, Scale())


@lru_cache(maxsize=64)
def long_run(process: Process, records: int = LONG, worlds: int = 6) -> tuple[float, float]:
    """The truth: median and restricted mean of the catch-up time, from very long worlds of the process.

    Six worlds of 15 000 records lie within 1% of their mean; together they are the truth to about 0.5%.
    """
    events = [event for seed in range(worlds) for event in world(seed, records, process).events]
    times = np.maximum([event.lag_months for event in events], 0.0)
    grid, shares = _curve(times, np.array([not event.censored for event in events]))
    return float(medians(grid, shares)[0]), restricted_mean(grid, shares[0])


def _curve(times: Floats, matched: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """One Kaplan-Meier curve of many records, from their counts at each distinct time."""
    both = np.stack([times, matched.astype(np.float64)])
    distinct, counts = np.unique(both, axis=1, return_counts=True)
    return kaplan_meier(distinct[0], distinct[1] > 0, counts[None, :].astype(np.float64))


def scaled_to(process: Process, factor: float) -> Process:
    """The same process in another unit of time: every lag times `factor`."""
    return replace(
        process,
        closed_every=process.closed_every * factor,
        open_every=process.open_every * factor,
        head=process.head * factor,
    )
