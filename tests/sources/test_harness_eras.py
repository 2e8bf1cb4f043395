"""Result files of lm-evaluation-harness of every era: which run each is, and what it says of every number."""

from datetime import date

import pytest

from pipeline.sources import harness_eras
from pipeline.sources.quarantine import Unreadable
from tests.sources.harness_files import (
    BETWEEN,
    LIGHTEVAL,
    MODEL,
    NOON,
    PATH,
    SHA,
    V03,
    V040,
    V0412,
    V043,
    V049,
    arguments,
    changed,
)


def run(file, path=PATH):
    return harness_eras.read(file, path)


def results(file):
    return {(result.task, result.metric, result.filter): result for result in run(file).results}


def refusal(file, path=PATH):
    with pytest.raises(Unreadable) as caught:
        list(run(file, path).results)
    return str(caught.value)


@pytest.mark.parametrize(
    ("file", "era", "version", "revision", "by_name"),
    [
        (V03, harness_eras.OLD, None, None, True),
        (LIGHTEVAL, harness_eras.LIGHTEVAL, None, SHA, True),
        (V040, harness_eras.FIRST, None, None, False),
        (BETWEEN, harness_eras.BETWEEN, None, SHA, False),
        (V043, harness_eras.NEW, None, SHA, False),
        (V049, harness_eras.NEW, "0.4.9.2", SHA, False),
        (V0412, harness_eras.NEW, "0.4.13.dev0", SHA, False),
    ],
)
def test_the_marks_of_a_file_tell_its_era(file, era, version, revision, by_name):
    found = run(file)
    assert (found.era, found.version, found.model, found.hub_id) == (era, version, MODEL, MODEL)
    assert (found.revision, found.evaluated_on, found.dated_by_name) == (revision, date(2024, 6, 3), by_name)


@pytest.mark.parametrize(
    ("version", "era"),
    [("0.4.0", harness_eras.FIRST), ("0.4.2", harness_eras.FIRST), ("0.4.3", harness_eras.NEW),
     ("0.4.10.dev0", harness_eras.NEW), ("0.4.9.1", harness_eras.NEW), (None, harness_eras.NEW)],
)  # fmt: skip
def test_a_version_that_is_stated_tells_the_era_and_the_folder_of_work_does_not(version, era):
    assert run(V049 | {"lm_eval_version": version}).era == era
    assert run(V040 | {"git_hash": "v0.4.9-12-gabc"}).era == harness_eras.FIRST


@pytest.mark.parametrize("version", ["0.5.0", "1.0", "latest", 0.4, ["0.4.9"], "0.4.9\n"])
def test_a_version_that_is_not_known_is_not_guessed_at(version):
    assert refusal(V049 | {"lm_eval_version": version}) == "written by a version that is not known"


def test_a_number_of_every_era_comes_with_what_the_file_says_of_it():
    old = results(V03)["arc_challenge", "acc_norm", "none"]
    assert (old.value, old.stderr, old.shots, old.version, old.n) == (0.42, 0.015, 5, "0", None)
    light = results(LIGHTEVAL)["arc:challenge", "acc_norm", "none"]
    assert (light.value, light.stderr, light.shots, light.version, light.n) == (0.55, 0.015, 25, "0", None)
    first = results(V040)["one", "acc", "none"]
    assert (first.value, first.stderr, first.shots, first.version, first.n, first.higher) == (
        0.2, 0.02, 5, "1.0", None, None)  # fmt: skip
    for file in (BETWEEN, V043, V049, V0412):
        one = results(file)["one", "acc", "none"]
        assert (one.value, one.stderr, one.shots, one.version) == (0.2, 0.02, 5, "1.0")
        assert (one.n, one.n_original, one.higher) == (100, 100, True)
        assert one.config["dataset_path"] == "org/one"


def test_rows_hold_names_and_counts_that_are_no_scores_and_a_mean_of_everything_is_none():
    assert set(results(V0412)) == {("one", "acc", "none"), ("two", "acc", "none"), ("pair", "acc", "none")}
    assert set(results(LIGHTEVAL)) == {
        ("arc:challenge", "acc", "none"), ("arc:challenge", "acc_norm", "none"),
        ("truthfulqa:mc", "mc1", "none"), ("truthfulqa:mc", "mc2", "none"),
    }  # fmt: skip


