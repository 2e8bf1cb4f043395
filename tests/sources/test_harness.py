"""Which scores of result files of lm-evaluation-harness are believed, and in which series they stand."""

import copy
import json
from datetime import date

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.identity.normalise import CHOICES
from pipeline.settings import Settings
from pipeline.sources import harness
from pipeline.sources.board import TABLES, Part
from pipeline.sources.hub_files import Document
from pipeline.sources.open_llm_leaderboard_v1 import SUBJECTS
from pipeline.sources.quarantine import Unreadable
from tests.sources.test_harness_eras import (
    BETWEEN,
    CHAT,
    LIGHTEVAL,
    MODEL,
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
from tests.sources.test_open_llm_leaderboard_v1 import JSON, write

URL = f"https://huggingface.co/datasets/testers/results/blob/main/{PATH}"
WRITTEN = harness.Written("Testers", "testers", "testers/results", URL)
FOLDER = Settings().shared / "data" / "lm_eval_results"


def read(file, written=WRITTEN, path=PATH):
    part = Part(path, "harness_results", "capture")
    harness.read(part, Document(path, write(file)), written)
    return part


def rows(part, table="board_scores"):
    return [{name: value for name, value in row.items() if value is not None} for row in part.frame(table).to_dicts()]


def reasons(part):
    return [row["reason"] for row in rows(part, "quarantine")]


def pairs(file, written=WRITTEN):
    part = read(file, written)
    return list(zip(rows(part), rows(part, "board_series"), strict=True))


def of(name, file, written=WRITTEN):
    """The score and the series of one benchmark of a file."""
    [found] = [(score, series) for score, series in pairs(file, written) if series["benchmark_name"] == name]
    return found


def series_id(file, written=WRITTEN, name="one"):
    return of(name, file, written)[1]["series_id"]


def metrics(**said):
    """A file with one row of these metrics, with `__` for the comma before a filter."""
    return changed(V043, results={"one": {name.replace("__", ","): value for name, value in said.items()}})


def test_a_number_becomes_a_score_with_its_series_its_settings_and_its_model():
    score, series = of("one", V0412)
    told = json.loads(score.pop("settings"))
    assert score == {
        "part": PATH, "model": MODEL, "series_id": series["series_id"],
        "variant": f"{SHA} torch.bfloat16 hf", "value": 0.2, "stderr": 0.02, "n": 100, "evaluated_on": date(2024, 6, 3),
        "tier": "C", "self_reported": False, "doubtful": False, "source_name": "testers/results", "source_url": URL,
        "model_revision": SHA,
    }  # fmt: skip
    assert series["series_id"].startswith(series["benchmark_id"] + "--")
    assert {name: value for name, value in series.items() if not name.endswith("_id")} == {
        "benchmark_name": "one", "name_kind": "task", "name": "one", "evaluator": "Testers",
        "protocol": "5-shot, acc, lm-evaluation-harness 0.4.3 or later, task version 1.0",
        "comparability": "same_evaluator", "unit": "fraction", "direction": "higher", "chance": 0.25, "ceiling": 1.0,
        "source_name": "testers/results", "source_url": "https://huggingface.co/datasets/testers/results",
    }  # fmt: skip
    assert told == {
        "era": "0.4.3", "harness": "0.4.13.dev0", "backend": "hf", "task": "one", "task_version": "1.0",
        "config_hash": told["config_hash"], "task_hash": "11aa", "dataset": "org/one", "metric": "acc",
        "filter": "none", "higher_is_better": True, "shots": 5, "n": 100, "n_original": 100,
        "dtype": "torch.bfloat16", "batch_size": 8, "max_length": 4096, "multiturn": False,
        "parameters": 7_000_000_000,
    }  # fmt: skip
    assert rows(read(V0412), "board_models") == [
        {"model": MODEL, "hub_id": MODEL, "organisation": "maker", "access": "unknown"}
    ]


def test_every_era_says_of_itself_in_its_series():
    said = {
        "boolq": (V03, "5-shot, acc, lm-evaluation-harness 0.3, task version 1"),
        "truthfulqa:mc": (changed(LIGHTEVAL, **{"results__harness|truthfulqa:mc|0": {"mc2": 0.4}}),
                          "0-shot, mc2, lighteval, tasks of lm-evaluation-harness 0.3, task version 1"),
    }  # fmt: skip
    for name, (file, protocol) in said.items():
        assert of(name, file)[1]["protocol"] == protocol
    start, end = "5-shot, acc, lm-evaluation-harness 0.4", ", task version 1.0"
    assert [of("one", file)[1]["protocol"] for file in (V040, BETWEEN, V043, V049, V0412)] == [
        f"{start}.0 to 0.4.2{end}", f"{start}.2, unreleased later state{end}",
        *[f"{start}.3 or later{end}"] * 3,
    ]  # fmt: skip


def test_scores_of_two_eras_never_stand_in_one_series():
    old = changed(V03, results={"one": {"acc": 0.2}}, versions={"one": 1.0})
    light = changed(LIGHTEVAL, results={"harness|one|5": {"acc": 0.2}}, versions={"harness|one|5": 1.0})
    assert len({series_id(file) for file in (old, light, V040, BETWEEN, V043)}) == 5
    assert len({series_id(file) for file in (V043, V049, V0412)}) == 1


def test_a_score_without_a_date_of_its_own_says_so():
    score, _ = of("boolq", V03)
    assert score["note"] == "dated by the name of the file, in a time zone that it does not state"
    assert score["evaluated_on"] == date(2024, 6, 3)


CHAT_RUN = V043 | {"chat_template_sha": CHAT, "fewshot_as_multiturn": True}
STRICT = {"exact_match,strict-match": 0.5}
THINKS = {"pretrained": MODEL, "enable_thinking": True}


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"results__one": {"acc,none": 0.9}}, True),
        ({"git_hash": "another"}, True),
        ({"config__batch_size": 1}, True),
        ({"config__model_sha": "another"}, True),
        ({"config__random_seed": 7}, True),
        ({"date": 1720000000}, True),
        ({"config__gen_kwargs": {}}, True),
        ({"fewshot_as_multiturn": True}, True),  # without a chat template there are no turns
        ({"versions__one": 2.0}, False),
        ({"n_shot__one": 0}, False),
        ({"results__one": {"acc_norm,none": 0.2}}, False),
        ({"results__one": STRICT}, False),
        ({"results__one": {"acc,other-filter": 0.2}}, False),
        ({"chat_template_sha": CHAT}, False),
        ({"config__gen_kwargs": {"max_gen_toks": 1024}}, False),
        ({"config__gen_kwargs": "temperature=0.5"}, False),
        ({"system_instruction_sha": "0123456789abcdef"}, False),
        ({"config__model_args": THINKS}, False),
        ({"higher_is_better__one__acc": False}, False),
    ],
)
def test_only_scores_asked_for_in_one_way_are_of_one_series(change, same):
    assert (series_id(changed(V043, **change)) == series_id(V043)) is same


