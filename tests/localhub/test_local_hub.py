"""The real client against the local Hub over real HTTP."""

import signal
import subprocess

import polars as pl
import pytest
from huggingface_hub import HfApi, ModelCard
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError
from huggingface_hub.utils import get_session

from pipeline.errors import InputError
from pipeline.localhub.faults import Fault
from pipeline.localhub.repositories import Repositories
from pipeline.localhub.server import serve
from pipeline.settings import Settings
from tests.conftest import MOAT

HOSTILE = ["o'reilly/x'); DROP TABLE m;--", "a/<script>alert(1)</script>", "legacy-one-part", "=cmd/x"]


def row(repo, day=1, **more):
    return {
        "id": repo, "author": repo.split("/")[0], "createdAt": f"2024-03-{day:02d}T10:00:00Z",
        "lastModified": "2024-04-01T00:00:00Z", "downloads": day, "likes": 0, "tags": ["transformers"],
        "cardData": '{"license": "mit"}', "pipeline_tag": "text-generation", "library_name": "transformers",
    } | more  # fmt: skip


def hub_of(*rows, renamed=None):
    repositories = Repositories.from_frame(pl.DataFrame(list(rows), infer_schema_length=None))
    repositories.renamed = renamed or {}
    return repositories


@pytest.fixture(scope="module")
def hub():
    rows = [row(f"org/m{day:02d}", day) for day in range(1, 26)] + [row(repo, 28) for repo in HOSTILE]
    with serve(hub_of(*rows, renamed={"old/name": "org/m01"})) as running:
        yield running


def ids(url, **query):
    return [model.id for model in HfApi(endpoint=url).list_models(**query)]


def pages(url, limit):
    following = f"{url}/api/models?sort=createdAt&direction=1&limit={limit}"
    while following:
        response = get_session().get(following)
        yield from response.json()
        following = response.links.get("next", {}).get("url")


def test_the_client_pages_through_everything_once_in_order(hub):
    before = hub.requests["list"]
    listed = [item["id"] for item in pages(hub.url, limit=10)]
    assert sorted(listed) == sorted([f"org/m{day:02d}" for day in range(1, 26)] + HOSTILE)
    assert listed[:2] == ["org/m01", "org/m02"]
    assert hub.requests["list"] - before == 3


def test_filter_author_search_and_sort(hub):
    assert ids(hub.url, author="=cmd") == ["=cmd/x"]
    assert ids(hub.url, search="M07") == ["org/m07"]
    assert ids(hub.url, author="org", sort="downloads", limit=2) == ["org/m25", "org/m24"]
    assert ids(hub.url, filter="no-such-tag") == []


def test_a_refused_expand_answers_400(hub):
    with pytest.raises(HfHubHTTPError, match="expand baseModels is not allowed"):
        ids(hub.url, expand=["baseModels"])


def test_expand_shows_exactly_what_was_asked_for(hub):
    item = get_session().get(f"{hub.url}/api/models?author=org&limit=1&expand=cardData&expand=likes").json()[0]
    assert set(item) == {"_id", "id", "cardData", "likes"}


def test_one_model_a_rename_and_a_missing_one(hub):
    api = HfApi(endpoint=hub.url)
    assert api.model_info("org/m03").card_data["license"] == "mit"
    assert api.model_info("old/name").id == "org/m01"
    assert api.model_info("legacy-one-part").id == "legacy-one-part"
    with pytest.raises(RepositoryNotFoundError):
        api.model_info("org/none")


def test_the_client_downloads_a_card_and_part_of_it(hub, tmp_path):
    api = HfApi(endpoint=hub.url)
    path = api.hf_hub_download("org/m03", "README.md", cache_dir=tmp_path)
    assert ModelCard.load(path).data.license == "mit"
    address = f"{hub.url}/org/m03/resolve/main/README.md"
    part = get_session().get(address, headers={"Range": "bytes=0-2"})
    assert (part.status_code, part.content) == (206, b"---")
    assert get_session().get(address, headers={"Range": "bytes=99999-"}).status_code == 416
    with pytest.raises(HfHubHTTPError, match="404"):
        api.hf_hub_download("org/m03", "model.bin", cache_dir=tmp_path)


@pytest.mark.parametrize("path", ["api/whoami-v2", "nothing/here", "org/m01/resolve/main/../../etc/passwd"])
def test_everything_else_is_not_found(hub, path):
    assert get_session().get(f"{hub.url}/{path}").status_code in {401, 404}


def test_a_raw_item_is_served_as_it_is():
    with serve(hub_of(row("x/y", raw='{"tags": 3}'))) as running:
        assert get_session().get(f"{running.url}/api/models").json() == [{"tags": 3}]


def test_a_fault_is_switched_at_run_time():
    with serve(hub_of(row("a/b"))) as running:
        switch = f"{running.url}/__faults__"
        assert get_session().post(switch, json={"name": "html", "first": 1}).json() == {"fault": "html"}
        assert get_session().get(f"{running.url}/api/models").text.startswith("<!doctype html>")
        assert get_session().post(switch, json={"name": "no such"}).status_code == 400


def test_an_unknown_fault_a_taken_port_and_a_foreign_file_are_named(hub, tmp_path):
    with pytest.raises(ValueError, match="no fault is called"):
        Fault("nonsense")
    taken = int(hub.url.rpartition(":")[2])
    with pytest.raises(InputError, match="cannot be used"), serve(hub_of(row("a/b")), port=taken):
        pass
    pl.DataFrame({"x": [1]}).write_parquet(tmp_path / "x.parquet")
    with pytest.raises(InputError, match="columns id, author"):
        Repositories.from_parquet(tmp_path / "x.parquet")


def test_the_command_announces_its_address_and_stops_on_sigterm():
    with subprocess.Popen([MOAT, "hub", "serve"], stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().split()[-1]
        assert len(get_session().get(f"{url}/api/models?limit=5").json()) == 5
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_the_real_sample_is_listed_whole():
    sample = Settings().shared / "data" / "hub_stats_sample" / "hub_stats.parquet"
    if not sample.exists():
        pytest.skip(f"{sample} is not here; set MOAT_SHARED to the shared folder")
    with serve(Repositories.from_parquet(sample)) as running:
        listed = [item["id"] for item in pages(running.url, limit=1000)]
    assert (len(listed), len(set(listed))) == (4167, 4167)
