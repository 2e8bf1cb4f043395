"""The optional start from a bulk table: one download in place of the first crawl, and the list wherever it is unfit."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.captures import every
from pipeline.hub_state import STATE_COLUMNS, fold
from pipeline.localhub.faults import Fault
from pipeline.localhub.repositories import Repositories
from pipeline.localhub.repository import Repository
from pipeline.localhub.server import serve
from pipeline.settings import Settings
from pipeline.sources import hub_bulk, hub_crawl, hub_models
from pipeline.sources.hub_client import HubClient
from pipeline.warehouse import connect_work
from tests.localhub.test_local_hub import hub_of, row
from tests.sources.test_hub_crawl import CARD, state

DATASET = "cfahlgren1/hub-stats"
NOW = datetime.now(UTC).replace(microsecond=0)
WEIGHTS = {"parameters": {"BF16": 7, "F32": None}, "total": 7}


def ago(**past):
    return (NOW - timedelta(**past)).isoformat().replace("+00:00", "Z")


ROWS = [
    row(
        f"org/m{day:02d}", day, lastModified=ago(days=26 - day), safetensors=WEIGHTS,
        tags=["base_model:finetune:org/m01"],
        cardData=CARD % ("mit", '[{"type": "acc", "name": "acc", "value": 45.2}]'),
    ) for day in range(1, 26)
]  # fmt: skip


def table_of(path, rows=ROWS, **columns):
    """A table in hub-stats form, its times as Parquet has them."""
    frame = pl.DataFrame(list(rows), infer_schema_length=None)
    times = [pl.col(name).str.to_datetime(time_zone="UTC") for name in ("createdAt", "lastModified")]
    frame.with_columns(*times).with_columns(**columns).write_parquet(path)
    return path


@pytest.fixture
def table(tmp_path):
    return table_of(tmp_path / "models.parquet")


def datasets(content, name="models.parquet"):
    return Repositories.of(Repository.new(DATASET, {name: content}))


def crawl(data, rows, content=None, fault=None, bulk_start=DATASET, page_size=10):
    """What the crawl captured, and the requests by kind."""
    chosen = Settings(data=data, page_size=page_size, backoff_s=0.01, bulk_start=bulk_start, hub_token=None)
    offered = content if isinstance(content, Repositories) else datasets(content) if content is not None else None
    with serve(hub_of(*rows), datasets=offered, fault=fault) as hub:
        capture, _ = hub_crawl.fetch(chosen, hub.url, "hub")
        return capture, hub.requests


def reason(capture):
    """Why the table was not used."""
    assert capture.manifest.verified
    start = f"list ({DATASET} not used: "
    assert capture.manifest.revision.startswith(start)
    assert capture.manifest.revision.endswith(")")
    return capture.manifest.revision[len(start) : -1]


@pytest.fixture
def increments(monkeypatch):
    """Lists as short as these are read whole otherwise."""
    monkeypatch.setattr(hub_crawl, "FEW_PAGES", 0)


def test_the_first_crawl_is_one_download(tmp_path, table):
    capture, requests = crawl(tmp_path, ROWS, table)
    assert requests == {"dataset": 1, "tree": 1, "file": 1}
    manifest = capture.manifest
    assert (manifest.items, manifest.requests, len(manifest.pages)) == (25, 3, 3)
    assert (manifest.kind, manifest.verified) == ("full", False)
    assert manifest.watermark == ago(days=1.5).replace("Z", ".000+00:00")
    assert manifest.revision == f"{DATASET}@{datasets(table).get(DATASET).item['sha']}"
    assert not (tmp_path / "cache" / "hub_bulk").exists()


def test_no_table_is_asked_for_unless_one_is_named(tmp_path, table):
    capture, requests = crawl(tmp_path, ROWS, table, bulk_start="")
    assert (set(requests), capture.manifest.revision) == ({"list"}, "")


def test_a_page_is_as_the_list_would_send_it(tmp_path, table):
    capture, _ = crawl(tmp_path, ROWS, table)
    first = json.loads(capture.page("000000.json"))
    assert len(first) == 10
    assert first[0] == {
        "id": "org/m01", "author": "org", "createdAt": "2024-03-01T10:00:00.000Z",
        "lastModified": ago(days=25).replace("Z", ".000Z"), "downloads": 1, "likes": 0,
        "tags": ["base_model:finetune:org/m01"], "cardData": ROWS[0]["cardData"],
        "safetensors": {"parameters": {"BF16": 7}, "total": 7},
        "pipeline_tag": "text-generation", "library_name": "transformers",
    }  # fmt: skip
    assert set(hub_bulk.COLUMNS) == {"id", *hub_crawl.EXPAND}


def test_the_state_is_that_of_a_list_but_for_what_the_table_lacks(tmp_path, table):
    bulk, listed = tmp_path / "bulk", tmp_path / "listed"
    assert "@" in crawl(bulk, ROWS, table)[0].manifest.revision
    crawl(listed, ROWS, bulk_start="")
    lacks = ("capture_id", "gone_at", "seen_at", "gated", "disabled", "sha")
    for name in STATE_COLUMNS:
        assert state(bulk, name, lacks) == state(listed, name, lacks)
        assert state(bulk, name, lacks) or name == "hub_former"  # nothing was made anew


def test_an_increment_picks_up_what_the_list_says_changed(tmp_path, table, increments):
    crawl(tmp_path, ROWS, table)
    changed = [*ROWS[:20], ROWS[20] | {"downloads": 999, "lastModified": ago(hours=2)}, *ROWS[21:]]
    capture, requests = crawl(tmp_path, changed, table)
    assert (capture.manifest.kind, set(requests)) == ("delta", {"list"})
    assert capture.manifest.revision.startswith("changed since ")
    whole = tmp_path / "whole"
    crawl(whole, changed, bulk_start="")
    lacks = ("capture_id", "gone_at", "gated", "disabled", "sha")
    assert state(tmp_path, but=lacks) == state(whole, but=lacks)


def test_a_whole_list_fills_in_what_the_table_lacks_whatever_that_claimed(tmp_path):
    many = table_of(tmp_path / "many.parquet", [*ROWS, *(row(f"none/{n}", lastModified=ago(days=1)) for n in range(9))])
    assert crawl(tmp_path, ROWS, many)[0].manifest.items == 34
    capture, _ = crawl(tmp_path, ROWS, many)
    assert (capture.manifest.kind, capture.manifest.items, capture.manifest.verified) == ("full", 25, True)


def test_times_may_be_texts_and_counts_may_be_floating(tmp_path):
    texts = pl.DataFrame(ROWS, infer_schema_length=None).with_columns(
        pl.col("downloads").cast(pl.Float64), pl.col("lastModified").str.replace("Z", "+00:00")
    )
    texts.write_parquet(tmp_path / "texts.parquet")
    capture, _ = crawl(tmp_path, ROWS, tmp_path / "texts.parquet")
    first = json.loads(capture.page("000000.json"))[0]
    assert (first["lastModified"], first["downloads"]) == (ago(days=25).replace("Z", ".000Z"), 1)


def test_cards_may_be_structs_and_headers_json_texts(tmp_path):
    size = len(ROWS)
    deep = "[" * 500 + "]" * 500
    headers = [
        '{"total": 5}',
        "{broken",
        f'{{"total": 5, "x": {deep}}}',
        '{"total": 5, "x": NaN}',
        "[1,]",
        "",
        "9" * 5000,
    ]
    structs = table_of(
        tmp_path / "structs.parquet",
        cardData=pl.Series([{"license": "mit", "base_model": None}] * size),
        gguf=pl.Series([*headers, *[None] * (size - len(headers))]),
        evalResults=pl.Series(['[{"filename": "x"}]', *[None] * (size - 1)]),
    )
    capture, _ = crawl(tmp_path, ROWS, structs, page_size=25)
    items = json.loads(capture.page("000000.json"))
    assert items[0]["cardData"] == '{"license":"mit"}'
    assert [item.get("gguf") for item in items[:3]] == [{"total": 5}, None, None]
    assert items[3]["gguf"]["total"] == 5
    assert all("gguf" not in item for item in items[4:])
    assert items[0]["evalResults"] == [{"filename": "x"}]


def test_rows_that_cannot_be_read_are_quarantined_one_by_one(tmp_path):
    bad = [
        row("x/none") | {"id": None},
        row("x/tags", tags=["a", None]), row("x/card", cardData="{broken"), row("x/count", downloads=-1),
        row("x/\u0000'\"\\", tags=None),
    ]  # fmt: skip
    capture, _ = crawl(tmp_path, ROWS, table_of(tmp_path / "bad.parquet", [*ROWS, *bad]), page_size=100)
    parsed = hub_models.parse(capture, list(capture.manifest.pages))
    reasons = [one["reason"] for one in parsed.rows["quarantine"] if one["kind"] == "repository"]
    assert (parsed.read, len(parsed.rows["hub_models"])) == (30, 26)
    assert reasons == [
        "item without a usable id", "tags are no list of texts", "card is no JSON", "downloads is no count",
    ]  # fmt: skip


def test_a_change_in_the_future_neither_makes_a_table_fresh_nor_moves_the_watermark(tmp_path):
    late = row("org/late", lastModified=(NOW + timedelta(hours=5)).isoformat())
    capture, _ = crawl(tmp_path / "a", ROWS, table_of(tmp_path / "late.parquet", [*ROWS, late]))
    assert capture.manifest.watermark == ago(days=1.5).replace("Z", ".000+00:00")
    capture, _ = crawl(tmp_path / "b", ROWS, table_of(tmp_path / "only.parquet", [late]))
    assert reason(capture) == "it dates no change"


def test_a_stale_table_is_not_used_and_the_list_says_why(tmp_path):
    stale = table_of(tmp_path / "stale.parquet", ROWS[:20])
    capture, requests = crawl(tmp_path, ROWS, stale)
    assert reason(capture) == f"its newest change is of {NOW - timedelta(days=6):%Y-%m-%d}"
    # The list and the pass that verifies it, and what was asked in vain.
    assert capture.manifest.requests == sum(requests.values()) == requests["list"] + 3
    assert capture.manifest.items == 25
    assert not (tmp_path / "cache" / "hub_bulk").exists()


@pytest.mark.parametrize(
    ("offered", "why"),
    [
        (None, "the Hub does not offer it"),
        (datasets(b"", "other.parquet"), "it has no models.parquet"),
        (b"", "it cannot be read as Parquet"),
        (b"PAR1 is not enough PAR1", "it cannot be read as Parquet"),
    ],
)
def test_a_table_that_is_missing_or_broken_is_not_used(tmp_path, offered, why):
    assert why in reason(crawl(tmp_path, ROWS, offered)[0])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda frame: frame.drop("tags", "cardData"), "columns tags, cardData are missing"),
        (lambda frame: frame.with_columns(tags=pl.lit("a")), "its column tags is VARCHAR"),
        (lambda frame: frame.with_columns(id=pl.lit(1)), "its column id is INTEGER"),
        (lambda frame: frame.with_columns(downloads=pl.lit("many")), "its column downloads is VARCHAR"),
        (lambda frame: frame.clear(), "it holds no repository"),
        (lambda frame: frame.with_columns(id=pl.lit(None, pl.String)), "it holds no repository"),
        (lambda frame: pl.concat([frame, frame[:1]]), "1 of its 26 rows repeat an id"),
        (
            lambda frame: frame.with_columns(cardData=pl.lit("x" * 3 * 2**20)),
            "2,048 of its rows have 78,6",
        ),
    ],
)
def test_a_table_of_another_form_is_not_used(tmp_path, table, change, why):
    changed = tmp_path / "changed.parquet"
    change(pl.read_parquet(table)).write_parquet(changed)
    assert why in reason(crawl(tmp_path, ROWS, changed)[0])


@pytest.mark.parametrize("cap", ["MAX_ROWS", "MAX_UNPACKED_BYTES"])
def test_a_table_that_declares_too_much_is_not_unpacked(tmp_path, table, monkeypatch, cap):
    monkeypatch.setattr(hub_bulk, cap, 24)
    assert "it would unpack to 25 rows of" in reason(crawl(tmp_path, ROWS, table)[0])


def test_a_table_that_is_too_large_is_not_downloaded(tmp_path, table, monkeypatch):
    monkeypatch.setattr(hub_bulk, "MAX_FILE_BYTES", 1000)
    capture, requests = crawl(tmp_path, ROWS, table)
    assert "its models.parquet has" in reason(capture)
    assert requests["file"] == 0


def test_a_text_that_a_dictionary_repeats_is_seen_before_it_is_unpacked(tmp_path):
    # A file of kilobytes that declares a megabyte and unpacks to gigabytes.
    size = 3000
    repeated = pa.DictionaryArray.from_arrays(np.zeros(size, np.int32), ["x" * 2**20])
    bomb = {
        "id": [f"org/m{number}" for number in range(size)], "createdAt": [NOW] * size, "lastModified": [NOW] * size,
        "tags": [["a"]] * size, "cardData": repeated,
    }  # fmt: skip
    pq.write_table(pa.table(bomb), tmp_path / "bomb.parquet", dictionary_pagesize_limit=2**30)
    assert (tmp_path / "bomb.parquet").stat().st_size < 200_000
    capture, _ = crawl(tmp_path, ROWS, tmp_path / "bomb.parquet")
    assert reason(capture).startswith("2,048 of its rows have 2,147,")


def test_text_that_is_no_utf8_is_no_text(tmp_path, table):
    pq.write_table(pq.read_table(table), table, compression="none", write_statistics=False)
    content = table.read_bytes().replace(b"org/m07", b"org/\xff07")
    assert b"org/\xff07" in content
    assert "it cannot be read as Parquet" in reason(crawl(tmp_path, ROWS, content)[0])


@pytest.fixture
def large(tmp_path):
    """A table that takes several reads from a connection."""
    noise = np.random.default_rng(1).integers(0, 256, size=(25, 5000))
    texts = pl.Series([json.dumps({"noise": bytes(line.astype(np.uint8)).hex()}) for line in noise])
    return table_of(tmp_path / "large.parquet", cardData=texts)


@pytest.mark.parametrize("accident", ["truncated", "reset", "502", "html", "429-no-headers"])
def test_a_download_that_breaks_off_is_continued(tmp_path, large, accident):
    capture, requests = crawl(tmp_path, ROWS, large, Fault(accident, first=1, on="file"))
    assert capture.manifest.items == 25
    assert capture.manifest.revision.startswith(f"{DATASET}@")
    assert (requests["file"], capture.manifest.requests) == (2, 4)


def test_what_is_there_of_a_file_is_not_asked_for_again(tmp_path, large):
    content = large.read_bytes()
    path = tmp_path / "file"
    with serve(hub_of(*ROWS), datasets=datasets(large)) as hub:
        client = HubClient(Settings(data=tmp_path), hub.url)
        url = client.url(f"datasets/{DATASET}/resolve/main/models.parquet")
        path.write_bytes(b"-" * 1000)
        client.download(url, path, len(content))
        assert path.read_bytes() == b"-" * 1000 + content[1000:]
        client.download(url, path, len(content))
        assert client.requests == 1
        path.write_bytes(content + b"more")
        client.download(url, path, len(content))
        assert path.read_bytes() == content


def test_a_download_that_never_comes_to_its_end_leaves_the_list(tmp_path, large):
    capture, requests = crawl(tmp_path, ROWS, large, Fault("502", first=1, every=1, on="file"))
    assert reason(capture) == "it answers 502 after every retry"
    assert (requests["file"], capture.manifest.requests) == (6, sum(requests.values()))


def test_what_a_killed_process_left_is_continued_within_its_commit(tmp_path, large, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(hub_bulk, "_pages", killed)
        with pytest.raises(KeyboardInterrupt):
            crawl(tmp_path, ROWS, large)
    assert every(tmp_path / "captures", hub_crawl.SOURCE) == []
    assert list((tmp_path / "cache" / "hub_bulk").rglob("models.parquet"))
    # The commit of a dataset that is made anew is the same as long as its files are.
    capture, requests = crawl(tmp_path, ROWS, large)
    assert (requests["file"], capture.manifest.items) == (0, 25)


def test_the_real_sample_arrives_whole(tmp_path, monkeypatch):
    sample = Settings().shared / "data" / "hub_stats_sample" / "hub_stats.parquet"
    if not sample.exists():
        pytest.skip(f"{sample} is not here; set MOAT_SHARED to the shared folder")
    monkeypatch.setattr(hub_bulk, "MAX_AGE", timedelta(days=36_500))
    capture, _ = crawl(tmp_path, ROWS, sample, page_size=1000)
    assert json.loads(capture.page("000000.json"))[0]["safetensors"]["total"] > 0
    with connect_work(Settings(data=tmp_path)) as connection:
        [(items, metrics)] = fold(connection, Settings(data=tmp_path), [capture]).values()
    assert (items.read, items.kept + items.quarantined + items.duplicate) == (4167, 4167)
    assert items.kept > 4000
    assert metrics.read == metrics.kept + metrics.quarantined == 19_303
