"""The first page of the site beside the same content in Streamlit and marimo, and the site's own limits.

Run `python -m benchmarks.site_speed [--rounds 3]` from the root of the repository after `make run` and `make browser`.
Each page has a server of its own, visited once before anything is measured; rounds are interleaved and take turns in
who is first. A visit has a browser context of its own, so nothing is cached. A part is seen from the first animation
frame that finds it laid out or, on a canvas, finds dark pixels there.
"""

from __future__ import annotations

import argparse
import gzip
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import version
from math import nan
from pathlib import Path
from statistics import median
from subprocess import DEVNULL, Popen, run

import duckdb
from playwright.sync_api import Browser, Error, Request, sync_playwright

from pipeline.settings import Settings
from pipeline.site.build import build
from pipeline.site.sql_page import MODULES
from tests.site.conftest import FLAGS

KB, SECONDS, SOONER, BUILD_S, LARGE_S, FILTER_MS, MODELS = 500, 1.5, 3, 20, 60, 100, 20_000
SHOWN = {"headline": "ms to headline", "chart": "to chart", "table": "to table", "all": "all three", "kB": "gzip kB",
         "requests": "requests", "others": "to others", "rules": "axe rules", "parts": "parts"}  # fmt: skip
SET = (("from", "2024-06-01"), ("from", ""), ("to", "2025-06-01"), ("to", ""), ("min", "9"), ("min", "0"))
CROWD = {"staging.models": ("model_id", "name"), "staging.scores": ("score_id", "model_id"),
         "staging.statements": ("model_id",), "staging.access_history": ("model_id",),
         "marts.leaderboard": ("model",)}  # fmt: skip
NOWHERE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
AXE = MODULES / "axe-core" / "axe.min.js"
# Both apps import the first file, which is run once: what is measured is the way to the reader.
APPS = {
    "content.py": """import altair as alt, duckdb, pathlib
with duckdb.connect(%(file)r, read_only=True) as published:
    [(sentence,)] = published.execute("SELECT sentence FROM marts.headline WHERE is_headline"
        " AND open_definition = 'downloadable' AND tolerance = 'strict'").fetchall()
    table = published.execute("FROM marts.leaderboard").df()
chart = alt.Chart.from_json(pathlib.Path(%(chart)r).read_text())
""",
    "in_streamlit.py": """import content, streamlit as st
st.set_page_config(layout="wide")
st.title(content.sentence)
st.altair_chart(content.chart)
st.dataframe(content.table)
""",
    "in_marimo.py": """import marimo
app = marimo.App(width="full")
@app.cell
def _():
    import content, marimo as mo
    mo.md(f"# {content.sentence}")
    return content, mo
@app.cell
def _(content):
    content.chart
@app.cell
def _(content, mo):
    mo.ui.table(content.table)
""",
}
WATCH = """window.seen = {};
const dark = (canvas, above) => canvas.width > 300 && canvas.height > above && new Int32Array(canvas.getContext("2d")
  .getImageData(0, above, canvas.width, canvas.height - above).data.buffer).some((dot) => dot < 0 && !(dot & 0x808080));
const there = (node, above = 0) => Boolean(node) && node.getBoundingClientRect().height > 0 &&
  (node.tagName === "CANVAS" ? dark(node, above) : node.textContent.trim() !== "");
const any = (found, above) => [...document.querySelectorAll(found)].some((node) => there(node, above));
const check = {
  headline: () => any("h1"),
  chart: () => any("svg.chart, svg.marks, canvas.marks"),
  table: () => any("#leaders td, [data-testid=data-grid-canvas]", 40)
    || there(document.querySelector("marimo-table")?.shadowRoot?.querySelector("tbody tr")),
};
requestAnimationFrame(function look() {
  for (const part in check) if (!(part in seen) && check[part]()) seen[part] = performance.now();
  if (Object.keys(seen).length < 3) requestAnimationFrame(look);
});"""
TIME_INPUTS = """window.took = [];
document.addEventListener("input", ({ target, timeStamp }) => requestAnimationFrame(() => requestAnimationFrame(
  () => took.push([target.name, performance.now() - timeStamp]))), true);"""


