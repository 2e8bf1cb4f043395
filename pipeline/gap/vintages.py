"""Why a metric of one series differs between two builds: new models, rescored, redated or relicensed ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations

import polars as pl

from pipeline.errors import InputError
from pipeline.gap.sides import SCORE_SCHEMA, conform

Metric = Callable[[pl.DataFrame], float | None]
FACTORS = ("new_models", "removed_models", "rescored", "redated", "relicensed")
ELAPSED = "elapsed"

_DATES = ("released_on", "weights_on", "evaluated_on")
_ACCESS = ("access", "licence_class")
# Whatever else a row says belongs to its score: standard error, scale, direction, size.
_SCORE = tuple(name for name in SCORE_SCHEMA if name not in {"series", "model", *_DATES, *_ACCESS})
_COLUMNS = {"rescored": _SCORE, "redated": _DATES, "relicensed": _ACCESS}
_KEYS = ["model", "_row"]


@dataclass(frozen=True)
class Contribution:
    """What one kind of change did to the metric; null where it cannot be told.

    `models` counts the models it concerns; one model may be both rescored and redated. It is null for
    `elapsed`, which concerns the calendar alone.
    """

    factor: str
    amount: float | None
    models: int | None


@dataclass(frozen=True)
class Difference:
    """A metric in two builds. The contributions sum to `difference`; `note` says why where they are null."""

    before: float | None
    after: float | None
    difference: float | None
    contributions: tuple[Contribution, ...]
    note: str | None


@dataclass(frozen=True)
class _Paired:
    """The rows of two builds by what became of them; `both` holds the later values with a suffix."""

    both: pl.DataFrame
    new: pl.DataFrame
    removed: pl.DataFrame
    gained: pl.DataFrame
    lost: pl.DataFrame


def decompose(
    before: pl.DataFrame, after: pl.DataFrame, metric: Metric, metric_before: Metric | None = None
) -> Difference:
    """Split the difference of a metric between two builds by kind of change.

    Each contribution is the mean over all orders in which the changes can be applied (Shapley, 1953),
    so it depends on no order and the contributions sum to the difference. Kinds without a change
    contribute 0 and cost nothing; five kinds take 32 evaluations.

    A model is recognised by `model`, so that should be its identity and not the name it is shown by: one
    that is renamed counts as removed and as new, by amounts that cancel. Where a model has several rows
    the best of each build are compared, then the next; a row it gained or lost counts as rescored. So
    does a changed chance or ceiling; where models came or went as well, mixtures contradict themselves
    on the scale, and the difference of a metric that needs it cannot be split.

    Args:
        before: scores of one series in the earlier build (columns of SCORE_SCHEMA).
        after: those in the later build.
        metric: scores -> the metric on the date of the later build; null where undefined.
        metric_before: the same on the date of the earlier build, where that is another day. The passing
            of time alone is then told apart as `elapsed`, before anything else changes.

    Returns:
        Contributions of `new_models`, `removed_models`, `rescored`, `redated` (release, weights or
        evaluation) and `relicensed` (access or class), after `elapsed` where asked for. All are null
        where the metric is undefined in either build or in a mixture of both, as the note says.

    Raises:
        InputError: the scores cannot be used or belong to more than one series.
    """
    before, after = conform(before), conform(after)
    if len(set(before["series"]) | set(after["series"])) > 1:
        raise InputError("scores", "belong to more than one series", "Compare one series at a time")
    paired = _pair(_numbered(before), _numbered(after))
    changed = _changed(paired)
    active = tuple(factor for factor in FACTORS if changed[factor])
    at = {applied: _defined(metric(_mixture(paired, applied))) for applied in _subsets(active)}
    start, end = at[frozenset()], at[frozenset(active)]
    first = start if metric_before is None else _defined(metric_before(_mixture(paired, frozenset())))
    note = _note(first, end, at)
    amounts: dict[str, float | None] = dict.fromkeys((ELAPSED, *FACTORS))
    values = {applied: value for applied, value in at.items() if value is not None}
    if note is None and first is not None and start is not None:
        amounts = {ELAPSED: start - first, **{factor: _shapley(factor, active, values) for factor in FACTORS}}
    models: dict[str, int | None] = {ELAPSED: None, **changed}
    factors = FACTORS if metric_before is None else (ELAPSED, *FACTORS)
    return Difference(
        before=first,
        after=end,
        difference=None if first is None or end is None else end - first,
        contributions=tuple(Contribution(factor, amounts[factor], models[factor]) for factor in factors),
        note=note,
    )


def _numbered(scores: pl.DataFrame) -> pl.DataFrame:
    """The rows of each model numbered from the best, so that those of two builds can be paired.

    "Best" is the highest, or the lowest where lower is better; equal scores go by date.
    """
    worst_first = pl.col("score") * pl.when(pl.col("direction") == "lower").then(1.0).otherwise(-1.0)
    ordered = scores.sort("model", worst_first, *_DATES, *_ACCESS, "stderr", nulls_last=True)
    return ordered.with_columns(_row=pl.int_range(pl.len()).over("model"))


def _pair(before: pl.DataFrame, after: pl.DataFrame) -> _Paired:
    """Which rows are in both builds, and which only in one because the model is, or although it is not."""
    only_after = after.join(before, on=_KEYS, how="anti")
    only_before = before.join(after, on=_KEYS, how="anti")
    return _Paired(
        both=before.join(after, on=_KEYS, suffix="_after"),
        new=only_after.join(before, on="model", how="anti"),
        removed=only_before.join(after, on="model", how="anti"),
        gained=only_after.join(before, on="model", how="semi"),
        lost=only_before.join(after, on="model", how="semi"),
    )


def _changed(paired: _Paired) -> dict[str, int]:
    """How many models each kind of change concerns."""
    differs = {
        factor: paired.both.filter(
            pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_after")) for name in names)
        )["model"]
        for factor, names in _COLUMNS.items()
    }
    return {
        "new_models": paired.new["model"].n_unique(),
        "removed_models": paired.removed["model"].n_unique(),
        **{factor: models.n_unique() for factor, models in differs.items()},
        "rescored": len({*differs["rescored"], *paired.gained["model"], *paired.lost["model"]}),
    }


def _mixture(paired: _Paired, applied: frozenset[str]) -> pl.DataFrame:
    """The earlier build with some kinds of change applied; with all of them it is the later build."""
    later = {name for factor, names in _COLUMNS.items() if factor in applied for name in names}
    parts = [
        paired.both.select(pl.col(f"{name}_after").alias(name) if name in later else name for name in SCORE_SCHEMA),
        paired.gained if "rescored" in applied else paired.lost,
    ]
    if "new_models" in applied:
        parts.append(paired.new)
    if "removed_models" not in applied:
        parts.append(paired.removed)
    return pl.concat(part.select(*SCORE_SCHEMA) for part in parts)


def _subsets(factors: tuple[str, ...]) -> Iterable[frozenset[str]]:
    return (frozenset(some) for size in range(len(factors) + 1) for some in combinations(factors, size))


def _defined(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _shapley(factor: str, active: tuple[str, ...], at: dict[frozenset[str], float]) -> float:
    """Mean over all orders of what the factor adds where it comes in; 0 for one without a change."""
    if factor not in active:
        return 0.0
    n = len(active)
    return math.fsum(
        (at[without | {factor}] - at[without]) / (n * math.comb(n - 1, len(without)))
        for without in _subsets(tuple(other for other in active if other != factor))
    )


def _note(first: float | None, end: float | None, at: dict[frozenset[str], float | None]) -> str | None:
    """Why the difference cannot be split, if so."""
    if first is None or end is None:
        return f"the metric is undefined in the {'earlier' if first is None else 'later'} build"
    undefined = sorted((sorted(applied) for applied, value in at.items() if value is None), key=len)
    if not undefined:
        return None
    applied = " and ".join(undefined[0]) or "no change but of the date"
    return f"the difference cannot be split: the metric is undefined after {applied}"
