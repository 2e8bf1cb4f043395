"""Repositories of results on the Hub: datasets in which people keep what lm-evaluation-harness wrote.

Which repositories are read is a setting; which files they hold is found by listing them. Each file lies in a folder
named after its model: `organisation/model/results_<time>.json` or `organisation__model/results_<time>.json`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import quote

from pipeline.captures import Capture
from pipeline.errors import InputError
from pipeline.settings import Settings
from pipeline.sources import harness
from pipeline.sources.board import Board, Part
from pipeline.sources.hub_client import HubClient
from pipeline.sources.hub_files import INDEX, capture_documents, captured_documents, removed_documents
from pipeline.sources.quarantine import EXCERPT, Unreadable

SOURCE = "harness_results"
TITLE = "Results of lm-evaluation-harness on the Hub"
URL = "https://huggingface.co/datasets?search=lm-eval-results"
LICENCE = "as each repository states; facts attributed to who ran the evaluation"
PATH = re.compile(r"(?:[^/]+/){1,2}results_[^/]+\.json")
DATASET = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)


def fetch(settings: Settings, endpoint: str, origin: str) -> tuple[Capture, bool] | None:
    """Capture what changed in each of the repositories of `settings.harness_results`, one capture a repository.

    Returns:
        The last capture and whether any is new; None where the Hub offers none of them.

    Raises:
        InputError: a name is no dataset's.
        SourceError: see `capture_documents`.
    """
    client = HubClient(settings, endpoint)
    found: list[tuple[Capture, bool]] = []
    for dataset in settings.result_repositories:
        if not DATASET.fullmatch(dataset):
            raise InputError(f"MOAT_HARNESS_RESULTS {dataset}", "it is no dataset", "Write organisation/name")
        one = capture_documents(
            settings, client, origin, SOURCE, dataset, "", lambda path: bool(PATH.fullmatch(path)), among_others=True
        )
        found += [one] if one is not None else []
    if not found:
        return None
    new = [capture for capture, is_new in found if is_new]
    return (new or [capture for capture, _ in found])[-1], bool(new)


def parse(capture: Capture) -> Iterator[Part]:
    """One part a result file; one that is gone comes without rows."""
    dataset = str(json.loads(capture.page(INDEX))["dataset"])
    for document in captured_documents(capture):
        part = Part(f"{dataset}/{document.path}", SOURCE, capture.manifest.capture_id)
        try:
            harness.read(part, document, _written(dataset, document.path))
        except Unreadable as error:
            part.refuse_all(str(error), (document.content or b"")[:EXCERPT].decode("utf-8", "replace"))
        yield part
    for path in removed_documents(capture):
        yield Part(f"{dataset}/{path}", SOURCE, capture.manifest.capture_id)


def _written(dataset: str, path: str) -> harness.Written:
    if not path.isprintable():
        raise Unreadable("path has characters that no path needs")
    url = f"https://huggingface.co/datasets/{quote(dataset)}/blob/main/{quote(path)}"
    organisation = dataset.partition("/")[0]
    return harness.Written(organisation, organisation, dataset, url)


BOARD = Board(SOURCE, TITLE, URL, LICENCE, parse, fetch)
