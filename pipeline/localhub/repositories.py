"""The repositories a local Hub serves, from a table in hub-stats form."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from pipeline.errors import InputError

REQUIRED = ("id", "author", "createdAt", "lastModified", "tags", "cardData")
# Properties the list endpoint refuses although a single model has them.
REFUSED_IN_LISTS = frozenset({"baseModels", "childrenModelCount", "usedStorage"})
DEFAULT_IN_LISTS = ("likes", "private", "downloads", "tags", "pipeline_tag", "library_name")
SORTS = {
    "createdAt": "createdAt",
    "lastModified": "lastModified",
    "downloads": "downloads",
    "likes": "likes",
    "trendingScore": "trendingScore",
}
Item = dict[str, Any]


class Repositories:
    """Repositories in memory, each as the JSON object that a model page of the Hub returns."""

    def __init__(self, items: Sequence[Item], renamed: dict[str, str] | None = None) -> None:
        self.items = list(items)
        self.renamed = renamed or {}
        self.by_id = {str(item["id"]): item for item in self.items if "id" in item}

    @classmethod
    def from_parquet(cls, path: Path) -> Repositories:
        """Read a Parquet file in hub-stats form.

        Raises:
            InputError: no such file, no Parquet, or columns of that form are missing.
        """
        try:
            frame = pl.read_parquet(path)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise InputError(str(path), "it is no readable Parquet file", "Give a file in hub-stats form") from error
        missing = [column for column in REQUIRED if column not in frame.columns]
        if missing:
            raise InputError(str(path), f"columns {', '.join(missing)} are missing", "Give a file in hub-stats form")
        return cls.from_frame(frame)

    @classmethod
    def from_frame(cls, frame: pl.DataFrame) -> Repositories:
        """Take a frame in hub-stats form; a non-null column `raw` (JSON text) is served as it is."""
        return cls([_item(row) for row in frame.iter_rows(named=True)])

    def query(
        self,
        *,
        filters: Sequence[str] = (),
        author: str | None = None,
        search: str | None = None,
        sort: str = "createdAt",
        descending: bool = True,
    ) -> list[Item]:
        """Items that pass, in a total order: the sort key, ties by id, unknown keys last."""
        found = [
            item
            for item in self.items
            if (author is None or item.get("author") == author)
            and (search is None or search.lower() in str(item.get("id", "")).lower())
            and all(_passes(item, tag) for tag in filters)
        ]
        known = [item for item in found if _key(item, sort) is not None]
        unknown = [item for item in found if _key(item, sort) is None]
        known.sort(key=lambda item: str(item.get("id", "")))
        known.sort(key=lambda item: _key(item, sort), reverse=descending)
        return known + unknown


def listed(item: Item, expand: Sequence[str]) -> Item:
    """An item as the list endpoint shows it: the default properties, or exactly what was asked for."""
    if "raw" in item:
        return dict(item["raw"])
    names = expand or (*DEFAULT_IN_LISTS, "createdAt")
    wanted = {"cardData" if name == "card_data" else name for name in names}
    base = {"_id": item["_id"], "id": item["id"]} | ({} if expand else {"modelId": item["id"]})
    return base | {name: item[name] for name in sorted(wanted) if item.get(name) is not None}


def readme(item: Item) -> bytes:
    """The repository's README.md: its card as YAML front matter."""
    card = item.get("cardData")
    front = yaml.safe_dump(card, allow_unicode=True, sort_keys=True) if card else ""
    return f"---\n{front}---\n\n# {item['id']}\n".encode()


def _item(row: Item) -> Item:
    if row.get("raw") is not None:
        raw = json.loads(row["raw"])
        return {"raw": raw} | ({"id": raw["id"]} if isinstance(raw, dict) and isinstance(raw.get("id"), str) else {})
    repo = str(row["id"])
    item: Item = {
        "_id": sha256(repo.encode()).hexdigest()[:24],
        "id": repo,
        "modelId": repo,
        "author": row["author"],
        "sha": sha256(f"{repo} {row['lastModified']} {row['cardData']}".encode()).hexdigest()[:40],
        "createdAt": _time(row["createdAt"]),
        "lastModified": _time(row["lastModified"]),
        "private": False,
        "gated": False,
        "disabled": False,
        "tags": list(row["tags"] or []),
        "cardData": _json(row["cardData"]),
        "safetensors": _without_nulls(_json(row.get("safetensors"))),
        "gguf": _json(row.get("gguf")),
        "baseModels": row.get("baseModels"),
    }
    simple = ("downloads", "downloadsAllTime", "likes", "trendingScore", "pipeline_tag", "library_name")
    return item | {name: row.get(name) for name in simple}


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


def _key(item: Item, sort: str) -> Any:
    return item.get(SORTS[sort])


def _passes(item: Item, tag: str) -> bool:
    return tag in (item.get("tags") or []) or tag in {item.get("pipeline_tag"), item.get("library_name")}
