"""The one client: it stays on its Hub's hosts, keeps the token at home, and takes no more than it was told."""

import pytest

from pipeline.errors import SourceError
from pipeline.localhub.faults import Fault
from pipeline.localhub.server import serve
from pipeline.settings import Settings
from pipeline.sources.hub_client import HubClient, Refused
from tests.conftest import CANARY
from tests.localhub.test_local_hub import hub_of, row


def client(tmp_path, url="https://huggingface.co", **more):
    return HubClient(Settings(data=tmp_path, backoff_s=0.01, **more), url)


@pytest.fixture
def hub():
    with serve(hub_of(row("org/m"), renamed={"old/m": "org/m"})) as running:
        yield running


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://localhost:8000/x",
        "file:///etc/passwd",
        "https://huggingface.co.example.org/x",
        "https://evilhf.co/x",
        "http://cdn-lfs.hf.co/x",
        "https://cdn-lfs.hf.co:8443/x",
        "https://user@example.org/x",
        "",
    ],
)
def test_no_other_host_is_asked(tmp_path, url):
    chosen = client(tmp_path)
    with pytest.raises(SourceError, match="sends to another host"):
        chosen.get(url)
    assert chosen.requests == 0


def test_a_local_hub_sends_to_no_store(tmp_path, hub):
    with pytest.raises(SourceError, match="sends to another host"):
        client(tmp_path, hub.url).get("https://cdn-lfs.hf.co/x")


def test_the_token_goes_to_the_hub_and_not_to_where_it_stores_files(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", CANARY)
    chosen = client(tmp_path)
    assert chosen._headers("https://huggingface.co/api/models")["authorization"] == f"Bearer {CANARY}"
    for url in ("https://cdn-lfs.hf.co/x", "http://huggingface.co/x", "https://huggingface.co:8443/x"):
        assert "authorization" not in chosen._headers(url)


def test_a_site_that_is_no_hub_gets_no_token(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", CANARY)
    address = "https://epoch.ai/data"
    for anonymous in (False, True):
        chosen = HubClient(Settings(data=tmp_path), address, anonymous=anonymous)
        assert ("authorization" not in chosen._headers(f"{address}/eci_scores.csv")) is anonymous


def test_a_renamed_repository_is_followed_on_the_same_host(tmp_path, hub):
    answer = client(tmp_path, hub.url).json(f"{hub.url}/api/models/old/m", dict)
    assert answer.body["id"] == "org/m"


def test_what_does_not_exist_is_refused_at_once_with_its_status(tmp_path, hub):
    chosen = client(tmp_path, hub.url)
    with pytest.raises(Refused) as caught:
        chosen.get(f"{hub.url}/org/m/resolve/main/none.bin")
    assert (caught.value.status, chosen.requests) == (404, 1)


def test_a_file_comes_whole_with_its_commit_and_a_large_one_not_at_all(tmp_path, hub):
    url = f"{hub.url}/org/m/resolve/main/README.md"
    answer = client(tmp_path, hub.url).get(url)
    assert answer.content.startswith(b"---")
    assert len(answer.commit) == 40
    with pytest.raises(SourceError, match="is over 10 bytes"):
        client(tmp_path, hub.url).get(url, cap=10)


def test_retries_are_bounded_and_counted(tmp_path):
    with serve(hub_of(row("a/b")), fault=Fault("502", first=1, every=1)) as hub:
        chosen = client(tmp_path, hub.url, retries=3)
        with pytest.raises(SourceError, match="answers 502 after every retry"):
            chosen.json(f"{hub.url}/api/models", list)
    assert (chosen.requests, chosen.troubles) == (4, 4)


def test_an_object_where_a_list_must_be_is_named(tmp_path, hub):
    with pytest.raises(SourceError, match="its answer is a dict, not a list"):
        client(tmp_path, hub.url, retries=0).json(f"{hub.url}/api/models/org/m", list)
