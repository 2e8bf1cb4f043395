"""Result files of the first Open LLM Leaderboard: six scores each, or a reason why not; only what changed is read."""

import json
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.captures import CaptureWriter
from pipeline.errors import SourceError
from pipeline.localhub.repositories import Repositories
from pipeline.localhub.repository import Repository
from pipeline.localhub.server import serve
from pipeline.settings import Settings
from pipeline.sources.board import TABLES
from pipeline.sources.hub_files import INDEX, MAX_DOCUMENT_BYTES
from pipeline.sources.open_llm_leaderboard_v1 import BOARD, DATASET, NOTE, SUBJECTS

ARC, HELLASWAG, MC = "harness|arc:challenge|25", "harness|hellaswag|10", "harness|truthfulqa:mc|0"
WINOGRANDE, GSM8K = "harness|winogrande|5", "harness|gsm8k|5"
MMLU = {f"harness|hendrycksTest-{subject}|5": {"acc": 0.25, "acc_stderr": 0.04} for subject in SUBJECTS}
ANATOMY = "harness|hendrycksTest-anatomy|5"
RESULTS = {
    ARC: {"acc": 0.5, "acc_stderr": 0.014, "acc_norm": 0.55, "acc_norm_stderr": 0.015},
    HELLASWAG: {"acc": 0.56, "acc_stderr": 0.004, "acc_norm": 0.76, "acc_norm_stderr": 0.005},
    **MMLU,
    ANATOMY: {"acc": 0.82, "acc_stderr": 0.04},
    MC: {"mc1": 0.29, "mc1_stderr": 0.016, "mc2": 0.43, "mc2_stderr": "N/A"},
    WINOGRANDE: {"acc": 0.7, "acc_stderr": 0.012},
    "harness|drop|3": {"em": 0.001, "f1": 0.06},
    GSM8K: {"acc": 0.0, "acc_stderr": 0.0},
    "all": {"acc": 0.5, "mc2": 0.43},
}
SHA = "84430552036c85cc6a16722b26496df4d93f3afe"
CONFIG = {"lighteval_sha": "494ee122", "max_samples": None, "model_name": "maker/small-7b", "model_sha": SHA,
          "model_dtype": "torch.bfloat16", "model_size": "15.08 GB"}  # fmt: skip
FILE = {"config_general": CONFIG, "results": RESULTS, "versions": {"all": 0}}
MOMENT = "2024-05-16T21-03-53.282408"
PATH = f"maker/small-7b/results_{MOMENT}.json"


def file(results=None, **config):
    return FILE | {"config_general": CONFIG | config, "results": RESULTS | (results or {})}


def without(*tasks):
    return FILE | {"results": {task: said for task, said in RESULTS.items() if task not in tasks}}


def write(content):
    return content if isinstance(content, bytes) else json.dumps(content).encode()


def dataset(documents):
    return Repository.new(DATASET, {path: write(content) for path, content in documents.items()})


def fetch(hub, tmp_path):
    return BOARD.fetch(Settings(data=tmp_path, retries=0), hub.url, "hub")


def read(tmp_path, documents):
    with serve(Repositories(), datasets=Repositories.of(dataset(documents))) as hub:
        capture, _ = fetch(hub, tmp_path)
    return {part.name: part for part in BOARD.parse(capture)}


def rows(part, table="board_scores"):
    return [{name: value for name, value in row.items() if value is not None} for row in part.frame(table).to_dicts()]


def values(part):
    return {row["series_id"].partition("--")[2]: row["value"] for row in rows(part)}


def reasons(part):
    return [row["reason"] for row in rows(part, "quarantine")]


