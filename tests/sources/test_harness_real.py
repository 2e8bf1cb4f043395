"""Real result files of every era, and values that nobody would expect in one."""

import copy
import json
from datetime import date

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.settings import Settings
from pipeline.sources import harness
from pipeline.sources.board import TABLES, Part
from pipeline.sources.hub_files import Document
from pipeline.sources.quarantine import Unreadable
from tests.sources.harness_files import (
    LIGHTEVAL,
    LIMITED,
    OWN_CODE,
    PATH,
    UNKNOWN,
    V03,
    V040,
    V0412,
    V043,
    WRITTEN,
    arguments,
    changed,
    read,
    reasons,
    rows,
)
from tests.sources.test_open_llm_leaderboard_v1 import JSON

FOLDER = Settings().shared / "data" / "lm_eval_results"
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
