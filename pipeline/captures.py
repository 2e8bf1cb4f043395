"""Immutable captures: what a source said, as received, with one manifest each.

A capture is written to a temporary folder, fsynced and renamed; its manifest is the last file
written. A crash leaves either nothing or a whole capture. Parsing does not belong here.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import zstandard

from pipeline.errors import SourceError

MAX_PAGE_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Counts:
    """How many items of a capture were read and what became of them: read = kept + quarantined + duplicate."""

    read: int = 0
    kept: int = 0
    quarantined: int = 0
    duplicate: int = 0

    @property
    def add_up(self) -> bool:
        """Whether every item read is accounted for exactly once."""
        return self.read == self.kept + self.quarantined + self.duplicate


@dataclass(frozen=True)
class Manifest:
    """What a capture holds. Times are UTC, `bytes` counts the uncompressed pages.

    `sha256` is over the names and contents of the pages in order, so equal content is recognised
    whenever it was fetched. `revision` is what the source calls its state (a commit, a cursor range).
    """

    source: str
    capture_id: str
    origin: str
    revision: str
    started_at: datetime
    finished_at: datetime
    client: str
    requests: int
    rows: Counts
    metrics: Counts
    bytes: int
    sha256: str
    pages: tuple[str, ...]

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
        return cls(
            **raw
            | {
                "started_at": datetime.fromisoformat(raw["started_at"]),
                "finished_at": datetime.fromisoformat(raw["finished_at"]),
                "rows": Counts(**raw["rows"]),
                "metrics": Counts(**raw["metrics"]),
                "pages": tuple(raw["pages"]),
            }
        )


@dataclass(frozen=True)
class Capture:
    """A sealed capture on disk."""

    folder: Path
    manifest: Manifest

    def pages(self) -> Iterator[tuple[str, bytes]]:
        """Name and content of each page, verified against the manifest's hash at the end.

        Raises:
            SourceError: a page is missing, unreadable or not what was captured.
        """
        digest = hashlib.sha256()
        for name in self.manifest.pages:
            try:
                packed = (self.folder / f"{name}.zst").read_bytes()
                content = zstandard.ZstdDecompressor().decompress(packed, max_output_size=MAX_PAGE_BYTES)
            except (OSError, zstandard.ZstdError) as error:
                raise SourceError(
                    str(self.folder / name),
                    f"the page cannot be read back ({error})",
                    "Delete this capture's folder and run again",
                ) from error
            digest.update(name.encode() + b"\0" + content)
            yield name, content
        if digest.hexdigest() != self.manifest.sha256:
            raise SourceError(
                str(self.folder),
                "its pages differ from what was captured",
                "Delete this capture's folder and run again",
            )


class CaptureWriter:
    """Collects the pages of one capture and seals them.

    Use as a context manager: leaving the block without `seal` (a crash, an error) leaves nothing.
    """

    def __init__(self, root: Path, source: str, origin: str) -> None:
        self.root, self.source, self.origin = root, source, origin
        self.started_at = datetime.now(UTC)
        self.folder = root / source / f".tmp-{uuid.uuid4().hex}"
        self._digest = hashlib.sha256()
        self._names: list[str] = []
        self._bytes = 0

    def __enter__(self) -> CaptureWriter:
        """Make the temporary folder."""
        try:
            self.folder.mkdir(parents=True)
        except OSError as error:
            raise SourceError(
                str(self.root), f"the folder cannot be written ({error.strerror})", "Free it or set MOAT_DATA"
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        """Remove what was not sealed."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def add(self, name: str, content: bytes) -> None:
        """Keep a page as received."""
        _write(self.folder / f"{name}.zst", zstandard.ZstdCompressor(level=6).compress(content))
        self._digest.update(name.encode() + b"\0" + content)
        self._names.append(name)
        self._bytes += len(content)

    def seal(self, *, revision: str, client: str, requests: int, rows: Counts, metrics: Counts) -> tuple[Capture, bool]:
        """Write the manifest and put the capture in place.

        Returns:
            The capture and whether it is new. Content and origin equal to the newest capture of the
            same source add no capture: the old one is returned and the look is noted in `checked.json`.
        """
        manifest = Manifest(
            source=self.source,
            capture_id=f"{self.started_at:%Y%m%dT%H%M%S%fZ}-{self._digest.hexdigest()[:12]}",
            origin=self.origin,
            revision=revision,
            started_at=self.started_at,
            finished_at=datetime.now(UTC),
            client=client,
            requests=requests,
            rows=rows,
            metrics=metrics,
            bytes=self._bytes,
            sha256=self._digest.hexdigest(),
            pages=tuple(self._names),
        )
        newest = latest(self.root, self.source)
        same = (
            newest is not None
            and newest.manifest.sha256 == manifest.sha256
            and newest.manifest.origin == manifest.origin
        )
        if newest is None or not same:
            _write(self.folder / "manifest.json", manifest.to_json().encode())
            target = self.folder.with_name(manifest.capture_id)
            self.folder.rename(target)
            _fsync_folder(target.parent)
            newest = Capture(target, manifest)
        _note_check(self.root / self.source, manifest)
        return newest, not same


def _note_check(folder: Path, manifest: Manifest) -> None:
    note = {"checked_at": manifest.finished_at.isoformat(), "requests": manifest.requests}
    temporary = folder / f".checked-{uuid.uuid4().hex}"
    _write(temporary, json.dumps(note).encode())
    temporary.replace(folder / "checked.json")


def checked_at(root: Path, source: str) -> datetime | None:
    """When the source was last asked successfully, whether or not it had anything new (UTC)."""
    try:
        return datetime.fromisoformat(json.loads((root / source / "checked.json").read_text())["checked_at"])
    except FileNotFoundError:
        return None


def every(root: Path, source: str) -> list[Capture]:
    """All sealed captures of a source, oldest first."""
    found = [
        Capture(path.parent, Manifest.from_json(path.read_text()))
        for path in (root / source).glob("[!.]*/manifest.json")
    ]
    return sorted(found, key=lambda capture: capture.manifest.capture_id)


def latest(root: Path, source: str) -> Capture | None:
    """The newest sealed capture of a source, if any."""
    found = every(root, source)
    return found[-1] if found else None


def _write(path: Path, content: bytes) -> None:
    try:
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise SourceError(
            str(path), f"it cannot be written ({error.strerror})", "Free space or set MOAT_DATA"
        ) from error


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