def test_a_result_file_becomes_six_scores_with_their_series_and_one_model(tmp_path):
    [part] = read(tmp_path, {PATH: FILE}).values()
    assert (part.read, part.refused, part.scores_refused) == (1, 0, 0)
    assert values(part) == {
        "arc": 0.55, "hellaswag": 0.76, "mmlu": (56 * 0.25 + 0.82) / 57, "truthfulqa": 0.43, "winogrande": 0.7,
        "gsm8k": 0.0,
    }  # fmt: skip
    assert rows(part)[0] == {
        "part": PATH, "model": "maker/small-7b", "series_id": "open_llm_v1--arc",
        "variant": f"{MOMENT} {SHA} torch.bfloat16", "value": 0.55, "stderr": 0.015,
        "evaluated_on": date(2024, 5, 16), "tier": "C", "self_reported": False, "doubtful": False, "note": NOTE,
        "source_name": "Open LLM Leaderboard v1",
        "source_url": f"https://huggingface.co/datasets/open-llm-leaderboard-old/results/blob/main/{PATH}",
    }  # fmt: skip
    assert [row.get("stderr") for row in rows(part)] == [0.015, 0.005, None, None, 0.012, 0.0]
    series = rows(part, "board_series")
    assert series[2] == {
        "series_id": "open_llm_v1--mmlu", "benchmark_id": "open_llm_v1_mmlu",
        "benchmark_name": "MMLU (Open LLM Leaderboard v1)", "name_kind": "board", "name": "Open LLM Leaderboard v1",
        "part": "MMLU", "chance": 0.25, "ceiling": 1.0, "unit": "fraction",
        "protocol": "5-shot, unweighted mean of acc over 57 subjects", "direction": "higher",
        "evaluator": "Hugging Face, Open LLM Leaderboard v1", "comparability": "same_evaluator",
        "source_name": "Open LLM Leaderboard v1", "source_url": BOARD.url,
    }  # fmt: skip
    assert [one.get("chance") for one in series] == [None, 0.25, 0.25, None, 0.5, 0.0]
    assert rows(part, "board_models") == [
        {"model": "maker/small-7b", "hub_id": "maker/small-7b", "organisation": "maker", "access": "unknown"}
    ]


def test_a_repository_of_one_part_and_a_time_with_colons(tmp_path):
    path = "gpt2/results_2023-08-19T16:35:46.942696.json"
    [part] = read(tmp_path, {path: file(model_name="gpt2", model_sha="", model_dtype=None)}).values()
    assert {(row["model"], row["variant"], row["evaluated_on"]) for row in rows(part)} == {
        ("gpt2", "2023-08-19T16:35:46.942696", date(2023, 8, 19))
    }
    assert rows(part)[0]["source_url"].endswith("/gpt2/results_2023-08-19T16%3A35%3A46.942696.json")
    assert rows(part, "board_models") == [{"model": "gpt2", "hub_id": "gpt2", "access": "unknown"}]


def test_several_files_of_one_model_are_all_facts(tmp_path):
    later = PATH.replace("2024-05-16", "2024-06-01")
    found = read(tmp_path, {PATH: FILE, later: file({GSM8K: {"acc": 0.1}}, model_dtype="4bit")})
    variants = {row["variant"]: row["value"] for part in found.values() for row in rows(part)}
    assert variants == {
        f"{MOMENT} {SHA} torch.bfloat16": 0.0,
        f"2024-06-01T21-03-53.282408 {SHA} 4bit": 0.1,
    }


def test_what_a_file_did_not_run_is_no_score_and_no_complaint(tmp_path):
    [part] = read(tmp_path, {PATH: without(GSM8K, *MMLU, "all")}).values()
    assert list(values(part)) == ["arc", "hellaswag", "truthfulqa", "winogrande"]
    assert reasons(part) == []
    [part] = read(tmp_path / "b", {PATH: FILE | {"results": {}}}).values()
    assert (part.read, part.unreadable, rows(part), rows(part, "board_models")) == (1, False, [], [])


