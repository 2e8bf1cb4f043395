"""A Hub that misbehaves: retried where that helps, else one message, exit code 1, and nothing half-kept."""

import pytest

from pipeline.captures import every, latest
from pipeline.errors import SourceError
from pipeline.hub_state import fold
from pipeline.localhub.faults import Fault
from pipeline.localhub.repositories import Repositories
from pipeline.localhub.server import serve
from pipeline.settings import Settings
from pipeline.sources import hub_crawl
from pipeline.warehouse import connect_work
from tests.conftest import CANARY
from tests.localhub.test_local_hub import hub_of, row

ROWS = [row(f"org/m{day:02d}", day) for day in range(1, 26)]


def crawl(tmp_path, fault="", rows=ROWS, first=2, **more):
    settings = Settings(data=tmp_path, page_size=10, timeout_s=5, backoff_s=0.05)
    with serve(hub_of(*rows), fault=Fault(fault, first=first, **more)) as hub:
        return hub_crawl.fetch(settings, hub.url, "hub")[0]


def counted(tmp_path, *captures):
    """Counts of repositories and card metrics of each capture, once folded into the state."""
    with connect_work(Settings(data=tmp_path)) as connection:
        found = list(fold(connection, Settings(), captures).values())
        listed = connection.execute("SELECT id FROM raw.hub_models WHERE gone_at IS NULL ORDER BY id").fetchall()
    return found, [repo for (repo,) in listed]


@pytest.mark.parametrize("fault", ["429", "429-no-headers", "500", "502", "504", "reset", "slow"])
def test_an_accident_is_retried_and_nothing_is_lost(tmp_path, fault):
    capture = crawl(tmp_path, fault)
    assert (capture.manifest.items, capture.manifest.verified) == (25, True)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("foreign-next", "lies on another host"),
        ("refused-expand", "refuses the query"),
        ("unauthorised", "refuses access"),
        ("empty", "holds no usable repository"),
        ("truncated", "is no JSON"),
        ("html", "is no JSON"),
        ("500", "answers 500 after every retry"),
        ("looping-cursor", "cursor of the list repeats"),
        ("dropped-page", "pages do not agree"),
    ],
)
def test_a_fault_that_stays_is_named_after_bounded_retries_and_leaves_no_capture(tmp_path, fault, message):
    with pytest.raises(SourceError, match=message):
        crawl(tmp_path, fault, every=1)
    assert every(tmp_path / "captures", hub_crawl.SOURCE) == []


@pytest.mark.parametrize("fault", ["truncated", "html", "looping-cursor", "duplicated-page", "dropped-page"])
@pytest.mark.parametrize("first", [1, 2, 3])
def test_pages_that_come_broken_twice_or_not_at_all_are_noticed_and_read_again(tmp_path, fault, first):
    capture = crawl(tmp_path, fault, first=first)
    [(items, _)], listed = counted(tmp_path, capture)
    assert capture.manifest.verified
    assert listed == sorted(row["id"] for row in ROWS)
    assert items.kept == 25
    assert items.add_up


def test_an_unreachable_hub_is_named(tmp_path):
    with pytest.raises(SourceError, match="cannot be reached"):
        hub_crawl.fetch(Settings(data=tmp_path, retries=0), "http://127.0.0.1:9", "hub")


def test_a_state_that_shrinks_by_more_than_a_fifth_is_refused_and_the_last_stays(tmp_path):
    whole = crawl(tmp_path)
    with pytest.raises(SourceError, match="only 10 repositories, 25 at the last whole list"):
        crawl(tmp_path, rows=ROWS[:10])
    assert latest(tmp_path / "captures", hub_crawl.SOURCE) == whole
    assert crawl(tmp_path, rows=ROWS[:21]).manifest.items == 21


def test_the_token_is_never_written(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", CANARY)
    assert Settings().hub_token.get_secret_value() == CANARY
    crawl(tmp_path)
    assert CANARY not in repr(Settings())
    assert all(CANARY.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_the_real_sample_is_kept_quarantined_or_deduplicated_to_the_last_row(tmp_path):
    sample = Settings().shared / "data" / "hub_stats_sample" / "hub_stats.parquet"
    if not sample.exists():
        pytest.skip(f"{sample} is not here; set MOAT_SHARED to the shared folder")
    with serve(Repositories.from_parquet(sample)) as hub:
        capture, _ = hub_crawl.fetch(Settings(data=tmp_path), hub.url, "hub")
    [(items, metrics)], _ = counted(tmp_path, capture)
    assert (items.read, items.kept + items.quarantined + items.duplicate) == (4167, 4167)
    assert metrics.read == metrics.kept + metrics.quarantined == 19_303
