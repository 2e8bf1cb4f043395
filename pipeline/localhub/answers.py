"""Answers of the local Hub as the real one words them, and the broken ones."""

from __future__ import annotations

import mimetypes
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import JSONResponse, Response, StreamingResponse

from pipeline.localhub.repository import File

WINDOW = {"api": 500, "resolvers": 3000}
INVALID_CREDENTIALS = "Invalid credentials in Authorization header"


def rate(bucket: str = "api", remaining: int | None = None, seconds: int = 300) -> dict[str, str]:
    """Headers that state the rate limit of a bucket: api or resolvers."""
    left = WINDOW[bucket] - 1 if remaining is None else remaining
    return {
        "RateLimit": f'"{bucket}";r={left};t={seconds}',
        "RateLimit-Policy": f'"fixed window";"{bucket}";q={WINDOW[bucket]};w=300',
    }


def answer(content: Any, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    return JSONResponse(content, headers=rate() | (headers or {}))


def refusal(status: int, reason: str, code: str = "", headers: dict[str, str] | None = None) -> Response:
    """An error; the client tells errors apart by `X-Error-Code` and `X-Error-Message`."""
    stated = {"X-Error-Message": reason} | ({"X-Error-Code": code} if code else {})
    ascii_only = {name: value.encode("ascii", "replace").decode() for name, value in stated.items()}
    return JSONResponse({"error": reason}, status_code=status, headers=rate() | ascii_only | (headers or {}))


def no_repository() -> Response:
    """Missing or private: an anonymous client cannot tell."""
    return refusal(401, "Repository not found", "RepoNotFound")


def file_answer(
    file: File, path: str, headers: dict[str, str], asked: str | None, *, head: bool = False, cut: bool = False
) -> Response:
    """A file, or the part of it that a Range header asks for.

    Args:
        file: the file.
        path: its path, which gives the media type.
        headers: further headers.
        asked: the Range header.
        head: send the headers alone.
        cut: break off half-way, before the announced length.
    """
    media = mimetypes.guess_type(path)[0] or "application/octet-stream"
    headers = rate("resolvers") | headers | {"ETag": f'"{file.oid}"', "Accept-Ranges": "bytes", "Content-Type": media}
    start, stop, status = 0, file.size, 200
    part = _range(asked, file.size) if asked else None
    if part:
        start, stop, status = *part, 206
        if start >= stop:
            return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{file.size}"})
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{file.size}"
    headers["Content-Length"] = str(stop - start)
    if head:
        return Response(status_code=status, headers=headers)
    end = start + (stop - start) // 2 if cut else stop
    return StreamingResponse(file.part(start, end), status_code=status, headers=headers)


def broken(fault: str) -> Response | None:
    """The answer of a fault that needs no other one; None for the rest."""
    match fault:
        case "429":
            return refusal(429, "rate limited", headers=rate(remaining=0, seconds=1) | {"Retry-After": "1"})
        case "429-no-headers":
            return Response("slow down", status_code=429)
        case "500" | "502" | "504":
            return Response("server error", status_code=int(fault))
        case "unauthorised":
            return refusal(401, INVALID_CREDENTIALS)
        case "html":
            return Response("<!doctype html><title>Maintenance</title>", media_type="text/html")
        case "reset":
            return StreamingResponse(_cut_off(), headers={"Content-Length": "1000"})
        case _:
            return None


def truncated(response: Response) -> Response:
    """The first half of an answer, as if that were all; a file is broken off where it is sent."""
    if isinstance(response, StreamingResponse):
        return response
    body = bytes(response.body)
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    return Response(body[: len(body) // 2], response.status_code, headers)


async def _cut_off() -> AsyncIterator[bytes]:
    """A body that ends before its announced length: the server drops the connection."""
    yield b"[{"


def _range(asked: str, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last; None for a header nobody understands, which is ignored."""
    first, _, last = asked.removeprefix("bytes=").partition("-")
    try:
        if not first:
            return max(size - int(last), 0), size
        return int(first), min(int(last) + 1 if last else size, size)
    except ValueError:
        return None
