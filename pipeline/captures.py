"""Immutable captures: what a source said, as received, with one manifest each.

A capture is written to a temporary folder, fsynced and renamed; its manifest is the last file
written. A crash leaves either nothing or a whole capture; a long one can be continued after a crash
at the page it had come to. Parsing does not belong here.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import zstandard

from pipeline.errors import SourceError

MAX_PAGE_BYTES = 256 * 2**20
RESUME_WITHIN = timedelta(days=1)
_PAGES = "pages.jsonl"
Kind = Literal["full", "delta"]


@dataclass(frozen=True)
class Page:
    """A page of a capture that is being written; `note` is for who continues after it.

    Without a name it is the note alone.
    """

    name: str
    sha256: str
    size: int
    at: datetime
    note: str = ""

    def to_line(self) -> bytes:
        """One line of JSON."""
        return json.dumps(asdict(self) | {"at": self.at.isoformat()}).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Page:
        """Read back what `to_line` wrote."""
        raw = json.loads(line)
        return cls(**raw | {"at": datetime.fromisoformat(raw["at"])})


@dataclass(frozen=True)
class Manifest:
    """What a capture holds. Times are UTC, `bytes` counts the uncompressed pages, `items` the different things in them.

    `pages` are names with the sha256 of their content; `sha256` is over both in order, so equal content
    is recognised whenever it was fetched. `revision` is what the source calls its state (a commit, a
    cursor range). A capture is `full`, or a `delta`: what changed since the captures before it.
    `watermark` is the latest change among its items, where the source dates its changes; `verified` says
    that nothing is missing in it, so that what a full one lacks is gone. One that is `compacted` keeps of what was
    captured only what the captures before it did not hold.
    """

    source: str
    capture_id: str
    origin: str
    revision: str
    started_at: datetime
    finished_at: datetime
    client: str
    requests: int
    items: int
    bytes: int
    sha256: str
    pages: dict[str, str]
    kind: Kind = "full"
    watermark: str = ""
    verified: bool = False
    compacted: bool = False

    def to_json(self) -> str:
        """The manifest as text, keys sorted."""
        raw = asdict(self) | {
            "started_at": self.started_at.isoformat(),
            "finished_at": self.finished_at.isoformat(),
        }
        return json.dumps(raw, indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read back what `to_json` wrote."""
        raw = json.loads(text)
        times = {name: datetime.fromisoformat(raw[name]) for name in ("started_at", "finished_at")}
        return cls(**raw | times)


@dataclass(frozen=True)
class Capture:
    """A sealed capture on disk."""

    folder: Path
    manifest: Manifest

    def page(self, name: str) -> bytes:
        """The content of a page, verified against its hash in the manifest.

        Raises:
            SourceError: it is missing, unreadable or not what was captured.
        """
        path, todo = self.folder / f"{name}.zst", "Delete this capture's folder and run again"
        try:
            packed = path.read_bytes()
            # A frame states its size, and the decompressor takes its word for it.
            if zstandard.frame_content_size(packed) > MAX_PAGE_BYTES:
                raise SourceError(str(path), f"the page is over {MAX_PAGE_BYTES:,} bytes", todo)
            content = zstandard.ZstdDecompressor().decompress(packed, max_output_size=MAX_PAGE_BYTES)
        except (OSError, zstandard.ZstdError) as error:
            raise SourceError(str(path), f"the page cannot be read back ({error})", todo) from error
        if hashlib.sha256(content).hexdigest() != self.manifest.pages[name]:
            raise SourceError(str(path), "the page differs from what was captured", todo)
        return content

    def pages(self) -> Iterator[tuple[str, bytes]]:
        """Name and content of each page, in order; see `page`."""
        return ((name, self.page(name)) for name in self.manifest.pages)


