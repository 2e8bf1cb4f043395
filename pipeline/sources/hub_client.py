"""The one way to a Hub, local or real: requests that wait as told, retry within bounds and stay on its hosts.

Requests go through the session of the huggingface_hub client. What is received is not interpreted here: one
malformed item kills the client's own `list_models` generator.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx2
import huggingface_hub
from huggingface_hub.errors import OfflineModeIsEnabled
from huggingface_hub.utils import build_hf_headers, get_session, parse_ratelimit_headers

from pipeline.errors import SourceError
from pipeline.progress import report
from pipeline.settings import Settings

MAX_BODY_BYTES = 64 * 2**20
MAX_WAIT_S = 330.0
"""A little over the five minutes of the Hub's window: no header makes a run wait for longer at a time."""
MAX_REDIRECTS = 3
# Where the Hub sends those who download a file; a token is never sent there.
STORES = (".hf.co", ".huggingface.co")
AGAIN = frozenset({408, 429, 500, 502, 503, 504})
CLIENT = f"huggingface_hub {huggingface_hub.__version__}"


@dataclass(frozen=True)
class Answer:
    """A body as received, the address of the next page where the Hub names one, and what JSON it is if asked for."""

    content: bytes
    next: str | None
    commit: str | None
    body: Any = None


class Refused(SourceError):
    """The Hub answered with a status that asking again does not change."""

    def __init__(self, thing: str, wrong: str, todo: str, status: int = 0) -> None:
        super().__init__(thing, wrong, todo)
        self.status = status


