"""Lags of one series: how long ago closed was already ahead, and when open caught up with each record."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Literal, cast, get_args

import numpy as np
import numpy.typing as npt
import polars as pl

from pipeline.errors import InputError
from pipeline.gap.frontier import CLIP
from pipeline.gap.sides import FULL_MARKS

DAYS_PER_MONTH = 30.4375
Z_ONE_SIDED = 1.645
"""One-sided 95% quantile of the normal distribution, as the definition of `significant` states it."""

_ROUNDING = 1e-12  # relative; 0.8 - 0.1 must still match 0.7
Kind = Literal["strict", "significant", "points", "nats"]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Tolerance:
    """How much worse an open model may be and still count as having caught up.

    Attributes:
        kind: `strict`, `significant`, `points` (of the raw score) or `nats` (of -ln(1 - accuracy)).
        amount: points or nats; 0 for the other two.
    """

    kind: Kind
    amount: float = 0.0

    def __str__(self) -> str:
        return self.kind if self.kind in {"strict", "significant"} else f"{self.kind}:{self.amount}"


@dataclass(frozen=True)
class Scale:
    """What a series says about its scores. `orient` is -1 where lower is better, else 1."""

    orient: float = 1.0
    chance: float | None = None
    ceiling: float | None = None
    median_stderr: float | None = None
    unit: str | None = None

    @property
    def accuracy_ends(self) -> tuple[float, float] | None:
        """The scores that stand for an accuracy of 0 and of 1; null where neither ends nor unit tell.

        Differences on the scale of nats do not depend on where 0 lies, so chance may be missing where
        higher is better.
        """
        ceiling = FULL_MARKS.get(self.unit or "") if self.ceiling is None and self.orient > 0 else self.ceiling
        chance = 0.0 if self.chance is None and self.orient > 0 else self.chance
        return None if chance is None or ceiling is None else (chance, ceiling)


@dataclass(frozen=True)
class BackwardLag:
    """Months since closed was first ahead of the open frontier held now; null with a note otherwise.

    `bounded` is true where that was the first closed model of the series: the true lag is at least this.
    """

    months: float | None
    bounded: bool = False
    note: str | None = None


@dataclass(frozen=True)
class CatchUp:
    """One closed record and the first open model that matched it. Scores as published.

    `lag_months` is signed, and where `censored` it is the age of the record: a lower bound.
    """

    closed: str
    closed_on: date
    closed_score: float
    open: str | None
    open_on: date | None
    lag_months: float
    censored: bool
    already_reached: bool

    @classmethod
    def of(cls, closed: str, closed_on: date, score: float, match: tuple[str, date] | None, as_of: date) -> CatchUp:
        """A closed record and its match; without one it is censored on the date of the world."""
        name, day = match or (None, None)
        lag = months_between(closed_on, day or as_of)
        matched = day is not None
        return cls(closed, closed_on, score, name, day, lag, censored=not matched, already_reached=matched and lag <= 0)


def parse_tolerance(text: str) -> Tolerance:
    """Read `strict`, `significant`, `points:X` or `nats:X`, X a finite number of at least 0.

    Raises:
        InputError: the text is none of these.
    """
    kind, colon, amount = text.strip().partition(":")
    if kind in {"strict", "significant"} and not colon:
        return Tolerance(cast("Kind", kind))
    try:
        value = float(amount)
    except ValueError:
        value = math.nan
    if kind not in get_args(Kind)[2:] or not math.isfinite(value) or value < 0:
        raise InputError(
            f"tolerance {text!r}",
            "is not known",
            "Use strict, significant, points:X or nats:X, X a number of at least 0",
        )
    return Tolerance(cast("Kind", kind), abs(value))


def months_between(start: date, end: date) -> float:
    """Signed months of 30.4375 days."""
    return (end - start).days / DAYS_PER_MONTH


class Ruler:
    """Scores of one series on the scale of a tolerance: `allowance` is the tolerance there.

    `note` says why the tolerance cannot be applied, else it is null. Scores passed in are oriented.
    """

    def __init__(self, tolerance: Tolerance, scale: Scale) -> None:
        self._orient = scale.orient
        self._ends = scale.accuracy_ends if tolerance.kind == "nats" else None
        self.note: str | None = None
        self.allowance = tolerance.amount
        if tolerance.kind == "nats" and self._ends is None:
            self.note = "lag: nats need a ceiling (or scores in fraction or percent), which this series does not give"
        if tolerance.kind == "significant":
            if scale.median_stderr is None:
                self.note = "lag: the significant tolerance needs standard errors, which this series does not give"
            else:
                self.allowance = Z_ONE_SIDED * math.sqrt(2) * scale.median_stderr

    def measure(self, scores: Floats) -> Floats:
        """The scores as they are, or as -ln(1 - accuracy) for nats, accuracy capped at 0.999."""
        if self._ends is None:
            return scores
        chance, ceiling = self._ends
        accuracy = (scores * self._orient - chance) / (ceiling - chance)
        return -np.log1p(-np.minimum(accuracy, 1 - CLIP))

    def slack(self, scores: Floats) -> Floats:
        """The allowance with room for rounding; exactly 0 at strict, where nothing is subtracted."""
        if self.allowance == 0:
            return np.zeros_like(scores)
        return self.allowance + _ROUNDING * np.maximum(1.0, np.abs(scores))


def qualifying(rows: pl.DataFrame, tolerance: Tolerance, median_stderr: pl.Expr) -> pl.DataFrame:
    """The open rows that may count as a match.

    At `significant` only those measured at least as well as the median of their series: a model
    measured badly would "match" early by chance. At every other tolerance all of them.
    """
    rows = rows.filter(pl.col("side") == "open")
    if tolerance.kind != "significant":
        return rows
    return rows.filter((pl.col("stderr") <= median_stderr).fill_null(value=False))


def _until(side: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The records of one side, which are in order of day, that had appeared by a date."""
    if side.is_empty() or side["available_on"][-1] <= as_of:
        return side  # usual, and most of the time of a short series would go into filtering nothing
    return side.filter(pl.col("available_on") <= as_of)