class CaptureWriter:
    """Collects the pages of one capture and seals them.

    Use as a context manager. Leaving the block without `seal` (a crash, an error) leaves nothing, but where
    `resume` names the question that is asked: then the pages stay, and the next writer of the same source,
    origin and question continues after them. What was kept longer ago than a day is not continued.
    """

    def __init__(self, root: Path, source: str, origin: str, resume: str = "") -> None:
        self.root, self.source, self.origin = root, source, origin
        asked = hashlib.sha256(f"{origin}\0{resume}".encode()).hexdigest()[:12]
        self.folder = root / source / (f".partial-{asked}" if resume else f".tmp-{uuid.uuid4().hex}")
        self._resumable = bool(resume)
        self._pages: list[Page] = []

    def __enter__(self) -> CaptureWriter:
        """Make the temporary folder, or take up the one that is there."""
        try:
            _remove_old(self.folder.parent)
            self.folder.mkdir(parents=True, exist_ok=self._resumable)
            self._pages = _kept_pages(self.folder)
            _tidy(self.folder, self._pages)
        except OSError as error:
            raise SourceError(
                str(self.root), f"the folder cannot be written ({error.strerror})", "Free it or set MOAT_DATA"
            ) from error
        self.started_at = self._pages[0].at if self._pages else datetime.now(UTC)
        return self

    def __exit__(self, *_: object) -> None:
        """Remove what was not sealed and is not to be continued."""
        if not self._resumable:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def kept(self) -> tuple[Page, ...]:
        """The pages that are there, in order."""
        return tuple(self._pages)

    def add(self, name: str, content: bytes, note: str = "") -> None:
        """Keep a page as received, with a note for who continues after it."""
        _write(self.folder / f"{name}.zst", zstandard.ZstdCompressor(level=3).compress(content))
        self._note(Page(name, hashlib.sha256(content).hexdigest(), len(content), datetime.now(UTC), note))

    def remember(self, note: str) -> None:
        """Note what was read without keeping it, for who continues after it."""
        self._note(Page("", "", 0, datetime.now(UTC), note))

    def _note(self, page: Page) -> None:
        if self._resumable:
            _write(self.folder / _PAGES, page.to_line(), "ab")
        self._pages.append(page)

    def abandon(self) -> None:
        """Keep nothing to be continued: what the source says now does not follow on from it."""
        self._resumable = False

    def seal(
        self,
        *,
        revision: str,
        client: str,
        requests: int,
        items: int,
        kind: Kind = "full",
        watermark: str = "",
        verified: bool = False,
    ) -> tuple[Capture, bool]:
        """Write the manifest and put the capture in place.

        Returns:
            The capture and whether it is new. Content and origin equal to the newest capture of the
            same source add no capture: the old one is returned and the look is noted in `checked.json`.
        """
        pages = {page.name: page.sha256 for page in self._pages if page.name}
        digest = _digest(pages)
        manifest = Manifest(
            source=self.source,
            capture_id=f"{self.started_at:%Y%m%dT%H%M%S%fZ}-{digest[:12]}",
            origin=self.origin,
            revision=revision,
            started_at=self.started_at,
            finished_at=datetime.now(UTC),
            client=client,
            requests=requests,
            items=items,
            bytes=sum(page.size for page in self._pages),
            sha256=digest,
            pages=pages,
            kind=kind,
            watermark=watermark,
            verified=verified,
        )
        newest = latest(self.root, self.source)
        same = newest is not None and (newest.manifest.sha256, newest.manifest.origin) == (digest, self.origin)
        if newest is None or not same:
            (self.folder / _PAGES).unlink(missing_ok=True)
            _write(self.folder / "manifest.json", manifest.to_json().encode())
            target = self.folder.with_name(manifest.capture_id)
            self.folder.rename(target)
            _fsync_folder(target.parent)
            newest = Capture(target, manifest)
        self._resumable = False
        note_check(self.root, self.source)
        return newest, not same


def _kept_pages(folder: Path) -> list[Page]:
    """The pages of a capture that was cut off, as far as they are whole and young enough to follow on from."""
    try:
        lines = (folder / _PAGES).read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    pages = [Page.from_line(line) for line in lines if line.endswith(b"\n")]
    return pages if pages and datetime.now(UTC) - pages[0].at < RESUME_WITHIN else []