def test_a_task_of_another_collection_keeps_its_whole_name():
    file = LIGHTEVAL | {"results": {f"{suite}|gsm8k|5": {"acc": 0.1} for suite in ("harness", "lighteval")}}
    assert [(one.task, one.shots) for one in run(file).results] == [("gsm8k", 5), ("lighteval|gsm8k|5", None)]


def test_a_metric_is_cut_from_its_filter_at_the_comma():
    row = {"exact_match,strict-match": 0.77, "exact_match_stderr,strict-match": 0.01, "exact_match,get-answer": 0.78,
           "exact_match_stderr,get-answer": "N/A", "alias": "one"}  # fmt: skip
    found = results(changed(V043, results__one=row))
    assert found["one", "exact_match", "strict-match"].stderr == 0.01
    assert found["one", "exact_match", "get-answer"].stderr is None
    assert not any("stderr" in metric or metric == "alias" for _, metric, _ in found)


@pytest.mark.parametrize("stated", ["N/A", None, -0.1, float("nan"), True, [0.1], 10**400])
def test_a_standard_error_that_is_none_is_left_out(stated):
    assert results(changed(V043, results__one={"acc,none": 0.5, "acc_stderr,none": stated}))[
        "one", "acc", "none"
    ].stderr is None  # fmt: skip


@pytest.mark.parametrize(
    ("stated", "version"),
    [(1, "1"), (2.0, "2.0"), ("0", "0"), ("Yaml", None), (None, None), ("N/A", None), ("", None), ({}, None),
     ([1], None), (True, None)],
)  # fmt: skip
def test_a_version_of_a_task_is_a_number_or_a_word(stated, version):
    assert results(changed(V043, versions__one=stated))["one", "acc", "none"].version == version


def test_a_group_without_a_version_has_that_of_its_tasks():
    assert results(V043)["pair", "acc", "none"].version == "1.0"
    assert results(changed(V043, versions__two=2.0))["pair", "acc", "none"].version == "1.0_2.0"
    assert results(changed(V043, versions__pair=3))["pair", "acc", "none"].version == "3"
    assert results(changed(V043, versions={}))["pair", "acc", "none"].version is None


def test_a_group_asks_what_its_tasks_ask_those_of_its_groups_included():
    group = results(V043)["pair", "acc", "none"]
    assert (group.n, group.n_original, group.shots, dict(group.config)) == (400, 400, 5, {})
    nested = changed(V043, results__all={"acc,none": 0.3}, group_subtasks__all=["pair", "three"])
    nested = changed(nested, n_samples__three={"original": 7, "effective": 6}, n_shot__three=5)
    whole = results(nested)["all", "acc", "none"]
    assert (whole.n, whole.n_original, whole.shots) == (406, 407, 5)


def test_groups_that_hold_each_other_come_to_an_end():
    circle = changed(V043, group_subtasks={"pair": ["other", "one"], "other": ["pair", "two"]})
    assert results(circle)["pair", "acc", "none"].n == 400
    nothing = changed(V043, group_subtasks={"pair": ["pair"]})
    assert results(nothing)["pair", "acc", "none"].n is None


@pytest.mark.parametrize(
    "stated",
    [{"original": 100}, {"original": 100, "effective": "100"}, {"original": -1, "effective": -1}, 100, None, [],
     {"original": True, "effective": True}, {"original": 10**30, "effective": 10**30}],
)  # fmt: skip
def test_a_number_of_questions_that_is_none_is_left_out_and_so_is_that_of_its_group(stated):
    found = results(changed(V043, n_samples__one=stated))
    assert (found["one", "acc", "none"].n, found["pair", "acc", "none"].n) == (None, None)
    assert found["two", "acc", "none"].n == 300


def test_shots_are_the_tasks_own_then_the_runs():
    assert results(changed(V043, n_shot__one=0))["one", "acc", "none"].shots == 0
    assert results(V03)["boolq", "acc", "none"].shots == 5
    for odd in (-1, 5.0, True, "5", None, [5]):
        assert results(changed(V043, n_shot__one=odd))["one", "acc", "none"].shots is None


