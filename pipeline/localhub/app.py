"""Routes of the local Hub: lists, repositories, their trees and files, leaderboards; 404 for everything else."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.localhub.address import Address, parse
from pipeline.localhub.answers import answer, broken, file_answer, no_repository, rate, refusal, truncated
from pipeline.localhub.faults import LISTS, Fault
from pipeline.localhub.items import REFUSED_IN_LISTS, SORTS, Query, properties
from pipeline.localhub.repositories import Repositories, Source
from pipeline.localhub.repository import Commit, Item, Repository, last_change

LIMIT = 1000
SLOW_SECONDS = 1.0
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
T = TypeVar("T")


class Hub:
    """The state of one local Hub.

    Attributes:
        sources: its models and its datasets.
        fault: how it misbehaves at present.
        latency: seconds it waits before every answer; requests at the same time wait at the same time.
        requests: how many it got, by `Address.kind`.
    """

    def __init__(
        self, models: Source, fault: Fault | None = None, *, datasets: Source | None = None, latency: float = 0.0
    ) -> None:
        self.sources: dict[str, Source] = {"models": models, "datasets": datasets or Repositories()}
        self.fault = fault or Fault()
        self.latency = latency
        self.requests: Counter[str] = Counter()

    def app(self) -> Starlette:
        """The application; the switch for faults lies outside the Hub's own paths."""
        return Starlette(
            routes=[
                Route("/__faults__", self.switch, methods=["POST"]),
                Route("/{rest:path}", self.respond, methods=list(METHODS)),
            ]
        )

    async def switch(self, request: Request) -> Response:
        """Switch a fault at run time: the fields of `Fault` as JSON."""
        try:
            self.fault = Fault(**json.loads(await request.body()))
        except (ValueError, TypeError) as error:
            return refusal(400, str(error))
        return answer({"fault": self.fault.name})

    async def respond(self, request: Request) -> Response:
        """Count a request, wait, and answer it, or not as it should be."""
        address = parse(request.method, request.scope["raw_path"])
        self.requests[address.kind] += 1
        fault = self.fault.strikes(address.kind, request.method)
        await asyncio.sleep(self.latency + (SLOW_SECONDS if fault == "slow" else 0))
        response = broken(fault)
        if response is None:
            response = await self._answer(request, address, fault)
        return truncated(response) if fault == "truncated" else response

    async def _answer(self, request: Request, address: Address, fault: str) -> Response:
        if address.kind in LISTS:
            return await self._list(request, address, fault)
        if address.kind == "whoami":
            return _whoami(request)
        if address.kind == "other":
            return refusal(404, "Sorry, we can't find the page you are looking for.")
        source = self.sources[address.collection]
        if address.repo in source.renamed:
            return _redirect(request, address, source.renamed[address.repo])
        repository = await asyncio.to_thread(source.get, address.repo)
        if repository is None:
            return no_repository()
        commits = repository.since(address.revision)
        if not commits:
            return refusal(404, f"Invalid rev id: {address.revision}", "RevisionNotFound")
        query = request.query_params
        match address.kind:
            case "file":
                return _file(request, repository, commits[0], address.path, fault == "truncated")
            case "tree":
                return _tree(request, commits, address.path)
            case "paths-info":
                return _paths_info(commits, (await request.body()).decode("utf-8", "replace"))
            case "commits":
                told = "formatted" in _expand(request)
                return _page(request, [_commit(commit, repository.item, told) for commit in commits])
            case "refs":
                return answer(_refs(repository, pull_requests=_true(query.get("include_prs"))))
            case "leaderboard":
                originals_only = query.get("base_model", "true").lower() != "false"
                return await asyncio.to_thread(self._leaderboard, repository, originals_only)
            case _:
                return answer(_info(request, repository, commits[0], address.kind == "model"))

    async def _list(self, request: Request, address: Address, fault: str) -> Response:
        """Pages with an absolute link to the next one."""
        asked, expand = request.query_params, _expand(request)
        refused = sorted(REFUSED_IN_LISTS & set(expand)) or (expand if fault == "refused-expand" else [])
        sort = asked.get("sort", "createdAt")
        if refused or sort not in SORTS:
            return refusal(400, f"expand {refused[0]} is not allowed here" if refused else f"no sort is called {sort}")
        try:
            start, limit = _bounds(request)
        except ValueError as error:
            return refusal(400, str(error))
        full, card = _true(asked.get("full")), _true(asked.get("cardData"))
        query = Query(
            filters=tuple(asked.getlist("filter")), author=asked.get("author"), search=tuple(asked.getlist("search")),
            sort=sort, descending=asked.get("direction", "-1") != "1",
            properties=properties(expand, full=full, card=card, models=address.collection == "models"),
        )  # fmt: skip
        first = max(start - limit, 0) if fault == "duplicated-page" else start
        first = start + limit if fault == "dropped-page" else first
        last = min(first + limit, LIMIT) if fault == "silent-cap" else first + limit
        texts, total = await asyncio.to_thread(self.sources[address.collection].page, query, first, last)
        if fault == "empty":
            texts, total = [], 0
        following = start if fault == "looping-cursor" else max(start, first) + limit
        capped = fault == "silent-cap" and following >= LIMIT
        link = {} if following >= total or capped else _link(request, following, foreign=fault == "foreign-next")
        return Response(b"[" + b",".join(texts) + b"]", media_type="application/json", headers=rate() | link)

    def _leaderboard(self, dataset: Repository, originals_only: bool) -> Response:
        """Entries by rank; models that state a base model only on demand."""
        if dataset.leaderboard is None:
            return refusal(404, "This dataset has no leaderboard", "EntryNotFound")
        entries = [entry for entry in dataset.leaderboard if not (originals_only and self._derived(entry))]
        return answer(sorted(entries, key=lambda entry: (entry.get("rank") is None, entry.get("rank") or 0)))

    def _derived(self, entry: Item) -> bool:
        model = self.sources["models"].get(str(entry.get("modelId")))
        tags = model.item.get("tags") if model else None
        return isinstance(tags, list) and any(str(tag).startswith("base_model:") for tag in tags)


