"""READMEs of cards that the Hub's list does not state: what is asked for, and what their scores become."""

from contextlib import contextmanager

import pytest
import yaml

from pipeline.captures import every
from pipeline.errors import SourceError
from pipeline.localhub.faults import Fault
from pipeline.localhub.repositories import Repositories
from pipeline.localhub.repository import Repository
from pipeline.localhub.server import serve
from pipeline.sources import hub_cards, hub_crawl, hub_models
from pipeline.sources.hub_cards import BOARD, INDEX, asked, parse
from tests.sources.board_data import Boards

ACCURACY = {"type": "accuracy", "value": 71.0}
V2 = "https://huggingface.co/spaces/open-llm-leaderboard/open_llm_leaderboard?query=org/m"


def index(*metrics, name="m", dataset="cais/mmlu", **more):
    results = [{"dataset": {"type": dataset, "name": "MMLU"}, "metrics": list(metrics or [ACCURACY])} | more]
    return [{"name": name, "results": results}]


class Plain(yaml.SafeDumper):
    """Writes a value that occurs twice out twice."""

    def ignore_aliases(self, data):
        return True


def readme(front, body="\n# A model\n"):
    """A README with this front matter: a text, or what its YAML says."""
    return f"---\n{front if isinstance(front, str) else yaml.dump(front, Dumper=Plain)}---\n{body}".encode()


def card(*metrics, **more):
    return readme({"license": "mit", "model-index": index(*metrics, **more)})


GOOD = card()
NO_CARD = b"# A model\n\nmodel-index: not here\n"


class Cards(Boards):
    """A local Hub of models with READMEs, and what was captured of it."""

    def wanted(self):
        return [(item["id"], item["sha"]) for item in self.hub.models.items]

    def fetch(self, *wanted):
        return hub_cards.fetch(self.settings, self.hub.url, "hub", wanted or self.wanted())

    def write(self, repo, content):
        self.hub.models.put(self.hub.models.get(repo).commit({"README.md": content}))

    def captures(self):
        return every(self.settings.captures, hub_cards.SOURCE)

    def standing(self):
        return sorted(self.table(query="WHERE gone_at IS NULL").select("model", "value").iter_rows())


@contextmanager
def offering(data, readmes, **more):
    made = [
        Repository.new(repo, {} if content is None else {"README.md": content}) for repo, content in readmes.items()
    ]
    with serve(Repositories.of(*made), **more) as hub:
        yield Cards(data, hub)


def test_the_hub_lists_a_repository_whose_card_it_cannot_parse_without_a_card(tmp_path):
    with offering(tmp_path, {"org/m": GOOD}) as cards:
        capture, _ = hub_crawl.fetch(cards.settings, cards.hub.url, "hub")
    [model] = hub_models.parse(capture, list(capture.manifest.pages)).rows["hub_models"]
    assert (model["id"], model["has_card"]) == ("org/m", False)


def test_the_scores_of_a_readme_become_those_of_a_board(tmp_path):
    with offering(tmp_path, {"org/m": GOOD}) as cards:
        capture, new = cards.fetch()
        assert (new, capture.manifest.kind, capture.manifest.items, cards.hub.requests) == (
            True,
            "delta",
            1,
            {"file": 1},
        )
        [(items, scores)] = cards.fold(BOARD)
        [score] = cards.table().iter_rows(named=True)
        [series] = cards.table("board_series").iter_rows(named=True)
        [model] = cards.table("board_models").iter_rows(named=True)
        assert cards.reasons() == []
    assert (items.read, items.kept, scores.read, scores.kept) == (1, 1, 1, 1)
    stated = {
        "source": "hub_cards", "part": "org/m", "model": "org/m", "variant": "m", "value": 71.0, "tier": "D",
        "self_reported": True, "doubtful": False, "source_name": "authors of the models", "evaluated_on": None,
        "source_url": "https://huggingface.co/org/m", "capture_id": capture.manifest.capture_id, "gone_at": None,
    }  # fmt: skip
    assert {name: score[name] for name in stated} == stated
    assert score["series_id"] == series["series_id"]
    assert {name: item for name, item in series.items() if name != "series_id"} == {
        "source": "hub_cards", "benchmark_id": "card_cais_mmlu", "benchmark_name": "cais/mmlu",
        "name_kind": "card", "name": "cais/mmlu", "title": None, "part": None,
        "protocol": "metric accuracy, dataset MMLU", "evaluator": "authors of the models", "comparability": "loose",
        "unit": "percent", "direction": "higher", "chance": None, "ceiling": 100.0, "edition_of": None,
        "edition_on": None, "source_name": "authors of the models",
        "source_url": "https://huggingface.co/models?other=model-index",
    }  # fmt: skip
    known = {name: item for name, item in model.items() if item is not None}
    assert known == {"source": "hub_cards", "model": "org/m", "hub_id": "org/m", "access": "unknown"}


