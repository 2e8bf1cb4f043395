"""What lm-evaluation-harness computed, in the tables: how it came about, and that a smoke test counts nowhere."""

import json

from pipeline.sources.harness import SMOKE
from tests.warehouse.literal_rows import SEEN, URL, rated, rows
from tests.warehouse.worlds import build_world

NAMED = {"source": "board", "access": "unknown"}
SETTINGS = {"suite": "open_llm_v2", "task": "mmlu_pro", "metric": "acc", "filter": "none", "shots": 5, "era": "0.4.3",
            "harness": "0.4.13", "backend": "hf", "multiturn": False, "seeds": {"random": 0}}  # fmt: skip


def series(name, protocol, evaluator="e"):
    return {"source": "board", "series_id": name, "benchmark_id": f"b_{name}", "benchmark_name": name,
            "protocol": protocol, "evaluator": evaluator, "comparability": "same_evaluator", "unit": "fraction",
            "direction": "higher", "chance": 0.25, "ceiling": 1.0, "source_name": "s", "source_url": URL}  # fmt: skip


def world(only, scores, *listed, **more):
    models = [{"model": row["model"], "hub_id": row["model"]} | NAMED for row in scores]
    return build_world(only, board_scores=scores, board_models=models, board_series=[*listed], **more)


def test_how_a_score_came_about_has_a_column_each():
    told = rated("org/one", "mmlu", 0.4, settings=json.dumps(SETTINGS), model_revision="c1", dataset_revision="d1")
    with world(["staging.evaluations"], [told, rated("org/two", "mmlu", 0.5)], series("mmlu", "5-shot, acc")) as built:
        assert rows(
            built,
            "SELECT model_id, suite, task, metric, filter, value, shots, era, harness, backend, multiturn, seeds,"
            " model_revision, dataset_revision, dtype FROM staging.evaluations",
        ) == [
            ("hub:org/one", "open_llm_v2", "mmlu_pro", "acc", "none", 0.4, 5, "0.4.3", "0.4.13", "hf", False,
             '{"random":0}', "c1", "d1", None),
        ]  # fmt: skip


def test_smoke_tests_and_what_was_quantised_on_loading_count_in_no_default():
    scores = [
        rated("org/one", "tiny", 0.9, doubtful=True, note=SMOKE),
        rated("org/two", "tiny", 0.8, doubtful=True, note="quantised on loading: load_in_4bit"),
        rated("org/three", "tiny", 0.7),
    ]
    listed = series("tiny", "smoke test, 0-shot, acc", evaluator="Open Moat")
    with world(["marts.leaderboard", "marts.left_out", "staging.gap_inputs"], scores, listed) as built:
        assert rows(
            built, "SELECT model_id, left_out FROM staging.scores WHERE series_id = 'tiny' ORDER BY value DESC"
        ) == [("hub:org/one", "smoke"), ("hub:org/two", "quantised"), ("hub:org/three", None)]
        assert rows(built, "SELECT model FROM staging.gap_inputs WHERE series = 'tiny'") == [("org/three",)]
        assert rows(
            built,
            "SELECT model, benchmarks, own_benchmarks, smoke_tests FROM marts.leaderboard WHERE model LIKE 'org/%'"
            " ORDER BY 1",
        ) == [("org/one", 0, 0, 1), ("org/three", 1, 1, 0)]


def test_a_series_says_in_one_vocabulary_how_the_harness_asked():
    asked = {
        "5-shot, acc_norm, lm-evaluation-harness 0.4.3 or later, task version 2.0":
            "5-shot, acc_norm, task v2.0, harness 0.4.3",
        "8-shot, exact_match, filter strict-match, lm-evaluation-harness 0.4.2, unreleased later state":
            "8-shot, filter strict-match, harness 0.4.2+",
        "0-shot, inst_level_loose_acc, lm-evaluation-harness 0.4.0 to 0.4.2, chat template, examples as turns":
            "0-shot, inst loose, chat template, turns, harness 0.4.0",
        "25-shot, acc, lighteval, tasks of lm-evaluation-harness 0.3": "25-shot, lighteval",
        "smoke test, 0-shot, acc, lm-evaluation-harness 0.3, system instruction ab, generation arguments cd":
            "0-shot, system prompt, own generation, smoke test, harness 0.3",
    }  # fmt: skip
    listed = [series(str(number), protocol) for number, protocol in enumerate(asked)]
    scores = [rated("org/one", row["series_id"], 0.5) for row in listed]
    with world(["staging.series"], scores, *listed) as built:
        found = dict(
            rows(built, "SELECT protocol, protocol_class FROM staging.series WHERE source_url = $$" + URL + "$$")
        )
    assert {protocol: found[protocol] for protocol in asked} == asked


def test_what_is_missing_names_the_repository_to_evaluate():
    """Not a packing of it, and not one that is gone."""
    hub = [
        {"id": "org/Small", "author": "org", "tags": [], "params_total": 7, "downloads": 5, "capture_id": "h2"},
        {"id": "org/Small-GGUF", "author": "org", "tags": [], "params_total": 7, "downloads": 900, "gated": "manual",
         "capture_id": "h2"},
        {"id": "org/left", "author": "org", "tags": [], "params_total": 7, "gone_at": SEEN[1], "capture_id": "h1"},
        {"id": "org/asks", "author": "org", "tags": [], "params_total": 7, "gated": "manual", "capture_id": "h2"},
    ]  # fmt: skip
    edge = {"child": "org/Small-GGUF", "parent": "org/Small", "relation": "quantized", "evidence": "tag",
            "capture_id": "h2"}  # fmt: skip
    with build_world(["marts.coverage"], hub_models=hub, lineage_edges=[edge]) as built:
        assert rows(built, "SELECT model, hub_id, downloads, gated FROM marts.coverage ORDER BY 1") == [
            ("org/Small", "org/Small", 5, False), ("org/asks", "org/asks", None, True), ("org/left", None, None, False),
            ("org/new", "org/new", None, False),
        ]  # fmt: skip
