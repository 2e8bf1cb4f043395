"""What noise in the scores does to frontiers: joint draws, the interval of the gap and of the lag.

The maximum of noisy scores is biased up, and the maximum inside draws of noisy scores is biased twice.
So the gap is published with the estimate of its bias and with the basic interval, which turns the
draws round the point (Davison and Hinkley, 1997, section 5.2). The lag jumps from one release to the
next and has no such mirror image: its interval is the middle of the draws themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from pipeline.gap.lag import DAYS_PER_MONTH, BackwardLag, CatchUp, Floats, Scale, months_between

LEVEL = 0.94
"""Nominal level of the gap's interval published as 90%: at 90% it covered 79-90% of simulated worlds."""
LAG_LEVEL = 0.75
"""Nominal level of the lag's: at 90% it covered 96-99%."""
DRAWS = 500
SURE = 0.95
"""A closed model counts as better where it is in at least this share of the draws."""

_REACH = 5.0  # a model further than five standard errors below the frontier never holds it in a draw
_SEED = 20230504  # fixed, so that the same input always gives the same interval


@dataclass(frozen=True)
class Draws:
    """Joint draws of the scores of one series: `values` is models x draws, oriented like the scores."""

    models: tuple[str, ...]
    values: Floats

    def of(self, models: Sequence[str]) -> Floats:
        """The draws of some models, in their order."""
        place = {name: i for i, name in enumerate(self.models)}
        return self.values[[place[name] for name in models]]

    def around(self, points: dict[str, float]) -> Draws:
        """The same deviations from the mean of each model, around other points."""
        centred = self.values - self.values.mean(axis=1, keepdims=True)
        at = np.array([points[name] for name in self.models])
        return Draws(self.models, centred + at[:, None])


@dataclass(frozen=True)
class Noise:
    """Bias and 90% interval of today's gap and lag; null with a note where the draws do not tell.

    Attributes:
        gap_bias: mean gap over the draws minus the gap; estimates how much the point is off.
        gap_lo: lower end of the basic interval, in the unit of the series.
        gap_hi: upper end.
        lag_lo: lower end of the interval of the backward lag, months; negative where open may lead.
        lag_hi: upper end.
        clearly_behind_on: last day on which the interval of the gap lay above 0; null if never.
        over_time: `on, gap, bias, lo, hi` on every day on which a frontier moves.
        note: why nothing can be said.
    """

    gap_bias: float | None = None
    gap_lo: float | None = None
    gap_hi: float | None = None
    lag_lo: float | None = None
    lag_hi: float | None = None
    clearly_behind_on: date | None = None
    over_time: pl.DataFrame | None = None
    note: str | None = None


def by_stderr(rows: pl.DataFrame) -> Draws | None:
    """Independent normal draws of every model that can hold a frontier, from its standard error.

    Args:
        rows: `model, side, available_on, score, stderr` of one series (`Sides.rows`).

    Returns:
        Null where a model has no standard error.
    """
    if rows.is_empty() or rows["stderr"].null_count():
        return None
    reach = _REACH * pl.col("stderr")
    low = (pl.col("score") - reach).cum_max().over("side")
    near = rows.sort("side", "available_on").filter(pl.col("score") + reach >= low)
    models = near.unique("model").sort("model")
    noise = np.random.default_rng(_SEED).standard_normal((models.height, DRAWS))
    values = models["score"].to_numpy()[:, None] + models["stderr"].to_numpy()[:, None] * noise
    return Draws(tuple(models["model"]), values)


def frontier_noise(rows: pl.DataFrame, draws: Draws | None, as_of: date, lag: float | None) -> Noise:
    """Bias and interval of the gap on every day on which a frontier moves, and of today's lag.

    Args:
        rows: `model, side, available_on, score` of one series, oriented.
        draws: of its models; a model that is missing is taken never to hold a frontier.
        as_of: date of the world.
        lag: backward lag of the day at strict tolerance, months; null where undefined.
    """
    if draws is None:
        return Noise(note="interval of the gap: needs a standard error for every model")
    rows = rows.filter(pl.col("model").is_in(draws.models)).sort("available_on", "model")
    sides = {name: rows.filter(pl.col("side") == name) for name in ("closed", "open")}
    if any(side.is_empty() for side in sides.values()):
        return Noise()
    paths = {name: np.maximum.accumulate(draws.of(side["model"].to_list()), axis=0) for name, side in sides.items()}
    tops = {name: np.maximum.accumulate(side["score"].to_numpy()) for name, side in sides.items()}
    days = {name: side["available_on"].to_numpy().astype("datetime64[D]") for name, side in sides.items()}
    on = np.unique(np.concatenate(list(days.values())))
    on = on[on >= max(side[0] for side in days.values())]
    at = {name: np.searchsorted(days[name], on, side="right") - 1 for name in sides}
    gap = tops["closed"][at["closed"]] - tops["open"][at["open"]]
    drawn = paths["closed"][at["closed"]] - paths["open"][at["open"]]
    lo, hi = _basic(gap, drawn)
    over_time = pl.DataFrame({"on": on, "gap": gap, "bias": drawn.mean(axis=1) - gap, "lo": lo, "hi": hi})
    behind = over_time.filter(pl.col("lo") > 0)["on"]
    lag_lo = lag_hi = None
    if lag is not None:
        months = _drawn_lags(paths, days, np.datetime64(as_of, "D"))
        low, high = _middle(months, LAG_LEVEL)
        # An interval holds its estimate, also where few draws agree with it.
        lag_lo, lag_hi = min(low, lag), max(high, lag)
    return Noise(
        gap_bias=float(over_time["bias"][-1]),
        gap_lo=float(lo[-1]),
        gap_hi=float(hi[-1]),
        lag_lo=lag_lo,
        lag_hi=lag_hi,
        clearly_behind_on=_until(over_time, as_of) if behind.len() else None,
        over_time=over_time,
    )


