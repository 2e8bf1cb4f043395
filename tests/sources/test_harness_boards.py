"""Benchmarks of the two Open LLM Leaderboards, worked out from the tasks of a result file."""

import pytest

from pipeline.identity.normalise import CHOICES
from pipeline.sources import harness
from pipeline.sources.open_llm_leaderboard_v1 import SUBJECTS
from tests.sources.harness_files import CHAT, LIGHTEVAL, V03, V040, V043, changed, of, pairs, read, rows

MMLU_03 = {f"hendrycksTest-{subject}": {"acc": 0.25, "acc_norm": 0.3} for subject in SUBJECTS}
MMLU_03["hendrycksTest-anatomy"] = {"acc": 0.82, "acc_norm": 0.3}
MEAN = (56 * 0.25 + 0.82) / 57


def light(shots=5):
    return changed(LIGHTEVAL, results={f"harness|{task}|{shots}": row for task, row in MMLU_03.items()})


def old(rows):
    return changed(V03, results=rows, versions=dict.fromkeys(rows, 1))


@pytest.mark.parametrize(
    ("file", "era"),
    [(old(MMLU_03), "lm-evaluation-harness 0.3, task version 1"),
     (light(), "lighteval, tasks of lm-evaluation-harness 0.3")],
)  # fmt: skip
def test_mmlu_of_an_early_file_is_the_mean_of_its_57_subjects(file, era):
    score, series = of("hendrycksTest", file)
    assert score["value"] == pytest.approx(MEAN)
    assert score["note"].startswith("worked out from the tasks of one file")
    assert series["protocol"] == f"5-shot, acc, unweighted mean over 57 subjects, {era}"
    assert (series["name_kind"], series["name"], series["unit"], series["chance"], series["ceiling"]) == (
        "task", "hendrycksTest", "fraction", 0.25, 1.0)  # fmt: skip
    assert len(rows(read(file))) == 2 * 57 + 1


@pytest.mark.parametrize(
    "file",
    [
        old({task: row for task, row in MMLU_03.items() if "anatomy" not in task}),
        old(MMLU_03 | {"hendrycksTest-anatomy": {"acc": "N/A"}}),
        changed(light(), config_general__max_samples=5),
        # One subject in another prompt.
        light() | {"results": {(key.replace("|5", "|0") if "anatomy" in key else key): row
                               for key, row in light()["results"].items()}},
        # Today's tasks have other names and prompts.
        changed(V040, results={task: {"acc,none": row["acc"]} for task, row in MMLU_03.items()}),
    ],
)  # fmt: skip
def test_a_mean_over_fewer_subjects_or_other_prompts_is_not_mmlu(file):
    assert not [series for _, series in pairs(file) if series["benchmark_name"] == "hendrycksTest"]


V2_SHARES = {
    "gpqa": {"leaderboard_gpqa": 0.60},
    "musr": dict(zip(CHOICES["musr"], (0.7, 0.4, 0.6), strict=True)),
    "mmlu_pro": {"leaderboard_mmlu_pro": 0.37},
    "math_level_5": {"leaderboard_math_hard": 0.125},
    "bbh": dict.fromkeys(CHOICES["bbh"], 0.9),
    "ifeval": {"leaderboard_ifeval": 0.5},
}


def leaderboard(**shares):
    """A file with these benchmarks of the second Open LLM Leaderboard."""
    tasks = {task: (benchmark, share) for benchmark, found in shares.items() for task, share in found.items()}
    metric = harness.V2_METRICS | {"ifeval": "inst_level_strict_acc"}
    return changed(
        V043,
        results={task: {f"{metric[benchmark]},none": share} for task, (benchmark, share) in tasks.items()},
        n_shot={task: (harness.V2_SHOTS | {"ifeval": 0})[benchmark] for task, (benchmark, _) in tasks.items()},
        versions=dict.fromkeys(tasks, 1.0),
        configs={},
        group_subtasks={},
        n_samples={},
    )


def figures(file):
    return {series["part"]: (score, series) for score, series in pairs(file) if series["name_kind"] == "board"}


def test_figures_of_the_second_leaderboard_follow_from_its_tasks():
    file = leaderboard(**V2_SHARES)
    found = figures(file)
    assert {part: round(score["value"], 2) for part, (score, _) in found.items()} == {
        # (0.60 - 1/4) / (3/4); the mean of 40, 25 and 40; (0.37 - 1/10) / (9/10); as it is; by number of answers.
        "GPQA": 46.67, "MUSR": 35.00, "MMLU-PRO": 30.00, "MATH Lvl 5": 12.50, "BBH": 85.03,
    }  # fmt: skip
    score, series = found["GPQA"]
    assert (series["name"], series["unit"], series["direction"], series["chance"], series["ceiling"]) == (
        "Open LLM Leaderboard v2", "percent", "higher", 0.0, 100.0)  # fmt: skip
    assert series["protocol"] == (
        "0-shot, acc_norm, between chance (0) and the best possible one (100),"
        " lm-evaluation-harness 0.4.3 or later, task version 1.0"
    )
    assert score["note"] == "worked out from the tasks of one file"
    # The tasks' own shares stand beside them.
    assert len(rows(read(file))) == sum(len(tasks) for tasks in V2_SHARES.values()) + 5


def test_a_figure_of_other_versions_or_prompts_is_of_another_series():
    file = leaderboard(gpqa=V2_SHARES["gpqa"], musr=V2_SHARES["musr"])
    later = changed(file, versions=dict.fromkeys(file["versions"], 2.0))
    chat = file | {"chat_template_sha": CHAT}
    for benchmark in ("GPQA", "MUSR"):
        assert len({figures(one)[benchmark][1]["series_id"] for one in (file, later, chat)}) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"results__leaderboard_musr_team_allocation": ...},
        {"results__leaderboard_musr_team_allocation": {"acc_norm,none": None}},
        {"results__leaderboard_musr_team_allocation": {"acc,none": 0.6}},
        {"results__leaderboard_musr_team_allocation": {"acc_norm,other": 0.6}},
        {"n_shot__leaderboard_musr_team_allocation": 5},
        {"n_shot__leaderboard_musr_team_allocation": None},
        {"config__limit": 10},
        {"n_samples__leaderboard_musr_team_allocation": {"original": 250, "effective": 249}},
        {"fewshot_as_multiturn": ...},  # of an earlier era
    ],
)
def test_without_all_its_tasks_as_the_board_asks_them_there_is_no_figure(change):
    file = leaderboard(musr=V2_SHARES["musr"])
    assert list(figures(file)) == ["MUSR"]
    assert figures(changed(file, **change)) == {}
