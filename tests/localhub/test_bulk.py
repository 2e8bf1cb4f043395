"""A Parquet file served from disk: the same answers as from memory, whatever its size."""

import json

import polars as pl
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import RepositoryNotFoundError
from huggingface_hub.utils import get_session

from benchmarks.synthetic_hub import write
from pipeline.errors import InputError
from pipeline.localhub.bulk import ParquetRepositories, open_parquet
from pipeline.localhub.items import SORTS, Query, properties
from pipeline.localhub.repositories import Repositories
from pipeline.localhub.server import serve
from pipeline.settings import Settings
from tests.localhub.test_local_hub import HOSTILE, pages, row

ROWS = 12_000  # more than one sorted run and more than one page
EXPAND = ("author", "cardData", "createdAt", "gated", "gguf", "lastModified", "safetensors", "sha", "tags", "likes")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("bulk") / "models.parquet"
    write(path, ROWS)
    return path


@pytest.fixture(scope="module")
def both(path):
    from_disk = ParquetRepositories(path)
    yield Repositories.from_parquet(path), from_disk
    from_disk.close()


def everything(source, query, step=1000):
    total = source.page(query, 0, 0)[1]
    return [json.loads(text) for start in range(0, total, step) for text in source.page(query, start, start + step)[0]]


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("sort", SORTS)
def test_every_sort_gives_the_order_and_the_items_of_memory(both, sort, descending):
    query = Query(sort=sort, descending=descending, properties=properties(EXPAND, full=False, card=False, models=True))
    in_memory, from_disk = (everything(source, query) for source in both)
    assert len(from_disk) == ROWS
    assert from_disk == in_memory


@pytest.mark.parametrize(
    "query",
    [
        Query(filters=("license:mit", "transformers")),
        Query(search=("AURORA", "7b")),
        Query(author="org-1"),
        Query(filters=("o'reilly') OR 1=1 --",)),
        Query(properties=properties([], full=True, card=False, models=True)),
        Query(properties=properties([], full=False, card=True, models=False)),
    ],
)
def test_filter_author_search_and_the_default_properties_as_in_memory(both, query):
    in_memory, from_disk = (everything(source, query, step=700) for source in both)
    assert from_disk == in_memory


def test_hostile_ids_missing_values_texts_for_times_and_raw_items_as_in_memory(tmp_path):
    rows = [row(repo, day) for day, repo in enumerate(HOSTILE, 1)]
    rows += [row("a/raw", raw='{"tags": 3}'), row("a/none", 9, cardData=None, likes=None, pipeline_tag=None, tags=None)]
    pl.DataFrame(rows, infer_schema_length=None).write_parquet(tmp_path / "odd.parquet")
    query = Query(sort="likes", properties=properties(EXPAND, full=False, card=False, models=True))
    sources = Repositories.from_parquet(tmp_path / "odd.parquet"), ParquetRepositories(tmp_path / "odd.parquet")
    in_memory, from_disk = (sorted(map(json.dumps, everything(source, query))) for source in sources)
    assert from_disk == in_memory
    for repo in [*HOSTILE, "a/none"]:
        assert sources[1].get(repo) == sources[0].get(repo)
    sources[1].close()


def test_a_time_that_is_none_is_served_as_it_is(tmp_path):
    pl.DataFrame([row("a/b", createdAt="yesterday"), row("a/c")]).write_parquet(tmp_path / "times.parquet")
    source = ParquetRepositories(tmp_path / "times.parquet")
    listed = everything(source, Query())
    assert [item["createdAt"] for item in listed] == ["2024-03-01T10:00:00.000Z", "yesterday"]
    source.close()


def test_the_client_crawls_it_whole_and_finds_one_by_id(path):
    with serve(ParquetRepositories(path)) as hub:
        listed = [item["id"] for item in pages(hub.url, limit=1000)]
        assert len(listed) == len(set(listed)) == ROWS
        assert hub.requests["list"] == 12
        api = HfApi(endpoint=hub.url)
        assert api.model_info(listed[7]).id == listed[7]
        card = get_session().get(f"{hub.url}/{listed[7]}/resolve/main/README.md")
        assert card.text.startswith("---\n")
        with pytest.raises(RepositoryNotFoundError):
            api.model_info("no/such")


def test_what_was_written_is_removed_at_the_end_and_made_anew_on_demand(path, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    source = ParquetRepositories(path)
    first = source.page(Query(), 0, 10)
    assert list(tmp_path.rglob("*.arrow"))
    source.close()
    assert list(tmp_path.iterdir()) == []
    assert source.page(Query(), 0, 10) == first
    source.close()


def test_only_the_latest_lists_are_kept(path, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    source = ParquetRepositories(path)
    for number in range(10):
        source.page(Query(author=f"org-{number}"), 0, 10)
    assert len(list(tmp_path.rglob("*.arrow"))) == 8
    source.close()


def test_the_size_of_a_file_decides_where_it_is_served_from(path, tmp_path):
    assert isinstance(open_parquet(path), Repositories)
    assert isinstance(open_parquet(path, in_memory=ROWS - 1), ParquetRepositories)
    pl.DataFrame({"x": [1]}).write_parquet(tmp_path / "x.parquet")
    with pytest.raises(InputError, match="columns id, author"):
        open_parquet(tmp_path / "x.parquet", in_memory=0)
    with pytest.raises(InputError, match="no readable Parquet"):
        open_parquet(tmp_path / "none.parquet")


def test_the_real_sample_is_served_from_disk_as_from_memory():
    sample = Settings().shared / "data" / "hub_stats_sample" / "hub_stats.parquet"
    if not sample.exists():
        pytest.skip(f"{sample} is not here; set MOAT_SHARED to the shared folder")
    query = Query(properties=properties(EXPAND, full=False, card=False, models=True))
    source = ParquetRepositories(sample)
    assert everything(source, query) == everything(Repositories.from_parquet(sample), query)
    source.close()
