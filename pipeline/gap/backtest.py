"""How well the gap and the lag could have been foretold: every method from every month, against "no change"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import numpy as np
import polars as pl

from pipeline.errors import InputError
from pipeline.gap.forecast import Parity, Places, blocks, consecutive, measured, months_later
from pipeline.gap.lag import Floats
from pipeline.gap.predictors import PREDICTORS, Measure, Prediction, Predictor

Basis = Literal["hindsight", "refit"]
HORIZONS = (3, 6, 12)
SINCE = date(2025, 1, 1)
LEAST_BLOCK = 3
LEAST_ORIGINS = 6
"""Origins an interval of the skill needs, or as many as months ahead where those are more: forecasts from
fewer overlap one another throughout, and so tell one story once."""
DRAWS = 2000
LEVEL = 0.90
BASELINE = "persistence"
JUDGED_HORIZON = 12

_ROUNDING = 1e-9  # points or months
_SEED = 20240301  # fixed, so that the same input always gives the same interval
_SCHEMA: dict[str, type[pl.DataType]] = {
    "basis": pl.String, "method": pl.String, "measure": pl.String, "horizon": pl.Int64, "origins": pl.String,
    "n": pl.Int64, "mae": pl.Float64, "mae_persistence": pl.Float64, "bias": pl.Float64,
    "n_interval": pl.Int64, "coverage80": pl.Float64, "coverage90": pl.Float64,
    "skill": pl.Float64, "skill_lo": pl.Float64, "skill_hi": pl.Float64,
    "first_origin": pl.Date, "last_origin": pl.Date,
}  # fmt: skip
Predictors = Mapping[Measure, Mapping[str, Predictor]]


@dataclass(frozen=True)
class Verdict:
    """Whether a date of parity may be shown, and what to say instead where it may not.

    Attributes:
        shown: the simulation is proven better than "no change" 12 months ahead.
        parity_on: first month by which parity is at least as likely as not; only where shown.
        sentence: the finding with both errors.
        basis: the backtest it rests on; null where there is none.
    """

    shown: bool
    parity_on: date | None
    sentence: str
    basis: Basis | None


def hindsight(today: pl.DataFrame, origins: Sequence[date]) -> dict[date, pl.DataFrame]:
    """Today's monthly points cut at each origin: scores of today, dates up to the origin."""
    return {origin: today.filter(pl.col("on") <= origin) for origin in origins}


def backtest(
    history: Mapping[date, pl.DataFrame],
    truth: pl.DataFrame,
    basis: Basis,
    horizons: Sequence[int] = HORIZONS,
    since: date | None = SINCE,
    predictors: Predictors = PREDICTORS,
) -> pl.DataFrame:
    """Judge every method on the same origins as "no change".

    Of one measure and horizon only those origins count at which every method has enough history and
    the month foretold is measured, so `n` is the same for all of them. Skill is 1 - MAE / MAE of no
    change, with a 90% interval by block bootstrap over consecutive origins. A block is as long as the
    horizon, because the errors of forecasts made h months ahead overlap that long, but at most a third
    of the origins and at least three months, because some blocks must be left to draw. Where that cap
    bites (12 months ahead, fewer than 36 origins) the interval is still too narrow.

    Args:
        history: origin (the first of a month) -> monthly points known by then, in today's points; later
            months are left out, and an origin whose points do not reach it is skipped.
        truth: monthly points of today's scores: `on, gap, lag, bounded`.
        basis: what `history` is: `hindsight` or `refit`.
        horizons: months ahead.
        since: origins from here on are judged a second time on their own; null for never.
        predictors: the methods by what they predict; "persistence" must be among each.

    Returns:
        `basis, method, measure, horizon, origins` ("all" or "since 2025"), `n, mae, mae_persistence,
        bias` (mean of forecast minus truth, points or months), `n_interval` (origins with an
        interval), `coverage80, coverage90` (share of those whose interval held the truth), `skill,
        skill_lo, skill_hi` (null where no change is perfect or origins are too few), `first_origin,
        last_origin`. No row without a common origin.

    Raises:
        InputError: a measure lacks "persistence", a horizon is below 1, or months are missing.
    """
    if any(BASELINE not in methods for methods in predictors.values()) or any(horizon < 1 for horizon in horizons):
        raise InputError("backtest", "lacks no change as a method, or a horizon of at least 1 month", "Add it")
    known = {origin: consecutive(points, origin) for origin, points in sorted(history.items())}
    known = {origin: points for origin, points in known.items() if points.height and points["on"][-1] == origin}
    rows: list[dict[str, Any]] = []
    for measure, methods in predictors.items():
        due = {on: value for on, value in measured(truth, measure).iter_rows() if value is not None}
        for horizon in horizons:
            origins, actual, foretold = _foretell(known, due, methods, horizon)
            for label, inside in _periods(origins, since):
                when = [origins[place] for place in inside]
                of = {name: [given[place] for place in inside] for name, given in foretold.items()}
                for name, figures in _judge(of, actual[inside], horizon):
                    place = {"basis": basis, "method": name, "measure": measure, "horizon": horizon, "origins": label}
                    rows.append(place | figures | {"first_origin": when[0], "last_origin": when[-1]})
    return pl.DataFrame(rows, schema=_SCHEMA)


