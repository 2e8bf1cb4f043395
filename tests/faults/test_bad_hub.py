"""A Hub that misbehaves: retried where that helps, else one message, exit code 1, and nothing half-kept."""

import polars as pl
import pytest

from pipeline.captures import every, latest
from pipeline.errors import SourceError
from pipeline.localhub.faults import Fault
from pipeline.localhub.repositories import Repositories
from pipeline.localhub.server import serve
from pipeline.settings import Settings
from pipeline.sources import hub_models
from tests.localhub.test_local_hub import hub_of, row

ROWS = [row(f"org/m{day:02d}", day) for day in range(1, 26)]


def crawl(tmp_path, fault="", rows=ROWS, first=2):
    settings = Settings(data=tmp_path, page_size=10, timeout_s=5)
    with serve(hub_of(*rows), fault=Fault(fault, first=first)) as hub:
        return hub_models.fetch(settings, hub.url, "hub")[0]


@pytest.mark.parametrize("fault", ["429", "429-no-headers", "500", "502", "504", "reset", "slow"])
def test_an_accident_is_retried_and_nothing_is_lost(tmp_path, fault):
    assert crawl(tmp_path, fault).manifest.rows.kept == 25


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("truncated", "is no JSON"),
        ("html", "is no JSON"),
        ("looping-cursor", "cursor of the list repeats"),
        ("foreign-next", "lies on another host"),
        ("refused-expand", "refuses the query"),
        ("unauthorised", "refuses access"),
        ("empty", "not one usable repository"),
    ],
)
def test_a_lasting_fault_is_named_and_leaves_no_capture(tmp_path, fault, message):
    with pytest.raises(SourceError, match=message):
        crawl(tmp_path, fault)
    assert every(tmp_path / "captures", hub_models.SOURCE) == []


def test_a_repeated_page_is_counted_as_duplicates(tmp_path):
    counts = crawl(tmp_path, "duplicated-page").manifest.rows
    assert counts.duplicate == 10
    assert counts.add_up


def test_an_unreachable_hub_is_named(tmp_path):
    with pytest.raises(SourceError, match="cannot be reached"):
        hub_models.fetch(Settings(data=tmp_path, retries=0), "http://127.0.0.1:9", "hub")


def test_a_state_that_shrinks_by_more_than_a_fifth_is_refused_and_the_last_stays(tmp_path):
    whole = crawl(tmp_path)
    with pytest.raises(SourceError, match="only 10 repositories, 25 at the last capture"):
        crawl(tmp_path, rows=ROWS[:10])
    assert latest(tmp_path / "captures", hub_models.SOURCE) == whole
    assert crawl(tmp_path, rows=ROWS[:21]).manifest.rows.kept == 21


def test_the_token_is_never_written(tmp_path, monkeypatch):
    canary = "hf_canary0123456789"
    monkeypatch.setenv("HF_TOKEN", canary)
    assert Settings().hub_token.get_secret_value() == canary
    crawl(tmp_path)
    assert canary not in repr(Settings())
    assert all(canary.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_the_real_sample_is_kept_quarantined_or_deduplicated_to_the_last_row(tmp_path):
    sample = Settings().shared / "data" / "hub_stats_sample" / "hub_stats.parquet"
    if not sample.exists():
        pytest.skip(f"{sample} is not here; set MOAT_SHARED to the shared folder")
    with serve(Repositories.from_parquet(sample)) as hub:
        capture, _ = hub_models.fetch(Settings(data=tmp_path), hub.url, "hub")
    rows, metrics = capture.manifest.rows, capture.manifest.metrics
    assert (rows.read, rows.kept + rows.quarantined + rows.duplicate) == (4167, 4167)
    parsed = hub_models.parse(capture).frames()
    refused = parsed["quarantine"].filter(pl.col("kind") == "card metric").height
    assert metrics.read == parsed["card_metrics"].height + refused == 19_303
