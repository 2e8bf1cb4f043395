"""Repositories of result files on the Hub: each is captured for itself, and of it only what changed."""

import json
from contextlib import ExitStack
from datetime import date

import pytest

from pipeline.captures import every
from pipeline.errors import InputError, SourceError
from pipeline.localhub.repository import Repository
from pipeline.settings import Settings
from pipeline.sources.harness_results import BOARD
from pipeline.sources.hub_files import INDEX, MAX_DOCUMENT_BYTES
from tests.sources.board_data import offering
from tests.sources.harness_files import LIGHTEVAL, MODEL, PATH, V043, arguments, changed
from tests.sources.test_open_llm_leaderboard_v1 import write

ONE, OTHER = "testers/results", "others/evals"
FOLDED = "maker__small-7b/results_2024-06-03T12-00-00.json"
SECOND = "maker/other-1b/results_2024-06-04T12-00-00.json"


def file(value=0.2, model=MODEL):
    """A result file with one score."""
    named = arguments(V043, pretrained=model)
    return changed(named, results={"one": {"acc,none": value}})


def dataset(name, documents):
    return Repository.new(name, {path: write(content) for path, content in documents.items()})


@pytest.fixture
def hub(tmp_path):
    """Makes a Hub with these datasets, and settings that name those to be read."""
    with ExitStack() as opened:

        def offer(*datasets, named=f"{ONE}, {OTHER}"):
            boards = opened.enter_context(offering(tmp_path, *datasets))
            boards.settings = Settings(data=tmp_path, backoff_s=0.01, retries=0, harness_results=named)
            return boards

        yield offer


def commit(boards, name, changes):
    written = {path: None if content is None else write(content) for path, content in changes.items()}
    boards.put(boards.hub.datasets.get(name).commit(written))


def parts(boards):
    """What every capture says, the last word on each part."""
    found = {}
    for capture in every(boards.settings.captures, BOARD.source):
        found |= {part.name: part for part in BOARD.parse(capture)}
    return found


def standing(boards):
    frame = boards.table(query="WHERE gone_at IS NULL ORDER BY part, value")
    return list(frame.select("part", "value").iter_rows())


def reasons(part):
    return part.frame("quarantine")["reason"].to_list()


def test_files_lie_in_a_folder_of_their_model_written_either_way(hub):
    others = {"README.md": {}, "results.json": {}, "maker/small-7b/samples_one.jsonl": {}, "a/b/c/results_x.json": {},
              "results_2024-06-03T12-00-00.json": file()}  # fmt: skip
    boards = hub(dataset(ONE, {PATH: file(0.2), FOLDED: file(0.3)} | others), named=ONE)
    capture, new = boards.fetch(BOARD)
    assert (new, capture.manifest.items, boards.hub.requests["file"]) == (True, 2, 2)
    found = parts(boards)
    assert {name: part.frame("board_scores")["value"].to_list() for name, part in found.items()} == {
        f"{ONE}/{PATH}": [0.2], f"{ONE}/{FOLDED}": [0.3],
    }  # fmt: skip
    [row] = found[f"{ONE}/{PATH}"].frame("board_scores").to_dicts()
    assert (row["model"], row["evaluated_on"], row["source_name"]) == (MODEL, date(2024, 6, 3), ONE)
    assert row["source_url"] == f"https://huggingface.co/datasets/{ONE}/blob/main/{PATH}"
    [series] = found[f"{ONE}/{PATH}"].frame("board_series").to_dicts()
    assert (series["evaluator"], series["source_url"]) == ("testers", f"https://huggingface.co/datasets/{ONE}")


def test_the_commit_that_was_read_is_in_the_manifest_with_its_dataset(hub):
    boards = hub(dataset(ONE, {PATH: file()}), named=ONE)
    capture, _ = boards.fetch(BOARD)
    sha = boards.hub.datasets.get(ONE).commits[0].sha
    assert (capture.manifest.revision, capture.manifest.kind) == (f"{ONE}@{sha}", "delta")
    index = json.loads(capture.page(INDEX))
    assert (index["dataset"], index["commit"], list(index["documents"])) == (ONE, sha, [PATH])


def test_a_file_of_the_first_leaderboard_is_read_as_well(hub):
    boards = hub(dataset(ONE, {PATH: LIGHTEVAL}), named=ONE)
    boards.fetch(BOARD)
    [part] = parts(boards).values()
    assert part.frame("board_scores").height == 4


