"""Every kind of broken item or card: one reason in quarantine, the rest is read."""

import json

import pytest

from pipeline.sources.hub_models import Parsed

METRIC = {"type": "accuracy", "value": 71.0, "name": "acc"}


def index(metrics, **dataset):
    dataset = dataset or {"type": "cais/mmlu", "name": "MMLU"}
    return [{"name": "m", "results": [{"task": {"type": "t"}, "dataset": dataset, "metrics": metrics}]}]


def read(*items):
    parsed = Parsed("capture")
    for item in items:
        parsed.add(item)
    return parsed


def reasons(parsed):
    return [row["reason"] for row in parsed.rows["quarantine"]]


def test_a_good_item_keeps_what_the_hub_states():
    item = {
        "id": "org/model", "createdAt": "2024-03-01T10:22:03.000Z", "tags": ["base_model:finetune:org/base", "x"],
        "cardData": {"license": "apache-2.0", "base_model": "org/base", "model-index": index([METRIC])},
        "safetensors": {"total": 7_000_000_000}, "gated": "manual", "downloads": 3,
    }  # fmt: skip
    parsed = read(item)
    model = parsed.rows["hub_models"][0]
    assert (model["licence"], model["params_total"], model["gated"]) == ("apache-2.0", 7_000_000_000, "manual")
    assert model["created_at"].isoformat() == "2024-03-01T10:22:03+00:00"
    assert [(e["parent"], e["relation"], e["evidence"]) for e in parsed.rows["lineage_edges"]] == [
        ("org/base", "finetune", "tag")
    ]
    assert [(m["value"], m["unit"], m["tier"], m["self_reported"]) for m in parsed.rows["card_metrics"]] == [
        (71.0, "percent", "D", True)
    ]


@pytest.mark.parametrize(
    ("card", "tags", "edges"),
    [
        (["old/base"], ["new/base"], [("new/base", "tag")]),
        (["old/base", "x/y"], ["x/y", "new/base"], [("x/y", "tag"), ("new/base", "tag")]),
        (["org/base", "x/y"], ["x/y"], [("x/y", "tag"), ("org/base", "declared")]),
        (["org/base"], [], [("org/base", "declared")]),
    ],
)
def test_a_parent_under_its_earlier_id_is_no_second_one_and_what_the_hub_leaves_out_stays(card, tags, edges):
    parsed = read({"id": "a/b", "tags": [f"base_model:{tag}" for tag in tags], "cardData": {"base_model": card}})
    assert [(e["parent"], e["evidence"]) for e in parsed.rows["lineage_edges"]] == edges


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (None, "item is a NoneType"),
        ({"tags": []}, "item without a usable id"),
        ({"id": 3}, "item without a usable id"),
        ({"id": "a/b", "tags": 3}, "tags are no list of texts"),
        ({"id": "a/b", "cardData": ["x"]}, "card is a list"),
        ({"id": "a/b", "cardData": "{"}, "card is no JSON"),
        ({"id": "a/b", "cardData": "[" * 100_000}, "card is no JSON"),
        ({"id": "a/b", "cardData": "x" * 3_000_000}, "card is too large"),
        ({"id": "a/b", "downloads": -1}, "downloads is no count"),
        ({"id": "a/b", "downloads": "many"}, "downloads is no count"),
        ({"id": "a/b", "createdAt": "yesterday"}, "createdAt is no timestamp"),
        ({"id": "a/b", "createdAt": "2999-01-01T00:00:00Z"}, "createdAt lies in the future"),
        ({"id": "a/b", "author": {"self": 1}}, "author is a dict"),
    ],
)
def test_a_broken_item_is_one_row_of_quarantine(item, reason):
    parsed = read(item, {"id": "good/one"})
    assert reasons(parsed) == [reason]
    assert [model["id"] for model in parsed.rows["hub_models"]] == ["good/one"]
    assert parsed.read == 2