def test_two_of_everything_that_tells_series_apart_are_two():
    kinds = [
        (CHAT_RUN, changed(CHAT_RUN, fewshot_as_multiturn=False)),
        *((changed(V043, config__gen_kwargs=one), changed(V043, config__gen_kwargs=other))
          for one, other in [({"until": "."}, {"until": "\n"}), ("a=1", "a=2")]),
        *((V043 | {"system_instruction_sha": one}, V043 | {"system_instruction_sha": other})
          for one, other in [("0123456789", "9876543210"), (["a"], ["b"]), ("be kind to all", "be kind to me")]),
        tuple(changed(V043, config__model_args=THINKS | {"enable_thinking": word}) for word in (True, "False")),
        (changed(V043, results__one=STRICT), changed(V043, results__one={"exact_match,flexible-extract": 0.5})),
    ]  # fmt: skip
    assert [len({series_id(one), series_id(other)}) for one, other in kinds] == [2] * len(kinds)
    spelt = [changed(V043, config__model_args=THINKS | {"enable_thinking": word}) for word in (True, "True")]
    assert len({series_id(file) for file in spelt}) == 1
    assert of("one", changed(V043, config__model_args=THINKS))[1]["protocol"].endswith(", thinking")
    assert of("one", CHAT_RUN)[1]["protocol"].endswith(", chat template, examples as turns")


def test_one_file_from_two_evaluators_is_two_series_and_both_keep_the_benchmark():
    others = harness.Written("Others", "others", "others/results", "https://huggingface.co/datasets/others/results")
    first, second = (of("one", V043, written)[1] for written in (WRITTEN, others))
    assert first["series_id"] != second["series_id"]
    assert (first["benchmark_id"], first["protocol"]) == (second["benchmark_id"], second["protocol"])


