"""Compaction of the Hub's captures: what lies between the first whole list and the newest keeps only what changed.

A whole list states millions of repositories, of which most are as they were but for their visitors. Of a repository
that the newest list still has, an item is dropped that differs from the one before it in nothing but counts of
visitors; of one that is gone everything is kept. Folding gives the same state as before, apart from those counts at
the time. History stays, and a rebuild reads two whole lists however long the pipeline has run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from pipeline.captures import Capture, compact
from pipeline.progress import report

ABSENT = "absent.json"
"""Page of a compacted whole list: the repositories known before that it lacks."""
VISITORS = frozenset({"downloads", "downloadsAllTime", "likes", "trendingScore"})


@dataclass
class _Known:
    """What the captures so far hold of each repository: a hash of its newest item; and every id there ever was."""

    content: dict[bytes, bytes] = field(default_factory=dict)
    ever: dict[bytes, str] = field(default_factory=dict)


def compact_hub(captures: Sequence[Capture]) -> list[Capture]:
    """Compact the captures of one Hub that can be.

    Args:
        captures: all of them, oldest first.

    Returns:
        Those that were compacted now, in their new form.
    """
    whole = [number for number, capture in enumerate(captures) if capture.manifest.kind == "full"]
    between = range(whole[0] + 1, whole[-1]) if whole else range(0)
    if all(captures[number].manifest.compacted for number in between):
        return []
    stays = {_hash(repo) for page in _pages(captures[whole[-1]]) for repo in map(_id, page) if repo}
    known, made = _Known(), []
    for number in range(whole[0], whole[-1]):
        report("compact captures", number - whole[0], len(between))
        capture = captures[number]
        if number in between and not capture.manifest.compacted:
            pages = list(_kept(capture, known, stays))
            made.append(compact(capture, pages))
            capture = made[-1]
        _learn(capture, known)
    report("compact captures", len(between), len(between))
    return made


def _kept(capture: Capture, known: _Known, stays: set[bytes]) -> Iterator[tuple[str, bytes]]:
    """The pages of a capture with what is kept of them, and who is absent from a whole list."""
    listed: set[bytes] = set()
    twice: set[bytes] = set()
    for page in _pages(capture):
        for name in (_name(item) for item in page):
            (twice if name in listed else listed).add(name)
    for number, page in enumerate(_pages(capture)):
        # Of items listed twice in one capture the reader chooses, so it must see them all.
        kept = [item for item in page if _is_kept(item, _name(item), known, stays, twice)]
        if kept:
            yield f"{number:06d}.json", json.dumps(kept).encode()
    absent = [repo for name, repo in known.ever.items() if name not in listed]
    yield ABSENT, json.dumps(absent if capture.manifest.kind == "full" else []).encode()


def _is_kept(item: object, name: bytes, known: _Known, stays: set[bytes], twice: set[bytes]) -> bool:
    if name in twice:
        return True
    if _id(item) and name not in stays:
        return True
    return known.content.get(name) != _content(item)


def _learn(capture: Capture, known: _Known) -> None:
    """Take note of what a capture holds, compacted or not."""
    listed: set[bytes] = set()
    for page in _pages(capture):
        for item in page:
            name, repo = _name(item), _id(item)
            listed.add(name)
            known.content[name] = _content(item)
            if repo:
                known.ever[name] = repo
    absent: Iterable[bytes] = ()
    if capture.manifest.compacted:
        absent = map(_hash, json.loads(capture.page(ABSENT)))
    elif capture.manifest.kind == "full":
        absent = known.ever.keys() - listed
    for name in absent:
        # One that comes back is news, even if it is as it was.
        known.content.pop(name, None)


def _pages(capture: Capture) -> Iterator[list[Any]]:
    return (json.loads(capture.page(name)) for name in capture.manifest.pages if name != ABSENT)


def _id(item: object) -> str:
    repo = item.get("id") if isinstance(item, dict) else None
    return repo if isinstance(repo, str) else ""


def _name(item: object) -> bytes:
    """What tells an item apart: its id, or its content where it has none."""
    return _hash(_id(item)) if _id(item) else b"?" + _content(item)


def _content(item: object) -> bytes:
    if isinstance(item, dict):
        item = {key: value for key, value in item.items() if key not in VISITORS}
    return _hash(json.dumps(item, sort_keys=True))


def _hash(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
