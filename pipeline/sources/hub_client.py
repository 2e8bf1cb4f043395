"""The one way to a Hub, local or real: pages of its list endpoint through the huggingface_hub client.

Pages are kept as received. One malformed item kills the client's own `list_models` generator, so
items are not interpreted here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx2
import huggingface_hub
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status, http_backoff

from pipeline.errors import SourceError
from pipeline.progress import report
from pipeline.settings import Settings

MAX_BODY_BYTES = 64 * 2**20
MAX_PAGES = 20_000
CLIENT = f"huggingface_hub {huggingface_hub.__version__}"


@dataclass
class Crawl:
    """The pages of one crawl as they arrive, and how many requests they took."""

    settings: Settings
    endpoint: str
    requests: int = 0
    _seen: set[str] = field(default_factory=set)

    def pages(self, expand: tuple[str, ...]) -> Iterator[bytes]:
        """Yield each page of /api/models, by creation date, as received.

        Raises:
            SourceError: unreachable or refusing Hub, a body that is no JSON list, a cursor that
                repeats, a link that leaves the Hub's host.
        """
        query = [("sort", "createdAt"), ("direction", "1"), ("limit", str(self.settings.page_size))]
        url: str | None = str(
            httpx2.URL(f"{self.endpoint}/api/models", params=query + [("expand", name) for name in expand])
        )
        while url is not None:
            if url in self._seen or len(self._seen) >= MAX_PAGES:
                raise self._error("the cursor of the list repeats", "Run again; if it stays, the Hub is at fault")
            self._seen.add(url)
            response = self._get(url)
            self._check_list(response)
            report("pull from the Hub", self.requests)
            yield response.content
            url = self._next(response)

    def _get(self, url: str) -> httpx2.Response:
        token = self.settings.hub_token.get_secret_value() if self.settings.hub_token else False
        self.requests += 1
        try:
            response = http_backoff(
                "GET",
                url,
                headers=build_hf_headers(token=token, library_name="openmoat"),
                timeout=self.settings.timeout_s,
                max_retries=self.settings.retries,
                follow_redirects=False,
            )
            hf_raise_for_status(response)
        except OfflineModeIsEnabled as error:
            raise self._error("HF_HUB_OFFLINE is set, so it is not asked", "Unset it, or use --hub local") from error
        except HfHubHTTPError as error:
            raise self._refused(error) from error
        except httpx2.HTTPError as error:
            raise self._error(
                f"it cannot be reached ({type(error).__name__})",
                "Check the address and the network, or use --hub local",
            ) from error
        if response.is_redirect:
            raise self._error("the list endpoint redirects elsewhere", "Give the Hub's own address with --hub")
        return response

    def _refused(self, error: HfHubHTTPError) -> SourceError:
        status = error.response.status_code if error.response is not None else 0
        match status:
            case 401 | 403:
                return self._error(f"it refuses access ({status})", "Check HF_TOKEN, or unset it to go anonymous")
            case 400:
                said = _excerpt(error.response.text) if error.response is not None else ""
                return self._error(f"it refuses the query (400: {said})", "A property asked for may no longer exist")
            case 429:
                return self._error("the rate limit holds after every retry", "Wait five minutes or set HF_TOKEN")
            case _:
                return self._error(f"it answers {status} after every retry", "Run again later")

    def _check_list(self, response: httpx2.Response) -> None:
        if len(response.content) > MAX_BODY_BYTES:
            raise self._error(f"a page is over {MAX_BODY_BYTES:,} bytes", "Lower MOAT_PAGE_SIZE")
        try:
            body = json.loads(response.content)
        except (ValueError, RecursionError) as error:
            kind = response.headers.get("content-type", "no content type")
            raise self._error(f"a page is no JSON ({kind})", "Run again later; nothing was kept") from error
        if not isinstance(body, list):
            raise self._error(f"a page is a {type(body).__name__}, not a list", "Check the address of the Hub")

    def _next(self, response: httpx2.Response) -> str | None:
        link = response.links.get("next", {}).get("url")
        if link is None:
            return None
        if urlsplit(link)[:2] != urlsplit(self.endpoint)[:2]:
            raise self._error(f"its next page lies on another host ({_excerpt(link)})", "Not followed; report it")
        return str(link)

    def _error(self, wrong: str, todo: str) -> SourceError:
        return SourceError(f"Hub at {self.endpoint}", wrong, todo)


def _excerpt(text: str) -> str:
    return " ".join(text.split())[:200]
