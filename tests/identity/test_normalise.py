"""Scores between chance and ceiling, and the figures that the second Open LLM Leaderboard makes of raw shares."""

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.identity.normalise import CHOICES, normalised, open_llm_v2
from pipeline.settings import Settings

SHARES = st.floats(0, 1)
BOARD = Settings().shared / "data" / "open_llm_leaderboard" / "v2_final_2025-03.csv"
GROUP = Settings().shared / "data" / "lm_eval_results" / "2025-10_v0.4.9.1_qwen3-8b_leaderboard_group.json"


def test_chance_is_0_the_ceiling_is_1_and_below_chance_is_negative():
    assert [normalised(value, 25.0, 100.0) for value in (25.0, 62.5, 100.0, 10.0)] == [0.0, 0.5, 1.0, -0.2]


@pytest.mark.parametrize(("chance", "ceiling"), [(None, 1.0), (0.0, None), (1.0, 1.0)])
def test_without_both_ends_there_is_nothing_to_say(chance, ceiling):
    assert normalised(0.5, chance, ceiling) is None


@given(value=SHARES, chance=st.floats(0, 0.9))
def test_percent_and_fraction_come_to_the_same(value, chance):
    assert normalised(100 * value, 100 * chance, 100.0) == pytest.approx(normalised(value, chance, 1.0), abs=1e-9)


@given(one=SHARES, other=SHARES, chance=st.floats(0, 0.9))
def test_order_is_kept(one, other, chance):
    low, high = sorted((one, other))
    assert normalised(low, chance, 1.0) <= normalised(high, chance, 1.0)


@given(share=SHARES)
def test_a_board_figure_lies_between_0_and_100_and_never_above_the_raw_share(share):
    for benchmark, tasks in CHOICES.items():
        assert 0 <= open_llm_v2(benchmark, dict.fromkeys(tasks, share)) <= 100 * share + 1e-9


def test_each_task_counts_the_same_and_none_below_0():
    murder, places, teams = CHOICES["musr"]
    # (0.75 - 1/2) / (1/2), below chance, and (2/3 - 1/3) / (2/3).
    assert open_llm_v2("musr", {murder: 0.75, places: 0.1, teams: 2 / 3}) == pytest.approx(100 * (0.5 + 0 + 0.5) / 3)
    assert open_llm_v2("mmlu_pro", {"leaderboard_mmlu_pro": 0.38954454787234}) == pytest.approx(32.17161643)
    assert open_llm_v2("gpqa", {"leaderboard_gpqa": 0.470637583892617}) == pytest.approx(29.41834452)
    assert open_llm_v2("ifeval", {"leaderboard_ifeval": 0.5}) == 50.0


def test_a_mean_over_fewer_tasks_would_be_another_figure():
    assert open_llm_v2("musr", {"leaderboard_musr_team_allocation": 0.9}) is None


@pytest.mark.skipif(not BOARD.is_file(), reason="needs open_llm_leaderboard of the shared folder: set MOAT_SHARED")
@pytest.mark.parametrize(
    ("column", "benchmark"),
    [("ifeval", "ifeval"), ("math", "math_level_5"), ("gpqa", "gpqa"), ("mmlu_pro", "mmlu_pro")],
)
def test_all_figures_of_the_board_that_have_one_task_follow_from_its_raw_shares(column, benchmark):
    [task] = CHOICES[benchmark]
    raw, published = f"evaluations_{column}_value", f"evaluations_{column}_normalized_score"
    rows = pl.read_csv(BOARD, columns=[raw, published]).rows()
    assert len(rows) == 4576
    assert all(open_llm_v2(benchmark, {task: value}) == pytest.approx(figure, abs=1e-9) for value, figure in rows)


@pytest.mark.skipif(not GROUP.is_file(), reason="needs lm_eval_results of the shared folder: set MOAT_SHARED")
def test_choices_are_those_of_the_harness():
    configs = json.loads(GROUP.read_text())["configs"]
    stated = {task: len(config["doc_to_choice"]) for task, config in configs.items()
              if isinstance(config.get("doc_to_choice"), list)}  # fmt: skip
    assert {task: stated[task] for task in CHOICES["bbh"]} == CHOICES["bbh"]
    assert {stated[f"leaderboard_gpqa_{subset}"] for subset in ("diamond", "main", "extended")} == {4}


@pytest.mark.skipif(not GROUP.is_file(), reason="needs lm_eval_results of the shared folder: set MOAT_SHARED")
def test_a_result_file_of_the_harness_gives_the_figures_of_the_board():
    results = json.loads(GROUP.read_text())["results"]
    shares = {task: found.get("acc_norm,none", found.get("acc,none", found.get("exact_match,none")))
              for task, found in results.items()}  # fmt: skip
    right = sum(shares[task] > 1 / choices for task, choices in CHOICES["bbh"].items())
    # One question a task was asked: each is right or wrong.
    assert open_llm_v2("bbh", shares) == pytest.approx(100 * right / 24)
    assert open_llm_v2("musr", shares) == pytest.approx(200 / 3)
    assert open_llm_v2("gpqa", shares) == pytest.approx(100 * (1 / 3 - 1 / 4) / 0.75)