def write_apps(folder: Path, settings: Settings) -> str:
    """Write both apps and install what they need, where possible as the project has it; the interpreter for them."""
    told = {"file": str(settings.published_file), "chart": str(settings.published / "site/charts/frontier.json")}
    for name, text in APPS.items():
        (folder / name).write_text(text % told)
    python = str(folder / "venv" / "bin" / "python")
    uv = shutil.which("uv", path=f"{os.environ['PATH']}:{Path.home()}/.local/bin") or "uv"
    same = [f"{name}=={version(name)}" for name in ("altair", "duckdb", "polars", "pyarrow")]
    run([uv, "venv", "-q", "--python", sys.executable, str(folder / "venv")], check=True)
    wanted = ["-q", "--compile-bytecode", "--python", python, "streamlit", "marimo", "pandas", *same]
    run([uv, "pip", "install", *wanted], check=True)
    return python


@contextmanager
def serving(folder: Path, *command: str) -> Iterator[str]:
    """The address of a server in a process of its own; `{port}` in the command is a free port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    asked = [part.format(port=port) for part in command]
    own = {"HOME": str(folder), "PATH": os.environ["PATH"], "PYTHONPATH": str(folder), "LC_ALL": "C.UTF-8"}
    process = Popen(asked, cwd=folder, env=own, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True)
    try:
        for _ in range(300):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def visit(browser: Browser, address: str) -> dict[str, float]:
    """Milliseconds until each part is seen, kB and requests until the network is idle, and what axe objects to."""
    asked: list[Request] = []
    bodies: list[bytes] = []
    with browser.new_context(bypass_csp=True) as context:  # or else axe cannot look at our page
        context.on("request", lambda one: asked.append(one) if one.url.startswith("http") else None)
        page = context.new_page()
        page.on("websocket", lambda one: one.on("framereceived", lambda said: bodies.append(
            said.encode() if isinstance(said, str) else said)))  # fmt: skip
        page.add_init_script(f"if (window === top) {{ {WATCH} }}")
        page.goto(address, wait_until="commit")
        page.wait_for_function("Object.keys(seen).length === 3", timeout=60_000)
        seen: dict[str, float] = page.evaluate("seen")
        page.wait_for_load_state("networkidle")
        for one in list(asked):
            with suppress(Error):  # a request that the page gave up has no answer
                if (answer := one.response()) is not None:
                    bodies.append(answer.body())
        seen |= {"all": max(seen.values()), "rules": nan, "parts": nan, "requests": len(asked)}
        seen["kB"] = sum(min(len(one), len(gzip.compress(one, 6))) for one in bodies) / 1000
        seen["others"] = sum(not one.url.startswith(address) for one in asked)
        if AXE.exists():
            page.evaluate(AXE.read_text())
            broken = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
            seen |= {"rules": len(broken), "parts": sum(len(rule["nodes"]) for rule in broken)}
        return seen


def crowded(source: Settings, folder: Path) -> Settings:
    """A published file with the models of another, their scores and what is said of them repeated, up to MODELS."""
    settings = Settings(data=folder)
    shutil.copytree(source.published, settings.published, ignore=shutil.ignore_patterns("site"))
    with duckdb.connect(str(settings.published_file)) as connection:
        [(count,)] = connection.execute("SELECT count(*) FROM marts.leaderboard").fetchall()
        times = -(-MODELS // count)
        for table, names in CROWD.items():
            other = ", ".join(f"{name} || ' ' || r.copy AS {name}" for name in names)
            connection.execute(
                f"INSERT INTO {table} SELECT t.* REPLACE ({other}) FROM {table} AS t, range(1, {times}) AS r(copy)"
            )
    return settings


def filtering(browser: Browser, address: str) -> list[tuple[str, float]]:
    """Every filter of a large leaderboard, changed by itself: its name, and milliseconds to the second frame."""
    with browser.new_page() as page:
        page.add_init_script(TIME_INPUTS)
        page.goto(f"{address}leaderboard.html")
        page.wait_for_function(f"window.moat?.leaderboard?.model.length >= {MODELS} && /of/.test(count.textContent)")
        steps = [*(("q", "press_sequentially", one) for one in "qwen 2"), ("q", "fill", "")]
        steps += [*(("org", "press_sequentially", one) for one in "meta"), ("org", "fill", "")]
        for name in ("access", "licence", "size", "source"):
            options = page.locator(f"[name={name}] option").evaluate_all("all => all.map((one) => one.value)")
            steps += [(name, "select_option", option) for option in [*options[1:], options[0]]]
        # Once with what is hidden at first, and once with all models.
        wide = [("hide", "press", " "), *((name, "fill", value) for name, value in SET)]
        for number, (name, how, value) in enumerate([*steps, *wide, *steps]):
            getattr(page.locator(f"#filters [name={name}]"), how)(value)
            page.wait_for_function("number => took.length > number", arg=number)
        return [(name, took) for name, took in page.evaluate("took")]


def measure(rounds: int, folder: Path) -> str:
    """All rounds, as Markdown; SystemExit when the first page is heavier than it may be."""
    settings = Settings(data=folder / "data")
    shutil.copytree(Settings().published, settings.published, ignore=shutil.ignore_patterns("site", "vintages", ".*"))
    site = build(settings).parent
    python = write_apps(folder, settings)
    large = crowded(settings, folder / "crowd")
    start = time.perf_counter()
    large_site = build(large).parent
    large_s = time.perf_counter() - start
    ways = {
        "static site": (sys.executable, "-m", "http.server", "{port}", "--bind=127.0.0.1", f"--directory={site}"),
        "Streamlit": (python, "-m", "streamlit", "run", "in_streamlit.py", "--server.headless=true",
                      "--server.address=127.0.0.1", "--server.port={port}", "--browser.gatherUsageStats=false"),
        "marimo": (python, "-m", "marimo", "-q", "run", "in_marimo.py", "--headless", "--no-token", "--port={port}"),
    }  # fmt: skip
    visits: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    builds = []
    with ExitStack() as stack:
        at = {name: stack.enter_context(serving(folder, *command)) for name, command in ways.items()}
        chromium = stack.enter_context(sync_playwright()).chromium
        browser = stack.enter_context(chromium.launch(executable_path=shutil.which("chromium"), args=[*FLAGS, NOWHERE]))
        for address in at.values():
            visit(browser, address)
        for number in range(rounds):
            for name in [*list(ways)[number % 3 :], *list(ways)[: number % 3]]:
                visits[name].append(visit(browser, at[name]))
            start, cpu = time.perf_counter(), time.process_time()
            build(settings)
            builds.append((time.perf_counter() - start, time.process_time() - cpu))
    # By itself: the other servers go on working for those who visited them.
    with ExitStack() as stack:
        address = stack.enter_context(serving(folder, *ways["static site"][:-1], f"--directory={large_site}"))
        chromium = stack.enter_context(sync_playwright()).chromium
        browser = stack.enter_context(chromium.launch(executable_path=shutil.which("chromium"), args=[*FLAGS, NOWHERE]))
        filters = [took for _ in range(rounds) for took in filtering(browser, address)]
    middle = {name: {key: median(one[key] for one in found) for key in found[0]} for name, found in visits.items()}
    first, (build_s, cpu_s) = middle["static site"], map(median, zip(*builds, strict=True))
    ratios = {name: [f"{found[key] / first[key]:.1f}" for key in ("all", "kB")] for name, found in middle.items()}
    slowest, longest = max(filters, key=lambda one: one[1])
    late = f"{sum(took > FILTER_MS for _, took in filters)} of {len(filters)} changes later"
    head, limits = ("page", *SHOWN.values(), "ms, ratio", "kB, ratio"), ("what", "limit", "measured")
    lines = [
        head, ("---",) * len(head),
        *((name, *(f"{found[key]:,.0f}" for key in SHOWN), *ratios[name]) for name, found in middle.items()),
        (), limits, ("---",) * 3,
        ("the first page, gzipped", f"{KB} kB", f"{first['kB']:.0f} kB"),
        ("headline, chart and table", f"{SECONDS} s", f"{first['all'] / 1000:.2f} s"),
        *((f"sooner than {name}", f"{SOONER} times", f"{ratios[name][0]} times") for name in list(ways)[1:]),
        ("the build of the site", f"{BUILD_S} s", f"{build_s:.1f} s, CPU {cpu_s:.1f} s"),
        (f"the build with {MODELS:,} models", f"{LARGE_S} s", f"{large_s:.1f} s"),
        (f"a filter of {MODELS:,} models", f"{FILTER_MS} ms",
         f"{median(took for _, took in filters):.0f} ms, at most {longest:.0f} ms ({slowest}); {late}"),
    ]  # fmt: skip
    text = "\n".join(f"| {' | '.join(line)} |" if line else "" for line in lines)
    if first["kB"] > KB:
        raise SystemExit(f"{text}\n\nThe first page is heavier than {KB} kB")
    return text


def main() -> None:
    """Read the options, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=3)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers end, too
    with tempfile.TemporaryDirectory(prefix="site-speed-") as folder:
        print(measure(parser.parse_args().rounds, Path(folder)))


if __name__ == "__main__":
    main()