def test_names_units_and_boards_are_those_of_card_metrics(tmp_path):
    two = index({"type": "f1", "value": 0.5}, name="base")
    two += index({"type": "perplexity", "value": 12.5}, name="chat", dataset="wikitext")
    front = {"tags": ["generated_from_trainer"], "model-index": two}
    board = readme({"model-index": index(source={"name": "Open LLM Leaderboard", "url": V2})})
    with offering(tmp_path, {"org/trained": readme(front), "org/ranked": board}) as cards:
        cards.fetch()
        cards.fold(BOARD)
        joined = cards.table(query="JOIN raw.board_series USING (source, series_id) ORDER BY model, variant")
        rows = list(joined.select("model", "variant", "value", "unit", "direction", "ceiling", "tier").iter_rows())
        ranked = joined.row(0, named=True)
    assert rows == [
        ("org/ranked", "m", 71.0, "percent", "higher", 100.0, "C"),
        ("org/trained", "base", 0.5, "fraction", "higher", 1.0, "D"),
        ("org/trained", "chat", 12.5, "points", "lower", None, "D"),
    ]
    assert (ranked["self_reported"], ranked["evaluator"]) == (False, "Open LLM Leaderboard v2")
    assert ranked["source_url"] == V2


@pytest.mark.parametrize(
    "content",
    [
        GOOD, b"\xef\xbb\xbf" + GOOD, GOOD.replace(b"\n", b"\r\n"), GOOD.replace(b"\n", b"\r"), GOOD + b"\n---\n---\n",
        GOOD.replace(b"---\n", b"--- \t\n"), GOOD.rpartition(b"---")[0] + b"---",
        GOOD.replace(b"license", b"self: 1\n7: x\nlanguage: no\nbase_model: ../../etc\nlicense"),
    ],
    ids=["plain", "BOM", "CRLF", "CR", "rules in the text", "blanks after the rule", "nothing else", "odd keys"],
)  # fmt: skip
def test_front_matter_is_found_however_it_is_written(tmp_path, content):
    with offering(tmp_path, {"org/m": content}) as cards:
        cards.fetch()
        cards.fold(BOARD)
        assert (cards.standing(), cards.reasons()) == ([("org/m", 71.0)], [])


@pytest.mark.parametrize(
    "content",
    [b"", b"# A model", b"\n---\na: 1\n---\n", b"----\na\n----\n", b" ---\na: b: c\n---\n", b"---\n---\n",
     b"---\n# nothing\n---\n", readme({"license": "mit"}), NO_CARD, b"\xef\xbb\xbf", "# Modèle\n\u2028---\n".encode()],
)  # fmt: skip
def test_a_readme_that_states_no_scores_is_no_error(tmp_path, content):
    with offering(tmp_path, {"org/m": content, "org/good": GOOD}) as cards:
        cards.fetch()
        [(items, scores)] = cards.fold(BOARD)
        assert (cards.standing(), cards.reasons()) == ([("org/good", 71.0)], [])
    assert (items.read, items.kept, scores.read) == (2, 2, 1)


def test_readmes_that_are_not_there_say_nothing_and_end_what_they_said(tmp_path):
    with offering(tmp_path, {"org/m": GOOD, "org/n": GOOD, "org/none": None}) as cards:
        cards.fetch()
        cards.fold(BOARD)
        cards.hub.models.delete("org/m")
        capture, _ = cards.fetch(("org/m", "main"), ("org/none", "main"), ("org/never", "main"))
        assert [(part.read, part.refused, part.unreadable) for part in parse(capture)] == [(0, 0, False)] * 3
        with pytest.raises(SourceError, match=r"hub_cards.*it would leave 1 of 2 facts"):
            cards.fold(BOARD)
        cards.fetch(("org/m", "main"), ("org/none", "main"), ("org/never", "main"))
        [last] = cards.fold(BOARD, accept_smaller="hub_cards")
        assert (cards.standing(), cards.reasons()) == ([("org/n", 71.0)], [])
    assert last[0].read == 0


def test_a_card_that_is_not_asked_for_again_or_became_unreadable_keeps_what_it_said(tmp_path):
    with offering(
        tmp_path, {f"org/m{number}": card(ACCURACY | {"value": 70 + number}) for number in range(6)}
    ) as cards:
        cards.fetch()
        cards.write("org/m0", card(ACCURACY | {"value": 80}))
        cards.write("org/m1", b"---\nlicense: mit\n")
        second, _ = cards.fetch(*cards.wanted()[-2:])
        assert [part.name for part in parse(second)] == ["org/m0", "org/m1"]
        cards.fold(BOARD)
        assert cards.standing() == [(f"org/m{number}", 80 if number == 0 else 70 + number) for number in range(6)]
        [gone] = cards.table(query="WHERE gone_at IS NOT NULL").iter_rows(named=True)
        assert (gone["model"], gone["value"], gone["gone_at"]) == ("org/m0", 70, second.manifest.finished_at)
        assert cards.reasons() == [("part", "org/m1", "front matter does not end")]


