"""The unit of a score on a model card, proven by rule or not at all.

Cards state numbers without a unit: 0.412 stands beside 20.90. A unit is accepted only where a rule
below proves it; anything else goes to quarantine, never silently rescaled. What a series is or how
scores compare does not belong here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

# Metrics that are shares of a whole by definition: they lie in [0, 1] as fractions.
SHARES = re.compile(
    r"^(accuracy|acc|(loglikelihood_)?acc(uracy)?[-_ ]norm|multiple_choice_accuracy|exact[-_ ]match|em|strict_accuracy"
    r"|(inst|prompt)_level_(strict|loose)_acc|pass@\d+|f1|f1_score|macro_f1|micro_f1"
    r"|f1_weighted|f1_macro|precision|recall|ap|max_ap|max_f1|max_accuracy|mc[12]|v_measure"
    r"|(map|ndcg|mrr|recall|precision|hit_rate)_?(at_|@)\d+"
    r"|inst_level_strict_acc and prompt_level_strict_acc"
    r"|cos_sim_(accuracy|f1|precision|recall|ap))$"
)
# Metrics without an upper end, where the published number is its own unit.
POINTS = re.compile(r"^((byte_|word_|token_)?perplexity|ppl|loss|eval_loss|bits_per_byte|elo|mean_reward)$")
# Units whose numbers are their own: a rating, the length of a task, points of an index.
OWN_UNITS = frozenset({"elo", "minutes", "points"})
CEILINGS = {"percent": 100.0, "fraction": 1.0}
UNKNOWN_SCALE = "unit not proven: scale of the metric unknown"
LOWER = re.compile(r"^((byte_|word_|token_)?perplexity|ppl|loss|eval_loss|bits_per_byte|wer|cer)$")


@dataclass(frozen=True)
class Metric:
    """One number on a card, with what may prove its unit.

    `suite` names the board or benchmark suite whose one writer set the unit; empty for the author's own.
    """

    metric: str
    value: object
    dataset: str
    suite: str


@dataclass(frozen=True)
class Proof:
    """A proven value and unit, or the reason why there is none."""

    value: float | None
    unit: str | None
    reason: str


def direction(metric: str) -> str:
    """`lower` for error-like metrics, `higher` for all others."""
    return "lower" if LOWER.match(metric.strip().lower()) else "higher"


def number(value: object) -> tuple[float | None, str]:
    """A finite number from a card's value, and the reason where there is none."""
    match value:
        case None:
            return None, "value missing"
        case bool():
            return None, "value is true or false"
        case int() | float():
            as_float = float(value) if abs(value) < 1e300 else math.inf
            return (as_float, "") if math.isfinite(as_float) else (None, "value is not finite")
        case str():
            return None, "value is text"
        case _:
            return None, f"value is a {type(value).__name__}"


def prove(metrics: Sequence[Metric], trainer_card: bool) -> list[Proof]:
    """Prove the unit of every metric of one card.

    Args:
        metrics: all metrics of one card, in order.
        trainer_card: the card was written by the transformers Trainer, which reports shares as fractions.

    Returns:
        One proof per metric, in order. Units: percent, fraction, points.
    """
    numbers = [number(m.value) for m in metrics]
    # A table (one board or benchmark suite on one card) is in percent if one of its shares exceeds 1.
    over_one = {_table(m) for m, (value, _) in zip(metrics, numbers, strict=True) if value is not None and value > 1}
    return [
        _prove(metric, value, reason, trainer_card, _table(metric) in over_one)
        for metric, (value, reason) in zip(metrics, numbers, strict=True)
    ]


def prove_in(usual: str | None, value: object) -> Proof:
    """Prove the unit of one number of a benchmark that is known to be scored in a unit.

    A benchmark scored in percent or fractions counts shares, so that both are possible for its numbers: above 1 only
    percent is. Up to 1 nothing is proven, neither by other numbers of the same page, whose writers may differ, nor by
    a score that no guessing would give. In other units the number stands for itself.

    Args:
        usual: the unit of the benchmark's usual score; None where the benchmark is not known.
        value: the number as received.
    """
    if usual not in OWN_UNITS:
        return prove([Metric("" if usual is None else "accuracy", value, "", "")], trainer_card=False)[0]
    plain, reason = number(value)
    if plain is not None and plain < 0 and usual == "minutes":
        return Proof(None, None, "value outside its scale")
    return Proof(plain, None if plain is None else usual, reason)


def _table(metric: Metric) -> tuple[str, str]:
    return metric.suite, "" if metric.suite else metric.dataset


def _prove(metric: Metric, value: float | None, reason: str, trainer_card: bool, over_one: bool) -> Proof:
    name = metric.metric.strip().lower()
    if value is None:
        text = metric.value if isinstance(metric.value, str) else ""
        written = re.fullmatch(r"\s*([0-9]{1,3}(?:\.[0-9]+)?)\s*%\s*", text)
        if written is not None and float(written[1]) <= 100:
            return Proof(float(written[1]), "percent", "")
        return Proof(None, None, reason)
    if metric.suite.startswith("open_llm_leaderboard") or (metric.suite == "mteb" and over_one):
        low = -100 if metric.suite == "mteb" else 0  # correlations and NAUC of MTEB may be negative
        return Proof(value, "percent", "") if low <= value <= 100 else Proof(None, None, "value outside its scale")
    if POINTS.match(name):
        return Proof(value, "points", "")
    if not SHARES.match(name):
        return Proof(None, None, UNKNOWN_SCALE)
    if not 0 <= value <= 100:
        return Proof(None, None, "value outside its scale")
    if value > 1:
        return Proof(value, "percent", "")
    if trainer_card and not over_one:
        return Proof(value, "fraction", "")
    return Proof(None, None, "unit not proven: fraction or percent")