BROKEN_SCORES = [
    ("ARC: value missing", file({ARC: {"acc": 0.5}})),
    ("ARC: result is a list", file({ARC: [0.5]})),
    ("ARC: value is not finite", file({ARC: {"acc_norm": float("nan")}})),
    ("ARC: value is not finite", file({ARC: {"acc_norm": 10**400}})),
    ("ARC: value is true or false", file({ARC: {"acc_norm": True}})),
    ("HellaSwag: value is text", file({HELLASWAG: {"acc_norm": "0.5"}})),
    ("Winogrande: value outside its scale", file({WINOGRANDE: {"acc": 70.1}})),
    ("GSM8K: value outside its scale", file({GSM8K: {"acc": -0.1}})),
    ("TruthfulQA: value missing", file({MC: {"mc1": 0.3}})),
    ("MMLU: 1 of 57 subjects are missing", without(ANATOMY)),
    (f"MMLU: {ANATOMY}: value missing", file({ANATOMY: None})),
    (f"MMLU: {ANATOMY}: value is not finite", file({ANATOMY: {"acc": float("inf")}})),
    ("task is none of the board", file({"harness|arc:challenge|0": {"acc_norm": 0.4}})),
    ("task is none of the board", file({"harness|hendrycksTest-<script>\ud800|5": {"acc": 0.4}})),
]


def test_a_broken_score_is_put_aside_with_its_reason_and_the_rest_goes_on(tmp_path):
    moments = [PATH.replace("53.28", f"{number:02d}.28") for number in range(len(BROKEN_SCORES))]
    found = read(tmp_path, dict(zip(moments, (content for _, content in BROKEN_SCORES), strict=True)))
    assert [reasons(part) for part in found.values()] == [[reason] for reason, _ in BROKEN_SCORES]
    assert [(part.scores_refused, part.refused) for part in found.values()] == [(1, 0)] * len(BROKEN_SCORES)
    assert [len(rows(part)) for part in found.values()] == [5] * (len(BROKEN_SCORES) - 2) + [6, 6]


BROKEN_FILES = [
    ("path names no repository", "maker/sm all/results_2024-05-16T21-03-53.json", FILE),
    ("path names no repository", "maker/<script>/results_2024-05-16T21-03-53.json", FILE),
    ("path names no repository", "maker/new\u2028line/results_2024-05-16T21-03-53.json", FILE),
    ("file name states no time", "maker/small-7b/results_latest.json", FILE),
    ("file name states no time", "maker/small-7b/results_2024-13-16T21-03-53.json", FILE),
    ("time in the file name lies in the future", "maker/small-7b/results_2999-05-16T21-03-53.json", FILE),
    ("document is no JSON", "maker/small-7b/results_2024-01-01T00-00-00.json", b"\xff{"),
    ("document is no JSON", "maker/small-7b/results_2024-01-01T00-00-01.json", b"[" * 100_000),
    ("document is a str, not an object", "maker/small-7b/results_2024-01-01T00-00-02.json", "text"),
    ("document without config_general and results", "maker/small-7b/results_2024-01-01T00-00-03.json",
     {"config": CONFIG, "results": RESULTS}),
    ("document without config_general and results", "maker/small-7b/results_2024-01-01T00-00-04.json",
     FILE | {"results": []}),
    ("model_name is not the repository that the path names", "maker/small-7b/results_2024-01-01T00-00-05.json",
     file(model_name="maker/other")),
    ("model_name is not the repository that the path names", "small-7b/results_2024-01-01T00-00-06.json", FILE),
    ("only some questions of each task were asked", "maker/small-7b/results_2024-01-01T00-00-07.json",
     file(max_samples=10)),
    ("document is over 4,194,304 bytes", "maker/small-7b/results_2024-01-01T00-00-08.json",
     b" " * (MAX_DOCUMENT_BYTES + 1)),
]  # fmt: skip