def test_two_repositories_are_two_captures_and_two_evaluators_of_one_benchmark(hub):
    boards = hub(dataset(ONE, {PATH: file(0.2)}), dataset(OTHER, {PATH: file(0.3)}))
    _, new = boards.fetch(BOARD)
    captures = every(boards.settings.captures, BOARD.source)
    assert (new, [capture.manifest.revision.partition("@")[0] for capture in captures]) == (True, [OTHER, ONE])
    boards.fold(BOARD)
    assert standing(boards) == [(f"{OTHER}/{PATH}", 0.3), (f"{ONE}/{PATH}", 0.2)]
    series = boards.table("board_series")
    assert (series["series_id"].n_unique(), series["benchmark_id"].n_unique()) == (2, 1)
    assert sorted(series["evaluator"]) == ["others", "testers"]


def test_what_is_as_it_was_is_asked_about_once_and_not_captured_again(hub):
    boards = hub(dataset(ONE, {PATH: file()}), dataset(OTHER, {PATH: file()}))
    boards.fetch(BOARD)
    before = boards.hub.requests.copy()
    _, new = boards.fetch(BOARD)
    assert (new, boards.hub.requests - before) == (False, {"dataset": 2})
    assert len(every(boards.settings.captures, BOARD.source)) == 2


def test_only_a_changed_file_is_downloaded_again_and_one_that_is_gone_ends_its_scores(hub):
    start = {PATH: file(0.2), FOLDED: file(0.3), SECOND: file(0.4, "maker/other-1b")}
    boards = hub(dataset(ONE, start), dataset(OTHER, {PATH: file(0.5)}))
    boards.fetch(BOARD)
    boards.fold(BOARD)
    before = boards.hub.requests.copy()
    commit(boards, ONE, {PATH: file(0.25), SECOND: None})
    capture, new = boards.fetch(BOARD)
    asked = boards.hub.requests - before
    assert (new, asked["file"], capture.manifest.kind, capture.manifest.items) == (True, 1, "delta", 2)
    assert capture.manifest.revision.startswith(f"{ONE}@")
    assert [part.name for part in BOARD.parse(capture)] == [f"{ONE}/{PATH}", f"{ONE}/{SECOND}"]
    boards.fold(BOARD, accept_smaller=BOARD.source)
    # The other repository, and the file that did not change, stand as they did.
    assert standing(boards) == [(f"{OTHER}/{PATH}", 0.5), (f"{ONE}/{PATH}", 0.25), (f"{ONE}/{FOLDED}", 0.3)]
    gone = boards.table(query="WHERE gone_at IS NOT NULL ORDER BY value")
    assert gone["value"].to_list() == [0.2, 0.4]
    assert gone["gone_at"].to_list() == [capture.manifest.finished_at] * 2


def test_a_file_that_became_unreadable_ends_nothing(hub):
    boards = hub(dataset(ONE, {PATH: file(0.2)}), named=ONE)
    boards.fetch(BOARD)
    commit(boards, ONE, {PATH: b"{"})
    boards.fetch(BOARD)
    boards.fold(BOARD)
    assert standing(boards) == [(f"{ONE}/{PATH}", 0.2)]
    assert boards.reasons() == [("part", f"{ONE}/{PATH}", "document is no JSON")]


def test_a_repository_that_a_hub_does_not_offer_is_left_out(hub):
    boards = hub(dataset(ONE, {PATH: file()}))
    capture, new = boards.fetch(BOARD)
    assert (new, capture.manifest.revision.partition("@")[0]) == (True, ONE)
    assert boards.fetch(BOARD)[1] is False
    # It is read as soon as it is there, and the other is not read again.
    boards.put(dataset(OTHER, {PATH: file(0.7)}))
    capture, new = boards.fetch(BOARD)
    assert (new, capture.manifest.revision.partition("@")[0]) == (True, OTHER)
    assert boards.hub.requests["file"] == 2


def test_a_hub_that_offers_none_of_them_offers_nothing(hub):
    assert hub().fetch(BOARD) is None
    assert hub(dataset(ONE, {PATH: file()}), named="").fetch(BOARD) is None


def test_a_repository_that_is_gone_after_it_was_there_is_trouble(hub):
    boards = hub(dataset(ONE, {PATH: file()}), dataset(OTHER, {PATH: file()}))
    boards.fetch(BOARD)
    boards.hub.datasets.delete(ONE)
    with pytest.raises(SourceError, match=f"dataset {ONE} is gone, or needs a right.*MOAT_SKIP=harness_results"):
        boards.fetch(BOARD)
    boards.fold(BOARD)
    assert len(standing(boards)) == 2