def _info(request: Request, repository: Repository, commit: Commit, is_model: bool) -> Any:
    item, expand = repository.item, _expand(request)
    if "raw" in item:
        return item["raw"]
    blobs = _true(request.query_params.get("blobs"))
    siblings = [
        {"rfilename": path} | ({"size": file.size, "blobId": file.oid} if blobs else {})
        for path, file in sorted(commit.files.items())
    ]
    known = item | {"sha": commit.sha, "siblings": siblings} | ({"modelId": item["id"]} if is_model else {})
    names = {"_id", "id", *expand} if expand else known
    return {name: value for name, value in known.items() if name in names and value is not None}


def _file(request: Request, repository: Repository, commit: Commit, path: str, cut: bool) -> Response:
    headers = {"X-Repo-Commit": commit.sha}
    if path not in commit.files:
        return refusal(404, "Entry not found", "EntryNotFound", headers)
    if repository.item.get("gated") and path != "README.md" and "authorization" not in request.headers:
        return refusal(401, "Access to this repository is restricted", "GatedRepo", headers)
    asked, head = request.headers.get("range"), request.method == "HEAD"
    return file_answer(commit.files[path], path, headers, asked, head=head, cut=cut)


def _tree(request: Request, commits: Sequence[Commit], folder: str) -> Response:
    if folder not in commits[0].folders:
        return refusal(404, f"{folder} does not exist", "EntryNotFound")
    expand = _true(request.query_params.get("expand"))
    paths = commits[0].tree(folder, _true(request.query_params.get("recursive")))
    return _page(request, paths, lambda path: _entry(commits, path, expand))


def _paths_info(commits: Sequence[Commit], form: str) -> Response:
    asked = parse_qs(form, keep_blank_values=True)
    expand = _true(asked.get("expand", ["false"])[0])
    paths = [path for path in asked.get("paths", []) if path and commits[0].oid(path)]
    return answer([_entry(commits, path, expand) for path in paths])


def _entry(commits: Sequence[Commit], path: str, expand: bool) -> Item:
    file = commits[0].files.get(path)
    entry: Item = {"type": "file" if file else "directory", "oid": commits[0].oid(path), "path": path}
    entry["size"] = file.size if file else 0
    if expand:
        last = last_change(commits, path)
        entry["lastCommit"] = {"id": last.sha, "title": last.title, "date": last.date}
    return entry


def _commit(commit: Commit, item: Item, formatted: bool) -> Item:
    told: Item = {"id": commit.sha, "title": commit.title, "message": "", "date": commit.date}
    told["authors"] = [{"user": str(item.get("author") or "local")}]
    return told | ({"formatted": {"title": commit.title, "message": ""}} if formatted else {})


def _refs(repository: Repository, *, pull_requests: bool) -> Item:
    main: Item = {"name": "main", "ref": "refs/heads/main", "targetCommit": repository.commits[0].sha}
    return {"branches": [main], "converts": [], "tags": []} | ({"pullRequests": []} if pull_requests else {})


def _whoami(request: Request) -> Response:
    if "authorization" not in request.headers:
        return refusal(401, "Invalid username or password.")
    return answer({"type": "user", "name": "local", "fullname": "Local user", "orgs": [], "isPro": False})


def _redirect(request: Request, address: Address, repo: str) -> Response:
    """307 to the same path under the new id, which stays on this Hub."""
    sent = request.scope["raw_path"].decode("ascii", "replace")
    path = sent.replace(quote(address.repo), quote(repo), 1)
    query = f"?{request.url.query}" if request.url.query else ""
    return Response(status_code=307, headers=rate() | {"Location": path + query})


def _page(request: Request, things: Sequence[T], show: Any = lambda thing: thing) -> Response:
    """Part of a sequence as a list of JSON, with a link to the rest."""
    try:
        start, limit = _bounds(request)
    except ValueError as error:
        return refusal(400, str(error))
    link = _link(request, start + limit) if start + limit < len(things) else {}
    return answer([show(thing) for thing in things[start : start + limit]], link)


def _bounds(request: Request) -> tuple[int, int]:
    """First item and how many; a cursor is an offset, in base64 so that nobody builds on it.

    Raises:
        ValueError: limit or cursor is no number of ours.
    """
    limit, cursor = request.query_params.get("limit", str(LIMIT)), request.query_params.get("cursor")
    try:
        return int(base64.urlsafe_b64decode(cursor)) if cursor else 0, min(max(int(limit), 1), LIMIT)
    except (ValueError, binascii.Error) as error:
        raise ValueError(f"limit {limit} or cursor {cursor} is not one of ours") from error


def _link(request: Request, offset: int, *, foreign: bool = False) -> dict[str, str]:
    cursor = base64.urlsafe_b64encode(str(offset).encode()).decode()
    url = request.url.include_query_params(cursor=cursor)
    url = url.replace(hostname="198.51.100.1", port=None) if foreign else url
    return {"Link": f'<{url}>; rel="next"'}


def _expand(request: Request) -> list[str]:
    return [*request.query_params.getlist("expand"), *request.query_params.getlist("expand[]")]


def _true(text: str | None) -> bool:
    return text is not None and text.lower() in {"true", "1"}
