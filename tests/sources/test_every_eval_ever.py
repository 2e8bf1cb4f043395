"""Records of Every Eval Ever: kept with the scale they state, or put aside with a reason; only what changed is read."""

import copy
import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.captures import CaptureWriter
from pipeline.errors import SourceError
from pipeline.identity.names import fingerprint
from pipeline.localhub.repositories import Repositories
from pipeline.localhub.repository import Repository
from pipeline.localhub.server import serve
from pipeline.settings import Settings
from pipeline.sources.board import TABLES
from pipeline.sources.every_eval_ever import BOARD, DATASET
from pipeline.sources.hub_files import INDEX, MAX_DOCUMENT_BYTES
from tests.sources.board_data import changed
from tests.sources.test_open_llm_leaderboard_v1 import JSON, write

RESULT = {
    "evaluation_name": "Quiz", "evaluation_timestamp": "2026-03-04T05:06:07Z",
    "source_data": {"dataset_name": "quiz", "source_type": "hf_dataset", "hf_repo": "org/quiz", "hf_split": "test",
                    "additional_details": {"prompt_style": "5-shot CoT"}},
    "metric_config": {"lower_is_better": False, "score_type": "continuous", "min_score": 0.0, "max_score": 1.0,
                      "metric_id": "accuracy", "metric_name": "Accuracy", "metric_kind": "accuracy",
                      "metric_unit": "proportion"},
    "score_details": {"score": 0.75, "uncertainty": {
        "standard_error": {"value": 0.02}, "num_samples": 400,
        "confidence_interval": {"lower": 0.71, "upper": 0.79, "confidence_level": 0.95}}},
    "generation_config": {"generation_args": {"temperature": 0.0, "reasoning": True, "max_tokens": 512,
                                              "prompt_template": "Q: {q}"}},
}  # fmt: skip
RECORD = {
    "schema_version": "0.2.2", "evaluation_id": "quiz/maker/small-7b/1",
    "retrieved_timestamp": "1777000000.5", "evaluation_timestamp": "1772000000.25",
    "source_metadata": {"source_name": "Quiz board", "source_type": "evaluation_run",
                        "source_organization_name": "Quiz makers", "evaluator_relationship": "third_party",
                        "source_organization_url": "https://quiz.example.org",
                        "additional_details": {"paper_url": "https://arxiv.org/abs/1"}},
    "eval_library": {"name": "lm_eval", "version": "0.4.9"},
    "model_info": {"name": "Small 7B", "id": "maker/small-7b", "developer": "maker",
                   "additional_details": {"size_billions_parameters": "7.5"}},
    "evaluation_results": [RESULT],
}  # fmt: skip
PATH = "data/quiz/maker/small-7b/one.json"


def result(**changes):
    return RECORD | {"evaluation_results": [changed(RESULT, **changes)]}


def metric(score, **config):
    return result(metric_config={"lower_is_better": False, **config}, score_details={"score": score})


def dataset(documents):
    return Repository.new(DATASET, {path: write(record) for path, record in documents.items()})


def fetch(hub, tmp_path):
    return BOARD.fetch(Settings(data=tmp_path, retries=0), hub.url, "hub")


def read(tmp_path, documents):
    with serve(Repositories(), datasets=Repositories.of(dataset(documents))) as hub:
        capture, _ = fetch(hub, tmp_path)
    return {part.name: part for part in BOARD.parse(capture)}


def rows(part, table="board_scores"):
    return part.frame(table).to_dicts()


def only(tmp_path, record):
    [part] = read(tmp_path, {PATH: record}).values()
    [score], [series], [model] = (rows(part, table) for table in ("board_scores", "board_series", "board_models"))
    return score, series, model


