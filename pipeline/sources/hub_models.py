"""Models of the Hub with their cards: what a page of its list says, as rows.

Everything on the Hub is untrusted. An item or metric that cannot be read is one row of quarantine
with a reason; nothing here renders, executes or downloads what a card names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from pipeline.captures import Capture
from pipeline.sources.card_metrics import METRIC_COLUMNS, card_metrics
from pipeline.sources.eval_results import eval_results
from pipeline.sources.hub_crawl import SOURCE
from pipeline.sources.quarantine import QUARANTINE_COLUMNS, Refused, Unreadable, excerpt

# Repositories older than the field carry this creation time: it means unknown.
CREATED_FLOOR = datetime(2022, 3, 2, 23, 29, 4, tzinfo=UTC)
RELATIONS = frozenset({"finetune", "adapter", "quantized", "merge"})
MAX_CARD_CHARS = 2_000_000

MODEL_COLUMNS: dict[str, Any] = {
    "id": pl.String, "author": pl.String, "created_at": pl.Datetime("us", "UTC"),
    "last_modified": pl.Datetime("us", "UTC"), "downloads": pl.Int64, "likes": pl.Int64, "licence": pl.String,
    "licence_name": pl.String, "tags": pl.List(pl.String), "pipeline_tag": pl.String, "library": pl.String,
    "params_total": pl.Int64, "gated": pl.String, "disabled": pl.Boolean, "sha": pl.String, "has_card": pl.Boolean,
    "capture_id": pl.String,
}  # fmt: skip
"""`has_card` says whether the Hub states a card for the repository: it states none that it cannot parse."""
EDGE_COLUMNS: dict[str, Any] = {
    "child": pl.String, "parent": pl.String, "relation": pl.String, "evidence": pl.String,
    "capture_id": pl.String,
}  # fmt: skip


class Parsed:
    """The rows of some items of a capture: models, lineage edges, card metrics, quarantine; `read` counts the items.

    Items are placed one after the other, the first one after `place`.
    """

    def __init__(self, capture_id: str, place: int = 0) -> None:
        self.capture_id = capture_id
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
        self.read = 0
        self._place = place

    def frames(self) -> dict[str, pl.DataFrame]:
        """One typed frame per table of `TABLES`, and `place`: that of the item each row is from."""
        return {
            name: pl.DataFrame(self.rows[name], schema=schema | {"place": pl.Int64}) for name, schema in TABLES.items()
        }

    def add(self, item: object, *, is_text: bool = True) -> None:
        """Take one item of a page, keep it or quarantine it; `is_text` says that all of it can be written down."""
        self.read += 1
        try:
            if not is_text:
                raise Unreadable("it holds halves of characters")
            model, card = _model(item)
        except Unreadable as error:
            key = item.get("id") if isinstance(item, dict) else None
            return self._quarantine("repository", str(key or ""), str(error), item)
        self._keep("hub_models", [model])
        edges, problems = _edges(model["id"], model["tags"], card)
        self._keep("lineage_edges", edges)
        for problem, payload in problems:
            self._quarantine("lineage", model["id"], problem, payload)
        if "model-index" in card:
            trainer_card = "generated_from_trainer" in model["tags"]
            self._add_scores(model["id"], *card_metrics(model["id"], card["model-index"], trainer_card))
        if isinstance(item, dict) and item.get("evalResults") is not None:
            self._add_scores(model["id"], *eval_results(model["id"], item["evalResults"]))
        return None

    def _add_scores(self, repo: str, kept: Sequence[dict[str, Any]], refused: Sequence[Refused]) -> None:
        self._keep("card_metrics", kept)
        for kind, reason, payload in refused:
            self._quarantine(kind, repo, reason, payload)

    def _quarantine(self, kind: str, key: str, reason: str, payload: object) -> None:
        """Put one row aside with its reason."""
        row = {"source": SOURCE, "kind": kind, "key": excerpt(key), "reason": reason, "payload": excerpt(payload)}
        self._keep("quarantine", [row])

    def _keep(self, table: str, rows: Sequence[dict[str, Any]]) -> None:
        self.rows[table].extend(row | {"capture_id": self.capture_id, "place": self._place + self.read} for row in rows)


TABLES = {
    "hub_models": MODEL_COLUMNS,
    "lineage_edges": EDGE_COLUMNS,
    "card_metrics": METRIC_COLUMNS,
    "quarantine": QUARANTINE_COLUMNS,
}


def parse(capture: Capture, names: Sequence[str], place: int = 0) -> Parsed:
    """Turn some pages of a sealed capture into rows; pure apart from reading them."""
    parsed = Parsed(capture.manifest.capture_id, place)
    for name in names:
        content = capture.page(name)
        # JSON can write halves of characters, which nothing can store; emoji are written like that, too.
        doubtful = re.search(rb"\\u[dD][89a-fA-F]", content) is not None
        for item in json.loads(content):
            parsed.add(item, is_text=not doubtful or _is_text(item))
    return parsed


def _is_text(item: object) -> bool:
    try:
        json.dumps(item, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _model(item: object) -> tuple[dict[str, Any], dict[str, Any]]:
    if not isinstance(item, dict):
        raise Unreadable(f"item is a {type(item).__name__}")
    repo = item.get("id")
    if not isinstance(repo, str) or not repo.strip() or len(repo) > 200:
        raise Unreadable("item without a usable id")
    tags = item.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise Unreadable("tags are no list of texts")
    stated = _card(item.get("cardData"))
    card = stated or {}
    return {
        "id": repo,
        "author": _text(item, "author") or (repo.split("/")[0] if "/" in repo else None),
        "created_at": _creation(item),
        "last_modified": _time(item, "lastModified"),
        "downloads": _count(item, "downloads"),
        "likes": _count(item, "likes"),
        "licence": _licence(card, tags),
        "licence_name": card.get("license_name") if isinstance(card.get("license_name"), str) else None,
        "tags": tags,
        "pipeline_tag": _text(item, "pipeline_tag"),
        "library": _text(item, "library_name"),
        "params_total": _params(item),
        "gated": None if item.get("gated") is None else str(item["gated"]).lower(),
        "disabled": item.get("disabled") if isinstance(item.get("disabled"), bool) else None,
        "sha": _text(item, "sha"),
        "has_card": stated is not None,
    }, card  # fmt: skip


def _card(raw: object) -> dict[str, Any] | None:
    if isinstance(raw, str):  # bulk tables carry the card as text, the Hub as an object
        if len(raw) > MAX_CARD_CHARS:
            raise Unreadable("card is too large")
        try:
            raw = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise Unreadable("card is no JSON") from error
    if raw is not None and not isinstance(raw, dict):
        raise Unreadable(f"card is a {type(raw).__name__}")
    return raw


def _text(item: dict[str, Any], key: str) -> str | None:
    value = item.get(key)
    if value is not None and not isinstance(value, str):
        raise Unreadable(f"{key} is a {type(value).__name__}")
    return value or None


def _count(item: dict[str, Any], key: str) -> int | None:
    value = item.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**62:
        raise Unreadable(f"{key} is no count")
    return value


def _params(item: dict[str, Any]) -> int | None:
    """Parameters by the safetensors header, else by the GGUF header; unknown where neither states them."""
    for name in ("safetensors", "gguf"):
        header = item.get(name)
        if isinstance(header, dict) and header.get("total") is not None:
            return _count(header, "total")
    return None


def _time(item: dict[str, Any], key: str) -> datetime | None:
    value = _text(item, key)
    if value is None:
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError as error:
        raise Unreadable(f"{key} is no timestamp") from error
    time = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)  # the Hub's clock is UTC
    if time > datetime.now(UTC) + timedelta(days=1):
        raise Unreadable(f"{key} lies in the future")
    return time


def _creation(item: dict[str, Any]) -> datetime | None:
    created = _time(item, "createdAt")
    return None if created is not None and created.replace(microsecond=0) == CREATED_FLOOR else created


def _licence(card: dict[str, Any], tags: Sequence[str]) -> str | None:
    written = card.get("license")
    if isinstance(written, list) and len(written) == 1:
        written = written[0]
    if isinstance(written, str) and written.strip():
        return written.strip()
    tagged = [tag.removeprefix("license:") for tag in tags if tag.startswith("license:")]
    return tagged[0] if len(tagged) == 1 else None


def _edges(
    child: str, tags: Sequence[str], card: dict[str, Any]
) -> tuple[list[dict[str, Any]], list[tuple[str, object]]]:
    """Edges from tags (the Hub's own reading) and from the card; a card edge the tags repeat is one edge.

    Tags come from the card alone: where as many parents stand only in it as only in tags, they are earlier ids.
    """
    found: dict[str, dict[str, Any]] = {}
    for tag in tags:
        if tag.startswith("base_model:"):
            first, _, rest = tag.removeprefix("base_model:").partition(":")
            parent, relation = (rest, first) if first in RELATIONS else (tag.removeprefix("base_model:"), "unknown")
            if parent not in found or relation != "unknown":
                found[parent] = {"child": child, "parent": parent, "relation": relation, "evidence": "tag"}
    problems: list[tuple[str, object]] = []
    declared = list(dict.fromkeys(_declared(card.get("base_model"), problems)))
    unread = [parent for parent in declared if parent not in found]
    earlier = len(unread) == len(found.keys() - set(declared))
    for parent in unread:
        if not earlier:
            stated = card.get("base_model_relation")
            known = stated if isinstance(stated, str) and stated in RELATIONS else "unknown"
            found[parent] = {"child": child, "parent": parent, "relation": known, "evidence": "declared"}
    if child in found:
        problems.append(("base_model is the repository itself", child))
        del found[child]
    return list(found.values()), problems


def _declared(value: object, problems: list[tuple[str, object]]) -> Iterator[str]:
    for parent in value if isinstance(value, list) else [] if value is None else [value]:
        if isinstance(parent, str) and 0 < len(parent) <= 200 and not parent.startswith((".", "/")):
            yield parent
        else:
            problems.append(("base_model is no repository id", parent))