def test_a_group_whose_tasks_differ_has_no_shots_whatever_the_file_says_of_it():
    # What it says is the number of the first task.
    differing = changed(V043, n_shot__one=0)
    assert results(differing)["pair", "acc", "none"].shots is None
    assert results(changed(V043, n_shot__pair=...))["pair", "acc", "none"].shots == 5
    assert results(changed(V043, n_shot={"pair": 3}))["pair", "acc", "none"].shots == 3
    assert results(changed(V043, n_shot__one=[5], n_shot__two=[5]))["pair", "acc", "none"].shots is None


@pytest.mark.parametrize(
    ("stated", "model"),
    [({"pretrained": "gpt2"}, "gpt2"), ({"pretrained": "maker/base", "peft": "maker/adapter"}, "maker/adapter"),
     ({"pretrained": "maker/base", "peft": ""}, "maker/base"), ({"delta": "m/d", "pretrained": "m/b"}, "m/d"),
     ({"dtype": "auto"}, MODEL)],
)  # fmt: skip
def test_a_model_is_named_by_its_arguments_an_adapter_first(stated, model):
    found = run(arguments(V043, **stated), "results_2024-06-03T12-00-00.json")
    assert (found.model, found.hub_id) == (model, model)
    assert run(changed(V043, config__model_args=stated), "").model == model


def test_the_commit_of_an_adapter_is_not_that_of_its_base():
    adapter = arguments(V043, pretrained="maker/base", peft=MODEL)
    assert run(adapter).revision is None
    assert run(changed(adapter, config__peft_sha="a" * 40)).revision == "a" * 40
    assert run(changed(V043, config__model_sha="")).revision is None


@pytest.mark.parametrize("backend", ["openai-chat-completions", "anthropic-chat", "local-completions", "gguf"])
def test_a_server_names_models_as_it_likes(backend):
    file = arguments(changed(V040, config__model=backend), model="gpt-4")
    assert (run(file, "").served, run(file, "").hub_id) == (True, None)
    assert run(arguments(file, model="any name: it likes"), "").model == "any name: it likes"
    # What looks like a repository is taken for one.
    assert run(arguments(file, model=MODEL)).hub_id == MODEL


def test_a_model_that_is_known_better_is_not_looked_for_in_the_file():
    file = arguments(changed(V043, config__model="local-completions"), model="/srv/weights")
    assert refusal(file) == "model is a folder on somebody's machine, not a repository"
    known = harness_eras.read(file, "one.json", MODEL)
    assert (known.model, known.hub_id, known.served) == (MODEL, MODEL, False)


@pytest.mark.parametrize(
    "name",
    ["/data/models/llama", "./llama", "../llama", "~/llama", "C:\\models\\llama", "a/b/c", "models/llama/"],
)
def test_a_folder_is_no_model(name):
    assert refusal(arguments(V043, pretrained=name)) == "model is a folder on somebody's machine, not a repository"


@pytest.mark.parametrize(
    ("name", "reason"),
    [("ma ker/small", "model is no repository"), ("maker/", "model is no repository"),
     ("-maker/small", "model is no repository"), ("m" * 201, "document names no model"),
     ("maker/<b>", "document names no model"), ("maker/new\nline", "document names no model")],
)  # fmt: skip
def test_a_name_that_is_no_repository(name, reason):
    assert refusal(changed(V043, config__model_args={"pretrained": name})) == reason


def test_a_file_that_names_no_model():
    assert refusal(changed(V043, config__model_args=None, model_name=...)) == "document names no model"
    assert refusal(changed(V043, config__model_args=7, model_name="")) == "document names no model"
    assert refusal(changed(LIGHTEVAL, config_general__model_name=None)) == "document names no model"


@pytest.mark.parametrize(
    ("folder", "same"),
    [("maker/small-7b", True), ("maker__small-7b", True), ("Maker/Small-7B", True), ("maker/other", False),
     ("small-7b", False), ("other__small-7b", False), ("", True)],
)  # fmt: skip
def test_the_folder_of_a_file_names_its_model(folder, same):
    path = f"{folder}/results_2024-06-03T12-00-00.json".lstrip("/")
    if same:
        assert run(V043, path).model == MODEL
    else:
        assert refusal(V043, path) == "model is not the one that the path names"