def test_a_record_becomes_a_score_with_its_series_and_its_model(tmp_path):
    score, series, model = only(tmp_path, RECORD)
    assert {name: value for name, value in score.items() if value is not None} == {
        "part": PATH, "model": "maker/small-7b", "series_id": series["series_id"], "variant": PATH,
        "value": 0.75, "ci_lo": 0.71, "ci_hi": 0.79, "stderr": 0.02, "n": 400, "evaluated_on": date(2026, 3, 4),
        "tier": "C", "self_reported": False, "doubtful": False, "source_name": "Quiz board",
        "source_url": "https://quiz.example.org", "note": "interval at level 0.95",
    }  # fmt: skip
    assert series["series_id"].startswith(series["benchmark_id"] + "--")
    assert series["benchmark_id"].startswith("eee_quiz_board_quiz_")
    assert {name: value for name, value in series.items() if value is not None and not name.endswith("_id")} == {
        "benchmark_name": "Quiz", "name_kind": "record", "name": "Quiz", "part": "org/quiz",
        "evaluator": "Quiz makers", "comparability": "same_evaluator", "unit": "fraction", "direction": "higher",
        "ceiling": 1.0, "source_name": BOARD.title, "source_url": BOARD.url,
        "protocol": "metric Accuracy, split test, prompt style 5-shot CoT, reasoning true, temperature 0,"
        f" prompt template {fingerprint(json.dumps('Q: {q}'))}, library lm_eval 0.4.9",
    }  # fmt: skip
    assert {name: value for name, value in model.items() if value is not None} == {
        "model": "maker/small-7b", "hub_id": "maker/small-7b", "organisation": "maker", "access": "unknown",
        "params_b": 7.5,
    }  # fmt: skip


def test_an_early_record_that_states_little_keeps_what_it_states(tmp_path):
    record = {
        "schema_version": "0.2.0",
        "source_metadata": {"source_organization_name": "Quiz makers", "evaluator_relationship": "other"},
        "model_info": {"id": "small 7b", "additional_details": {"params_billions": -1}},
        "evaluation_results": [{
            "evaluation_name": "Quiz", "source_data": {"dataset_name": "quiz"},
            "metric_config": {"lower_is_better": True, "min_score": 0, "max_score": 100,
                              "evaluation_description": "Errors on the quiz"},
            "score_details": {"score": 12},
        }],
    }  # fmt: skip
    score, series, model = only(tmp_path, record)
    assert {name: value for name, value in score.items() if value is not None and name != "series_id"} == {
        "part": PATH, "model": "small 7b", "variant": PATH, "value": 12.0, "tier": "E", "doubtful": False,
        "source_name": "Quiz makers",
        "source_url": f"https://huggingface.co/datasets/evaleval/EEE_datastore/blob/main/{PATH}",
    }  # fmt: skip
    assert (series["unit"], series["direction"], series["ceiling"]) == ("percent", "lower", None)
    assert series["protocol"] == "metric Errors on the quiz, library not stated"
    assert (model["hub_id"], model["organisation"], model["params_b"]) == (None, None, None)


@pytest.mark.parametrize(
    ("relationship", "kind", "tier", "own", "comparability"),
    [("third_party", "evaluation_run", "C", False, "same_evaluator"),
     ("third_party", "documentation", "E", False, "same_evaluator"),
     ("first_party", "documentation", "A", True, "loose"), ("collaborative", "evaluation_run", "E", None, "loose"),
     (None, None, "E", None, "loose"), ([], {}, "E", None, "loose")],
)  # fmt: skip
def test_who_evaluated_decides_the_tier(tmp_path, relationship, kind, tier, own, comparability):
    stated = {"source_metadata__evaluator_relationship": relationship, "source_metadata__source_type": kind}
    score, series, _ = only(tmp_path, changed(RECORD, **stated))
    assert (score["tier"], score["self_reported"], series["comparability"]) == (tier, own, comparability)


