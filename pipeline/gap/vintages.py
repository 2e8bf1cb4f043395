"""Why a metric of one series differs between two builds: new models, resolved, rescored, redated or relicensed ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations

import polars as pl

from pipeline.errors import InputError
from pipeline.gap.sides import SCORE_SCHEMA, conform

Metric = Callable[[pl.DataFrame], float | None]
FACTORS = ("new_models", "removed_models", "resolved", "rescored", "redated", "relicensed")
"""In the order in which they are listed; the order decides nothing."""
ELAPSED = "elapsed"
FACTS = "facts"
"""Optional column: identities of the published numbers a row stands for, first that of the score it shows."""

_DATES = ("released_on", "weights_on", "evaluated_on")
_ACCESS = ("access", "licence_class")
# Whatever else a row says belongs to its score: standard error, scale, direction, size.
_SCORE = tuple(name for name in SCORE_SCHEMA if name not in {"series", "model", *_DATES, *_ACCESS})
_COLUMNS = {"rescored": _SCORE, "redated": _DATES, "relicensed": _ACCESS}
_KEYS = ["model", "_row"]
_STANDS = ["model", "_fact"]


@dataclass(frozen=True)
class Contribution:
    """What one kind of change did to the metric; null where it cannot be told.

    `models` counts the models it concerns; one model may be both rescored and redated. For `resolved` it
    counts the published numbers. It is null for `elapsed`, which concerns the calendar alone.
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
    """The rows of two builds by what became of them; `both` holds the later values with a suffix.

    `left` is what the numbers that changed hands stood for before, `arrived` what they stand for now.
    """

    both: pl.DataFrame
    new: pl.DataFrame
    removed: pl.DataFrame
    gained: pl.DataFrame
    lost: pl.DataFrame
    left: pl.DataFrame
    arrived: pl.DataFrame
    resolved: int


def decompose(
    before: pl.DataFrame, after: pl.DataFrame, metric: Metric, metric_before: Metric | None = None
) -> Difference:
    """Split the difference of a metric between two builds by kind of change.

    Each contribution is the mean over all orders in which the changes can be applied (Shapley, 1953),
    so it depends on no order and the contributions sum to the difference. Kinds without a change
    contribute 0 and cost nothing; six kinds take 64 evaluations.

    A published number that stood under one model and now stands under another (a name found to be that of
    a release, or found not to be) makes neither a new nor a removed model: it is `resolved`, dates and
    access of its row included, as they are the model's. It is recognised by the column `facts`, where both
    builds have it.

    A model is recognised by `model`, so that should be its identity and not the name it is shown by: one
    that is renamed counts as removed and as new, by amounts that cancel. Where a model has several rows
    the best of each build are compared, then the next; a row it gained or lost counts as rescored. So
    does a changed chance or ceiling; where models came or went as well, mixtures contradict themselves
    on the scale, and the difference of a metric that needs it cannot be split.

    Args:
        before: scores of one series in the earlier build (columns of SCORE_SCHEMA, and FACTS where known).
        after: those in the later build.
        metric: scores -> the metric on the date of the later build; null where undefined.
        metric_before: the same on the date of the earlier build, where that is another day. The passing
            of time alone is then told apart as `elapsed`, before anything else changes.

    Returns:
        Contributions of `new_models`, `removed_models`, `resolved`, `rescored`, `redated` (release, weights
        or evaluation) and `relicensed` (access or class), after `elapsed` where asked for. All are null
        where the metric is undefined in either build or in a mixture of both, as the note says.

    Raises:
        InputError: the scores cannot be used or belong to more than one series.
    """
    before, after = _conform(before), _conform(after)
    if len(set(before["series"]) | set(after["series"])) > 1:
        raise InputError("scores", "belong to more than one series", "Compare one series at a time")
    paired = _pair(before, after)
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


def _conform(scores: pl.DataFrame) -> pl.DataFrame:
    """The columns of SCORE_SCHEMA; every row numbered, with all its facts and with that of its score."""
    kind = pl.List(pl.String)
    facts = scores[FACTS].cast(kind) if FACTS in scores.columns else pl.lit(None, dtype=kind)
    rows = conform(scores).with_columns(facts.alias("_facts")).with_row_index("_id")
    return rows.with_columns(_fact=pl.col("_facts").list.first())


def _numbered(scores: pl.DataFrame) -> pl.DataFrame:
    """The rows of each model numbered from the best, so that those of two builds can be paired.

    "Best" is the highest, or the lowest where lower is better; equal scores go by date.
    """
    worst_first = pl.col("score") * pl.when(pl.col("direction") == "lower").then(1.0).otherwise(-1.0)
    ordered = scores.sort("model", worst_first, *_DATES, *_ACCESS, "stderr", nulls_last=True)
    return ordered.with_columns(_row=pl.int_range(pl.len()).over("model"))


def _pair(before: pl.DataFrame, after: pl.DataFrame) -> _Paired:
    """Which rows are in both builds, which only in one, with their model or without, and which changed hands."""
    left, arrived = _moved(before, after), _moved(after, before)
    resolved = len({*left["_fact"], *arrived["_fact"]})
    left, arrived = (
        pl.concat([left, _covered(before, after, arrived)]),
        pl.concat([arrived, _covered(after, before, left)]),
    )
    here = _numbered(before.join(left, on="_id", how="anti"))
    there = _numbered(after.join(arrived, on="_id", how="anti"))
    only_here, only_there = here.join(there, on=_KEYS, how="anti"), there.join(here, on=_KEYS, how="anti")
    return _Paired(
        both=here.join(there, on=_KEYS, suffix="_after"),
        new=only_there.join(before, on="model", how="anti"),
        removed=only_here.join(after, on="model", how="anti"),
        gained=only_there.join(before, on="model", how="semi"),
        lost=only_here.join(after, on="model", how="semi"),
        left=left,
        arrived=arrived,
        resolved=resolved,
    )


def _moved(rows: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """The rows whose score stands in the other build, but under another model."""
    stands = _standing(other)
    return rows.filter(pl.col("_fact").is_in(stands["_fact"].implode())).join(stands, on=_STANDS, how="anti")


def _covered(rows: pl.DataFrame, other: pl.DataFrame, moved: pl.DataFrame) -> pl.DataFrame:
    """The rows whose score is their model's in the other build too, hidden there by one that changed hands."""
    hidden = _standing(other).join(other, on=_STANDS, how="anti")
    return rows.join(hidden, on=_STANDS, how="semi").join(moved, on="model", how="semi")


def _standing(rows: pl.DataFrame) -> pl.DataFrame:
    """Every published number with the model it stands under."""
    return rows.select("model", _fact="_facts").explode("_fact").drop_nulls()


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
        "resolved": paired.resolved,
        **{factor: models.n_unique() for factor, models in differs.items()},
        "rescored": len({*differs["rescored"], *paired.gained["model"], *paired.lost["model"]}),
    }


def _mixture(paired: _Paired, applied: frozenset[str]) -> pl.DataFrame:
    """The earlier build with some kinds of change applied; with all of them it is the later build."""
    later = {name for factor, names in _COLUMNS.items() if factor in applied for name in names}
    parts = [
        paired.both.select(pl.col(f"{name}_after").alias(name) if name in later else name for name in SCORE_SCHEMA),
        paired.gained if "rescored" in applied else paired.lost,
        paired.arrived if "resolved" in applied else paired.left,
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
