"""Items of the local Hub: from a row in hub-stats form, and as the list endpoint shows them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from pipeline.localhub.repository import Item, short_id

# Properties the list endpoint refuses although a single repository has them.
REFUSED_IN_LISTS = frozenset({"baseModels", "childrenModelCount", "usedStorage"})
SORTS = ("createdAt", "lastModified", "downloads", "likes", "trendingScore")
DEFAULT_PROPERTIES = ("likes", "private", "downloads", "tags", "pipeline_tag", "library_name", "createdAt", "modelId")
FULL_PROPERTIES = ("author", "lastModified", "sha", "gated", "disabled", "siblings")
JSON_COLUMNS = ("cardData", "safetensors", "gguf", "evalResults")
PLAIN_COLUMNS = ("downloads", "downloadsAllTime", "likes", "trendingScore", "pipeline_tag", "library_name")
ONLY_README = [{"rfilename": "README.md"}]


@dataclass(frozen=True)
class Query:
    """What a list request asks for.

    Attributes:
        filters: tags (or task, or library) that must all be there.
        author: the organisation or user, None for any.
        search: texts that must all be in the id, in any case.
        sort: one of `SORTS`.
        descending: largest or newest first.
        properties: what is shown beside the ids, sorted.
    """

    filters: tuple[str, ...] = ()
    author: str | None = None
    search: tuple[str, ...] = ()
    sort: str = "createdAt"
    descending: bool = True
    properties: tuple[str, ...] = tuple(sorted(DEFAULT_PROPERTIES))


def properties(expand: Sequence[str], *, full: bool, card: bool, models: bool) -> tuple[str, ...]:
    """Names of the properties a list shows: exactly those asked for, else the default ones and more on demand."""
    if expand:
        return tuple(sorted({"cardData" if name == "card_data" else name for name in expand}))
    names = {*DEFAULT_PROPERTIES, *(FULL_PROPERTIES if full else ()), *(["cardData"] if full or card else ())}
    return tuple(sorted(names if models else names - {"modelId"}))


def listed(item: Item, names: Sequence[str]) -> Any:
    """An item as the list endpoint shows it; a raw one as it is, whatever that may be."""
    if "raw" in item:
        return item["raw"]
    known = {"modelId": item["id"], "siblings": ONLY_README} | item
    return {"_id": item["_id"], "id": item["id"]} | {name: known[name] for name in names if known.get(name) is not None}


def passes(item: Item, query: Query) -> bool:
    """Whether an item is among those a query asks for."""
    marks = [*(item.get("tags") or []), item.get("pipeline_tag"), item.get("library_name")]
    name = str(item.get("id", "")).lower()
    return (
        (query.author is None or item.get("author") == query.author)
        and all(text.lower() in name for text in query.search)
        and all(tag in marks for tag in query.filters)
    )


def from_row(row: Item) -> Item:
    """The item of a row in hub-stats form; a non-null column `raw` (JSON text) is kept as it is."""
    if row.get("raw") is not None:
        raw = json.loads(row["raw"])
        return {"raw": raw} | ({"id": raw["id"]} if isinstance(raw, dict) and isinstance(raw.get("id"), str) else {})
    repo = str(row["id"])
    item: Item = {
        "_id": short_id(repo),
        "id": repo,
        "author": row["author"],
        "sha": sha256(f"{repo} {row['lastModified']} {row['cardData']}".encode()).hexdigest()[:40],
        "createdAt": _time(row["createdAt"]),
        "lastModified": _time(row["lastModified"]),
        "private": False,
        "gated": False,
        "disabled": False,
        "tags": list(row["tags"] or []),
        "baseModels": row.get("baseModels"),
    }
    item |= {name: _json(row.get(name)) for name in JSON_COLUMNS} | {name: row.get(name) for name in PLAIN_COLUMNS}
    return item | {"safetensors": _without_nulls(item["safetensors"])}


def _json(value: object) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _without_nulls(header: Any) -> Any:
    if not isinstance(header, dict):
        return header
    counts = {name: count for name, count in (header.get("parameters") or {}).items() if count is not None}
    return header | {"parameters": counts}


def _time(value: datetime | str | None) -> str | None:
    if value is None:
        return None
    time = datetime.fromisoformat(value) if isinstance(value, str) else value
    time = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z"
