"""Crawls of the Hub: whole, then what changed; continued after a cut; the same state as one crawl at the end."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import hub_state
from pipeline.captures import every
from pipeline.errors import SourceError
from pipeline.hub_state import STATE_COLUMNS, fold
from pipeline.localhub.faults import Fault
from pipeline.localhub.server import serve
from pipeline.settings import Settings
from pipeline.sources import hub_crawl
from pipeline.sources.hub_crawl import Pass, nothing_between
from pipeline.warehouse import connect_work
from tests.localhub.test_local_hub import hub_of, row

ROWS = [row(f"org/m{day:02d}", day, lastModified=f"2024-04-{day:02d}T00:00:00Z") for day in range(1, 26)]
CARD = (
    '{"license": "%s", "model-index": [{"name": "m", "results": [{"dataset": {"type": "cais/mmlu"}, "metrics": %s}]}]}'
)


def crawl(data, rows, fault=None, retries=5, smaller=""):
    chosen = Settings(data=data, page_size=10, timeout_s=5, backoff_s=0.05, retries=retries, accept_smaller=smaller)
    with serve(hub_of(*rows), fault=fault) as hub:
        capture, _ = hub_crawl.fetch(chosen, hub.url, "hub")
        return capture, hub.requests["list"]


def state(data, table="hub_models", but=("capture_id", "gone_at", "seen_at")):
    """What the state holds and is not gone, without the dates of captures."""
    with connect_work(Settings(data=data)) as connection:
        shrinking = Settings(data=data, accept_smaller=hub_crawl.SOURCE)
        fold(connection, shrinking, every(shrinking.captures, hub_crawl.SOURCE))
        frame = connection.sql(f"FROM raw.{table}").pl()
    frame = frame.filter(pl.col("gone_at").is_null()) if "gone_at" in frame.columns else frame
    frame = frame.drop(but, strict=False)
    return sorted(frame.rows(), key=str)


@pytest.fixture
def increments(monkeypatch):
    """Lists as short as these are read whole otherwise."""
    monkeypatch.setattr(hub_crawl, "FEW_PAGES", 0)


def test_a_long_list_of_a_healthy_hub_is_read_once(tmp_path, increments):
    capture, requests = crawl(tmp_path, ROWS)
    assert (requests, capture.manifest.requests, capture.manifest.items) == (3, 3, 25)
    assert (capture.manifest.kind, capture.manifest.verified) == ("full", False)
    assert capture.manifest.watermark == "2024-04-25T00:00:00.000+00:00"


def test_an_increment_reads_down_to_the_watermark_and_replaces_what_it_lists(tmp_path, increments):
    crawl(tmp_path, ROWS)
    changed = [*ROWS[:20], ROWS[20] | {"downloads": 999, "lastModified": "2024-04-26T00:00:00Z"}, *ROWS[21:],
               row("org/new", 26, lastModified="2024-04-27T00:00:00Z")]  # fmt: skip
    capture, requests = crawl(tmp_path, changed)
    assert (capture.manifest.kind, requests) == ("delta", 1)
    assert capture.manifest.revision == "changed since 2024-04-24T23:00:00.000+00:00"
    assert capture.manifest.watermark == "2024-04-27T00:00:00.000+00:00"
    whole = tmp_path / "at the end"
    crawl(whole, changed)
    assert state(tmp_path) == state(whole)


def test_an_increment_begins_where_the_last_crawl_was_started_not_at_the_last_change_it_saw(tmp_path, increments):
    # What is changed after its page was read is older than changes on later pages.
    soon = datetime.now(UTC) + timedelta(hours=3)
    capture, _ = crawl(tmp_path, [*ROWS, row("org/late", 28, lastModified=soon.isoformat())])
    assert datetime.fromisoformat(capture.manifest.watermark) == pytest.approx(
        capture.manifest.started_at, abs=timedelta(milliseconds=1)
    )


def test_a_whole_list_is_read_again_after_a_week(tmp_path, increments):
    crawl(tmp_path, ROWS)
    chosen = Settings(data=tmp_path, page_size=10, full_crawl_days=0)
    with serve(hub_of(*ROWS[:-1])) as hub:
        assert hub_crawl.fetch(chosen, hub.url, "hub")[0].manifest.kind == "full"


def test_a_repository_that_was_deleted_and_made_anew_leaves_a_tombstone(tmp_path):
    crawl(tmp_path, ROWS)
    anew = ROWS[0] | {"createdAt": "2024-06-01T00:00:00Z", "lastModified": "2024-06-01T00:00:00Z"}
    second, _ = crawl(tmp_path, [anew, *ROWS[1:]])
    former = state(tmp_path, "hub_former", but=set(STATE_COLUMNS["hub_former"]) - {"id", "created_at", "ended_at"})
    assert former == [("org/m01", datetime(2024, 3, 1, 10, tzinfo=UTC), second.manifest.finished_at)]
    assert ("org/m01", datetime(2024, 6, 1, tzinfo=UTC)) in {row[0:1] + row[2:3] for row in state(tmp_path)}


def test_a_crawl_that_was_cut_off_goes_on_at_its_cursor(tmp_path):
    with pytest.raises(SourceError, match="answers 502 after every retry"):
        crawl(tmp_path, ROWS, Fault("502", first=3, every=1), retries=0)
    assert every(tmp_path / "captures", hub_crawl.SOURCE) == []
    # The Hub comes back under another port.
    capture, requests = crawl(tmp_path, ROWS)
    assert (requests, capture.manifest.items, capture.manifest.requests) == (1 + 3, 25, 2 + 1 + 3)
    assert capture.manifest.verified


def test_a_cursor_that_the_hub_no_longer_knows_is_dropped(tmp_path):
    with pytest.raises(SourceError):
        crawl(tmp_path, ROWS, Fault("502", first=3, every=1), retries=0)
    with pytest.raises(SourceError, match="refuses the query"):
        crawl(tmp_path, ROWS, Fault("refused-expand"))
    assert crawl(tmp_path, ROWS)[0].manifest.requests == 6


def test_two_halves_of_a_list_prove_nothing():
    # A Hub that ends its list early shows one half from either end.
    def ids(first, last):
        return np.arange(first, last, dtype=np.uint64)

    up, down = Pass([ids(0, 10), ids(10, 20)]), Pass([ids(30, 40), ids(20, 30)])
    assert not nothing_between([up, down], two_ends=True)


def test_pages_prove_that_nothing_is_missing_by_overlapping():
    def run(*pages):
        return Pass([np.array(page, dtype=np.uint64) for page in pages])

    whole, backwards = run([1, 2, 3], [4, 5, 6], [7]), run([7, 6], [5, 4, 3], [2, 1])
    assert nothing_between([whole, backwards], two_ends=True)
    assert not nothing_between([whole], two_ends=True)
    # Both broke between 4 and 5, where a page may have been left out of both.
    assert not nothing_between([run([1, 2], [3, 4], [5, 6, 7]), run([7, 6, 5], [4, 3], [2, 1])], two_ends=True)
    # A page that one of them lacks is found by the other, but the neighbours need a third.
    gap = run([1, 2, 3], [7])
    assert not nothing_between([gap, run([7, 6], [5, 4, 3], [2, 1])], two_ends=True)
    assert nothing_between([gap, run([7, 6], [5, 4, 3], [2, 1]), run([1], [2, 3, 4, 5, 6], [7])], two_ends=True)
    assert nothing_between([run([9, 8], [7, 6]), run([9, 8, 7], [6, 5])], two_ends=False)


def test_several_processes_read_a_large_capture_to_the_same_state(tmp_path, monkeypatch):
    rows = [row(f"org/m{number:03d}", 1 + number % 28, cardData=CARD % ("mit", "[{}]")) for number in range(120)]
    crawl(tmp_path, rows)
    alone = {table: state(tmp_path, table, but=()) for table in STATE_COLUMNS}
    (tmp_path / "work" / "openmoat.duckdb").unlink()
    monkeypatch.setattr(hub_state, "_PAGES_AT_ONCE", 1)
    assert {table: state(tmp_path, table, but=()) for table in STATE_COLUMNS} == alone
    assert len(alone["hub_models"]) == 120


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["edit", "add", "delete", "rename", "crawl", "score"]), st.integers(0, 9), st.integers(0, 99)
    ),
    min_size=1,
    max_size=14,
)


@settings(max_examples=25, deadline=None)
@given(CHANGES)
def test_any_sequence_of_changes_gives_the_state_of_one_crawl_at_the_end(changes):
    few = hub_crawl.FEW_PAGES
    with tempfile.TemporaryDirectory() as folder:
        data, once = Path(folder) / "many", Path(folder) / "once"
        rows = {f"org/m{place}": ROWS[place] for place in range(10)}
        crawl(data, rows.values())
        for clock, (change, which, number) in enumerate(changes):
            at = {"lastModified": f"2024-05-01T{clock:02d}:00:00Z"}
            names = list(rows)
            repo = names[which % len(names)]
            if change == "edit":
                rows[repo] = rows[repo] | at | {"downloads": number}
            elif change == "score":
                metrics = f'[{{"type": "accuracy", "name": "acc", "value": {number / 100}}}]'
                rows[repo] = rows[repo] | at | {"cardData": CARD % ("mit", metrics)}
            elif change == "add":
                rows[f"org/n{number}"] = row(f"org/n{number}", 27, **at)
            elif change == "delete" and len(rows) > 8:
                del rows[repo]
            elif change == "rename":
                rows[f"new/{number}"] = rows.pop(repo) | {"id": f"new/{number}"}
            elif change == "crawl":
                hub_crawl.FEW_PAGES = 0  # an increment, though the list is short
                try:
                    crawl(data, rows.values(), smaller="hub_models")
                finally:
                    hub_crawl.FEW_PAGES = few
                state(data)  # folded in steps
        crawl(data, rows.values(), smaller="hub_models")
        crawl(once, rows.values())
        for table in ("hub_models", "lineage_edges", "card_metrics"):
            assert state(data, table) == state(once, table)
        # Folded at once, on another machine, the captures give the same again.
        (data / "work" / "openmoat.duckdb").unlink()
        assert state(data, "card_metrics", but=()) == state(data, "card_metrics", but=())