def test_what_people_say_of_their_own_models_is_self_reported():
    maker = harness.Written("Maker", "Maker", "maker/results", URL)
    assert [(score["tier"], score["self_reported"]) for score, _ in pairs(V043, maker)] == [("A", True)] * 3
    served = arguments(changed(V043, config__model="openai-chat-completions", model_name="gpt-4"), model="gpt-4")
    part = read(served, maker, "results_2024-06-03T12-00-00.json")
    assert rows(part)[0]["self_reported"] is False
    assert rows(part, "board_models") == [{"model": "gpt-4", "access": "unknown"}]


def test_a_smoke_test_is_doubtful_and_in_series_of_its_own():
    smoke = harness.Written("Testers", "testers", "testers/results", URL, smoke=True)
    score, series = of("one", V043, smoke)
    assert (score["doubtful"], score["note"]) == (True, harness.SMOKE)
    assert series["protocol"].startswith("smoke test, 5-shot")
    assert series["series_id"] != series_id(V043)


def test_what_is_known_beside_the_file_goes_with_its_scores():
    own = harness.Written(
        "Testers", "testers", "testers/results", URL, datasets={"org/one": "b" * 40},
        settings={"model_revision": "c" * 40, "suite": "pair", "harness": "0.4.13"}, model="maker/known",
    )  # fmt: skip
    part = read(arguments(V043, pretrained="/srv/weights"), own, "one.json")
    score = next(row for row in rows(part) if row["n"] == 100)
    assert (score["model"], score["model_revision"], score["dataset_revision"]) == ("maker/known", "c" * 40, "b" * 40)
    told = json.loads(score["settings"])
    assert (told["suite"], told["harness"]) == ("pair", "0.4.13")


def test_a_model_quantised_on_loading_is_doubtful_and_not_the_one_that_was_published():
    packed = changed(V043, config__model_args={"pretrained": MODEL, "load_in_4bit": True})
    score, series = of("one", packed)
    assert (score["doubtful"], score["note"]) == (True, "quantised on loading: load_in_4bit")
    assert score["variant"] == f"{SHA} torch.bfloat16 load_in_4bit hf"
    assert series["series_id"] == series_id(V043)


LIMITED = "only some questions were asked: the run had a limit"


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (changed(V043, config__limit=100), [LIMITED] * 3),
        (changed(V043, config__limit=0.1), [LIMITED] * 3),
        (changed(LIGHTEVAL, config_general__max_samples=10), [LIMITED] * 4),
        (changed(V03, config__limit=0), [LIMITED] * 3),
        # Of a group whose task was asked in part, too.
        (changed(V043, n_samples__one={"original": 100, "effective": 99}), ["only some questions were asked"] * 2),
    ],
)
def test_what_was_asked_in_part_is_put_aside(file, expected):
    part = read(file)
    assert (reasons(part), part.scores_refused, part.read) == (expected, len(expected), 1)
    assert len(rows(part)) == (1 if len(expected) == 2 else 0)


OWN_CODE = "unit not proven: the task works the metric out by code of its own"
NAMELESS = "result without a usable name of its task, metric, filter or version"
OUTSIDE, UNKNOWN = "value outside its scale", "unit not proven: scale of the metric unknown"
BROKEN = [
    ("bypass: the task was run without being scored", {"bypass__none": 999}),
    ("value missing", {"acc__none": None}),
    ("value is text", {"acc__none": "0.5"}),
    ("value is text", {"acc__none": "N/A"}),
    ("value is true or false", {"acc__none": True}),
    ("value is not finite", {"acc__none": float("nan")}),
    ("value is not finite", {"acc__none": float("inf")}),
    ("value is not finite", {"acc__none": 10**400}),
    ("value is a list", {"acc__none": [0.5]}),
    ("value is a dict", {"acc__none": {}}),
    (OUTSIDE, {"acc__none": 1.01}),
    (OUTSIDE, {"acc__none": -0.01}),
    (UNKNOWN, {"bleu__none": 0.3}),
    (UNKNOWN, {"mcc__none": 0.3}),
    (UNKNOWN, {"llm_judge__none": 89.2}),
    (UNKNOWN, {"samples_seen__none": 3}),
    (OWN_CODE, {"f1__none": 0.4}),
    (NAMELESS, {"acc__<script>": 0.4}),
    (NAMELESS, {"acc\n__none": 0.4}),
    (NAMELESS, {"acc__new\nline": 0.4}),
]


