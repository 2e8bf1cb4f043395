"""Routes of the local Hub: listing, single models, files of a repository, 404 for everything else."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections import Counter
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from pipeline.localhub.faults import Fault
from pipeline.localhub.repositories import REFUSED_IN_LISTS, SORTS, Item, Repositories, listed, readme

LIMIT = 1000
RATE = {"RateLimit": '"api";r=499;t=300', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'}
SLOW_SECONDS = 1.0


class Hub:
    """The state of one local Hub: its repositories, its fault, what it was asked."""

    def __init__(self, repositories: Repositories, fault: Fault | None = None) -> None:
        self.repositories = repositories
        self.fault = fault or Fault()
        self.requests: Counter[str] = Counter()

    def app(self) -> Starlette:
        """The application with every route."""
        return Starlette(
            routes=[
                Route("/__faults__", self.switch, methods=["POST"]),
                Route("/api/models", self.models),
                Route("/api/models/{rest:path}", self.model),
                Route("/{rest:path}", self.file, methods=["GET", "HEAD"]),
            ]
        )

    async def switch(self, request: Request) -> Response:
        """Switch a fault at run time; the path lies outside the Hub's own."""
        try:
            self.fault = Fault(**json.loads(await request.body()))
        except (ValueError, TypeError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse({"fault": self.fault.name})

    async def models(self, request: Request) -> Response:
        """Route 1: pages of models with an absolute link to the next page."""
        self.requests["list"] += 1
        query = request.query_params
        expand = [*query.getlist("expand"), *query.getlist("expand[]")]
        fault = self.fault.name if self.fault.fires() else ""
        broken = _broken(fault)
        if broken is not None:
            return broken
        refused = sorted(REFUSED_IN_LISTS & set(expand)) or (expand if fault == "refused-expand" else [])
        sort = query.get("sort", "createdAt")
        if refused or sort not in SORTS:
            reason = f"expand {refused[0]} is not allowed here" if refused else f"sort {sort} is not allowed"
            return _error(400, reason)
        try:
            limit = min(max(int(query.get("limit", LIMIT)), 1), LIMIT)
            start = _offset(query.get("cursor"))
        except ValueError as error:
            return _error(400, str(error))
        found = [] if fault == "empty" else self.repositories.query(
            filters=query.getlist("filter"), author=query.get("author"), search=query.get("search"), sort=sort,
            descending=query.get("direction", "-1") != "1",
        )  # fmt: skip
        first = max(start - limit, 0) if fault == "duplicated-page" else start
        first = start + limit if fault == "dropped-page" else first
        page = [listed(item, _properties(query, expand)) for item in found[first : first + limit]]
        following = start if fault == "looping-cursor" else max(start, first) + limit
        headers = dict(RATE)
        if following < len(found):
            headers["Link"] = f'<{_next(request, following, fault)}>; rel="next"'
        body = json.dumps(page, ensure_ascii=False).encode("utf-8", "surrogatepass")
        if fault == "truncated":
            body = body[: len(body) // 2]
        if fault == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        return Response(body, media_type="application/json", headers=headers)

    async def model(self, request: Request) -> Response:
        """Route 2: one model, also at a revision; a renamed one answers 307."""
        self.requests["model"] += 1
        if self.fault.name == "unauthorised":
            return _error(401, "Invalid credentials in Authorization header")
        repo = request.path_params["rest"].partition("/revision/")[0]
        if repo in self.repositories.renamed:
            target = request.url.path.replace(repo, self.repositories.renamed[repo], 1)
            return RedirectResponse(str(request.url.replace(path=target)), status_code=307)
        item = self.repositories.by_id.get(repo)
        if item is None:
            return _missing("RepoNotFound", 401)
        query = request.query_params
        expand = [*query.getlist("expand"), *query.getlist("expand[]")]
        shown: Item = listed(item, expand) if expand else {k: v for k, v in item.items() if v is not None}
        shown |= {} if expand else {"siblings": [{"rfilename": "README.md"}]}
        return JSONResponse(shown, headers=RATE)

    async def file(self, request: Request) -> Response:
        """Route 6: files of a repository by revision, whole or in part. Everything else is 404."""
        self.requests["file"] += 1
        repo, mark, rest = request.path_params["rest"].partition("/resolve/")
        item = self.repositories.by_id.get(repo)
        if not mark or item is None:
            return _missing("RepoNotFound" if mark else "NotFound", 401 if mark else 404)
        commit = {"X-Repo-Commit": item["sha"]}
        if rest.partition("/")[2] != "README.md":
            return _missing("EntryNotFound", 404, commit)
        content = readme(item)
        headers = commit | {"ETag": f'"{sha256(content).hexdigest()}"', "Accept-Ranges": "bytes"}
        asked = request.headers.get("range")
        if asked is None:
            return _bytes(request, content, headers, 200)
        try:
            start, end = _range(asked, len(content))
        except ValueError:
            return _bytes(request, content, headers, 200)  # a header nobody understands is ignored
        if start >= len(content) or end < start:
            return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{len(content)}"})
        headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
        return _bytes(request, content[start : end + 1], headers, 206)


def _properties(query: Any, expand: list[str]) -> list[str]:
    if expand:
        return expand
    extra = ["cardData"] if query.get("cardData") or query.get("full") else []
    full = ["author", "lastModified", "sha", "gated", "disabled"] if query.get("full") else []
    return ["likes", "private", "downloads", "tags", "pipeline_tag", "library_name", "createdAt", *extra, *full] if (
        extra or full
    ) else []  # fmt: skip


def _broken(fault: str) -> Response | None:
    match fault:
        case "429":
            headers = {"RateLimit": '"api";r=0;t=1', "RateLimit-Policy": RATE["RateLimit-Policy"], "Retry-After": "1"}
            return _error(429, "rate limited", headers)
        case "429-no-headers":
            return Response("slow down", status_code=429)
        case "500" | "502" | "504":
            return Response("server error", status_code=int(fault))
        case "unauthorised":
            return _error(401, "Invalid credentials in Authorization header")
        case "html":
            return Response("<!doctype html><title>Maintenance</title>", media_type="text/html")
        case "reset":
            return StreamingResponse(_cut_off(), headers={"Content-Length": "1000"})
        case _:
            return None


async def _cut_off() -> AsyncIterator[bytes]:
    """A body that ends before its announced length: the server drops the connection."""
    yield b"[{"


def _next(request: Request, offset: int, fault: str) -> str:
    cursor = base64.urlsafe_b64encode(str(offset).encode()).decode()
    url = request.url.include_query_params(cursor=cursor)
    return str(url.replace(hostname="198.51.100.1", port=None) if fault == "foreign-next" else url)


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        return int(base64.urlsafe_b64decode(cursor))
    except (ValueError, binascii.Error) as error:
        raise ValueError("cursor is not one of ours") from error


def _range(text: str, length: int) -> tuple[int, int]:
    first, _, last = text.removeprefix("bytes=").partition("-")
    if not first:
        return max(length - int(last or 0), 0), length - 1
    return int(first), min(int(last) if last else length - 1, length - 1)


def _bytes(request: Request, content: bytes, headers: dict[str, str], status: int) -> Response:
    body = b"" if request.method == "HEAD" else content
    sized = headers | {"Content-Length": str(len(content)), "Content-Type": "text/markdown; charset=utf-8"}
    return Response(body, status_code=status, headers=sized)


def _error(status: int, reason: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": reason}, status_code=status, headers=headers or RATE)


def _missing(code: str, status: int, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": code}, status_code=status, headers={"X-Error-Code": code} | (headers or {}))
