"""What became of a repository that the list lacks: there, renamed, absent, or nothing that can be read."""

import json

import pytest

from pipeline.captures import every
from pipeline.errors import SourceError
from pipeline.localhub.faults import Fault
from pipeline.localhub.repositories import Repositories
from pipeline.localhub.repository import Repository
from pipeline.localhub.server import serve
from pipeline.settings import Settings
from pipeline.sources import hub_renames
from pipeline.sources.hub_renames import COLUMNS, asked, parse

HOSTILE = ["a b/<script>", 'x/"; DROP', "=cmd()", "x/\u202egnp", "日本/語", "x/100%25", "x/?a=b#c", "x/\0\x07"]


def hub_of(*repos, **more):
    return serve(Repositories.of(*(Repository.new(repo) for repo in repos)), **more)


def fetch(data, hub, wanted, **more):
    settings = Settings(data=data, backoff_s=0.01, retries=2, **more)
    return hub_renames.fetch(settings, hub.url, "hub", wanted)


def became(data, hub, *wanted):
    capture, _ = fetch(data, hub, wanted)
    return [(row["asked"], row["state"], row["id"]) for row in parse(capture).iter_rows(named=True)]


def raw(repo, **answer):
    """A repository whose page on the Hub is this, whatever it is."""
    return {"id": repo, "raw": answer}


def test_a_repository_is_there_renamed_or_absent(tmp_path):
    with hub_of("org/m", "org/n") as hub:
        hub.models.rename("org/m", "new/m")
        assert became(tmp_path, hub, "org/m", "org/n", "org/never") == [
            ("org/m", "renamed", "new/m"), ("org/n", "there", "org/n"), ("org/never", "absent", None),
        ]  # fmt: skip
        assert hub.requests == {"model": 4}


def test_a_renamed_repository_that_is_deleted_is_absent_and_one_that_takes_an_old_name_is_there(tmp_path):
    with hub_of("org/m", "org/n") as hub:
        for repo in ("m", "n"):
            hub.models.rename(f"org/{repo}", f"new/{repo}")
        hub.models.delete("new/m")
        hub.models.put(Repository.new("org/n"))
        assert became(tmp_path, hub, "org/m", "org/n") == [("org/m", "absent", None), ("org/n", "there", "org/n")]


def test_names_of_early_days_and_chains_of_renames_are_followed(tmp_path):
    with hub_of("gpt2") as hub:
        hub.models.rename("gpt2", "openai/gpt2")
        hub.models.rename("openai/gpt2", "openai-community/gpt2")
        assert became(tmp_path, hub, "gpt2", "openai/gpt2") == [
            ("gpt2", "renamed", "openai-community/gpt2"), ("openai/gpt2", "renamed", "openai-community/gpt2"),
        ]  # fmt: skip


@pytest.mark.parametrize("found", [None, 7, "", " ", ["org/m"], {"id": "org/m"}, "x" * 201])
def test_an_answer_without_a_usable_id_is_unreadable(tmp_path, found):
    with serve(Repositories([raw("org/m", id=found), raw("org/n", id="org/n")])) as hub:
        assert became(tmp_path, hub, "org/m", "org/n") == [("org/m", "unreadable", None), ("org/n", "there", "org/n")]


def test_half_a_character_is_no_id():
    assert [hub_renames._usable(json.loads(text)) for text in ('"org/\\ud800"', '"org/\\ud83d\\ude00"')] == [
        False,
        True,
    ]


def test_ids_are_asked_for_whatever_they_look_like(tmp_path):
    with hub_of(*HOSTILE) as hub:
        assert became(tmp_path, hub, *HOSTILE) == [(repo, "there", repo) for repo in HOSTILE]
        hub.models.rename(HOSTILE[0], HOSTILE[1] + "2")
        assert became(tmp_path, hub, HOSTILE[0]) == [(HOSTILE[0], "renamed", HOSTILE[1] + "2")]


@pytest.mark.parametrize("repo", ["", "/", "../../api/whoami-v2", "org/..", "./m", "org//m", "/org/m"])
def test_an_id_that_would_lead_to_another_page_is_not_asked_for(tmp_path, repo):
    with hub_of("org/m") as hub:
        assert became(tmp_path, hub, repo, "org/m") == [(repo, "unreadable", None), ("org/m", "there", "org/m")]
        assert hub.requests == {"model": 1}


def test_the_capture_is_a_delta_and_remembers_what_was_asked(tmp_path):
    with hub_of("org/m") as hub:
        first, new = fetch(tmp_path, hub, ["org/m", "org/x", "org/m"])
        assert (new, first.manifest.kind, first.manifest.items, first.manifest.requests) == (True, "delta", 2, 2)
        fetch(tmp_path, hub, ["org/y"])
    captures = every(tmp_path / "captures", hub_renames.SOURCE)
    assert asked(captures) == {"org/m", "org/x", "org/y"}
    assert asked([]) == set()
    frame = parse(first)
    assert frame.schema == COLUMNS
    assert set(frame["capture_id"]) == {first.manifest.capture_id}
    assert [json.loads(line) for line in first.page("answers.jsonl").splitlines()] == [
        {"asked": "org/m", "state": "there", "id": "org/m"}, {"asked": "org/x", "state": "absent", "id": None},
    ]  # fmt: skip


def test_nothing_wanted_is_no_capture(tmp_path):
    with hub_of("org/m") as hub:
        assert fetch(tmp_path, hub, []) is None
        assert hub.requests.total() == 0
    assert every(tmp_path / "captures", hub_renames.SOURCE) == []


@pytest.mark.parametrize("fault", ["429", "502", "reset", "truncated", "html"])
def test_accidents_are_got_over(tmp_path, fault):
    repos = [f"org/m{number}" for number in range(12)]
    with hub_of(*repos, fault=Fault(fault, first=3, every=6, on="model")) as hub:
        assert became(tmp_path, hub, *repos) == [(repo, "there", repo) for repo in repos]


def test_a_hub_that_stays_unwell_stops_it_and_leaves_nothing(tmp_path):
    unwell = Fault("500", first=1, every=1, on="model")
    with hub_of("org/m", fault=unwell) as hub, pytest.raises(SourceError, match="answers 500"):
        fetch(tmp_path, hub, ["org/m"])
    assert every(tmp_path / "captures", hub_renames.SOURCE) == []
    assert list((tmp_path / "captures" / hub_renames.SOURCE).iterdir()) == []
