"""A site built from the bundled facts, a server for it, and Debian's chromium to look at it.

`page` opens a page and keeps what it did: `page.seen.requests` are the addresses it asked for, `page.seen.errors` what
the console and the scripts complained of.
"""

import functools
import http.server
import shutil
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipeline.settings import Settings
from pipeline.site.sql_page import MODULES

# Chromium asks its maker's servers for updates and lists of its own accord; here nobody is to be asked.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@dataclass
class Seen:
    requests: list = field(default_factory=list)
    errors: list = field(default_factory=list)

    def elsewhere(self, *hosts):
        """The requests to any other host; what lies in the page itself (data:, blob:) is none."""
        own = ("file:", "data:", "blob:", "about:", *hosts)
        return [address for address in self.requests if not address.startswith(own)]


@pytest.fixture(scope="session")
def site(built):
    """Folder of the site of a finished run on the bundled facts; read it, do not write it."""
    return build_site(built)


def build_site(data):
    if not MODULES.is_dir():
        pytest.fail("the SQL engine and axe are not installed: run `make browser`")
    from pipeline.site.build import build  # noqa: PLC0415 - takes seconds: it draws charts

    return build(Settings(data=data)).parent


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        pass

    def copyfile(self, source, outputfile):
        try:
            super().copyfile(source, outputfile)
        except (BrokenPipeError, ConnectionResetError):
            # A page was closed while it was loading.
            self.close_connection = True


@contextmanager
def serve(folder):
    """The address of a plain file server of a folder on loopback, as `python -m http.server` is one."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="session")
def served(site):
    """Address of the site on loopback, with a slash at its end."""
    with serve(site) as address:
        yield address


@pytest.fixture(scope="session")
def browser():
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("Debian's chromium is missing: run `make browser`")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only tests with a browser need it

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()


def axe(tab):
    """What axe finds on a page as it stands: rule and the first elements. The page was opened with bypass_csp=True."""
    # The policy of the pages keeps foreign scripts out, this one too.
    tab.evaluate((MODULES / "axe-core" / "axe.min.js").read_text())
    found = tab.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [(rule["id"], [node["html"][:200] for node in rule["nodes"][:3]]) for rule in found]


@pytest.fixture
def page(browser):
    """Opens an address or a file in a context of its own: page(address, **options of the context)."""
    contexts = []

    def opened(address, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        seen = Seen()
        # Of the context, not of the page: those of workers count, too.
        context.on("request", lambda request: seen.requests.append(request.url))
        tab = context.new_page()
        tab.seen = seen
        tab.on("console", lambda said: seen.errors.append(said.text) if said.type == "error" else None)
        tab.on("pageerror", lambda error: seen.errors.append(str(error)))
        tab.goto(address.as_uri() if isinstance(address, Path) else address, wait_until="networkidle")
        return tab

    yield opened
    for context in contexts:
        context.close()