def _remove_old(folder: Path) -> None:
    """Remove what crashes left here so long ago that nothing continues it."""
    for path in [*folder.glob(".tmp-*"), *folder.glob(".partial-*")]:
        if datetime.now(UTC) - datetime.fromtimestamp(path.stat().st_mtime, UTC) > RESUME_WITHIN:
            shutil.rmtree(path, ignore_errors=True)


def _tidy(folder: Path, pages: Sequence[Page]) -> None:
    """Leave these pages and their notes, and nothing that a crash cut off."""
    wanted = {f"{page.name}.zst" for page in pages}
    for path in folder.iterdir():
        if path.name not in wanted:
            path.unlink()
    if pages:
        _write(folder / _PAGES, b"".join(page.to_line() for page in pages))


def note_check(root: Path, source: str) -> None:
    """Note that the source was asked just now, and that nothing it has is left to be captured."""
    folder = root / source
    folder.mkdir(parents=True, exist_ok=True)
    note = {"checked_at": datetime.now(UTC).isoformat()}
    temporary = folder / f".checked-{uuid.uuid4().hex}"
    _write(temporary, json.dumps(note).encode())
    temporary.replace(folder / "checked.json")


def compact(capture: Capture, pages: Iterable[tuple[str, bytes]]) -> Capture:
    """Put other pages in the place of a capture's own; a crash leaves the capture as it was, or as it is to be."""
    folder = capture.folder.with_name(f".tmp-{uuid.uuid4().hex}")
    folder.mkdir()
    hashes, size = {}, 0
    for name, content in pages:
        _write(folder / f"{name}.zst", zstandard.ZstdCompressor(level=3).compress(content))
        hashes[name] = hashlib.sha256(content).hexdigest()
        size += len(content)
    manifest = replace(capture.manifest, pages=hashes, sha256=_digest(hashes), bytes=size, compacted=True)
    _write(folder / "manifest.json", manifest.to_json().encode())
    target = capture.folder.with_name(f"{manifest.capture_id}.compact")
    folder.rename(target)
    _fsync_folder(target.parent)
    # From here on `every` passes over the old one.
    shutil.rmtree(capture.folder)
    return Capture(target, manifest)


def put_aside(capture: Capture) -> None:
    """Take a capture out of use; its folder stays, under a name that nothing reads."""
    capture.folder.rename(capture.folder.with_name(f".refused-{capture.manifest.capture_id}"))


def checked_at(root: Path, source: str) -> datetime | None:
    """When the source was last asked successfully, whether or not it had anything new (UTC)."""
    try:
        return datetime.fromisoformat(json.loads((root / source / "checked.json").read_text())["checked_at"])
    except FileNotFoundError:
        return None


def every(root: Path, source: str) -> list[Capture]:
    """All sealed captures of a source, oldest first.

    Raises:
        SourceError: a manifest cannot be read.
    """
    found = [Capture(path.parent, _manifest(path)) for path in (root / source).glob("[!.]*/manifest.json")]
    found.sort(key=lambda capture: (capture.manifest.capture_id, capture.manifest.compacted))
    return list({capture.manifest.capture_id: capture for capture in found}.values())


def _manifest(path: Path) -> Manifest:
    try:
        return Manifest.from_json(path.read_text())
    except (ValueError, TypeError, KeyError) as error:
        raise SourceError(
            str(path), "it is damaged or of an earlier version", "Delete this capture's folder and run again"
        ) from error


def latest(root: Path, source: str) -> Capture | None:
    """The newest sealed capture of a source, if any."""
    found = every(root, source)
    return found[-1] if found else None


def _write(path: Path, content: bytes, mode: Literal["wb", "ab"] = "wb") -> None:
    try:
        with path.open(mode) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise SourceError(
            str(path), f"it cannot be written ({error.strerror})", "Free space or set MOAT_DATA"
        ) from error


def _digest(pages: Mapping[str, str]) -> str:
    return hashlib.sha256("".join(f"{name} {sha256}\n" for name, sha256 in pages.items()).encode()).hexdigest()


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
