"""Model cards that the Hub's list does not state, read from the README of the repository: the scores they claim.

The list leaves out a card that the Hub cannot parse. A README is asked for at the commit that the list names, and only
for the repositories that the caller names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

from pipeline.captures import Capture, CaptureWriter
from pipeline.identity.benchmarks import NAME_COLUMNS
from pipeline.progress import report
from pipeline.settings import Settings
from pipeline.sources.board import Board, Part, Row
from pipeline.sources.card_metrics import card_metrics
from pipeline.sources.hub_client import CLIENT, HubClient, Refused, TooLarge
from pipeline.sources.hub_files import ABSENT, BATCH_BYTES, DOCUMENTS_AT_ONCE, INDEX, THREADS
from pipeline.sources.plain_yaml import load
from pipeline.sources.quarantine import Unreadable, excerpt

SOURCE = "hub_cards"
URL = "https://huggingface.co/models?other=model-index"
MAX_README_BYTES = 2 * 2**20
MAX_HEAD_CHARS = 5000
# Few enough that their READMEs, each as large as may be, fit in memory together.
ASKED_AT_ONCE = 4 * THREADS
# Why there is no README although one was wanted; `absent` is no fault of anybody's.
REASONS = {
    "too large": f"README is over {MAX_README_BYTES:,} bytes",
    "no address": "id or commit is no part of an address",
}
OPENING = re.compile(r"---[ \t]*(?:\r\n|\r|\n|\Z)")
CLOSING = re.compile(r"(?<=[\r\n])---[ \t]*(?=[\r\n]|\Z)")


def fetch(
    settings: Settings, endpoint: str, origin: str, wanted: Sequence[tuple[str, str]]
) -> tuple[Capture, bool] | None:
    """Capture the READMEs of some repositories, several downloads at a time.

    Args:
        settings: where captures lie.
        endpoint: the Hub to ask.
        origin: what the capture calls this Hub.
        wanted: ids of repositories, each with the commit to read.

    Returns:
        The capture and whether it is new; None where nothing is wanted.

    Raises:
        SourceError: see `HubClient.get`, but for a README that is too large or not there.
    """
    if not wanted:
        return None
    client, commits = HubClient(settings, endpoint), dict(wanted)
    asked = list(commits.items())
    with CaptureWriter(settings.captures, SOURCE, origin) as writer, ThreadPoolExecutor(THREADS) as pool:
        page: list[bytes] = []
        pages = 0
        for start in range(0, len(asked), ASKED_AT_ONCE):
            some = asked[start : start + ASKED_AT_ONCE]
            for line in pool.map(lambda pair: _line(client, *pair), some):
                page.append(line)
                if len(page) == DOCUMENTS_AT_ONCE or sum(map(len, page)) > BATCH_BYTES:
                    writer.add(f"{pages:06d}.jsonl", b"".join(page))
                    page, pages = [], pages + 1
            report(f"download {SOURCE}", start + len(some), len(asked))
        if page:
            writer.add(f"{pages:06d}.jsonl", b"".join(page))
        writer.add(INDEX, json.dumps(commits).encode())
        return writer.seal(revision="", client=CLIENT, requests=client.requests, items=len(asked), kind="delta")


def asked(captures: Iterable[Capture]) -> dict[str, str]:
    """Repositories that were asked for in these captures, oldest first, each with the commit asked for last."""
    found: dict[str, str] = {}
    for capture in captures:
        found |= json.loads(capture.page(INDEX))
    return found


def parse(capture: Capture) -> Iterator[Part]:
    """One part a repository; one without a README, or whose card says nothing of scores, comes without rows."""
    for name in capture.manifest.pages:
        if name != INDEX:
            for line in capture.page(name).splitlines():
                repo, _, state, text = json.loads(line)
                yield _part(capture.manifest.capture_id, repo, state, text)


def _line(client: HubClient, repo: str, commit: str) -> bytes:
    """One line of JSON: repository, commit, what came of asking, and the README as received."""
    state, content = _ask(client, repo, commit)
    return json.dumps([repo, commit, state, content.decode("utf-8", "surrogateescape")]).encode() + b"\n"


def _ask(client: HubClient, repo: str, commit: str) -> tuple[str, bytes]:
    if {"", ".", ".."} & {*repo.split("/"), commit}:
        return "no address", b""
    path = f"{quote(repo)}/resolve/{quote(commit, safe='')}/README.md"
    try:
        return "read", client.get(client.url(path), MAX_README_BYTES).content
    except Refused as error:
        if error.status in ABSENT:
            return "absent", b""
        raise
    except TooLarge:
        return "too large", b""


def _part(capture_id: str, repo: str, state: str, text: str) -> Part:
    part = Part(repo, SOURCE, capture_id)
    if state == "absent":
        return part
    part.read = 1
    try:
        if state != "read":
            raise Unreadable(REASONS[state])
        card = _card(text)
        if "model-index" in card:
            _add(part, card["model-index"], card.get("tags"))
    except Unreadable as error:
        part.refuse_all(str(error), text)
    return part


def _card(text: str) -> dict[Any, Any]:
    """The front matter of a README; empty where it has none."""
    try:
        text = text.encode("utf-8", "surrogateescape").decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise Unreadable("card is no UTF-8") from error
    opening = OPENING.match(text)
    if opening is None:
        return {}
    closing = CLOSING.search(text, opening.end())
    if closing is None:
        raise Unreadable("front matter does not end")
    card = load(text[opening.end() : closing.start()])
    if card is None:
        return {}
    if not isinstance(card, dict):
        raise Unreadable(f"front matter is a {type(card).__name__}")
    return card


def _add(part: Part, index: object, tags: object) -> None:
    """Add the scores of a `model-index`; what of it cannot be read is put aside piece by piece."""
    trainer_card = isinstance(tags, list) and "generated_from_trainer" in tags
    _check_heads(index)
    try:
        kept, refused = card_metrics(part.name, index, trainer_card)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise Unreadable(f"model-index cannot be read ({type(error).__name__})") from error
    part.add("board_scores", [_score(part.name, metric) for metric in kept])
    part.add("board_series", list({metric["series_id"]: _series(metric) for metric in kept}.values()))
    part.add("board_models", [{"model": part.name, "hub_id": part.name, "access": "unknown"}] if kept else [])
    # The README as a whole is kept: what is put aside here is a score, or a place that holds none.
    part.scores_refused += sum(kind == "card metric" for kind, _, _ in refused)
    part.add("quarantine", [
        {"source": SOURCE, "kind": "score" if kind == "card metric" else kind, "key": excerpt(part.name),
         "reason": reason, "payload": excerpt(payload), "capture_id": part.capture_id}
        for kind, reason, payload in refused
    ])  # fmt: skip


def _check_heads(index: object) -> None:
    """What stands above metrics is written out with each of them, so it must not be long."""
    entries = [entry for entry in index if isinstance(entry, dict)] if isinstance(index, list) else []
    lists = [entry["results"] for entry in entries if isinstance(entry.get("results"), list)]
    for one in [*entries, *(result for results in lists for result in results if isinstance(result, dict))]:
        head = {key: item for key, item in one.items() if key not in {"results", "metrics"}}
        if len(json.dumps(head, ensure_ascii=False)) > MAX_HEAD_CHARS:
            raise Unreadable(f"model-index with a dataset of more than {MAX_HEAD_CHARS:,} characters")


def _score(repo: str, metric: Row) -> Row:
    copied = ("series_id", "value", "tier", "self_reported", "source_name", "source_url", "evaluated_on")
    row = {"part": repo, "model": repo, "variant": metric["index_name"], "doubtful": False}
    return row | {name: metric[name] for name in copied}


def _series(metric: Row) -> Row:
    copied = ("series_id", "benchmark_id", "benchmark_name", *NAME_COLUMNS, "protocol", "evaluator", "comparability",
              "unit", "direction")  # fmt: skip
    ceiling = {"percent": 100.0, "fraction": 1.0}.get(metric["unit"])
    row = {"ceiling": ceiling, "source_name": metric["evaluator"], "source_url": URL}
    return {name: metric[name] for name in copied} | row


BOARD = Board(
    SOURCE, "Model cards read from README files", "https://huggingface.co/models", "as each model card states", parse
)