@pytest.mark.parametrize(
    ("stated", "packed"),
    [({"load_in_4bit": True}, "load_in_4bit"), ({"load_in_4bit": "True", "load_in_8bit": "False"}, "load_in_4bit"),
     ({"load_in_4bit": "false"}, None), ({"load_in_4bit": None, "load_in_8bit": 0, "gguf_file": ""}, None),
     ({"gguf_file": "x.Q4_K_M.gguf"}, "gguf_file"), ({"quantization": "awq"}, "quantization"), ({}, None)],
)  # fmt: skip
def test_how_a_model_was_quantised_on_loading(stated, packed):
    assert run(changed(V043, config__model_args={"pretrained": MODEL} | stated)).packed == packed


def test_the_first_leaderboard_says_by_its_type_that_a_model_was_quantised():
    assert run(changed(LIGHTEVAL, config_general__model_dtype="4bit")).packed == "4bit"
    assert run(LIGHTEVAL).packed is None


def test_a_run_is_dated_by_what_it_states_then_by_its_name():
    assert run(V040 | {"date": 1712191475.1370711}).evaluated_on == date(2024, 4, 4)
    assert run(V03, "maker__small-7b/results_2023-05-17T23:59:59.json").evaluated_on == date(2023, 5, 17)
    nameless = run(V03, "maker/small-7b/mmlu.json")
    assert (nameless.evaluated_on, nameless.dated_by_name) == (None, False)


FUTURE = 4e9
"""In the year 2096."""
OUT_OF_TIME = "date lies in the future or before the harness"


@pytest.mark.parametrize(
    ("stated", "reason"),
    [(FUTURE, OUT_OF_TIME), (0, OUT_OF_TIME), (-1e9, OUT_OF_TIME), (1577836799, OUT_OF_TIME), (1e18, "date is no time"),
     (10**400, "date: value is not finite"), (float("nan"), "date: value is not finite"),
     ("2024-06-03", "date: value is text"), (True, "date: value is true or false"), ([NOON], "date: value is a list")],
)  # fmt: skip
def test_a_date_that_is_none_puts_the_file_aside(stated, reason):
    assert refusal(V040 | {"date": stated}) == reason


@pytest.mark.parametrize(
    ("moment", "reason"),
    [("latest", "file name states no time"), ("2024-13-01T00-00-00", "file name states no time"),
     ("2024-06-03", "file name states no time"),
     ("2999-01-01T00-00-00", "time in the file name lies in the future"),
     ("1999-12-31T00-00-00", "time in the file name lies before the harness")],
)  # fmt: skip
def test_a_file_name_that_states_no_time_dates_nothing(moment, reason):
    path = f"maker/small-7b/results_{moment}.json"
    assert refusal(V03, path) == reason
    # Where the file states its date, its name does not matter.
    assert run(V040, path).evaluated_on == date(2024, 6, 3)


@pytest.mark.parametrize(
    ("file", "reason"),
    [({}, "document without results"), (V043 | {"results": {}}, "document without results"),
     (V043 | {"results": [V043["results"]]}, "document without results"),
     (changed(V03, versions=...), "document has the marks of no known era"),
     (changed(V040, configs=...), "document has the marks of no known era"),
     (changed(V043, config=...), "document does not say how it was run"),
     (V043 | {"config": "hf"}, "document does not say how it was run"),
     (changed(V043, results__two=[0.4]), "result of two is a list"),
     (changed(V043, results__two="0.4"), "result of two is a str"),
     (V043 | {"results": {"line\n": None}}, "result of line\\n is a NoneType"),
     (changed(V043, results__one__alias="\ud800"), "document has half a character")],
)  # fmt: skip
def test_a_file_of_no_known_form_says_why(file, reason):
    if reason.startswith("result of line"):
        file = file | {"lm_eval_version": "0.4.9"}
    assert refusal(file) == reason


def test_what_is_nested_too_deeply_to_be_written_out_again_is_not_read():
    deep = "x"
    for _ in range(200):
        deep = [deep]
    assert refusal(changed(V043, config__gen_kwargs=deep)) == "document is nested too deeply"
