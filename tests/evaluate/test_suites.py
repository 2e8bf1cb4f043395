"""Suites: what is run together, in agreement with the tasks of the harness that they name."""

import json

import pytest

from pipeline.errors import InputError
from pipeline.evaluate import registry, suites
from pipeline.settings import Settings

GROUP = Settings().shared / "data" / "lm_eval_results" / "2025-10_v0.4.9.1_qwen3-8b_leaderboard_group.json"
NAMES = ["open_llm_v1", "open_llm_v2", "smoke"]
GOOD = """
title: A suite
source_url: https://example.org/suite
tasks:
  - {task: boolq, shots: 0, documents: 3270, answers: 2}
  - {task: gsm8k, documents: 1319, answers: 1}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of suites in place of the project's own."""
    monkeypatch.setattr(suites, "FOLDER", tmp_path)
    suites.suites.cache_clear()
    yield tmp_path
    suites.suites.cache_clear()


def test_the_project_has_these():
    assert list(suites.suites()) == NAMES
    assert [name for name in NAMES if suites.suite(name).smoke] == ["smoke"]


@pytest.mark.parametrize("name", NAMES)
def test_every_task_of_a_suite_is_in_the_registry_and_runs_no_code_of_a_model(name):
    for entry in suites.suite(name).tasks:
        tasks = registry.tasks([entry.task])
        assert tasks
        assert not any(task.unsafe for task in tasks) or entry.task in suites.suite(name).unsafe


def test_shots_are_those_that_the_boards_published_with():
    # A task that states none is asked without examples.
    asked = {
        name: [(entry.task, {task.shots or 0 if entry.shots is None else entry.shots
                             for task in registry.tasks([entry.task])}) for entry in suites.suite(name).tasks]
        for name in ("open_llm_v1", "open_llm_v2")
    }  # fmt: skip
    assert asked == {
        "open_llm_v1": [("arc_challenge", {25}), ("hellaswag", {10}), ("mmlu", {5}), ("truthfulqa_mc2", {0}),
                        ("winogrande", {5}), ("gsm8k", {5})],
        "open_llm_v2": [("leaderboard_ifeval", {0}), ("leaderboard_bbh", {3}), ("leaderboard_math_hard", {4}),
                        ("leaderboard_gpqa", {0}), ("leaderboard_musr", {0}), ("leaderboard_mmlu_pro", {5})],
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_answers_of_a_question_are_about_those_that_its_tasks_offer(name):
    for entry in suites.suite(name).tasks:
        for task in registry.tasks([entry.task]):
            assert (entry.answers > 1) == (task.output_type == "multiple_choice")
        choices = {task.choices for task in registry.tasks([entry.task])}
        if len(choices) == 1 and choices != {None}:
            assert {entry.answers} == choices


@pytest.mark.skipif(not GROUP.is_file(), reason="needs lm_eval_results of the shared folder: set MOAT_SHARED")
def test_questions_of_the_second_leaderboard_are_as_many_as_a_real_run_counted():
    counted = {task: n["original"] for task, n in json.loads(GROUP.read_text())["n-samples"].items()}
    for entry in suites.suite("open_llm_v2").tasks:
        assert entry.documents == sum(counted[task.name] for task in registry.tasks([entry.task])), entry.task


def test_requests_are_questions_times_answers(folder):
    (folder / "good.yaml").write_text(GOOD)
    found = suites.suite("good")
    assert found.requests == 3270 * 2 + 1319
    assert [(entry.task, entry.shots) for entry in found.tasks] == [("boolq", 0), ("gsm8k", None)]
    assert (found.name, found.smoke, found.unsafe) == ("good", False, ())


@pytest.mark.parametrize("name", ["", "no_such_suite", "../smoke", "smoke.yaml"])
def test_a_suite_that_there_is_none_of_is_refused_with_those_there_are(name):
    with pytest.raises(InputError, match=r"there is none of this name\. Use open_llm_v1, open_llm_v2, smoke"):
        suites.suite(name)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b"text", b"1: 2", b"title: [", b"\xff\xfe", GOOD.replace("boolq", "../boolq").encode(),
        GOOD.replace("https:", "http:").encode(), GOOD.replace("shots: 0", "shots: -1").encode(),
        GOOD.replace("shots: 0", "shots: few").encode(), GOOD.replace("documents: 3270", "documents: 0").encode(),
        GOOD.replace("answers: 2", "answers: 0").encode(), GOOD.replace("answers: 2", "limit: 2").encode(),
        GOOD.partition("tasks:")[0].encode(), (GOOD.partition("tasks:")[0] + "tasks: []").encode(),
        (GOOD + "model: gpt2\n").encode(), (GOOD + "name: other\n").encode(),
        (GOOD + "x: !!python/object/apply:os.system ['true']\n").encode(),
    ],
)  # fmt: skip
def test_a_file_that_is_no_suite_is_refused_with_its_name(folder, content):
    (folder / "good.yaml").write_text(GOOD)
    (folder / "bad.yaml").write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.yaml: it is no suite"):
        suites.suite("good")


def test_a_file_whose_name_no_suite_may_have_is_refused(folder):
    (folder / "bad name.yaml").write_text(GOOD)
    with pytest.raises(InputError, match="it is no suite"):
        suites.suites()
