"""Which scores of result files of lm-evaluation-harness are believed, and in which series they stand."""

import json
from datetime import date

import duckdb
import pytest

from pipeline.sources import harness
from pipeline.sources.board import Part
from pipeline.sources.hub_files import Document
from pipeline.sources.quarantine import Unreadable
from tests.sources.harness_files import (
    BETWEEN,
    CHAT,
    LIGHTEVAL,
    LIMITED,
    MODEL,
    NAMELESS,
    OUTSIDE,
    OWN_CODE,
    PATH,
    SHA,
    UNKNOWN,
    URL,
    V03,
    V040,
    V0412,
    V043,
    V049,
    WRITTEN,
    arguments,
    changed,
    metrics,
    of,
    pairs,
    read,
    reasons,
    rows,
    series_id,
)
from tests.sources.test_open_llm_leaderboard_v1 import write


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


def test_settings_of_a_task_are_told_apart_wherever_they_lay():
    config = V043["configs"]["one"]
    assert harness.config_hash(config) == harness.config_hash(config | {"metadata": {"pretrained": MODEL}})
    assert harness.config_hash(config) != harness.config_hash(config | {"num_fewshot": 0})
    assert harness.config_hash({}) is None