@pytest.mark.parametrize(
    ("score", "config", "unit"),
    [(0.5, {"metric_unit": "proportion"}, "fraction"), (1, {"min_score": 0, "max_score": 1}, "fraction"),
     (0.5, {"metric_unit": "percent"}, "percent"),
     (0.5, {"metric_unit": "Percentage", "min_score": 0, "max_score": 100.0}, "percent"),
     (64, {"min_score": 0, "max_score": 100, "score_type": "binary"}, "percent"),
     (1250.5, {"metric_unit": "elo", "min_score": "-Infinity", "max_score": "Infinity"}, "elo"),
     (1250.5, {"metric_kind": "elo", "metric_unit": "points"}, "elo")],
)  # fmt: skip
def test_a_unit_is_what_the_metric_states_and_the_number_stays_as_written(tmp_path, score, config, unit):
    found, series, _ = only(tmp_path, metric(score, **config))
    assert (found["value"], series["unit"]) == (score, unit)


@pytest.mark.parametrize(
    ("change", "same"),
    [({"score_details__score": 0.5}, True), ({"generation_config__generation_args__max_tokens": 9}, True),
     ({"generation_config__generation_args__temperature": "0"}, True),
     ({"generation_config__generation_args__temperature": 1}, False),
     ({"generation_config__generation_args__reasoning": False}, False),
     ({"generation_config__generation_args__prompt_template": "?"}, False), ({"generation_config": ...}, False),
     ({"source_data__additional_details__prompt_style": "0-shot"}, False),
     ({"source_data__dataset_name": "another"}, False), ({"source_data__hf_repo": "org/another"}, False),
     ({"evaluation_name": "QUIZ"}, False), ({"metric_config__metric_name": "F1"}, False),
     ({"metric_config__lower_is_better": True}, False), ({"metric_config__llm_scoring": {"judges": []}}, False)],
)  # fmt: skip
def test_only_results_of_one_protocol_are_of_one_series(tmp_path, change, same):
    found = read(tmp_path, {"data/a.json": RECORD, "data/b.json": result(**change)})
    first, second = (rows(part)[0]["series_id"] for part in found.values())
    assert (first == second) is same


@pytest.mark.parametrize("change", [{"source_metadata__source_organization_name": "Others"}, {"eval_library": None},
                                    {"eval_library__version": "0.4.8"}])  # fmt: skip
def test_another_evaluator_or_library_makes_another_series(tmp_path, change):
    found = read(tmp_path, {"data/a.json": RECORD, "data/b.json": changed(RECORD, **change)})
    assert len({rows(part)[0]["series_id"] for part in found.values()}) == 2


@pytest.mark.parametrize(
    ("stated", "day"),
    [("1772000000.25", date(2026, 2, 25)), (1772000000, date(2026, 2, 25)), ("2026-01-02", date(2026, 1, 2)),
     ("2026-01-02T23:00:00+05:00", date(2026, 1, 2)), (None, None)],
)  # fmt: skip
def test_a_record_is_dated_where_its_result_is_not_and_never_by_when_it_was_copied(tmp_path, stated, day):
    record = result(evaluation_timestamp=...) | {"evaluation_timestamp": stated}
    assert only(tmp_path, record)[0]["evaluated_on"] == day


@pytest.mark.parametrize(
    ("uncertainty", "expected"),
    [("wide", (None, None, None, None)),
     ({"standard_error": 0.1, "num_samples": "400"}, (None, None, None, None)),
     ({"standard_error": {"value": -1}, "num_samples": 0.5}, (None, None, None, None)),
     # Distances to the ends of the interval, not the ends.
     ({"confidence_interval": {"lower": -0.02, "upper": 0.02}}, (None, None, None, None)),
     ({"confidence_interval": {"lower": float("nan"), "upper": 0.8}, "num_samples": 10}, (None, None, None, 10)),
     ({"confidence_interval": {"lower": 0.7, "upper": 0.8}}, (0.7, 0.8, None, None))],
)  # fmt: skip
def test_an_uncertainty_that_is_none_is_left_out(tmp_path, uncertainty, expected):
    score, _, _ = only(tmp_path, result(score_details__uncertainty=uncertainty))
    assert (score["ci_lo"], score["ci_hi"], score["stderr"], score["n"]) == expected


