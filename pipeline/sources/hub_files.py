"""Datasets of the Hub as files: what is in one at a commit, and captures of the files that a source needs.

A capture pins the commit and keeps each file as received. Where one holds thousands of small documents, a capture
keeps those that changed since the last one, many to a page. What a file says does not belong here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote

from pipeline.captures import Capture, CaptureWriter, every, latest, note_check
from pipeline.progress import report
from pipeline.settings import Settings
from pipeline.sources.hub_client import CLIENT, MAX_BODY_BYTES, HubClient, Refused
from pipeline.sources.quarantine import Unreadable, excerpt

INDEX = "files.json"
ABSENT = frozenset({401, 403, 404})
"""How the Hub answers for what is not there, private or not there for this client."""
MAX_TREE_PAGES = 2000
MAX_DOCUMENT_BYTES = 4 * 2**20
DOCUMENTS_AT_ONCE = 200
BATCH_BYTES = 32 * 2**20
"""The most that documents of one page have together: a page is made in memory, where escapes make it longer."""
THREADS = 8


@dataclass(frozen=True)
class HubFile:
    """A file of a dataset at a commit; `oid` changes with its content, `size` is in bytes."""

    path: str
    oid: str
    size: int


@dataclass(frozen=True)
class Document:
    """A file read back from a capture; no content where it was too large to be taken."""

    path: str
    content: bytes | None


def commit_of(client: HubClient, dataset: str) -> str | None:
    """The newest commit of a dataset; None where the Hub does not offer it.

    Raises:
        SourceError: see `HubClient.json`; also an answer without a commit.
    """
    try:
        found = client.json(client.url(f"api/datasets/{quote(dataset)}"), dict).body.get("sha")
    except Refused as error:
        if error.status in ABSENT:
            return None
        raise
    if not isinstance(found, str) or not re.fullmatch(r"[0-9a-f]{40}", found):
        raise client.error(f"it names no commit of {dataset}", "Run again later")
    return found


def files_of(client: HubClient, dataset: str, commit: str, folder: str = "") -> list[HubFile]:
    """Every file of a dataset at a commit, or of a folder of it, sorted by path.

    Raises:
        SourceError: see `HubClient.json`; also a listing without end or with entries that are no files.
    """
    path = f"api/datasets/{quote(dataset)}/tree/{commit}" + (f"/{quote(folder)}" if folder else "")
    url: str | None = client.url(path, [("recursive", "true")])
    found: dict[str, HubFile] = {}
    for _ in range(MAX_TREE_PAGES):
        if url is None:
            return [found[name] for name in sorted(found)]
        answer = client.json(url, list)
        for entry in answer.body:
            if isinstance(entry, dict) and entry.get("type") == "file":
                file = _file(client, dataset, entry)
                found[file.path] = file
        url = answer.next
        report(f"pull list of {dataset}", len(found))
    raise client.error(f"the listing of {dataset} does not end", "Run again; if it stays, the Hub is at fault")


def read(client: HubClient, dataset: str, commit: str, path: str, cap: int = MAX_BODY_BYTES) -> bytes:
    """A file of a dataset at a commit; see `HubClient.get` for errors, and a path that leads out of the dataset."""
    if {".", ".."} & set(path.split("/")):
        raise client.error(f"its listing of {dataset} names the path {excerpt(path)}", "Not followed; report it")
    name = quote(path, errors="surrogatepass")
    return client.get(client.url(f"datasets/{quote(dataset)}/resolve/{commit}/{name}"), cap).content


def capture_files(
    settings: Settings,
    client: HubClient,
    origin: str,
    source: str,
    dataset: str,
    wanted: Callable[[str], bool],
    cap: int,
) -> tuple[Capture, bool] | None:
    """Capture whole files of a dataset as they stand.

    Args:
        settings: where captures lie.
        client: the Hub to ask.
        origin: what the capture calls this Hub.
        source: what the capture belongs to.
        dataset: id of the dataset.
        wanted: whether a path is needed.
        cap: the most bytes one file may have.

    Returns:
        The capture and whether it is new; None where the Hub does not offer the dataset and never did.

    Raises:
        SourceError: see `HubClient.get`; also a dataset that is gone or holds none of the files.
    """
    before, commit = _look(settings, client, origin, source, dataset)
    if commit is None:
        return None if before is None else (before, False)
    files = [file for file in files_of(client, dataset, commit) if wanted(file.path)]
    if not files:
        raise client.error(f"dataset {dataset} holds none of the files that {source} is read from", _stays(source))
    with CaptureWriter(settings.captures, source, origin, resume=commit) as writer:
        kept = {page.name for page in writer.kept}
        listed = [asdict(file) | {"page": f"{number:06d}"} for number, file in enumerate(files)]
        for number, file in enumerate(files):
            report(f"download {source}", number + 1, len(files))
            if listed[number]["page"] not in kept:
                writer.add(listed[number]["page"], read(client, dataset, commit, file.path, cap))
        if INDEX not in kept:
            writer.add(INDEX, json.dumps({"dataset": dataset, "commit": commit, "files": listed}).encode())
        return writer.seal(revision=commit, client=CLIENT, requests=client.requests, items=len(files))


def captured_files(capture: Capture) -> Iterator[Document]:
    """The files of a capture that `capture_files` made, in order."""
    for file in json.loads(capture.page(INDEX))["files"]:
        yield Document(file["path"], capture.page(file["page"]))


def capture_documents(
    settings: Settings,
    client: HubClient,
    origin: str,
    source: str,
    dataset: str,
    folder: str,
    wanted: Callable[[str], bool],
    *,
    among_others: bool = False,
) -> tuple[Capture, bool] | None:
    """Capture the documents of a dataset that changed since the last capture, several downloads at a time.

    Arguments, results and errors are those of `capture_files`; only files in `folder` are looked at. A crawl that is
    cut off continues with what it had not read, as long as the dataset is at the same commit. A source that is read
    from several datasets says so by `among_others`: no capture of one is the whole of it.
    """
    mark = f"{dataset}@" if among_others else ""
    before, commit = _look(settings, client, origin, source, dataset, mark)
    if commit is None:
        return None if before is None else (before, False)
    known: dict[str, str] = json.loads(before.page(INDEX))["documents"] if before is not None else {}
    files = [file for file in files_of(client, dataset, commit, folder) if wanted(file.path)]
    if not files:
        raise client.error(f"dataset {dataset} holds none of the documents that {source} is read from", _stays(source))
    now = {file.path: file.oid for file in files}
    changed = [file for file in files if known.get(file.path) != file.oid]
    taken = [file for file in changed if file.size <= MAX_DOCUMENT_BYTES]
    # What changed depends on the capture before as well: what was begun after another one is not continued.
    asked = f"{mark}{commit} after {before.manifest.capture_id if before is not None else 'nothing'}"
    with CaptureWriter(settings.captures, source, origin, resume=asked) as writer, ThreadPoolExecutor(THREADS) as pool:

        def fetch(file: HubFile) -> bytes:
            return read(client, dataset, commit, file.path, MAX_DOCUMENT_BYTES)

        kept = {page.name for page in writer.kept}
        for start, batch in _batches(taken):
            if f"{start:09d}.jsonl" not in kept:
                writer.add(f"{start:09d}.jsonl", _packed(batch, list(pool.map(fetch, batch))))
            report(f"download {source}", start + len(batch), len(taken))
        index = {
            "dataset": dataset,
            "commit": commit,
            "documents": now,
            "removed": sorted(set(known) - set(now)),
            "too_large": [file.path for file in changed if file.size > MAX_DOCUMENT_BYTES],
        }
        if INDEX not in kept:
            writer.add(INDEX, json.dumps(index).encode())
        return writer.seal(
            revision=mark + commit,
            client=CLIENT,
            requests=client.requests,
            items=len(files),
            kind="full" if before is None and not among_others else "delta",
        )


def captured_documents(capture: Capture) -> Iterator[Document]:
    """The documents of a capture that `capture_documents` made; those that are gone are not among them."""
    for name in capture.manifest.pages:
        if name != INDEX:
            for line in capture.page(name).splitlines():
                path, text = json.loads(line)
                yield Document(path, text.encode("utf-8", "surrogateescape"))
    for path in json.loads(capture.page(INDEX))["too_large"]:
        yield Document(path, None)


def json_object(document: Document) -> dict[str, Any]:
    """The JSON object that a document is.

    Raises:
        Unreadable: it was too large to be taken, or is no JSON object.
    """
    if document.content is None:
        raise Unreadable(f"document is over {MAX_DOCUMENT_BYTES:,} bytes")
    try:
        found = json.loads(document.content)
    except (ValueError, RecursionError) as error:
        raise Unreadable("document is no JSON") from error
    if not isinstance(found, dict):
        raise Unreadable(f"document is a {type(found).__name__}, not an object")
    return found


def removed_documents(capture: Capture) -> list[str]:
    """Paths that the capture before had and this one has not."""
    removed: list[str] = json.loads(capture.page(INDEX))["removed"]
    return removed


def newest_of(settings: Settings, source: str, origin: str, mark: str = "") -> Capture | None:
    """The newest capture of a source, if it is of this origin; of those whose revision begins with a mark, if any."""
    if mark:
        marked = [one for one in every(settings.captures, source) if one.manifest.revision.startswith(mark)]
        found = marked[-1] if marked else None
    else:
        found = latest(settings.captures, source)
    return found if found is not None and found.manifest.origin == origin else None


def check_never_offered(client: HubClient, before: Capture | None, dataset: str, source: str) -> None:
    """A Hub that never had a dataset does not offer it; one that had it and has it no more is in trouble.

    Raises:
        SourceError: it is gone.
    """
    if before is not None:
        raise client.error(f"dataset {dataset} is gone, or needs a right", _stays(source))


def _look(
    settings: Settings, client: HubClient, origin: str, source: str, dataset: str, mark: str = ""
) -> tuple[Capture | None, str | None]:
    """The capture before, and the commit to be captured; none where nothing is new or the Hub has no such dataset."""
    before = newest_of(settings, source, origin, mark)
    commit = commit_of(client, dataset)
    if commit is None:
        check_never_offered(client, before, dataset, source)
    elif before is not None and before.manifest.revision == mark + commit:
        note_check(settings.captures, source)
        return before, None
    return before, commit


def _stays(source: str) -> str:
    return f"The last good capture stays in use; MOAT_SKIP={source} leaves it unasked"


def _file(client: HubClient, dataset: str, entry: dict[str, Any]) -> HubFile:
    path, oid, size = entry.get("path"), entry.get("oid"), entry.get("size")
    if not isinstance(path, str) or not isinstance(oid, str) or not isinstance(size, int):
        raise client.error(f"its listing of {dataset} is not understood", "Run again later, or report it")
    return HubFile(path, oid, size)


def _batches(files: Sequence[HubFile]) -> Iterator[tuple[int, list[HubFile]]]:
    """Files in groups that fit a page, each with the place of its first."""
    batch: list[HubFile] = []
    for at, file in enumerate(files):
        if len(batch) == DOCUMENTS_AT_ONCE or sum(one.size for one in batch) + file.size > BATCH_BYTES:
            if batch:
                yield at - len(batch), batch
            batch = []
        batch.append(file)
    if batch:
        yield len(files) - len(batch), batch


def _packed(files: Sequence[HubFile], contents: Sequence[bytes]) -> bytes:
    """One line of JSON a document: its path and its content as received."""
    pairs = zip(files, contents, strict=True)
    lines = [json.dumps([file.path, content.decode("utf-8", "surrogateescape")]) for file, content in pairs]
    return "\n".join(lines).encode() + b"\n"
