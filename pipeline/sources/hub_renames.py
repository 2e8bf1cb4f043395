"""What became of repositories that the Hub's list lacks: their pages redirect to a new id, or answer like none.

A repository that is missing and one that is private look alike.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeGuard
from urllib.parse import quote

import polars as pl

from pipeline.captures import Capture, CaptureWriter
from pipeline.settings import Settings
from pipeline.sources.hub_client import CLIENT, HubClient, Refused
from pipeline.sources.hub_files import ABSENT, THREADS

SOURCE = "hub_renames"
PAGE = "answers.jsonl"
COLUMNS: dict[str, Any] = {"asked": pl.String, "state": pl.String, "id": pl.String, "capture_id": pl.String}
"""`state` is `there`, `renamed`, `absent`, or `unreadable` for an id that is none. `id` is that of a repository that is
there or renamed."""
MAX_ID_CHARS = 200


def fetch(settings: Settings, endpoint: str, origin: str, wanted: Sequence[str]) -> tuple[Capture, bool] | None:
    """Ask for the page of each of some repositories, several at a time.

    Args:
        settings: where captures lie.
        endpoint: the Hub to ask.
        origin: what the capture calls this Hub.
        wanted: ids of repositories.

    Returns:
        The capture and whether it is new; None where nothing is wanted.

    Raises:
        SourceError: see `HubClient.json`, but for a repository that is not there.
    """
    if not wanted:
        return None
    client, repositories = HubClient(settings, endpoint), list(dict.fromkeys(wanted))
    with CaptureWriter(settings.captures, SOURCE, origin) as writer, ThreadPoolExecutor(THREADS) as pool:
        answers = pool.map(lambda repo: _answer(client, repo), repositories)
        writer.add(PAGE, b"".join(json.dumps(answer).encode() + b"\n" for answer in answers))
        return writer.seal(revision="", client=CLIENT, requests=client.requests, items=len(repositories), kind="delta")


def parse(capture: Capture) -> pl.DataFrame:
    """One row a repository asked for, in columns of `COLUMNS`."""
    rows = [answer | {"capture_id": capture.manifest.capture_id} for answer in _answers(capture)]
    return pl.DataFrame(rows, schema=COLUMNS)


def asked(captures: Iterable[Capture]) -> set[str]:
    """Repositories that were asked for in these captures."""
    return {answer["asked"] for capture in captures for answer in _answers(capture)}


def _answers(capture: Capture) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capture.page(PAGE).splitlines()]


def _answer(client: HubClient, repo: str) -> dict[str, Any]:
    state, found = _ask(client, repo)
    return {"asked": repo, "state": state, "id": found}


def _ask(client: HubClient, repo: str) -> tuple[str, str | None]:
    if {"", ".", ".."} & {*repo.split("/")}:
        return "unreadable", None  # no part of an address: it would be one of another page
    try:
        found = client.json(client.url(f"api/models/{quote(repo)}"), dict).body.get("id")
    except Refused as error:
        if error.status in ABSENT:
            return "absent", None
        raise
    if not _usable(found):
        return "unreadable", None
    return ("there" if found == repo else "renamed"), found


def _usable(repo: object) -> TypeGuard[str]:
    """Whether it is a text that can be an id; JSON also writes halves of characters, which are no text."""
    if not isinstance(repo, str) or not repo.strip() or len(repo) > MAX_ID_CHARS:
        return False
    return not any("\ud800" <= character <= "\udfff" for character in repo)