class _Again(Exception):
    """This attempt failed in a way that may pass; `wait` is what the Hub asked for, seconds."""

    def __init__(self, why: str, todo: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.why, self.todo, self.wait = why, todo, wait


class TooLarge(SourceError):
    """An answer is longer than what was asked for may be."""


class _Window:
    """What is left of one of the Hub's windows, as its answers say and the requests on their way use it up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: int | None = None
        self._ends = 0.0
        self._sent = 0

    def enter(self) -> None:
        """Wait until one more request fits."""
        while True:
            with self._lock:
                now = time.monotonic()
                if self._left is None or self._left > 0 or now >= self._ends:
                    self._sent += 1
                    self._left = None if self._left is None or now >= self._ends else self._left - 1
                    return
                pause = min(self._ends - now, MAX_WAIT_S)
            time.sleep(pause)

    def leave(self, headers: httpx2.Headers | None) -> None:
        """Take note of what an answer says is left: others that are on their way may not be counted in it."""
        limit = parse_ratelimit_headers(headers) if headers is not None else None
        with self._lock:
            self._sent -= 1
            if limit is not None:
                self._left = limit.remaining - self._sent
                self._ends = time.monotonic() + limit.reset_in_seconds


class HubClient:
    """Asks one Hub, or a site like it; several threads may share one.

    Attributes:
        endpoint: its address.
        requests: how many requests were sent, failed ones included.
        troubles: how many of them failed or came back unreadable: signs of an unwell Hub.
    """

    def __init__(self, settings: Settings, endpoint: str, *, anonymous: bool = False) -> None:
        self.settings, self.endpoint = settings, endpoint.rstrip("/")
        self.requests = self.troubles = 0
        self._anonymous = anonymous
        self._counting = threading.Lock()
        self._windows = {"api": _Window(), "resolvers": _Window(), "pages": _Window()}

    def url(self, path: str, query: Sequence[tuple[str, str]] = ()) -> str:
        """Address of a path of this Hub."""
        return str(httpx2.URL(f"{self.endpoint}/{path.lstrip('/')}", params=list(query)))

    def json(self, url: str, kind: type[list[Any]] | type[dict[str, Any]]) -> Answer:
        """A body that is a JSON list or object; one that is not is asked for again.

        Raises:
            SourceError: see `get`; also a body that stays unreadable.
        """

        def read(content: bytes) -> Any:
            try:
                body = json.loads(content)
            except (ValueError, RecursionError) as error:
                raise _Again("its answer is no JSON", "Run again later; what was read before is kept") from error
            if not isinstance(body, kind):
                wrong = f"its answer is a {type(body).__name__}, not a {kind.__name__}"
                raise _Again(wrong, "Check the address of the Hub")
            return body

        return self._attempts(url, MAX_BODY_BYTES, read)

    def get(self, url: str, cap: int = MAX_BODY_BYTES) -> Answer:
        """A body of at most `cap` bytes.

        Raises:
            Refused: it does not exist, needs a right, or the query is not understood; with its status.
            SourceError: unreachable, unwell after every retry, too large, or a way to another host.
        """
        return self._attempts(url, cap, lambda _: None)

    def download(self, url: str, path: Path, size: int) -> None:
        """Stream a file of `size` bytes to `path`; where it breaks off, now or in an earlier call, it is continued.

        Raises:
            Refused: see `get`.
            SourceError: see `get`; also an answer of another size, or a path that cannot be written.
        """
        try:
            path.touch()
            if path.stat().st_size > size:
                path.write_bytes(b"")
            if path.stat().st_size < size:
                self._attempts(url, size, lambda _: None, path)
        except OSError as error:
            todo = "Free space or set MOAT_DATA"
            raise SourceError(str(path), f"it cannot be written ({error.strerror})", todo) from error

    def _attempts(self, url: str, cap: int, read: Callable[[bytes], Any], path: Path | None = None) -> Answer:
        attempt = 0
        while True:
            try:
                answer = self._once(url, cap, path)
                return replace(answer, body=read(answer.content))
            except _Again as error:
                with self._counting:
                    self.troubles += 1
                if attempt == self.settings.retries:
                    raise self.error(error.why, error.todo) from error
                # Jitter, so that several crawls do not come back at the same moment.
                pause = self.settings.backoff_s * 2**attempt * random.uniform(0.5, 1.0)  # noqa: S311
                time.sleep(min(pause if error.wait is None else error.wait + pause / 2, MAX_WAIT_S))
                attempt += 1

    def _once(self, url: str, cap: int, path: Path | None) -> Answer:
        for _ in range(MAX_REDIRECTS + 1):
            self._allowed(url)
            window, headers = self._windows[_bucket(url)], None
            # A part of what is compressed on its way could not be put where it belongs.
            rest = {} if path is None else {"accept-encoding": "identity", "range": f"bytes={path.stat().st_size}-"}
            window.enter()
            with self._counting:
                self.requests += 1
            try:
                with get_session().stream(
                    "GET",
                    url,
                    headers=self._headers(url) | rest,
                    timeout=self.settings.timeout_s,
                    follow_redirects=False,
                ) as response:
                    headers = response.headers
                    if response.is_redirect:
                        url = urljoin(url, response.headers.get("location", ""))
                        continue
                    self._check_status(response)
                    content = self._body(response, cap) if path is None else self._save(response, path, cap)
            except OfflineModeIsEnabled as error:
                raise self.error("HF_HUB_OFFLINE is set, so it is not asked", "Unset it, or use --hub local") from error
            except httpx2.HTTPError as error:
                why = f"it cannot be reached ({type(error).__name__})"
                raise _Again(why, "Check the address and the network, or use --hub local") from error
            finally:
                window.leave(headers)
            following = response.links.get("next", {}).get("url")
            return Answer(content, self._following(following), response.headers.get("x-repo-commit"))
        raise self.error("it redirects without end", "Give the Hub's own address with --hub")

    def _headers(self, url: str) -> dict[str, str]:
        own = urlsplit(url)[:2] == urlsplit(self.endpoint)[:2]
        own = own and not self._anonymous
        token = self.settings.hub_token.get_secret_value() if self.settings.hub_token and own else False
        return dict(build_hf_headers(token=token, library_name="openmoat"))

    def _allowed(self, url: str) -> None:
        target, own = urlsplit(url), urlsplit(self.endpoint)
        if target[:2] == own[:2]:
            return
        stores = own.hostname == "huggingface.co" and target.scheme == "https" and target.port in {None, 443}
        if not (stores and (target.hostname or "").endswith(STORES)):
            raise self.error(f"it sends to another host ({_excerpt(url)})", "Not followed; check --hub, or report it")

    def _following(self, link: str | None) -> str | None:
        if link is not None and urlsplit(link)[:2] != urlsplit(self.endpoint)[:2]:
            raise self.error(f"its next page lies on another host ({_excerpt(link)})", "Not followed; report it")
        return link

    def _check_status(self, response: httpx2.Response) -> None:
        status = response.status_code
        if status < 400:
            return
        if status in AGAIN:
            limit, after = parse_ratelimit_headers(response.headers), response.headers.get("retry-after", "")
            wait = float(limit.reset_in_seconds) if limit is not None and limit.remaining == 0 else None
            wait = float(after) if wait is None and after.isdigit() else wait
            if status == 429:
                raise _Again("the rate limit holds after every retry", "Wait five minutes or set HF_TOKEN", wait)
            raise _Again(f"it answers {status} after every retry", "Run again later", wait)
        said = _excerpt(self._body(response, MAX_BODY_BYTES).decode("utf-8", "replace"))
        match status:
            case 401 | 403:
                wrong, todo = f"it refuses access ({status})", "Check HF_TOKEN, or unset it to go anonymous"
            case 400:
                wrong, todo = f"it refuses the query (400: {said})", "A property asked for may no longer exist"
            case _:
                wrong, todo = f"it answers {status} ({said})", "Check the address, and whether it still exists"
        raise Refused(f"Hub at {self.endpoint}", wrong, todo, status)

    def _body(self, response: httpx2.Response, cap: int) -> bytes:
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > cap:
                wrong, todo = f"its answer is over {cap:,} bytes", "Lower MOAT_PAGE_SIZE, or report it"
                raise TooLarge(f"Hub at {self.endpoint}", wrong, todo)
        return bytes(content)

    def _save(self, response: httpx2.Response, path: Path, size: int) -> bytes:
        """Put a file, or the rest of it, in its place; nothing is left to be returned."""
        have, stated = path.stat().st_size, response.headers.get("content-range", "")
        follows = response.status_code == 206 and stated.startswith(f"bytes {have}-") and stated.endswith(f"/{size}")
        whole = response.status_code == 200 and response.headers.get("content-length", str(size)) == str(size)
        if not (follows or whole):
            raise _Again("it sends something else than the file asked for", "Run again later")
        have = have if follows else 0
        with path.open("ab" if follows else "wb") as file:
            for piece in response.iter_bytes():
                have += file.write(piece[: size - have])
                report(f"download {path.name}", have, size)
        if have < size:
            raise _Again("its file ends early", "Run again later")
        return b""

    def error(self, wrong: str, todo: str) -> SourceError:
        """An error of this Hub."""
        return SourceError(f"Hub at {self.endpoint}", wrong, todo)


def _bucket(url: str) -> str:
    """Which of the Hub's windows a request counts in."""
    path = urlsplit(url).path
    return "api" if path.startswith("/api/") else "resolvers" if "/resolve/" in path else "pages"


def _excerpt(text: str) -> str:
    return " ".join(text.split())[:200]