def test_a_broken_file_is_put_aside_whole_and_what_it_said_before_still_stands(tmp_path):
    found = read(tmp_path, {path: content for _, path, content in BROKEN_FILES} | {PATH: FILE})
    assert {path: reasons(part) for path, part in found.items()} == {
        **{path: [reason] for reason, path, _ in BROKEN_FILES},
        PATH: [],
    }
    assert {path for path, part in found.items() if not part.unreadable} == {PATH}
    assert {(part.read, part.refused, len(rows(part))) for part in found.values()} == {(1, 1, 0), (1, 0, 6)}


def test_only_what_changed_is_read_again_and_what_is_gone_comes_without_rows(tmp_path):
    paths = [PATH.replace("53.28", f"{number:02d}.28") for number in range(4)]
    others = {"README.md": {}, "maker/small-7b/notes.json": {}, "a/b/c/results_2024-01-01T00-00-00.json": {}}
    start = dict.fromkeys(paths[:3], FILE) | others
    with serve(Repositories(), datasets=Repositories.of(dataset(start))) as hub:
        first, new = fetch(hub, tmp_path)
        assert (new, first.manifest.kind, first.manifest.items, hub.requests["file"]) == (True, "full", 3, 3)
        before = hub.requests.copy()
        assert fetch(hub, tmp_path) == (first, False)
        assert (hub.requests - before) == {"dataset": 1}
        changes = {paths[0]: write(file({GSM8K: {"acc": 0.5}})), paths[1]: None, paths[3]: write(FILE)}
        hub.datasets.put(hub.datasets.get(DATASET).commit(changes))
        second, new = fetch(hub, tmp_path)
        assert (new, second.manifest.kind, second.manifest.items, hub.requests["file"]) == (True, "delta", 3, 5)
    found = {part.name: part for part in BOARD.parse(second)}
    assert {path: values(part).get("gsm8k") for path, part in found.items()} == {
        paths[0]: 0.5,
        paths[3]: 0.0,
        paths[1]: None,
    }
    assert (found[paths[1]].read, found[paths[1]].unreadable) == (0, False)


def test_a_hub_without_the_dataset_offers_nothing_and_one_that_lost_it_is_in_trouble(tmp_path):
    with serve(Repositories(), datasets=Repositories()) as hub:
        assert fetch(hub, tmp_path) is None
        hub.datasets.put(dataset({PATH: FILE}))
        assert fetch(hub, tmp_path)[1]
        hub.datasets.delete(DATASET)
        with pytest.raises(SourceError, match="is gone, or needs a right"):
            fetch(hub, tmp_path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=20)
    | st.sampled_from([10**400, -1, "\ud800", "\x00", "N/A", "9" * 25, "2999-01-01", "<script>", "levels", "elo"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
PLACES = [
    (), ("config_general",), ("results",), *(("config_general", key) for key in [*CONFIG, "new"]),
    *(("results", task) for task in [ARC, MC, GSM8K, ANATOMY, "all", "new"]),
    *(("results", ARC, key) for key in RESULTS[ARC]), ("results", ANATOMY, "acc"), ("results", MC, "mc2"),
]  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(PLACES), value=JSON)
def test_no_value_anywhere_stops_the_reading(tmp_path_factory, place, value):
    content = json.loads(json.dumps(FILE))
    at = content
    for key in place[:-1]:
        at = at[key]
    if place:
        at[place[-1]] = value
    folder = tmp_path_factory.mktemp("any")
    with CaptureWriter(folder, BOARD.source, "hub") as writer:
        writer.add("000000000.jsonl", json.dumps([PATH, json.dumps(content if place else value)]).encode())
        writer.add(INDEX, json.dumps({"too_large": [], "removed": []}).encode())
        capture, _ = writer.seal(revision="", client="", requests=0, items=1)
    [part] = BOARD.parse(capture)
    for table in TABLES:
        part.frame(table).write_parquet(folder / "x.parquet")
    assert part.unreadable or place == ("results",) or len(rows(part)) + part.scores_refused in {6, 7}
