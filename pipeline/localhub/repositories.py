"""The repositories a local Hub serves, in memory; they may change while it runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from threading import RLock
from typing import Protocol

import polars as pl

from pipeline.errors import InputError
from pipeline.localhub.items import Query, from_row, listed, passes
from pipeline.localhub.repository import Item, Repository

REQUIRED = ("id", "author", "createdAt", "lastModified", "tags", "cardData")


class Source(Protocol):
    """What the routes of a Hub need of its models or its datasets."""

    renamed: dict[str, str]
    """Old id to new id."""

    def page(self, query: Query, start: int, stop: int) -> tuple[list[bytes], int]:
        """JSON texts of the items from `start` up to `stop` of a query, and how many it has in all."""

    def get(self, repo: str) -> Repository | None:
        """The repository of that id, None where there is none."""

    def close(self) -> None:
        """Give back what serving needed; it may be served again."""


class Repositories:
    """Models, or datasets, in memory. Ids are unique but for rows of a frame, which are listed as they come."""

    def __init__(self, items: Sequence[Item] = (), renamed: dict[str, str] | None = None) -> None:
        self.items = list(items)
        self.renamed = renamed or {}
        self.by_id = {str(item["id"]): item for item in self.items if "id" in item}
        self._stored: dict[str, Repository] = {}
        self._lock = RLock()
        self._last: tuple[Query, list[Item]] | None = None

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
        require_columns(path, frame.columns)
        return cls.from_frame(frame)

    @classmethod
    def from_frame(cls, frame: pl.DataFrame) -> Repositories:
        """Take a frame in hub-stats form; a non-null column `raw` (JSON text) is served as it is."""
        return cls([from_row(row) for row in frame.iter_rows(named=True)])

    @classmethod
    def of(cls, *repositories: Repository) -> Repositories:
        """Take repositories with files."""
        made = cls()
        for repository in repositories:
            made.put(repository)
        return made

    def put(self, repository: Repository | Item) -> None:
        """Add a repository, or make this its current state; an item states everything but the files."""
        added = repository if isinstance(repository, Repository) else Repository.of(repository)
        with self._lock:
            self._remove(added.id)
            self.renamed.pop(added.id, None)
            self.items.append(added.item)
            self.by_id[added.id] = added.item
            self._stored[added.id] = added

    def delete(self, repo: str) -> None:
        """Delete a repository: it leaves the lists, and its page answers 401 as the Hub does.

        Raises:
            KeyError: there is no such repository.
        """
        with self._lock:
            self._remove(self._existing(repo).id)

    def rename(self, old: str, new: str) -> None:
        """Give a repository another id; the old one redirects to it.

        Raises:
            KeyError: there is no such repository.
        """
        with self._lock:
            repository = self._existing(old)
            self._remove(old)
            self.put(repository.renamed(new))
            self.renamed = {before: new if after == old else after for before, after in self.renamed.items()}
            self.renamed[old] = new

    def get(self, repo: str) -> Repository | None:
        """The repository of that id, None where there is none."""
        with self._lock:
            if repo not in self._stored and repo in self.by_id:
                self._stored[repo] = Repository.of(self.by_id[repo])
            return self._stored.get(repo)

    def page(self, query: Query, start: int, stop: int) -> tuple[list[bytes], int]:
        """JSON texts of the items from `start` up to `stop` of a query, and how many it has in all."""
        with self._lock:
            if self._last is None or self._last[0] != query:
                self._last = (query, self._found(query))
            found = self._last[1]
        texts = [json.dumps(listed(item, query.properties), ensure_ascii=False) for item in found[start:stop]]
        return [text.encode("utf-8", "surrogatepass") for text in texts], len(found)

    def close(self) -> None:
        """Nothing is held but memory."""

    def _existing(self, repo: str) -> Repository:
        repository = self.get(repo)
        if repository is None:
            raise KeyError(repo)
        return repository

    def _remove(self, repo: str) -> None:
        self._last = None
        if self.by_id.pop(repo, None) is not None:
            self.items = [item for item in self.items if item.get("id") != repo]
        self._stored.pop(repo, None)

    def _found(self, query: Query) -> list[Item]:
        """In a total order: the sort key, ties by id, unknown keys last."""
        found = [item for item in self.items if passes(item, query)]
        known = [item for item in found if item.get(query.sort) is not None]
        unknown = [item for item in found if item.get(query.sort) is None]
        known.sort(key=lambda item: str(item.get("id", "")))
        known.sort(key=lambda item: item[query.sort], reverse=query.descending)
        return known + unknown


def require_columns(path: Path, columns: Sequence[str]) -> None:
    """Refuse a file that is not in hub-stats form.

    Raises:
        InputError: columns of that form are missing.
    """
    missing = [column for column in REQUIRED if column not in columns]
    if missing:
        raise InputError(str(path), f"columns {', '.join(missing)} are missing", "Give a file in hub-stats form")
