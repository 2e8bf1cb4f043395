"""Results filed with a repository: kept with their source and date, or put aside with a reason; gone when withdrawn."""

from datetime import date

import polars as pl
import pytest

from pipeline.captures import every
from pipeline.hub_state import fold
from pipeline.localhub.repositories import Repositories
from pipeline.localhub.server import serve
from pipeline.settings import Settings
from pipeline.sources import hub_crawl
from pipeline.sources.eval_results import eval_results
from pipeline.warehouse import connect_work
from tests.localhub.test_local_hub import row

DATASET = {"id": "SWE-bench/SWE-bench_Verified", "task_id": "swe_bench_%_resolved"}
DATA = {"dataset": DATASET, "value": 77.8, "date": "2026-02-11", "source": {"url": "https://huggingface.co/org/m",
        "name": "Model card", "user": "someone"}}  # fmt: skip
ENTRY = {"filename": ".eval_results/swe.yaml", "verified": False, "pullRequest": 3, "data": DATA}


def entry(**data):
    return ENTRY | {"data": DATA | data}


def test_a_result_keeps_value_unit_source_and_date():
    [found], refused = eval_results("org/m", [ENTRY])
    assert refused == []
    assert (found["value"], found["unit"], found["evaluated_on"]) == (77.8, "percent", date(2026, 2, 11))
    assert (found["benchmark_name"], found["protocol"]) == (DATASET["id"], "task swe_bench_%_resolved")
    assert (found["source_name"], found["source_url"]) == ("Model card", "https://huggingface.co/org/m")
    assert (found["tier"], found["comparability"], found["self_reported"]) == ("D", "loose", True)


def test_who_filed_a_result_of_another_page_is_not_known_and_a_verified_one_is_compared_with_its_like():
    [other], _ = eval_results("org/m", [entry(source={"url": "https://example.org/x", "name": "a blog"})])
    assert (other["self_reported"], other["source_url"]) == (None, "https://example.org/x")
    [plain], _ = eval_results("org/m", [entry(source=None)])
    assert (plain["source_name"], plain["source_url"]) == (None, "https://huggingface.co/org/m")
    [verified], _ = eval_results("org/m", [ENTRY | {"verified": True}])
    assert (verified["tier"], verified["comparability"], verified["self_reported"]) == ("C", "same_evaluator", False)
    assert verified["series_id"] != other["series_id"]


@pytest.mark.parametrize(
    ("dataset", "value", "unit"),
    [
        (DATASET, 0.5, "percent"),
        ({"id": "a/quiz", "task_id": "accuracy"}, 64.0, "percent"),
        ({"id": "a/quiz", "task_id": "hard_accuracy"}, 64.0, "percent"),
        ({"id": "a/quiz", "task_id": "accuracy"}, "64.0%", "percent"),
        ({"id": "Idavidrein/gpqa", "task_id": "diamond"}, 76.1, "percent"),
    ],
)
def test_a_unit_is_proven_by_the_task(dataset, value, unit):
    [found], _ = eval_results("org/m", [entry(dataset=dataset, value=value)])
    assert found["unit"] == unit


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        ("text", "evalResults is a str"),
        ([None], "entry is a NoneType"),
        ([{"error": "no YAML", "filename": "x"}], "placeholder of a file that could not be read"),
        ([{"filename": "x"}], "entry without data and dataset"),
        ([entry(dataset="a/quiz")], "entry without data and dataset"),
        ([entry(dataset={"id": "a/quiz"})], "dataset without a usable task_id"),
        ([entry(dataset={"task_id": "t", "id": 3})], "dataset without a usable id"),
        ([entry(value=None)], "value missing"),
        ([entry(value=float("nan"))], "value is not finite"),
        ([entry(value=True)], "value is true or false"),
        ([entry(value="87,3")], "value is text"),
        ([entry(value=101)], "value outside its scale"),
        ([entry(value=-1)], "value outside its scale"),
        ([entry(dataset={"id": "a/quiz", "task_id": "diamond"})], "unit not proven: scale of the metric unknown"),
        ([entry(dataset={"id": "a/quiz", "task_id": "acc"}, value=0.4)], "unit not proven: fraction or percent"),
        ([entry(date="soon")], "date is no date"),
        ([entry(date="2999-01-01")], "date lies in the future"),
    ],
)
def test_a_broken_result_is_put_aside_with_its_reason(listed, reason):
    kept, refused = eval_results("org/m", listed)
    assert kept == []
    assert [why for _, why, _ in refused] == [reason]


def test_the_same_result_twice_counts_once():
    kept, refused = eval_results("org/m", [ENTRY, ENTRY])
    assert (len(kept), [why for _, why, _ in refused]) == (1, ["repeats a result of the same repository"])


def test_a_result_that_is_withdrawn_is_superseded_and_kept(tmp_path):
    item = row("org/m")
    for results in ([ENTRY, entry(value=80.0)], [ENTRY]):
        repositories = Repositories.from_frame(pl.DataFrame([item, row("org/n", 2)]))
        repositories.put(repositories.get("org/m").item | {"evalResults": results})
        with serve(repositories) as hub:
            hub_crawl.fetch(Settings(data=tmp_path, page_size=10), hub.url, "hub")
    with connect_work(Settings(data=tmp_path)) as connection:
        counts = fold(connection, Settings(), every(Settings(data=tmp_path).captures, hub_crawl.SOURCE))
        found = connection.execute("SELECT value, gone_at IS NULL FROM raw.card_metrics ORDER BY 1").fetchall()
    assert [(metrics.kept, metrics.quarantined) for _, metrics in counts.values()] == [(2, 0), (1, 0)]
    assert found == [(77.8, True), (80.0, False)]