@pytest.mark.parametrize("address", ["http://quiz.example.org", "https://quiz.example.org/<b>", "javascript:x", 3])
def test_a_source_without_an_address_is_looked_for_in_its_details(tmp_path, address):
    record = changed(RECORD, source_metadata__source_organization_url=address)
    assert only(tmp_path, record)[0]["source_url"] == "https://arxiv.org/abs/1"
    score, _, _ = only(tmp_path / "b", changed(record, source_metadata__additional_details=...))
    assert score["source_url"] == f"https://huggingface.co/datasets/evaleval/EEE_datastore/blob/main/{PATH}"


UNPROVEN = "unit not proven: "
BROKEN_RESULTS = [
    ("result is a list", RECORD | {"evaluation_results": [[]]}),
    ("metric_config is a str", result(metric_config="accuracy")),
    ("score_details is a float", result(score_details=0.5)),
    ("generation_config is a list", result(generation_config=[])),
    ("result without a usable evaluation_name", result(evaluation_name="bell \x07")),
    ("result without a usable dataset_name", result(source_data__dataset_name="x" * 201)),
    ("direction not stated", result(metric_config__lower_is_better="no")),
    ("value missing", result(score_details={})),
    ("value is text", result(score_details__score="0.75")),
    ("value is true or false", result(score_details__score=True)),
    *(("value is not finite", result(score_details__score=number)) for number in (float("nan"), 10**400)),
    ("value outside its scale", result(score_details__score=75)),
    ("value outside its scale", result(score_details__score=0.9, metric_config__max_score=0.8)),
    ("min_score is no number", result(metric_config__min_score="low")),
    ("max_score is no number", result(metric_config__max_score=float("nan"))),
    ("bounds contradict each other", result(metric_config__min_score=1)),
    *(("unit and bounds contradict each other", metric(0.5, metric_unit=unit, min_score=0, max_score=most))
      for unit, most in (("proportion", 100), ("proportion", "Infinity"), ("percent", 1), ("elo", 1))),
    ("unknown level", metric(-1, score_type="levels", has_unknown_level=True, level_names=["bad", "good"])),
    (UNPROVEN + "score is a level", metric(1, score_type="levels", has_unknown_level=True)),
    (UNPROVEN + "score is a level", metric(1, level_names=["bad", "good"], metric_unit="proportion")),
    ("score_type is not known", metric(0.5, score_type=["binary"], metric_unit="proportion")),
    (UNPROVEN + "neither unit nor scale stated", metric(0.5)),
    (UNPROVEN + "neither unit nor scale stated", metric(3, min_score=1, max_score=5)),
    (UNPROVEN + "metric_unit is none of proportion, percent, elo", metric(3.5, metric_unit="seconds")),
    (UNPROVEN + "metric_unit and metric_kind contradict each other",
     metric(0.5, metric_unit="percent", metric_kind="elo")),
    ("metric_unit is a dict", metric(0.5, metric_unit={})),
    *(("evaluation_timestamp is no time", result(evaluation_timestamp=at)) for at in ("soon", "9" * 20, {"at": 1})),
    ("evaluation_timestamp lies in the future", result(evaluation_timestamp="2999-01-01")),
    ("evaluation_timestamp lies before 2015", result(evaluation_timestamp="0")),
    ("record states several values for one thing",
     RECORD | {"evaluation_results": [RESULT, changed(RESULT, score_details__score=0.5)]}),
    ("repeats a result of the same record", RECORD | {"evaluation_results": [RESULT, RESULT]}),
]  # fmt: skip