def test_what_was_asked_is_known_by_its_last_commit(tmp_path):
    with offering(tmp_path, {"org/m": GOOD, "org/n": b"---"}) as cards:
        cards.fetch()
        first = dict(cards.wanted())
        cards.write("org/m", NO_CARD)
        cards.fetch(("org/m", dict(cards.wanted())["org/m"]), ("org/none", "main"))
        assert asked(cards.captures()) == first | {"org/m": dict(cards.wanted())["org/m"], "org/none": "main"}
        assert asked(cards.captures())["org/m"] != first["org/m"]
    assert asked([]) == {}


def test_the_readme_is_that_of_the_commit_asked_for(tmp_path):
    with offering(tmp_path, {"org/m": GOOD}) as cards:
        before = cards.wanted()
        cards.write("org/m", card(ACCURACY | {"value": 80}))
        cards.fetch(*before)
        cards.fold(BOARD)
        assert cards.standing() == [("org/m", 71.0)]


def test_nothing_wanted_is_no_capture(tmp_path):
    with offering(tmp_path, {"org/m": GOOD}) as cards:
        assert hub_cards.fetch(cards.settings, cards.hub.url, "hub", []) is None
        assert (cards.captures(), cards.hub.requests.total()) == ([], 0)


def test_a_repository_that_was_renamed_is_read_under_the_id_asked_for(tmp_path):
    with offering(tmp_path, {"org/m": GOOD}) as cards:
        wanted = cards.wanted()
        cards.hub.models.rename("org/m", "new/m")
        cards.fetch(*wanted)
        cards.fold(BOARD)
        assert cards.standing() == [("org/m", 71.0)]


def test_ids_are_asked_for_whatever_they_look_like(tmp_path):
    repos = ['x/"; DROP TABLE', "a b/<script>", "=cmd()", "日本/語", "x/100%25", "x/?a=b#c", "x/\u202egnp", "x/\0"]
    with offering(tmp_path, dict.fromkeys(repos, GOOD)) as cards:
        cards.fetch()
        cards.fold(BOARD)
        assert cards.standing() == sorted((repo, 71.0) for repo in repos)


@pytest.mark.parametrize(
    ("repo", "commit"), [("../../x", "main"), ("org/..", "main"), ("", "main"), ("org/x", ""), ("org/x", "..")]
)
def test_what_would_lead_to_another_address_is_not_asked_for(tmp_path, repo, commit):
    with offering(tmp_path, {"org/m": GOOD}) as cards:
        cards.fetch((repo, commit), *cards.wanted())
        cards.fold(BOARD)
        assert cards.reasons() == [("part", repo, "id or commit is no part of an address")]
        assert (cards.standing(), cards.hub.requests) == ([("org/m", 71.0)], {"file": 1})


def test_many_readmes_are_spread_over_pages_and_none_is_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(hub_cards, "DOCUMENTS_AT_ONCE", 20)
    monkeypatch.setattr(hub_cards, "BATCH_BYTES", 50_000)
    readmes = {f"org/m{number:03d}": GOOD for number in range(90)} | {"org/large": GOOD + b" " * 50_000, "org/z": GOOD}
    with offering(tmp_path, readmes) as cards:
        capture, _ = cards.fetch()
    assert [page.count(b"\n") for name, page in capture.pages() if name != INDEX] == [20, 20, 20, 20, 11, 1]
    assert [part.name for part in parse(capture)] == list(readmes)


@pytest.mark.parametrize("fault", ["429", "502", "reset", "truncated"])
def test_accidents_are_got_over(tmp_path, fault):
    readmes = {f"org/m{number}": GOOD for number in range(12)}
    with offering(tmp_path, readmes, fault=Fault(fault, first=3, every=6, on="file")) as cards:
        cards.fetch()
        cards.fold(BOARD)
        assert cards.standing() == sorted((repo, 71.0) for repo in readmes)


def test_a_hub_that_stays_unwell_stops_it_and_leaves_nothing(tmp_path):
    with offering(tmp_path, {"org/m": GOOD}, fault=Fault("500", first=1, every=1, on="file")) as cards:
        with pytest.raises(SourceError, match="answers 500"):
            cards.fetch()
        assert list((cards.settings.captures / hub_cards.SOURCE).iterdir()) == []
