"""Faults of the local Hub, on every kind of route, and what a client sees of each."""

import json
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import HfApi
from huggingface_hub.utils import get_session

from pipeline.localhub.faults import ACCIDENTS, IN_TURN, NAMES, PAGES, Fault
from pipeline.localhub.repositories import Repositories
from pipeline.localhub.repository import Repository
from pipeline.localhub.server import serve
from tests.conftest import MOAT
from tests.localhub.test_local_hub import pages

ROUTES = {
    "list": "api/models",
    "model": "api/models/org/m",
    "dataset list": "api/datasets",
    "dataset": "api/datasets/org/d",
    "tree": "api/datasets/org/d/tree/main",
    "refs": "api/datasets/org/d/refs",
    "commits": "api/datasets/org/d/commits/main",
    "leaderboard": "api/datasets/org/d/leaderboard",
    "file": "org/m/resolve/main/README.md",
    "whoami": "api/whoami-v2",
    "other": "nothing",
}


def small_hub(fault=None, **options):
    models = Repositories.of(Repository.new("org/m", cardData={"license": "mit"}))
    return serve(models, fault=fault, datasets=Repositories.of(Repository.new("org/d", leaderboard=[])), **options)


def many(count):
    return Repositories.of(*(Repository.new(f"org/m{number:04d}") for number in range(count)))


def suffered(url):
    """The fault that a client sees who asks once; one that is merely slow looks like none."""
    try:
        answer = get_session().get(url)
    except httpx2.RemoteProtocolError:
        return "reset"
    if answer.status_code == 429:
        return "429" if answer.headers.get("retry-after") == "1" else "429-no-headers"
    if answer.status_code >= 500:
        return str(answer.status_code)
    if answer.text.startswith("<!doctype html>"):
        return "html"
    if "json" in answer.headers.get("content-type", ""):
        try:
            answer.json()
        except json.JSONDecodeError:
            return "truncated"
    return ""


def test_each_accident_strikes_in_turn_on_every_kth_request_whatever_is_asked():
    paths = [*ROUTES.values()]
    with small_hub(Fault("each-in-turn", every=3)) as hub:
        seen = [suffered(f"{hub.url}/{paths[number % len(paths)]}") for number in range(3 * len(ACCIDENTS))]
    assert [seen[number] for number in range(2, len(seen), 3)] == [name.replace("slow", "") for name in ACCIDENTS]
    assert [fault for number, fault in enumerate(seen) if number % 3 != 2 and fault] == []


@pytest.mark.parametrize("kind", ROUTES)
def test_a_fault_may_concern_one_kind_of_request(kind):
    with small_hub(Fault("500", first=1, every=1, on=kind)) as hub:
        struck = [other for other, path in ROUTES.items() if suffered(f"{hub.url}/{path}") == "500"]
        assert struck == [kind]
        assert hub.requests == dict.fromkeys(ROUTES, 1)


def test_wrong_pages_come_in_turn_too_but_only_in_lists():
    fault = Fault("each-in-turn-with-pages", every=2)
    on_models = [fault.strikes("model") for _ in range(40)][1::2]
    assert set(on_models) == {*ACCIDENTS}
    on_lists = [fault.strikes("list") for _ in range(22)][1::2]
    assert set(on_lists) == {*ACCIDENTS, *PAGES}
    assert set(IN_TURN["each-in-turn"]) == {*ACCIDENTS}


def test_an_answer_without_a_body_is_not_cut_off():
    fault = Fault("each-in-turn", every=2)
    assert {fault.strikes("file", "HEAD") for _ in range(60)} - {""} == {*ACCIDENTS} - {"reset", "truncated"}


def test_a_file_that_breaks_off_is_seen_by_its_length_and_got_whole_by_the_client(tmp_path):
    content = bytes(range(256)) * 1000
    models = Repositories.of(Repository.new("org/m", {"model.bin": content}))
    with serve(models, fault=Fault("truncated", first=1, on="file")) as hub:
        with pytest.raises(httpx2.RemoteProtocolError):
            httpx2.get(f"{hub.url}/org/m/resolve/main/model.bin")
        get_session().post(f"{hub.url}/__faults__", json={"name": "truncated", "first": 2, "on": "file"})
        path = HfApi(endpoint=hub.url).hf_hub_download("org/m", "model.bin", local_dir=tmp_path)
        assert Path(path).read_bytes() == content
        assert hub.requests["file"] >= 3


def test_a_list_with_a_silent_cap_ends_after_a_thousand_items_without_a_word():
    with serve(many(1200), fault=Fault("silent-cap")) as hub:
        assert len(list(pages(hub.url, limit=1000))) == 1000
        assert len(list(pages(hub.url, limit=300))) == 1000


@pytest.mark.parametrize(("fault", "count", "different"), [("duplicated-page", 30, 20), ("dropped-page", 20, 20)])
def test_a_wrong_page_is_no_error_and_shows_in_the_count_alone(fault, count, different):
    with serve(many(30), fault=Fault(fault)) as hub:
        listed = [item["id"] for item in pages(hub.url, limit=10)]
    assert (len(listed), len(set(listed))) == (count, different)


def test_waits_are_short_and_stated_in_both_headers():
    with small_hub(Fault("429", first=1)) as hub:
        refused = httpx2.get(f"{hub.url}/api/models")
        assert (refused.headers["ratelimit"], refused.headers["retry-after"]) == ('"api";r=0;t=1', "1")
        assert httpx2.get(f"{hub.url}/api/models").headers["ratelimit"] == '"api";r=499;t=300'
        assert "resolvers" in httpx2.get(f"{hub.url}/org/m/resolve/main/README.md").headers["ratelimit"]


def test_every_fault_can_be_switched_on_and_off_at_run_time():
    with small_hub() as hub:
        for name in NAMES:
            told = get_session().post(f"{hub.url}/__faults__", json={"name": name, "first": 1, "every": 2})
            assert told.json() == {"fault": name}
        get_session().post(f"{hub.url}/__faults__", json={"name": ""})
        assert {suffered(f"{hub.url}/{path}") for path in ROUTES.values()} == {""}
        for wrong in ({"name": "500", "on": "mondays"}, {"name": "each-in-turn", "every": 1}, {"colour": "red"}, 3):
            assert get_session().post(f"{hub.url}/__faults__", json=wrong).status_code == 400


def test_requests_at_the_same_time_wait_at_the_same_time():
    with small_hub(latency=0.5) as hub, ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(get_session().get, f"{hub.url}/api/models") for _ in range(8)]
        first = next(as_completed(asked)).result()
        assert hub.requests["list"] == 8
        assert first.elapsed.total_seconds() >= 0.5


def test_the_command_takes_faults_and_latency():
    command = [MOAT, "hub", "serve", "--fault", "each-in-turn", "--fault-every", "2", "--latency-ms", "50"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().split()[-1]
        first = httpx2.get(f"{url}/api/models?limit=1")
        assert (first.status_code, httpx2.get(f"{url}/api/datasets").status_code) == (200, 429)
        assert first.elapsed.total_seconds() >= 0.05
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