def test_a_broken_result_is_put_aside_with_its_reason_and_the_rest_goes_on(tmp_path):
    documents = {f"data/{number:03d}.json": record for number, (_, record) in enumerate(BROKEN_RESULTS)}
    found = read(tmp_path, documents | {"data/good.json": RECORD})
    said = [[row["reason"] for row in rows(part, "quarantine")] for part in found.values()]
    assert said == [[reason] * (2 if "several" in reason else 1) for reason, _ in BROKEN_RESULTS] + [[]]
    assert [part.scores_refused for part in found.values()] == [len(reasons) for reasons in said]
    assert {(part.read, part.refused, part.unreadable) for part in found.values()} == {(1, 0, False)}
    # Of two that are the same one is kept.
    assert [path for path, part in found.items() if rows(part)] == [list(documents)[-1], "data/good.json"]


BROKEN_RECORDS = [
    ("document is no JSON", b'{"a": '), ("document is no JSON", b"\xff\xfe\xfd"),
    ("document is no JSON", b"[" * 100_000), ("document is no JSON", b"1" * 5000),
    ("document is a list, not an object", []), ("document is no record of a known format (0.2)", {}),
    ("document is no record of a known format (0.2)", RECORD | {"schema_version": "1.0.0"}),
    ("document is no record of a known format (0.2)", RECORD | {"schema_version": 0.2}),
    ("record without a list of results", RECORD | {"evaluation_results": {}}),
    ("source_metadata is a list", RECORD | {"source_metadata": []}),
    ("eval_library is a str", RECORD | {"eval_library": "lm_eval"}),
    ("model_info is a str", RECORD | {"model_info": "maker/small-7b"}),
    ("record without a usable source_organization_name", RECORD | {"source_metadata": {}}),
    *(("record without a usable model id", changed(RECORD, model_info__id=name))
      for name in (None, 7, " ", "a/b\u202e", "a/b\ud800", "a/<script>alert(1)</script>", "a/" + "b" * 200)),
    ("document is over 4,194,304 bytes", b" " * (MAX_DOCUMENT_BYTES + 1)),
]  # fmt: skip


def test_a_broken_record_is_put_aside_whole_and_what_it_said_before_still_stands(tmp_path):
    documents = {f"data/{number:03d}.json": record for number, (_, record) in enumerate(BROKEN_RECORDS)}
    found = read(tmp_path, documents | {"data/good.json": RECORD, "data/odd\u202ename.json": RECORD})
    said = {path: [row["reason"] for row in rows(part, "quarantine")] for path, part in found.items()}
    assert said == {
        **{f"data/{number:03d}.json": [reason] for number, (reason, _) in enumerate(BROKEN_RECORDS)},
        "data/good.json": [],
        "data/odd\u202ename.json": ["path has characters that no path needs"],
    }
    unreadable = [path for path, part in found.items() if part.unreadable]
    assert len(unreadable) == len(BROKEN_RECORDS) + 1
    assert [rows(found[path]) for path in unreadable] == [[]] * len(unreadable)
    assert all((part.read, part.refused) == (1, int(part.unreadable)) for part in found.values())


def test_only_what_changed_is_read_again_and_what_is_gone_comes_without_rows(tmp_path):
    more = {"data/answers_samples.json": {}, "data/answers.jsonl": {}, "README.md": {}, "other/x.json": {}}
    records = {f"data/{name}.json": RECORD for name in "abc"}
    with serve(Repositories(), datasets=Repositories.of(dataset(records | more))) as hub:
        first, new = fetch(hub, tmp_path)
        assert (new, first.manifest.kind, first.manifest.items, hub.requests["file"]) == (True, "full", 3, 3)
        before = hub.requests.copy()
        assert fetch(hub, tmp_path) == (first, False)
        assert (hub.requests - before) == {"dataset": 1}
        changes = {"data/a.json": write(result(score_details__score=0.5)), "data/b.json": None}
        changes |= {"data/d.json": write(RECORD)}
        hub.datasets.put(hub.datasets.get(DATASET).commit(changes))
        second, new = fetch(hub, tmp_path)
        assert (new, second.manifest.kind, second.manifest.items, hub.requests["file"]) == (True, "delta", 3, 5)
    found = {part.name: part for part in BOARD.parse(second)}
    said = [(path, [row["value"] for row in rows(part)]) for path, part in found.items()]
    assert said == [("data/a.json", [0.5]), ("data/d.json", [0.75]), ("data/b.json", [])]
    assert (found["data/b.json"].read, found["data/b.json"].unreadable) == (0, False)