def test_a_repository_without_a_single_result_file_is_trouble(hub):
    boards = hub(dataset(ONE, {"README.md": {}, "maker/small-7b/notes.json": {}}), named=ONE)
    with pytest.raises(SourceError, match=f"dataset {ONE} holds none of the documents"):
        boards.fetch(BOARD)


@pytest.mark.parametrize(
    "name",
    ["results", "../results", "a/b/c", "a/..", "testers/", "/results", "testers/re sults", "testers/results@main",
     "https://huggingface.co/datasets/testers/results", "testers/\u0440esults"],
)  # fmt: skip
def test_a_name_that_is_no_datasets_is_refused(hub, name):
    boards = hub(named=name)
    with pytest.raises(InputError, match="it is no dataset"):
        boards.fetch(BOARD)
    assert boards.hub.requests.total() == 0


def test_names_are_listed_with_commas_between_and_none_is_asked_twice():
    assert Settings(harness_results=f" {ONE},,{OTHER} ,{ONE}").result_repositories == (OTHER, ONE)


HOSTILE = {
    "maker/<script>/results_2024-06-03T12-00-00.json": "model is not the one that the path names",
    "maker/new\u2028line/results_2024-06-03T12-00-00.json": "path has characters that no path needs",
    "\u202erekam/small-7b/results_2024-06-03T12-00-00.json": "path has characters that no path needs",
    "maker/other/results_2024-06-03T12-00-00.json": "model is not the one that the path names",
    "maker/small-7b/results_; DROP TABLE scores;.json": None,  # the file itself says when it was written
    "maker/small-7b/results_100%25 ?#&.json": None,
}


def test_paths_of_any_kind_are_followed_into_the_repository_and_nowhere_else(hub):
    boards = hub(dataset(ONE, dict.fromkeys(HOSTILE, file())), named=ONE)
    capture, _ = boards.fetch(BOARD)
    assert (capture.manifest.items, boards.hub.requests["file"]) == (len(HOSTILE), len(HOSTILE))
    found = {part.name.removeprefix(f"{ONE}/"): part for part in BOARD.parse(capture)}
    assert {path: next(iter(reasons(part)), None) for path, part in found.items()} == HOSTILE
    addresses = [url for part in found.values() for url in part.frame("board_scores")["source_url"]]
    start = f"https://huggingface.co/datasets/{ONE}/blob/main/maker/small-7b/results_"
    assert sorted(addresses) == [f"{start}%3B%20DROP%20TABLE%20scores%3B.json", f"{start}100%2525%20%3F%23%26.json"]


def test_a_file_that_cannot_be_read_is_put_aside_and_the_rest_goes_on(hub):
    large = b" " * (MAX_DOCUMENT_BYTES + 1)
    broken = {
        "maker/a/results_2024-01-01T00-00-00.json": (b"[1]", "document is a list, not an object"),
        "maker/b/results_2024-01-01T00-00-00.json": (b"\xff", "document is no JSON"),
        "maker/c/results_2024-01-01T00-00-00.json": (b"[" * 100_000, "document is no JSON"),
        "maker/d/results_2024-01-01T00-00-00.json": (large, "document is over 4,194,304 bytes"),
        "maker/e/results_2024-01-01T00-00-00.json": ({}, "document without results"),
        "maker/f/results_2024-01-01T00-00-00.json": (file(), "model is not the one that the path names"),
    }  # fmt: skip
    boards = hub(dataset(ONE, {path: content for path, (content, _) in broken.items()} | {PATH: file()}), named=ONE)
    boards.fetch(BOARD)
    [(items, scores)] = boards.fold(BOARD)
    assert (items.read, items.kept, items.quarantined, scores.kept) == (7, 1, 6, 1)
    assert [reason for _, _, reason in boards.reasons()] == [reason for _, reason in broken.values()]


def test_the_same_result_laid_down_twice_in_one_repository_is_one_fact(hub):
    boards = hub(dataset(ONE, {PATH: file(), FOLDED: file()}), named=ONE)
    boards.fetch(BOARD)
    [(_, scores)] = boards.fold(BOARD)
    assert (scores.read, scores.kept, scores.duplicate) == (2, 1, 1)