def catch_up_paired(
    closed: pl.DataFrame, opened: pl.DataFrame, draws: Draws, as_of: date, scale: Scale
) -> list[CatchUp]:
    """For each closed record the first open model it does not clearly beat: P(closed > open) < 0.95.

    Args:
        closed: closed records in order: `model, available_on, score` (oriented).
        opened: every open model that may match (`lag.qualifying`), the same columns, not only records.
        draws: of all these models; those of one draw belong together.
        as_of: date of the world.
        scale: of the series.
    """
    opened = opened.sort("available_on", pl.col("score") * -1, "model")
    names, days = opened["model"].to_list(), opened["available_on"].to_list()
    theirs = draws.of(names)
    events = []
    for model, day, score in closed.select("model", "available_on", "score").iter_rows():
        matches = (draws.of([model]) > theirs).mean(axis=1) < SURE
        first = int(matches.argmax()) if matches.any() else None
        match = None if first is None else (names[first], days[first])
        events.append(CatchUp.of(model, day, score * scale.orient, match, as_of))
    return events


def backward_lag_paired(closed: pl.DataFrame, holder: str, draws: Draws, as_of: date) -> BackwardLag:
    """How long ago a closed model was already clearly better than the holder of the open record.

    Args:
        closed: every closed model: `model, available_on`.
        holder: of the open record.
        draws: of all these models.
        as_of: date of the world.
    """
    closed = closed.sort("available_on")
    ahead = (draws.of(closed["model"].to_list()) > draws.of([holder])).mean(axis=1) >= SURE
    if not ahead.any():
        return BackwardLag(None, note="backward lag: no closed model is clearly ahead of the best open one")
    since = closed["available_on"][int(ahead.argmax())]
    return BackwardLag(months_between(since, as_of), bounded=since == closed["available_on"][0])


def _basic(points: Floats, drawn: Floats) -> tuple[Floats, Floats]:
    """Ends of the basic interval `2 * point - quantile`, one row a point."""
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=1)
    return 2 * points - high, 2 * points - low


def _middle(drawn: Floats, level: float) -> tuple[float, float]:
    """The middle of draws that take few different values.

    Quantiles of the mid-distribution, linear between values (Ma, Genton and Parzen, 2011): plain ones stay on
    one value over a wide range of levels and then jump.
    """
    values, count = np.unique(drawn, return_counts=True)
    below = (np.cumsum(count) - count / 2) / len(drawn)
    low, high = np.interp([(1 - level) / 2, (1 + level) / 2], below, values)
    return float(low), float(high)


def _drawn_lags(paths: dict[str, Floats], days: dict[str, npt.NDArray[np.datetime64]], as_of: np.datetime64) -> Floats:
    """Signed lag in each draw: months since closed passed today's open best, or minus the other way round."""

    def since(ahead: str, behind: str) -> Floats:
        passed = paths[ahead] > paths[behind][-1]
        months = (as_of - days[ahead][passed.argmax(axis=0)]).astype(np.float64) / DAYS_PER_MONTH
        return np.where(passed.any(axis=0), months, 0.0)

    return since("closed", "open") - since("open", "closed")


def _until(over_time: pl.DataFrame, as_of: date) -> date:
    """Last day on which the gap was clearly above 0: the day before the next move, or the date itself."""
    ends = over_time.select(
        end=pl.col("on").shift(-1).dt.offset_by("-1d").fill_null(as_of), clear=pl.col("lo") > 0
    ).filter("clear")
    last: date = ends["end"][-1]
    return last