def test_a_hub_without_the_dataset_offers_nothing_and_one_that_lost_it_is_in_trouble(tmp_path):
    with serve(Repositories(), datasets=Repositories()) as hub:
        assert fetch(hub, tmp_path) is None
        hub.datasets.put(dataset({PATH: RECORD}))
        assert fetch(hub, tmp_path)[1]
        hub.datasets.delete(DATASET)
        with pytest.raises(SourceError, match="is gone, or needs a right"):
            fetch(hub, tmp_path)


def captured(folder, text):
    """A capture of one record, without a Hub."""
    with CaptureWriter(folder, BOARD.source, "hub") as writer:
        writer.add("000000000.jsonl", json.dumps([PATH, text]).encode())
        writer.add(INDEX, json.dumps({"too_large": [], "removed": []}).encode())
        return writer.seal(revision="", client="", requests=0, items=1)[0]


def test_a_record_at_any_depth_is_read_or_put_aside(tmp_path):
    text = json.dumps(result(metric_config__llm_scoring=0))
    outcomes = set()
    for depth in (10, *range(700, 1010), 100_000):
        nested = text.replace('"llm_scoring": 0', f'"llm_scoring": {"[" * depth}{"]" * depth}')
        [part] = BOARD.parse(captured(tmp_path / str(depth), nested))
        outcomes.add(next((row["reason"] for row in rows(part, "quarantine")), ""))
    # How deep is too deep depends on Python; between what it reads and what it writes lies little.
    assert {"", "document is no JSON"} <= outcomes <= {"", "document is no JSON", "result is nested too deeply"}


def places(thing, at=()):
    yield at
    pairs = thing.items() if isinstance(thing, dict) else enumerate(thing) if isinstance(thing, list) else ()
    for key, value in pairs:
        yield from places(value, (*at, key))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(list(places(RECORD))), value=JSON)
def test_no_value_anywhere_stops_the_reading(tmp_path_factory, place, value):
    record = put(copy.deepcopy(RECORD), place, value)
    folder = tmp_path_factory.mktemp("any")
    [part] = BOARD.parse(captured(folder, json.dumps(record)))
    for table in TABLES:
        part.frame(table).write_parquet(folder / "x.parquet")
    results = record.get("evaluation_results") if isinstance(record, dict) else None
    kept = len(rows(part)) + part.scores_refused
    assert part.unreadable or kept == len(results)


def put(thing, place, value):
    if not place:
        return value
    thing[place[0]] = put(thing[place[0]], place[1:], value)
    return thing


def test_real_records(tmp_path):
    folder = Settings().shared / "data" / "every_eval_ever"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here; set MOAT_SHARED to the shared folder")
    files = sorted(folder.glob("*.json"))
    found = read(tmp_path, {f"data/{Path(file).name}": file.read_bytes() for file in files})
    assert [len(rows(part)) for part in found.values()] == [15, 6]
    assert [part.scores_refused for part in found.values()] == [0, 0]
    both = [zip(rows(part, "board_series"), rows(part), strict=True) for part in found.values()]
    first, second = ({series["benchmark_name"]: score["value"] for series, score in pairs} for pairs in both)
    assert (first["MMLU-Pro (overall)"], second["IFEval"]) == (0.5229, 0.4486)
    models = [(row["hub_id"], row["params_b"]) for part in found.values() for row in rows(part, "board_models")]
    assert models == [("01-ai/yi-1.5-34b-chat", 34.0), ("TencentARC/LLaMA-Pro-8B-Instruct", 8.357)]
