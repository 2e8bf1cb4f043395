"""Leaderboards that the Hub keeps for benchmark datasets: found by their tag, not listed by hand.

The Hub gathers them from results that anybody may file. An entry has a number without a unit and no date; its unit is
accepted where the benchmark itself says that it counts the share of right answers, or the tables of facts know it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import quote

from pipeline.captures import Capture, CaptureWriter
from pipeline.identity.benchmarks import Name, unit_of
from pipeline.identity.names import fingerprint, slug
from pipeline.identity.units import CEILINGS, UNKNOWN_SCALE, Proof, prove_in
from pipeline.settings import Settings
from pipeline.sources.board import Board, Part, Row
from pipeline.sources.hub_client import CLIENT, Answer, HubClient, Refused
from pipeline.sources.hub_files import ABSENT, INDEX, check_never_offered, newest_of
from pipeline.sources.plain_yaml import load
from pipeline.sources.quarantine import Unreadable

SOURCE = "hub_leaderboards"
URL = "https://huggingface.co/datasets?benchmark=benchmark:official"
TAG = "benchmark:official"
MAX_BENCHMARKS = 5000
VERIFIED, FILED = "Hugging Face, run on its own machines", "whoever filed the result"
# Scorers of inspect-ai that mark each answer right or wrong: their mean is the share of right answers.
SHARE_SCORERS = frozenset({
    "answer", "choice", "exact", "includes", "match", "math", "model_graded_fact", "model_graded_qa", "pattern",
})  # fmt: skip


def fetch(settings: Settings, endpoint: str, origin: str) -> tuple[Capture, bool] | None:
    """Capture the leaderboard of every dataset tagged as a benchmark, and the file in which it describes itself.

    Returns:
        The capture and whether it is new; None where the Hub lists no benchmark and never did.

    Raises:
        SourceError: see `HubClient.json`; also benchmarks that are all gone.
    """
    client = HubClient(settings, endpoint)
    as_list = partial(client.json, kind=list)
    with CaptureWriter(settings.captures, SOURCE, origin) as writer:
        listed: list[dict[str, Any]] = []
        for dataset in _benchmarks(client):
            path = quote(dataset)
            board = _if_there(as_list, client.url(f"api/datasets/{path}/leaderboard"))
            if board is None:
                continue  # tagged, and nothing was filed yet
            about = _if_there(client.get, client.url(f"datasets/{path}/resolve/main/eval.yaml"))
            page = f"{len(listed):06d}"
            writer.add(f"{page}.json", board)
            if about is not None:
                writer.add(f"{page}.yaml", about)
            listed.append({"dataset": dataset, "page": page, "described": about is not None})
        if not listed:
            check_never_offered(client, newest_of(settings, SOURCE, origin), f"list of {TAG}", SOURCE)
            return None
        writer.add(INDEX, json.dumps(listed).encode())
        return writer.seal(revision="", client=CLIENT, requests=client.requests, items=len(listed))


def parse(capture: Capture) -> Iterator[Part]:
    """One part a benchmark."""
    for entry in json.loads(capture.page(INDEX)):
        part = Part(entry["dataset"], SOURCE, capture.manifest.capture_id)
        about = capture.page(f"{entry['page']}.yaml") if entry["described"] else b""
        try:
            entries = json.loads(capture.page(f"{entry['page']}.json"))
            if not isinstance(entries, list):
                raise ValueError
        except (ValueError, RecursionError):
            part.refuse_all("leaderboard is no list", entry["dataset"])
        else:
            part.read = len(entries)
            counts_shares = _counts_shares(about)
            for one in entries:
                _add(part, one, counts_shares)
        yield part


def _benchmarks(client: HubClient) -> list[str]:
    url: str | None = client.url("api/datasets", [("filter", TAG), ("limit", "1000")])
    found: dict[str, None] = {}
    while url is not None and len(found) < MAX_BENCHMARKS:
        answer = client.json(url, list)
        ids = [item.get("id") for item in answer.body if isinstance(item, dict)]
        new = [name for name in ids if isinstance(name, str) and 0 < len(name) <= 200 and name not in found]
        url = answer.next if new else None
        found |= dict.fromkeys(new)
    return sorted(found)


def _if_there(ask: Callable[[str], Answer], url: str) -> bytes | None:
    try:
        return ask(url).content
    except Refused as error:
        if error.status in ABSENT:
            return None
        raise


def _counts_shares(about: bytes) -> bool:
    """Whether a benchmark says that every task of it counts the share of right answers."""
    try:
        described = load(about.decode("utf-8", "replace"))
    except Unreadable:
        return False
    tasks = described.get("tasks") if isinstance(described, dict) else None
    if not isinstance(tasks, list) or not tasks or not all(isinstance(task, dict) for task in tasks):
        return False
    if described.get("evaluation_framework") != "inspect-ai" or any("metrics" in task for task in tasks):
        return False
    scorers = [task.get("scorers") for task in tasks]
    return all(isinstance(one, list) and one and all(map(_marks_answers, one)) for one in scorers)


def _marks_answers(scorer: object) -> bool:
    return isinstance(scorer, dict) and scorer.get("name") in SHARE_SCORERS


def _add(part: Part, entry: object, counts_shares: bool) -> None:
    model = entry.get("modelId") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(model, str) or not model.strip() or len(model) > 200:
        part.refuse("entry", "", "entry without a usable model", entry)
        return
    named = Name.of("dataset", part.name)
    proof = _proven(named, entry.get("value"), counts_shares)
    if proof.value is None or proof.unit is None:
        part.refuse("score", model, proof.reason, entry)
        return
    value, unit = proof.value, proof.unit
    verified = entry.get("verified") is True
    notes = entry["notes"].strip()[:200] if isinstance(entry.get("notes"), str) else ""
    board = "verified" if verified else "filed"
    benchmark = slug(f"hub {part.name}")
    series_id = f"{benchmark}--{board}--{fingerprint(SOURCE, part.name, unit, board, notes)}"
    name, url = _stated_source(entry.get("source"), model)
    part.add("board_scores", [{
        "part": part.name, "model": model, "series_id": series_id, "variant": _text(entry, "filename"),
        "value": value, "tier": "C" if verified else "D", "self_reported": False if verified else None,
        "doubtful": False, "source_name": name, "source_url": url,
        "note": None if entry.get("pullRequest") is None else "from a pull request that is open",
    }])  # fmt: skip
    part.add("board_models", [{"model": model, "hub_id": model, "access": "unknown"}])
    part.add("board_series", [{
        "series_id": series_id, "benchmark_id": benchmark, "benchmark_name": part.name, **named.columns,
        "protocol": notes or "not stated", "evaluator": VERIFIED if verified else FILED,
        "comparability": "same_evaluator" if verified else "loose", "unit": unit, "direction": "higher",
        "ceiling": CEILINGS.get(unit), "source_name": "Hugging Face Hub, benchmark leaderboard",
        "source_url": f"https://huggingface.co/datasets/{quote(part.name)}",
    }])  # fmt: skip


def _proven(named: Name, value: object, counts_shares: bool) -> Proof:
    """Value and unit, or why there is none: 20.90 stands beside 0.412."""
    proof = prove_in("percent" if counts_shares else unit_of(named), value)
    if proof.value is None and proof.reason == UNKNOWN_SCALE:
        return Proof(None, None, "unit not proven: the benchmark does not say what it counts")
    return proof


def _stated_source(source: object, model: str) -> tuple[str | None, str]:
    stated: Row = source if isinstance(source, dict) else {"url": source}
    url: Any = stated.get("url")
    usable = isinstance(url, str) and url.startswith("https://")
    return _text(stated, "name"), url if usable else f"https://huggingface.co/{quote(model)}"


def _text(row: Row, key: str) -> str | None:
    value = row.get(key)
    return value[:200] if isinstance(value, str) and value.strip() else None


BOARD = Board(SOURCE, "Hugging Face Hub, benchmark leaderboards", URL, "as each result states", parse, fetch)
