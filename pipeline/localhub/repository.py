"""One repository of the local Hub: what lists say of it, its commits with their files, its leaderboard."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha1, sha256
from pathlib import Path
from typing import Any

import yaml

Item = dict[str, Any]
"""A repository as the JSON object that its page on the Hub returns; or an entry of a leaderboard."""
Content = bytes | Path
CHUNK = 2**20


@dataclass(frozen=True)
class File:
    """A file of a commit: its content (bytes, or a file on disk that stays as it is), size in bytes, git blob id."""

    content: Content
    size: int
    oid: str

    @classmethod
    def of(cls, content: Content) -> File:
        """Measure a content; a file on disk is read once, in pieces."""
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        oid = sha1(f"blob {size}\0".encode(), usedforsecurity=False)
        for piece in File(content, size, "").part(0, size):
            oid.update(piece)
        return cls(content, size, oid.hexdigest())

    def part(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` up to `stop`, in pieces."""
        if isinstance(self.content, bytes):
            yield self.content[start:stop]
            return
        with self.content.open("rb") as file:
            file.seek(start)
            while start < stop and (piece := file.read(min(CHUNK, stop - start))):
                yield piece
                start += len(piece)


@dataclass(frozen=True)
class Commit:
    """A commit: every file of the repository at that moment, by path."""

    sha: str
    title: str
    date: str
    files: Mapping[str, File]

    @cached_property
    def folders(self) -> dict[str, str]:
        """Every folder and its id, which changes with anything in it; the root is the empty path."""
        digests = {"": sha1(usedforsecurity=False)}
        for path in sorted(self.files):
            parts = path.split("/")
            for depth in range(len(parts)):
                digest = digests.setdefault("/".join(parts[:depth]), sha1(usedforsecurity=False))
                digest.update(f"{path} {self.files[path].oid}\n".encode())
        return {folder: digest.hexdigest() for folder, digest in digests.items()}

    @cached_property
    def paths(self) -> list[str]:
        """Files and folders but the root, sorted."""
        return sorted([*self.files, *(folder for folder in self.folders if folder)])

    def oid(self, path: str) -> str | None:
        """Id of a file or folder, None where there is none."""
        return self.files[path].oid if path in self.files else self.folders.get(path)

    def tree(self, folder: str, recursive: bool) -> list[str]:
        """Paths in a folder, sorted; with `recursive` those in its folders too."""
        prefix = f"{folder}/" if folder else ""
        first, last = bisect_left(self.paths, prefix), bisect_left(self.paths, prefix + "\U0010ffff")
        return [path for path in self.paths[first:last] if recursive or "/" not in path[len(prefix) :]]


@dataclass(frozen=True)
class Repository:
    """A model or dataset as it stands; a change gives a new value, which `Repositories.put` makes the current one.

    Attributes:
        item: what lists and the repository's own page state.
        commits: at least one, newest first.
        leaderboard: entries as the Hub returns them (rank, modelId, value, filename, verified, source, author,
            pullRequest, notes); None where the dataset has no leaderboard.
    """

    item: Item
    commits: tuple[Commit, ...]
    leaderboard: tuple[Item, ...] | None = None

    @classmethod
    def new(
        cls,
        repo: str,
        files: Mapping[str, Content] | Path | None = None,
        *,
        leaderboard: Sequence[Item] | None = None,
        title: str = "initial commit",
        date: str | None = None,
        **properties: Any,
    ) -> Repository:
        """Make a repository.

        Args:
            repo: id, `organisation/name` or a single name.
            files: contents by path, or a folder whose files are served; without it, README.md made of the card.
            leaderboard: entries, of a benchmark dataset.
            title: of the first commit.
            date: of the first commit, also `createdAt` and `lastModified`; an ISO time such as
                2024-01-31T12:00:00.000Z, now by default.
            properties: further keys of the item: tags, cardData, downloads, evalResults, author, ...
        """
        date = date or _now()
        item = {
            "_id": short_id(repo), "id": repo, "author": repo.partition("/")[0], "createdAt": date, "private": False,
            "gated": False, "disabled": False, "downloads": 0, "likes": 0, "tags": [],
        }  # fmt: skip
        empty = cls(item, (), None if leaderboard is None else tuple(leaderboard)).changed(**properties)
        if files is None:
            files = {"README.md": readme(empty.item)}
        elif isinstance(files, Path):
            files = {str(path.relative_to(files)): path for path in sorted(files.rglob("*")) if path.is_file()}
        return empty.commit(files, title, date).changed(**properties)

    @classmethod
    def of(cls, item: Item) -> Repository:
        """The repository behind an item that states everything but its files: one commit with its card."""
        item = {"_id": short_id(str(item["id"]))} | item
        sha = str(item.get("sha") or sha256(str(item).encode("utf-8", "surrogatepass")).hexdigest()[:40])
        date = str(item.get("lastModified") or item.get("createdAt") or _now())
        return cls(item, (Commit(sha, "initial commit", date, {"README.md": File.of(readme(item))}),))

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.item["id"])

    def changed(self, **properties: Any) -> Repository:
        """With other properties and the same files, as when somebody downloads or likes it."""
        return replace(self, item=self.item | properties)

    def commit(
        self, changes: Mapping[str, Content | None], title: str = "Update files", date: str | None = None
    ) -> Repository:
        """With one more commit: contents by path to write, None to delete; `sha` and `lastModified` follow."""
        date = date or _now()
        parent = self.commits[0] if self.commits else None
        files = dict(parent.files) if parent else {}
        files |= {path: File.of(content) for path, content in changes.items() if content is not None}
        files = {path: file for path, file in files.items() if path not in changes or changes[path] is not None}
        state = "\n".join(f"{path} {files[path].oid}" for path in sorted(files))
        sha = sha256(f"{self.id} {parent.sha if parent else ''} {title}\n{state}".encode()).hexdigest()[:40]
        siblings = [{"rfilename": path} for path in sorted(files)]
        item = self.item | {"sha": sha, "lastModified": date, "siblings": siblings}
        return replace(self, item=item, commits=(Commit(sha, title, date, files), *self.commits))

    def renamed(self, repo: str) -> Repository:
        """Under another id, with the same history."""
        return self.changed(id=repo, author=repo.partition("/")[0])

    def since(self, revision: str) -> tuple[Commit, ...]:
        """A revision (main or the sha of a commit) and what came before it; empty where there is no such one."""
        if revision in {"main", "refs/heads/main"}:
            return self.commits
        return next((self.commits[at:] for at, commit in enumerate(self.commits) if commit.sha == revision), ())


def last_change(commits: Sequence[Commit], path: str) -> Commit:
    """The commit that gave a file or folder the state it has in the first of these, newest first."""
    oid = commits[0].oid(path)
    last = commits[0]
    for older in commits[1:]:
        if older.oid(path) != oid:
            break
        last = older
    return last


def readme(item: Item) -> bytes:
    """The repository's README.md: its card as YAML front matter."""
    card = item.get("cardData")
    front = yaml.safe_dump(card, allow_unicode=True, sort_keys=True) if card else ""
    return f"---\n{front}---\n\n# {item['id']}\n".encode()


def short_id(repo: str) -> str:
    """The Hub's second id of a repository, 24 hexadecimal digits."""
    return sha256(repo.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