@pytest.mark.parametrize(("reason", "said"), BROKEN)
def test_a_number_that_is_no_score_is_put_aside_with_its_reason_and_the_rest_goes_on(reason, said):
    part = read(metrics(**said, exact_match__none=0.5))
    assert (reasons(part), part.scores_refused, part.refused, part.unreadable) == ([reason], 1, 0, False)
    assert [row["value"] for row in rows(part)] == [0.5]
    assert rows(part, "quarantine")[0]["key"].startswith(f"{MODEL} one ")


def test_names_of_tasks_and_versions_that_no_page_should_show_are_put_aside():
    part = read(changed(V043, results={"<b>": {"acc,none": 0.1}, "x" * 201: {"acc,none": 0.2}}))
    assert (len(reasons(part)), rows(part)) == (2, [])
    assert reasons(read(changed(V043, results={"one": {"acc,none": 0.1}}, versions__one="<b>"))) == reasons(part)[:1]


@pytest.mark.parametrize(
    ("listed", "believed"),
    [
        ([{"metric": "f1", "aggregation": "f1"}], True),
        ([{"metric": "acc", "aggregation": "mean"}, {"metric": "f1", "aggregation": "mean"}], True),
        ([{"metric": "f1", "aggregation": "def f1(items):\n    return 100 * mean(items)"}], False),
        ([{"metric": "f1", "aggregation": ["mean"]}], False),
        ([{"metric": "f1"}], False),
        ([{"metric": "acc", "aggregation": "mean"}], False),
        (["f1"], False),
        ("f1", False),
        (None, False),
    ],
)
def test_an_f1_is_a_share_where_the_harness_itself_works_it_out(listed, believed):
    part = read(changed(metrics(f1__none=0.4), configs__one__metric_list=listed))
    assert reasons(part) == ([] if believed else [OWN_CODE])


def test_a_perplexity_is_lower_better_and_a_benchmark_of_its_own():
    file = metrics(perplexity__none=3.7, acc__none=0.7, word_perplexity__none=12.5)
    found = {score["value"]: series for score, series in pairs(file)}
    assert {value: (series["benchmark_name"], series["unit"], series["direction"], series.get("chance"),
                    series.get("ceiling")) for value, series in found.items()} == {
        3.7: ("one perplexity", "points", "lower", None, None), 0.7: ("one", "fraction", "higher", 0.25, 1.0),
        12.5: ("one word_perplexity", "points", "lower", None, None),
    }  # fmt: skip
    assert len({series["benchmark_id"] for series in found.values()}) == 3


def test_the_direction_is_that_of_the_file_and_a_share_of_errors_has_no_best_score():
    _, series = of("one", changed(V043, higher_is_better__one__acc=False))
    assert (series["direction"], series.get("ceiling")) == ("lower", None)
    for odd in ("no", None, 0):
        assert of("one", changed(V043, higher_is_better__one__acc=odd))[1]["direction"] == "higher"


@pytest.mark.parametrize(
    ("change", "chance"),
    [
        ({}, 0.25),
        ({"configs__one__doc_to_choice": ["yes", "no"]}, 0.5),
        ({"configs__one__doc_to_choice": "{{choices}}"}, None),
        ({"configs__one__doc_to_choice": ["only"]}, None),
        ({"configs__one__output_type": "generate_until"}, None),
        ({"configs": {}}, None),
        ({"results__one": {"exact_match,none": 0.2}}, None),
    ],
)
def test_the_chance_is_one_answer_in_so_many_where_the_task_names_them(change, chance):
    assert of("one", changed(V043, **change))[1].get("chance") == chance


def test_settings_stay_small_and_can_be_read_back_by_the_database():
    odd = changed(
        V043, config__gen_kwargs={"until": "x" * 5000}, max_length=float("nan"), configs__one__dataset_name="\0"
    )
    told = of("one", odd)[0]["settings"]
    assert ("gen_kwargs" in json.loads(told), len(told) < 1000) == (False, True)
    found = duckdb.sql("SELECT $told ->> '$.task', $told ->> '$.max_length'", params={"told": told}).fetchone()
    assert found == ("one", "NaN")


def test_a_row_of_another_form_puts_the_whole_file_aside_and_nothing_twice():
    part = Part(PATH, "harness_results", "capture")
    file = changed(V043, results={"one": {"acc,none": None}, "two": [0.4]})
    with pytest.raises(Unreadable, match="result of two is a list"):
        harness.read(part, Document(PATH, write(file)), WRITTEN)
    assert (part.scores_refused, reasons(part)) == (0, [])


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


