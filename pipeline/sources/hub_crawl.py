"""Crawls of the Hub's list of models: whole or what changed, continued after a crash, verified where in doubt.

A list is read in passes. A page that the Hub leaves out shows in no answer, but passes with pages of different
sizes do not break the list at the same places: where their pages overlap all along, nothing is missing. Interpreting
items does not belong here.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipeline.captures import Capture, CaptureWriter, Manifest, every
from pipeline.progress import report
from pipeline.settings import Settings
from pipeline.sources.hub_bulk import capture_table, is_bulk
from pipeline.sources.hub_client import CLIENT, Answer, HubClient, Refused

SOURCE = "hub_models"
EXPAND = (
    "author", "cardData", "createdAt", "disabled", "downloads", "downloadsAllTime", "evalResults", "gated", "gguf",
    "lastModified", "library_name", "likes", "pipeline_tag", "private", "safetensors", "sha", "tags",
)  # fmt: skip
OVERLAP = timedelta(hours=1)
"""How far below the last watermark an increment reads: clocks and indexes of the Hub may lag."""
SHRINK_LIMIT = 0.8
MAX_PAGES = 20_000
MAX_LIMIT = 1000
MOST_PASSES = 6
FEW_PAGES = 20
"""A list of so few pages is always verified, a longer one where the Hub was unwell."""
Ids = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Query:
    """A list as it is asked for; `until` ends one that is sorted by change."""

    full: bool
    until: str = ""

    @property
    def sort(self) -> str:
        """What the list is sorted by."""
        return "createdAt" if self.full else "lastModified"

    def parameters(self, number: int, page_size: int) -> list[tuple[str, str]]:
        """Query of pass `number`: each breaks the list elsewhere, and every second one reads a whole list backwards."""
        other = number * max(page_size // 16, 1)
        limit = page_size - other if page_size > MAX_LIMIT // 2 else page_size + other
        direction = "1" if self.full and number % 2 == 0 else "-1"
        fixed = [("sort", self.sort), ("direction", direction), ("limit", str(limit))]
        return fixed + [("expand", name) for name in EXPAND]


@dataclass
class Pass:
    """What one pass saw: a hash of each id and what it is sorted by, page by page, and whether it came to its end."""

    pages: list[Ids] = field(default_factory=list)
    ended: bool = False

    def ids(self) -> Ids:
        """All of them, in the order in which they came."""
        return np.concatenate([*self.pages, np.empty(0, np.uint64)])


def nothing_between(passes: Sequence[Pass], two_ends: bool) -> bool:
    """Whether these passes over one list prove that together they saw all of it.

    A page is a stretch of the list without a gap, and so are two pages that share an item: all pages must hang
    together. Where the list has two ends that are read from in turn, the pages at which a pass began and one in
    the other direction stopped must share an item; where it has one, those at which two passes began.
    """
    pages = [page for one in passes for page in one.pages]
    if len(passes) < 2 or not any(len(page) for page in pages):
        return False
    ids = np.concatenate(pages)
    page_of = np.repeat(np.arange(len(pages)), [len(page) for page in pages])
    order = np.argsort(ids, kind="stable")
    same = np.flatnonzero(ids[order][1:] == ids[order][:-1])
    left, right = page_of[order[same]], page_of[order[same + 1]]
    links = coo_array((np.ones(len(left)), (left, right)), shape=(len(pages), len(pages)))
    _, group = connected_components(links, directed=False)
    whole = len(set(group[page_of].tolist())) == 1
    up, down = passes[0::2], passes[1::2]
    if not two_ends:
        return whole and any(_share(passes[0].pages[0], other.pages[0]) for other in passes[1:])
    heads = any(_share(one.pages[0], other.pages[-1]) for one in up for other in down)
    tails = any(_share(one.pages[-1], other.pages[0]) for one in up for other in down)
    return whole and heads and tails


def _share(one: Ids, other: Ids) -> bool:
    return bool(np.isin(one, other).any())


def fetch(settings: Settings, endpoint: str, origin: str) -> tuple[Capture, bool]:
    """Crawl the Hub's list of models into a capture: all of it, or what changed since the last one.

    All of it is read the first time, every `full_crawl_days` days, and wherever it is short: only then can a
    repository that is gone be noticed. The first time a bulk table may take its place (see `hub_bulk`); where one
    was to and could not, the capture's `revision` says why.

    Args:
        settings: page size, retries, token, folders, bulk table.
        endpoint: address of the Hub.
        origin: what the capture calls this Hub (the bundled one has a new port at every start).

    Returns:
        The capture and whether it holds anything new.

    Raises:
        SourceError: see `HubClient.json`; also an empty list, a cursor that goes round, or pages that do not
            agree however often they are read.
    """
    before = [one.manifest for one in every(settings.captures, SOURCE) if one.manifest.origin == origin]
    client, why_a_list = HubClient(settings, endpoint), ""
    if settings.bulk_start and not before:
        started = capture_table(settings, client, origin, SOURCE)
        if not isinstance(started, str):
            return started
        why_a_list = f"list ({settings.bulk_start} not used: {started})"
    asked_before = client.requests
    query = _query(settings, before)
    question = json.dumps([settings.page_size, query.full, query.until, EXPAND])
    with CaptureWriter(settings.captures, SOURCE, origin, resume=question) as writer:
        crawl = _Crawl(client, query, writer)
        crawl.run()
        items = crawl.distinct()
        # A table that somebody else made is no measure of the Hub.
        whole = [one.items for one in before if one.kind == "full" and not is_bulk(one)]
        if query.full and whole and items < SHRINK_LIMIT * whole[-1] and SOURCE not in settings.may_shrink:
            writer.abandon()
            raise client.error(
                f"only {items} repositories, {whole[-1]} at the last whole list",
                f"The last good capture stays in use; look at the Hub, MOAT_ACCEPT_SMALLER={SOURCE} takes it",
            )
        return writer.seal(
            revision=f"changed since {query.until}" if query.until else why_a_list,
            client=CLIENT,
            requests=asked_before + crawl.requests,
            items=items,
            kind="full" if query.full else "delta",
            # What changed after its page was read is left to the next increment, so that must begin at the start.
            watermark=min(crawl.watermark or query.until, _utc(writer.started_at)),
            verified=crawl.verified,
        )


def _query(settings: Settings, before: Sequence[Manifest]) -> Query:
    """What to ask for, given what was captured of this Hub."""
    whole = [one for one in before if one.kind == "full"]
    marks = [one.watermark for one in before if one.watermark]
    if not whole or not marks or len(whole[-1].pages) <= FEW_PAGES:
        return Query(full=True)
    if datetime.now(UTC) - whole[-1].finished_at > timedelta(days=settings.full_crawl_days):
        return Query(full=True)
    until = datetime.fromisoformat(max(marks)) - OVERLAP
    return Query(full=False, until=_utc(until))


class _Crawl:
    """The passes of one crawl, those of an earlier process included."""

    def __init__(self, client: HubClient, query: Query, writer: CaptureWriter) -> None:
        self.client, self.query, self.writer = client, query, writer
        self.passes: list[Pass] = []
        self.requests = 0
        self.watermark = ""
        self.verified = False
        # A process that was killed takes with it what it knew of the Hub's health.
        self._unwell = bool(writer.kept)
        self._url: str | None = None
        self._thread = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None
        for page in writer.kept:
            self._take_up(json.loads(page.note))

    def run(self) -> None:
        """Read passes until nothing is missing between any two pages, or the Hub gives no reason to doubt it."""
        with self._thread:
            self._passes()
            self._wait_for_writing()

    def _passes(self) -> None:
        if not self.passes:
            self._start()
        while True:
            try:
                self._read(self.passes[-1])
            except Refused:
                self.writer.abandon()
                raise
            if self.query.full and not self.distinct():
                self.writer.abandon()
                raise self.client.error("its list holds no usable repository", "The last good capture stays in use")
            self.verified = nothing_between(self.passes, self.query.full)
            if self.verified or not (self._unwell or len(self.passes) > 1 or len(self.passes[0].pages) <= FEW_PAGES):
                return
            if len(self.passes) == MOST_PASSES:
                self.writer.abandon()
                raise self.client.error(
                    f"after {MOST_PASSES} passes its pages do not agree on what is listed",
                    "It leaves pages out or ends its list early; run again later",
                )
            self._start()

    def distinct(self) -> int:
        """How many different repositories all passes list."""
        return len(np.unique(np.concatenate([one.ids() for one in self.passes])))

    def _start(self) -> None:
        parameters = self.query.parameters(len(self.passes), self.client.settings.page_size)
        self._url = self.client.url("api/models", parameters)
        self.passes.append(Pass())

    def _read(self, current: Pass) -> None:
        known = np.sort(np.concatenate([one.ids() for one in self.passes[:-1]] or [np.empty(0, np.uint64)]))
        asked: set[str] = set()
        while not current.ended and self._url is not None:
            asked.add(self._url)
            if len(asked) > MAX_PAGES:
                raise self.client.error("its list does not end", "Run again; if it stays, the Hub is at fault")
            before, troubles = self.client.requests, self.client.troubles
            answer = self._page(self._url, asked)
            ids = _ids(answer.body, self.query.sort)
            changed = [when for when in map(_changed, answer.body) if when]
            below = self.query.until != "" and changed != [] and changed[-1] < self.query.until
            ended = answer.next is None or below
            repeats = len(current.pages) > 0 and bool(np.isin(ids, current.pages[-1]).any())
            note = {
                "pass": len(self.passes) - 1,
                # Without the Hub's address: the bundled one has another port when it is asked again.
                "next": None if ended or answer.next is None else answer.next.removeprefix(self.client.endpoint),
                "ids": base64.b64encode(ids.tobytes()).decode(),
                "mark": max(changed, default=""),
                "requests": self.client.requests - before,
                "unwell": repeats or self.client.troubles > troubles,
            }
            # A verifying pass adds the pages that hold what no pass before it has seen.
            self._wait_for_writing()
            if len(self.passes) == 1 or not np.isin(ids, known).all():
                name = f"{len(self.writer.kept):06d}.json"
                self._writing = self._thread.submit(self.writer.add, name, answer.content, json.dumps(note))
            else:
                self.writer.remember(json.dumps(note))
            self._take_up(note)
            report("pull from the Hub", self.requests)

    def _wait_for_writing(self) -> None:
        """Pages are packed and written while the next one is on its way, one at a time."""
        if self._writing is not None:
            self._writing.result()
            self._writing = None

    def _page(self, url: str, asked: set[str]) -> Answer:
        """A page; one that leads back is asked for again, as often as one that cannot be read."""
        for _ in range(self.client.settings.retries + 1):
            answer = self.client.json(url, list)
            if answer.next is None or answer.next not in asked:
                return answer
            self.client.troubles += 1
        self.writer.abandon()
        raise self.client.error("the cursor of the list repeats", "Run again; if it stays, the Hub is at fault")

    def _take_up(self, note: dict[str, Any]) -> None:
        """Count a page, just read or kept by an earlier process."""
        if note["pass"] == len(self.passes):
            self.passes.append(Pass())
        current = self.passes[note["pass"]]
        current.pages.append(np.frombuffer(base64.b64decode(note["ids"]), np.uint64))
        current.ended = note["next"] is None
        self._url = note["next"] and self.client.endpoint + note["next"]
        self.requests += note["requests"]
        self.watermark = max(self.watermark, note["mark"])
        self._unwell |= note["unwell"]


def _ids(items: list[Any], sort: str) -> Ids:
    """A hash of each usable id and what it is sorted by: one that changes meanwhile stands in two places of the list.

    Items without an id cannot be told apart and are left to who interprets them.
    """
    named = (item for item in items if isinstance(item, dict) and isinstance(item.get("id"), str))
    texts = (f"{item['id']} {item.get(sort)}".encode("utf-8", "surrogatepass") for item in named)
    return np.frombuffer(b"".join(blake2b(text, digest_size=8).digest() for text in texts), np.uint64)


def _changed(item: object) -> str:
    """When an item says it was changed last, as UTC text that sorts by time; empty where it does not say."""
    value = item.get("lastModified") if isinstance(item, dict) else None
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return ""
    if time is None or time.replace(tzinfo=time.tzinfo or UTC) > datetime.now(UTC) + timedelta(days=1):
        return ""  # a date in the future would hide everything that changes until then
    return _utc(time.replace(tzinfo=time.tzinfo or UTC))


def _utc(time: datetime) -> str:
    """Text that sorts by time."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds")