def verdict(table: pl.DataFrame, parity: Parity) -> Verdict:
    """Whether to show a date of parity: only if the simulation is proven better than "no change".

    Proven: the 90% interval of its skill 12 months ahead over all origins lies above 0. The refitted
    backtest decides where there is one, because only it knows no more than a forecaster knew.

    Args:
        table: rows of `backtest`, of one basis or both.
        parity: the simulation of today.
    """
    if parity.gap_today is not None and parity.gap_today <= 0:
        return Verdict(shown=False, parity_on=None, sentence="Open has reached closed already.", basis=None)
    judged = table.filter(method="simulation", measure="gap", horizon=JUDGED_HORIZON, origins="all")
    if judged.is_empty() or parity.within is None:
        said = "No date is given: the history is too short to forecast or to judge a forecast."
        return Verdict(shown=False, parity_on=None, sentence=said, basis=None)
    row = judged.sort(pl.col("basis") != "refit").row(0, named=True)
    errors = (
        f"mean error {row['mae']:.1f} against {row['mae_persistence']:.1f} points, "
        f"{JUDGED_HORIZON} months ahead, {row['n']} origins, {row['basis']}"
    )
    if row["skill_lo"] is not None and row["skill_lo"] > 0:
        when = f"by {parity.likely_on:%Y-%m}" if parity.likely_on else "only after more than 5 years"
        said = f'Parity is as likely as not {when}; the simulation predicts better than "no change" ({errors}).'
        return Verdict(shown=True, parity_on=parity.likely_on, sentence=said, basis=row["basis"])
    said = f'No date is given: the simulation is not proven better than "no change" ({errors}).'
    if row["mae"] >= row["mae_persistence"]:
        said = f'No date is given: "no change" predicts the gap at least as well as the simulation ({errors}).'
    return Verdict(shown=False, parity_on=None, sentence=said, basis=row["basis"])


def _foretell(
    known: Mapping[date, pl.DataFrame], due: Mapping[date, float], methods: Mapping[str, Predictor], horizon: int
) -> tuple[list[date], Floats, dict[str, list[Prediction]]]:
    """The origins at which every method speaks and the truth is known, the truth and what was said."""
    origins: list[date] = []
    actual: list[float] = []
    said: dict[str, list[Prediction]] = {name: [] for name in methods}
    for origin, points in known.items():
        target = due.get(months_later(origin, horizon))
        if target is None:
            continue
        given = {name: found for name, method in methods.items() if (found := method(points, horizon)) is not None}
        if len(given) == len(methods):
            origins.append(origin)
            actual.append(target)
            for name, prediction in given.items():
                said[name].append(prediction)
    return origins, np.array(actual), said


def _periods(origins: Sequence[date], since: date | None) -> Iterator[tuple[str, list[int]]]:
    """All origins, then those since a date, by place; a period without any is left out."""
    if origins:
        yield "all", list(range(len(origins)))
    late = [place for place, origin in enumerate(origins) if since is not None and origin >= since]
    if late and since is not None:
        yield f"since {since.year}", late


def _judge(
    foretold: Mapping[str, Sequence[Prediction]], actual: Floats, horizon: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The figures of every method over one set of origins."""
    errors = {name: np.array([said.point for said in given]) - actual for name, given in foretold.items()}
    # What is left of a perfect forecast after rounding is no error: a skill must not be made of it.
    errors = {name: np.where(np.abs(error) < _ROUNDING, 0.0, error) for name, error in errors.items()}
    base = np.abs(errors[BASELINE])
    n = len(actual)
    drawn = _origins(n, horizon)
    for name, given in foretold.items():
        size = np.abs(errors[name])
        low, high = _skill_interval(size, base, drawn) if name != BASELINE else (None, None)
        n_interval, cover80, cover90 = _coverage(given, actual)
        yield (
            name,
            {
                "n": n,
                "mae": float(size.mean()),
                "mae_persistence": float(base.mean()),
                "bias": float(errors[name].mean()),
                "n_interval": n_interval,
                "coverage80": cover80,
                "coverage90": cover90,
                "skill": float(1 - size.mean() / base.mean()) if base.any() else None,
                "skill_lo": low,
                "skill_hi": high,
            },
        )


def _coverage(given: Sequence[Prediction], actual: Floats) -> tuple[int, float | None, float | None]:
    """How many origins had an interval, and the share of those in which it held the truth."""
    ends = np.array([[said.lo80, said.hi80, said.lo90, said.hi90] for said in given], dtype=np.float64)
    has = np.isfinite(ends).all(axis=1)
    if not has.any():
        return 0, None, None
    ends, actual = ends[has], actual[has]
    inside = [float(((ends[:, i] <= actual) & (actual <= ends[:, i + 1])).mean()) for i in (0, 2)]
    return int(has.sum()), inside[0], inside[1]


def _origins(n: int, horizon: int) -> Places | None:
    """Origins drawn with replacement in blocks; null with too few of them."""
    if n < max(LEAST_ORIGINS, horizon):
        return None
    block = min(horizon, max(LEAST_BLOCK, n // 3))
    return blocks(np.random.default_rng(_SEED), n, DRAWS, n, block)


def _skill_interval(size: Floats, base: Floats, drawn: Places | None) -> tuple[float | None, float | None]:
    """90% percentile interval of the skill; null with too few origins or a baseline that is often perfect."""
    if drawn is None:
        return None, None
    below = base[drawn].mean(axis=1)
    if not below.all():
        return None, None
    low, high = np.quantile(1 - size[drawn].mean(axis=1) / below, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