def backward_lag(
    closed: pl.DataFrame, opened: pl.DataFrame, as_of: date, tolerance: Tolerance, scale: Scale
) -> BackwardLag:
    """How long ago a closed model was already better than the best open one by `as_of`.

    `as_of - u`, u the first day on which the closed frontier exceeded the open one of `as_of` by more
    than the tolerance. At `significant` the holder of the open record is compared, however measured.

    Args:
        closed: closed records in order: `available_on, score` (oriented).
        opened: open records in order, the same columns.
        as_of: date of the world; later records do not count.
        tolerance: how much better closed must have been.
        scale: of the series.
    """
    ruler = Ruler(tolerance, scale)
    closed, opened = _until(closed, as_of), _until(opened, as_of)
    for name, side in (("closed", closed), ("open", opened)):
        if side.is_empty():
            return BackwardLag(None, note=f"backward lag: no {name} model")
    if ruler.note:
        return BackwardLag(None, note=ruler.note)
    held = ruler.measure(opened["score"].to_numpy()[-1:])
    ahead = ruler.measure(closed["score"].to_numpy()) > held + ruler.slack(held)
    if not ahead.any():
        return BackwardLag(None, note="backward lag: no closed model is ahead of the best open one")
    first = int(ahead.argmax())
    return BackwardLag(months_between(closed["available_on"][first], as_of), bounded=first == 0)


def catch_up(
    closed: pl.DataFrame, opened: pl.DataFrame, as_of: date, tolerance: Tolerance, scale: Scale
) -> list[CatchUp]:
    """For each closed record the first open model within the tolerance of it, before or after.

    A record that no open model has matched is censored at its age, never dropped. The matching model
    is the best of the first day on which any open model qualifies. Empty where the tolerance cannot
    be applied (`Ruler.note` says why).

    Args:
        closed: closed records in order: `model, available_on, score` (oriented).
        opened: records among the open models that may match, the same columns. The first model to
            reach any threshold is itself a record, so the others need not be looked at.
        as_of: date of the world; later records do not count.
        tolerance: how much worse a match may be.
        scale: of the series.
    """
    ruler = Ruler(tolerance, scale)
    if ruler.note:
        return []
    closed, opened = _until(closed, as_of), _until(opened, as_of)
    targets = ruler.measure(closed["score"].to_numpy())
    reached = np.maximum.accumulate(ruler.measure(opened["score"].to_numpy()))
    firsts = np.searchsorted(reached, targets - ruler.slack(targets), side="left")
    names, days = opened["model"].to_list(), opened["available_on"].to_list()
    columns = (closed[name].to_list() for name in ("model", "available_on", "score"))
    return [
        CatchUp.of(model, day, score * scale.orient, (names[first], days[first]) if first < len(names) else None, as_of)
        for first, model, day, score in zip(firsts.tolist(), *columns, strict=True)
    ]