def test_the_floor_date_is_unknown_and_a_naive_time_is_utc():
    parsed = read(
        {"id": "a/floor", "createdAt": "2022-03-02T23:29:04.000Z"},
        {"id": "a/naive", "createdAt": "2024-01-01T00:00:00"},
    )
    assert [m["created_at"] and m["created_at"].isoformat() for m in parsed.rows["hub_models"]] == [
        None, "2024-01-01T00:00:00+00:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("model_index", "reason"),
    [
        ({"a": 1}, "model-index is a dict"),
        ("text", "model-index is a str"),
        ([None], "model-index entry without results"),
        ([{"results": [None]}], "result without metrics"),
        ([{"results": [{"metrics": [METRIC]}]}], "result without a dataset"),
        (index([None]), "metric is a NoneType"),
        (index([{"value": 1.0}]), "metric without a name"),
        (index([METRIC | {"value": "87,3"}]), "value is text"),
        (index([METRIC, METRIC]), "repeats a metric of the same card"),
    ],
)
def test_a_broken_model_index_is_quarantined_and_the_model_stays(model_index, reason):
    parsed = read({"id": "a/b", "cardData": {"model-index": model_index}})
    assert reasons(parsed) == [reason]
    assert [model["id"] for model in parsed.rows["hub_models"]] == ["a/b"]


@pytest.mark.parametrize(
    ("stated", "has_card"),
    [({}, False), ({"cardData": None}, False), ({"cardData": "null"}, False), ({"cardData": {}}, True),
     ({"cardData": "{}"}, True), ({"cardData": {"license": "mit"}}, True)],
)  # fmt: skip
def test_a_repository_has_the_card_that_the_hub_states_and_a_card_that_says_nothing_is_one(stated, has_card):
    parsed = read({"id": "a/b"} | stated)
    assert [model["has_card"] for model in parsed.rows["hub_models"]] == [has_card]
    assert parsed.frames()["hub_models"]["has_card"].to_list() == [has_card]
    assert reasons(parsed) == []


def test_names_within_one_index_are_kept_apart():
    two = [entry | {"name": name} for name in ("base", "chat") for entry in index([METRIC])]
    rows = read({"id": "a/b", "cardData": {"model-index": two}}).rows["card_metrics"]
    assert [row["index_name"] for row in rows] == ["base", "chat"]
    assert len({row["fact_id"] for row in rows}) == 2


def test_only_https_sources_are_kept_and_boards_are_told_apart():
    def with_source(source):
        result = index([METRIC])[0]["results"][0] | {"source": source}
        return {"id": "a/b", "cardData": {"model-index": [{"name": "m", "results": [result]}]}}

    board = "https://huggingface.co/spaces/open-llm-leaderboard/open_llm_leaderboard?query=a/b"
    rows = [
        read(with_source(source)).rows["card_metrics"][0]
        for source in (
            "http://10.0.0.1/x",
            {"url": "javascript:alert(1)"},
            {"name": "Open LLM Leaderboard", "url": board},
        )
    ]
    assert [row["source_url"] for row in rows] == ["https://huggingface.co/a/b", "https://huggingface.co/a/b", board]
    assert [row["comparability"] for row in rows] == ["loose", "loose", "same_evaluator"]
    assert rows[2]["evaluator"] == "Open LLM Leaderboard v2"


@pytest.mark.parametrize("parent", ["../../etc", 7, {"id": "x"}, ""])
def test_a_parent_that_is_no_id_is_quarantined(parent):
    assert reasons(read({"id": "a/b", "cardData": {"base_model": parent}})) == ["base_model is no repository id"]


def test_a_model_cannot_be_its_own_parent():
    parsed = read({"id": "a/b", "cardData": {"base_model": ["a/b", "a/c"]}})
    assert [edge["parent"] for edge in parsed.rows["lineage_edges"]] == ["a/c"]
    assert reasons(parsed) == ["base_model is the repository itself"]


def test_hostile_payloads_are_excerpted_and_escaped():
    parsed = read({"id": "a/b", "tags": "\x00\u202e" + "A" * 10_000})
    payload = parsed.rows["quarantine"][0]["payload"]
    assert len(payload) <= 300
    assert payload.isascii()
    assert json.dumps(payload)
