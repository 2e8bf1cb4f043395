"""Datasets as captured files: whole or what changed, resumed where it was cut off, whatever the files are called."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx2
import pytest

from pipeline.captures import CaptureWriter
from pipeline.errors import SourceError
from pipeline.localhub.faults import Fault
from pipeline.localhub.repositories import Repositories
from pipeline.localhub.repository import Repository
from pipeline.localhub.server import serve
from pipeline.settings import Settings
from pipeline.sources import hub_files
from pipeline.sources.hub_client import HubClient, _Window
from pipeline.sources.hub_files import (
    DOCUMENTS_AT_ONCE,
    INDEX,
    MAX_DOCUMENT_BYTES,
    THREADS,
    Document,
    HubFile,
    capture_documents,
    capture_files,
    captured_documents,
    captured_files,
    commit_of,
    files_of,
    json_object,
    removed_documents,
)
from pipeline.sources.quarantine import Unreadable

DATASET = "org/set"
ODD = {
    "data/with space.json": b"1",
    "data/100%25 of it.json": b"2",
    "data/ünï/日本.json": b"3",
    "data/what?#now&then=.json": b"4",
    'data/"quotes"; <b>.json': b"5",
    "data/bytes.json": b"\xff\x00\n\r\n\x80",
}


def client(tmp_path, hub, **more):
    return HubClient(Settings(data=tmp_path, backoff_s=0.01, **more), hub.url)


def hub_of(files, **more):
    return serve(Repositories(), datasets=Repositories.of(Repository.new(DATASET, files)), **more)


def commit(hub, changes):
    hub.datasets.put(hub.datasets.get(DATASET).commit(changes))


def whole(hub, tmp_path, cap=1000, **more):
    return capture_files(
        Settings(data=tmp_path), client(tmp_path, hub, **more), "hub", "set", DATASET,
        lambda path: path.endswith(".json"), cap,
    )  # fmt: skip


def documents(hub, tmp_path, folder="data", **more):
    return capture_documents(
        Settings(data=tmp_path), client(tmp_path, hub, **more), "hub", "set", DATASET, folder,
        lambda path: path.endswith(".json"),
    )  # fmt: skip


def contents(found):
    return {document.path: document.content for document in found}


def many(count):
    return {f"data/{number:04d}.json": str(number).encode() for number in range(count)}


@pytest.mark.parametrize(("take", "read"), [(whole, captured_files), (documents, captured_documents)])
def test_files_come_back_as_received_whatever_they_are_called(tmp_path, take, read):
    with hub_of(ODD | {"data/other.txt": b"not wanted"}) as hub:
        capture, new = take(hub, tmp_path)
        assert (new, capture.manifest.items, hub.requests["file"]) == (True, len(ODD), len(ODD))
        assert capture.manifest.revision == hub.datasets.get(DATASET).commits[0].sha
    assert contents(read(capture)) == ODD


def test_a_page_of_documents_holds_any_path_and_any_bytes(tmp_path):
    odd = {
        "data/new\nline\r\u2028.json": bytes(range(256)),
        "data/half \udc80 \ud800.json": b"\xed\xa0\x80\xed\xb0\x80",
    }
    files = [HubFile(path, "", len(content)) for path, content in odd.items()]
    with CaptureWriter(tmp_path, "set", "hub") as writer:
        writer.add("000000000.jsonl", hub_files._packed(files, list(odd.values())))
        writer.add(INDEX, json.dumps({"too_large": ["data/big\n.json"], "removed": ["data/gone\n.json"]}).encode())
        capture, _ = writer.seal(revision="", client="", requests=0, items=2)
    assert contents(captured_documents(capture)) == odd | {"data/big\n.json": None}
    assert removed_documents(capture) == ["data/gone\n.json"]


@pytest.mark.parametrize("path", ["../../api/whoami-v2", "data/../../x", "data/./x"])
def test_a_path_that_leads_out_of_the_dataset_is_not_followed(tmp_path, path):
    with hub_of({"a": b""}) as hub:
        asking = client(tmp_path, hub)
        with pytest.raises(SourceError, match="names the path"):
            hub_files.read(asking, DATASET, "main", path)
        assert (asking.requests, hub.requests.total()) == (0, 0)


def test_a_path_that_is_no_text_is_asked_for_and_not_a_crash(tmp_path):
    with hub_of({"a": b""}) as hub, pytest.raises(SourceError, match="answers 404"):
        hub_files.read(client(tmp_path, hub), DATASET, "main", "data/\ud800.json")


def test_a_long_listing_is_followed_to_its_end(tmp_path):
    with hub_of(many(2300) | {"else/x.json": b""}) as hub:
        asking = client(tmp_path, hub)
        sha = commit_of(asking, DATASET)
        assert [file.path for file in files_of(asking, DATASET, sha, "data")] == list(many(2300))
        assert (hub.requests["tree"], asking.requests) == (3, 4)
        assert len(files_of(asking, DATASET, sha)) == 2301


@pytest.mark.parametrize("take", [whole, documents])
def test_what_is_as_it_was_is_asked_about_once_and_not_captured_again(tmp_path, take):
    with hub_of(many(3)) as hub:
        first, _ = take(hub, tmp_path)
        before = hub.requests.copy()
        assert take(hub, tmp_path) == (first, False)
        assert hub.requests - before == {"dataset": 1}
        commit(hub, {"data/0001.json": b"changed"})
        second, new = take(hub, tmp_path)
    assert (new, second.manifest.kind) == (True, "full" if take is whole else "delta")


def test_a_delta_holds_what_changed_and_names_what_is_gone(tmp_path):
    with hub_of(many(4)) as hub:
        documents(hub, tmp_path)
        commit(hub, {"data/0001.json": b"changed", "data/0002.json": None, "data/new.json": b"new", "other": b""})
        capture, _ = documents(hub, tmp_path)
        assert hub.requests["file"] == 4 + 2
        commit(hub, {"data/0002.json": b"back", "data/0000.json": b"0"})
        third, _ = documents(hub, tmp_path)
    assert contents(captured_documents(capture)) == {"data/0001.json": b"changed", "data/new.json": b"new"}
    assert (removed_documents(capture), capture.manifest.items) == (["data/0002.json"], 4)
    assert contents(captured_documents(third)) == {"data/0002.json": b"back"}


@pytest.mark.parametrize("take", [whole, documents])
def test_a_hub_that_never_had_it_a_hub_that_lost_it_and_one_without_a_single_file(tmp_path, take):
    with serve(Repositories(), datasets=Repositories()) as hub:
        assert take(hub, tmp_path) is None
        hub.datasets.put(Repository.new(DATASET, {"data/x.txt": b""}))
        with pytest.raises(SourceError, match="holds none of the"):
            take(hub, tmp_path)
        commit(hub, {"data/x.json": b"1"})
        assert take(hub, tmp_path)[1]
        hub.datasets.delete(DATASET)
        with pytest.raises(SourceError, match="is gone, or needs a right"):
            take(hub, tmp_path)


@pytest.mark.parametrize("take", [whole, documents])
def test_another_hub_starts_anew(tmp_path, take):
    with hub_of(many(2)) as hub:
        first, _ = take(hub, tmp_path)
        settings = Settings(data=tmp_path)
        assert hub_files.newest_of(settings, "set", "hub").manifest == first.manifest
        assert hub_files.newest_of(settings, "set", "elsewhere") is None


def test_a_file_over_its_cap_stops_a_capture_of_whole_files(tmp_path):
    with hub_of({"a.json": b"12345"}) as hub, pytest.raises(SourceError, match="is over 4 bytes"):
        whole(hub, tmp_path, cap=4)


def test_a_document_that_is_too_large_is_named_and_not_downloaded(tmp_path):
    big = b" " * (MAX_DOCUMENT_BYTES + 1)
    with hub_of({"data/big.json": big, "data/most.json": big[1:]}) as hub:
        capture, _ = documents(hub, tmp_path)
        assert hub.requests["file"] == 1
    assert contents(captured_documents(capture)) == {"data/most.json": big[1:], "data/big.json": None}


def test_large_documents_are_spread_over_pages(tmp_path):
    files = {f"data/{number}.json": b"\x01" * MAX_DOCUMENT_BYTES for number in range(9)} | {"data/z.json": b"z"}
    with hub_of(files) as hub:
        capture, _ = documents(hub, tmp_path)
    assert list(capture.manifest.pages) == ["000000000.jsonl", "000000008.jsonl", INDEX]
    assert contents(captured_documents(capture)) == files


def test_whole_files_cut_off_are_continued_with_the_file_they_had_come_to(tmp_path):
    with hub_of(many(10), fault=Fault("500", first=7, every=1, on="file")) as hub:
        with pytest.raises(SourceError, match="answers 500"):
            whole(hub, tmp_path, retries=0)
        hub.hub.fault = Fault()
        capture, _ = whole(hub, tmp_path)
        assert hub.requests["file"] == 7 + 4
    assert contents(captured_files(capture)) == many(10)


def test_documents_cut_off_are_continued_with_the_page_they_had_come_to(tmp_path):
    count = 2 * DOCUMENTS_AT_ONCE + 50
    with hub_of(many(count), fault=Fault("500", first=2 * DOCUMENTS_AT_ONCE + 1, every=1, on="file")) as hub:
        with pytest.raises(SourceError, match="answers 500"):
            documents(hub, tmp_path, retries=0)
        hub.hub.fault = Fault()
        before = hub.requests["file"]
        assert before <= count
        capture, _ = documents(hub, tmp_path)
        assert hub.requests["file"] - before == 50
    assert contents(captured_documents(capture)) == many(count)


def test_what_was_begun_before_another_capture_is_not_continued_after_it(tmp_path):
    old = many(DOCUMENTS_AT_ONCE + 1)
    with hub_of(old) as hub:
        wanted = hub.datasets.get(DATASET)
        hub.hub.fault = Fault("500", first=DOCUMENTS_AT_ONCE + 1, every=1, on="file")
        with pytest.raises(SourceError, match="answers 500"):
            documents(hub, tmp_path, retries=0)
        hub.hub.fault = Fault()
        hub.datasets.put(wanted.commit({"data/0000.json": b"other"}))
        first, _ = documents(hub, tmp_path)
        hub.datasets.put(wanted)
        back, _ = documents(hub, tmp_path)
    assert contents(captured_documents(first)) == old | {"data/0000.json": b"other"}
    assert contents(captured_documents(back)) == {"data/0000.json": b"0"}


@pytest.mark.parametrize("name", ["429", "502", "reset", "truncated"])
def test_downloads_get_over_accidents(tmp_path, name):
    with hub_of(many(40), fault=Fault(name, first=3, every=15, on="file")) as hub:
        capture, _ = documents(hub, tmp_path)
    assert contents(captured_documents(capture)) == many(40)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "document is over 4,194,304 bytes"), (b"", "document is no JSON"), (b"[", "document is no JSON"),
     (b"[" * 100_000, "document is no JSON"), (b'"\xff"', "document is no JSON"), (b"9" * 5000, "document is no JSON"),
     (b"[]", "document is a list, not an object"), (b"null", "document is a NoneType, not an object")],
)  # fmt: skip
def test_a_document_that_is_no_object_says_why(content, reason):
    with pytest.raises(Unreadable) as caught:
        json_object(Document("x", content))
    assert str(caught.value) == reason
    assert json_object(Document("x", b'\xef\xbb\xbf{"a": 1}')) == {"a": 1}


def test_threads_send_no_more_than_the_hub_says_is_left_of_its_window():
    window, sent, lock = _Window(), [], threading.Lock()
    window.enter()
    window.leave(httpx2.Headers({"RateLimit": '"resolvers";r=5;t=1'}))
    stated = time.monotonic()

    def ask(_):
        window.enter()
        with lock:
            sent.append(time.monotonic() - stated)
        time.sleep(0.01)
        window.leave(None)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(ask, range(20)))
    assert sum(at < 1 for at in sent) == 5
    assert (len(sent), max(sent) < 3) == (20, True)


def test_requests_go_to_the_dataset_and_nowhere_else(tmp_path):
    with hub_of(many(1)) as hub:
        address = client(tmp_path, hub).url("datasets/org/set/resolve/abc/a%20b%2525.json")
        assert urlsplit(address).path == "/datasets/org/set/resolve/abc/a%20b%2525.json"
        documents(hub, tmp_path)
        assert hub.requests == {"dataset": 1, "tree": 1, "file": 1}