REAL = {
    "2023-05_v0.3_mpt-7b_csr.json": (19, [OWN_CODE]),
    "2023-05_v0.3_mpt-7b_mmlu_5shot.json": (115, []),
    "2024-04_b.json": (0, ["bypass: the task was run without being scored"]),
    "2024-04_v0.4.2.json": (0, [LIMITED] * 4),
    "2024-06_v0.4.2_llama2-13b.json": "model is a folder on somebody's machine, not a repository",
    "2024-08_v0.4.3_llama3-8b-it_asdiv_cot.json": (0, [LIMITED]),
    "2024-08_v0.4.3_llama3-8b-it_gsm8k.json": (2, []),
    "2024-09_v0.4.4_gpt2.json": (1, []),
    "2025-03_mmlu_5shot.json": (22, [OWN_CODE] * 3 + [UNKNOWN] * 2),
    "2025-03_v0.4.3_qwen2.5-7b.json": (68, []),
    "2025-03_v0.4.8_qwen2.5-7b.json": (19, [OWN_CODE] * 2 + [UNKNOWN]),
    "2025-07_v0.4.9_FLOR-760M.json": "model is a folder on somebody's machine, not a repository",
    "2025-10_v0.4.9.1_qwen3-8b_leaderboard_group.json": (0, [LIMITED] * 60),
    "2025-12.json": "model is a folder on somebody's machine, not a repository",
    "2026-01_gemma-2b.json": (0, [OWN_CODE]),
    "2026-07_qwen3-8b.json": (0, [LIMITED] * 9),
}
WITH_A_LIMIT = ("2024-04_v0.4.2.json", "2024-08_v0.4.3_llama3-8b-it_asdiv_cot.json", "2025-07_v0.4.9_FLOR-760M.json",
                "2025-10_v0.4.9.1_qwen3-8b_leaderboard_group.json", "2026-07_qwen3-8b.json")  # fmt: skip


def real(name):
    if not FOLDER.is_dir():
        pytest.skip(f"{FOLDER} is not here; set MOAT_SHARED to the shared folder")
    return json.loads((FOLDER / name).read_bytes())


@pytest.mark.parametrize("name", REAL)
def test_real_files(name):
    file, expected = real(name), REAL[name]
    if isinstance(expected, str):
        with pytest.raises(Unreadable) as caught:
            read(file, path=name)
        assert str(caught.value) == expected
    else:
        part = read(file, path=name)
        assert (len(rows(part)), sorted(reasons(part))) == (expected[0], sorted(expected[1]))
        assert (part.read, part.scores_refused) == (1, len(expected[1]))


def test_real_runs_with_a_limit_give_no_scores():
    found = [name for name in REAL if real(name)["config"].get("limit") is not None]
    assert tuple(found) == WITH_A_LIMIT
    assert {REAL[name][0] for name in WITH_A_LIMIT if not isinstance(REAL[name], str)} == {0}
    # A run in a folder of somebody's is put aside as a whole; under its model's name it would be for its limit.
    file = real("2025-07_v0.4.9_FLOR-760M.json")
    part = read(arguments(file, pretrained="projecte-aina/FLOR-760M"), path="flor.json")
    assert (rows(part), set(reasons(part))) == ([], {LIMITED})


def test_a_few_real_scores_as_they_were_written():
    mmlu = real("2023-05_v0.3_mpt-7b_mmlu_5shot.json")
    part = read(mmlu, path="mmlu.json")
    [mean] = [(score, series) for score, series in zip(rows(part), rows(part, "board_series"), strict=True)
              if series["benchmark_name"] == "hendrycksTest"]  # fmt: skip
    subjects = [row["acc"] for row in mmlu["results"].values()]
    assert mean[0]["value"] == pytest.approx(sum(subjects) / 57)
    assert mean[0]["model"] == "mosaicml/mpt-7b"
    part = read(real("2024-08_v0.4.3_llama3-8b-it_gsm8k.json"), path="gsm8k.json")
    assert [(row["value"], row["n"], row["evaluated_on"]) for row in rows(part)] == [
        (0.7725549658832449, 1319, date(2024, 8, 25)), (0.7778620166793025, 1319, date(2024, 8, 25)),
    ]  # fmt: skip
    assert {row["protocol"].split(", ")[2] for row in rows(part, "board_series")} == {
        "filter strict-match", "filter flexible-extract"}  # fmt: skip
    part = read(real("2025-03_v0.4.8_qwen2.5-7b.json"), path="qwen.json")
    found = {(row["name"], row.get("part")): (score["value"], row["unit"], row["direction"])
             for score, row in zip(rows(part), rows(part, "board_series"), strict=True)}  # fmt: skip
    assert found["lambada_openai", "perplexity"] == (3.708735802873878, "points", "lower")
    assert found["lambada_openai", None] == (0.7199689501261402, "fraction", "higher")


