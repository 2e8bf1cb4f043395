"""Scores between guessing and the best possible: 0 at chance, 1 at the ceiling. Values are never clipped in silence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

# Answers to choose from, by task of the second Open LLM Leaderboard; a task without choices is guessed at 0.
# https://huggingface.co/docs/leaderboards/open_llm_leaderboard/normalization and `doc_to_choice` of the harness.
_BBH = {
    "boolean_expressions": 2, "causal_judgement": 2, "date_understanding": 6, "disambiguation_qa": 3,
    "formal_fallacies": 2, "geometric_shapes": 11, "hyperbaton": 2, "logical_deduction_five_objects": 5,
    "logical_deduction_seven_objects": 7, "logical_deduction_three_objects": 3, "movie_recommendation": 6,
    "navigate": 2, "object_counting": 19, "penguins_in_a_table": 5, "reasoning_about_colored_objects": 18,
    "ruin_names": 6, "salient_translation_error_detection": 6, "snarks": 2, "sports_understanding": 2,
    "temporal_sequences": 4, "tracking_shuffled_objects_five_objects": 5, "tracking_shuffled_objects_seven_objects": 7,
    "tracking_shuffled_objects_three_objects": 3, "web_of_lies": 2,
}  # fmt: skip
CHOICES: Mapping[str, Mapping[str, int | None]] = MappingProxyType({
    "ifeval": {"leaderboard_ifeval": None},
    "bbh": {f"leaderboard_bbh_{task}": choices for task, choices in _BBH.items()},
    "math_level_5": {"leaderboard_math_hard": None},
    "gpqa": {"leaderboard_gpqa": 4},
    "musr": {"leaderboard_musr_murder_mysteries": 2, "leaderboard_musr_object_placements": 5,
             "leaderboard_musr_team_allocation": 3},
    "mmlu_pro": {"leaderboard_mmlu_pro": 10},
})  # fmt: skip
"""Tasks of each benchmark of that board, and how many answers each offers."""


def normalised(value: float, chance: float | None, ceiling: float | None) -> float | None:
    """A score on the scale from chance (0) to ceiling (1), in whatever unit the three share.

    Below chance it is negative. None where chance or ceiling is unknown, or both are one.
    """
    if chance is None or ceiling is None or ceiling == chance:
        return None
    return (value - chance) / (ceiling - chance)


def open_llm_v2(benchmark: str, shares: Mapping[str, float]) -> float | None:
    """What the second Open LLM Leaderboard publishes for a benchmark, in percent.

    Each task is put between guessing and 1, at least 0; the tasks are averaged without weights.

    Args:
        benchmark: a key of `CHOICES`.
        shares: the share of right answers by task, as the harness writes it.

    Returns:
        None where a task is missing: a mean over fewer tasks would be another figure.
    """
    tasks = CHOICES[benchmark]
    if not tasks.keys() <= shares.keys():
        return None
    guessed = {task: 0.0 if choices is None else 1 / choices for task, choices in tasks.items()}
    above = [max(0.0, (shares[task] - low) / (1 - low)) for task, low in guessed.items()]
    return 100 * math.fsum(above) / len(above)