PLACES = [
    (), *((key,) for key in [*V0412, "config_general"]),
    *(("config", key) for key in [*V0412["config"], "num_fewshot"]),
    ("config", "model_args", "pretrained"), ("config", "model_args", "peft"), ("config", "model_args", "load_in_4bit"),
    *(("results", task) for task in ("one", "pair", "new")),
    *(("results", "one", key) for key in [*V0412["results"]["one"], "f1,none", "perplexity,x"]),
    *((section, task) for section in ("versions", "n-shot", "n-samples", "configs", "group_subtasks", "task_hashes",
                                      "higher_is_better") for task in ("one", "pair")),
    *(("configs", "one", key) for key in V0412["configs"]["one"]),
    ("configs", "one", "metric_list", 0), ("configs", "one", "metric_list", 0, "aggregation"),
    ("n-samples", "one", "effective"), ("n-samples", "one", "original"), ("group_subtasks", "pair", 0),
]  # fmt: skip
HOSTILE = st.one_of(JSON, st.sampled_from(["one", "pair", "maker/other", {"acc,none": 0.1}, ["pair"], 2**63, 10**30]))


def checked(file):
    """Whatever the file is: it is put aside whole, or each of its numbers is kept or put aside exactly once."""
    part = Part(PATH, "harness_results", "capture")
    try:
        harness.read(part, Document(PATH, json.dumps(file).encode()), WRITTEN)
    except Unreadable:
        assert (part.scores_refused, rows(part)) == (0, [])
        return
    for table in TABLES:
        assert part.frame(table).write_ipc(None).getvalue()
    for score in rows(part):
        assert duckdb.sql("SELECT $told ->> '$.task'", params={"told": score["settings"]}).fetchone()
    numbers = [
        key
        for task, row in file["results"].items()
        for key in row
        if key.partition(",")[0] not in {"alias", "name", "sample_len", "sample_count", "samples"}
        and not key.partition(",")[0].endswith("_stderr")
        and not (task == "all" and "config_general" in file)
    ]
    derived = [row for row in rows(part) if harness.DERIVED in row.get("note", "")]
    assert len(rows(part)) - len(derived) + part.scores_refused == len(numbers)
    assert (part.read, part.unreadable, len(rows(part, "quarantine"))) == (1, False, part.scores_refused)


@settings(max_examples=300, deadline=None)
@given(place=st.sampled_from(PLACES), value=HOSTILE, era=st.sampled_from([V0412, V043, V040]))
def test_no_value_anywhere_stops_the_reading(place, value, era):
    file = copy.deepcopy(V0412 if place[:2] == ("config", "model_args") and len(place) > 2 else era)
    if not place:
        file = value
    else:
        at = file
        for key in place[:-1]:
            at = at[key] if isinstance(at, list) else at.setdefault(key, {})
        at[place[-1]] = value
    checked(file)


SECTIONS = ("results", "config", "configs", "n-samples", "group_subtasks", "versions", "n-shot")
SECTION = st.dictionaries(st.one_of(st.sampled_from(["one", "pair"]), st.text(max_size=5)), HOSTILE, max_size=4)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    sections=st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(SECTIONS, SECTION),
    ),
    era=st.sampled_from([V03, LIGHTEVAL, V043]),
)  # fmt: skip
def test_no_sections_whatever_they_hold_stop_the_reading(sections, era):
    checked(copy.deepcopy(era) | sections)


@settings(max_examples=100, deadline=None)
@given(metric=st.sampled_from(["acc,none", "acc,", ",", "acc", "acc_stderr", "f1,a,b", "ACC,none", " acc ,none", ""]),
       value=HOSTILE, era=st.sampled_from([V03, V043]))  # fmt: skip
def test_no_row_whatever_it_holds_stops_the_reading(metric, value, era):
    checked(changed(era, results={"one": {metric: value}}))


def test_settings_of_a_task_are_told_apart_wherever_they_lay():
    config = V043["configs"]["one"]
    assert harness.config_hash(config) == harness.config_hash(config | {"metadata": {"pretrained": MODEL}})
    assert harness.config_hash(config) != harness.config_hash(config | {"num_fewshot": 0})
    assert harness.config_hash({}) is None
