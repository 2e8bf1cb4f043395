"""A crawl of millions of repositories beside the client's own loop, and what follows from it, over real HTTP.

Run from the root of the repository: `python -m benchmarks.hub_crawl [--repositories N]`. A local Hub in a process of
its own serves a synthetic table and waits 50 ms before every answer; each step runs in a process of its own too, so
that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import httpx2
from huggingface_hub import HfApi, ModelCard, set_client_factory
from huggingface_hub.utils import get_session, paginate

from benchmarks.synthetic_hub import write, write_changed
from pipeline import identity_tables, lineage_tables, raw
from pipeline.settings import ROOT, Settings
from pipeline.sources import facts, hub_crawl
from pipeline.sources.boards import BOARDS
from pipeline.sources.hub_client import HubClient
from pipeline.sql_models import build, load_models
from pipeline.warehouse import connect_work

LATENCY_MS = 50
CARDS = 5_000
ORIGIN = "synthetic Hub"
Result = dict[str, Any]


def bare(data: Path, url: str) -> Result:
    """The loop that the client offers, over the pages of a whole crawl, counting its items."""
    query = hub_crawl.Query(full=True).parameters(0, Settings().page_size)
    return {"items": sum(1 for _ in paginate(f"{url}/api/models", params=query, headers={}))}


def crawl(data: Path, url: str) -> Result:
    """Our crawl, whole or what changed, into a sealed capture."""
    capture, new = hub_crawl.fetch(Settings(data=data), url, ORIGIN)
    manifest = capture.manifest
    return {"items": manifest.items, "requests": manifest.requests, "kind": manifest.kind, "new": new,
            "verified": manifest.verified, "MiB": round(manifest.bytes / 2**20)}  # fmt: skip


def staging(data: Path, url: str) -> Result:
    """Every capture that is not folded yet into the state, and all tables of staging from it."""
    tables = {model.table for model in load_models() if model.schema == "staging"}
    return _build(data, tables, identity_tables.fill, lineage_tables.fill_names)


def hub_models(data: Path, url: str) -> Result:
    """Every capture that is not folded yet into the state, and staging.hub_models from it."""
    return _build(data, {"staging.hub_models"}, identity_tables.fill)


def _build(data: Path, wanted: set[str], *fills: Callable[[duckdb.DuckDBPyConnection], object]) -> Result:
    settings = Settings(data=data, hub=ORIGIN)
    facts.fetch(settings)
    with connect_work(settings) as connection:
        raw.load_run(connection, settings, date(2026, 8, 1))
        raw.load_facts(connection, settings)
        raw.load_hub(connection, settings)
        raw.load_renames(connection, settings, "not asked")
        for board in BOARDS:
            raw.load_board(connection, settings, board, "not asked")
        for fill in fills:
            fill(connection)
        rows = {model.table: build(connection, model) for model in load_models() if model.table in wanted}
    return {"repositories": rows["staging.hub_models"], "scores": rows.get("staging.scores", 0)}


def cards(data: Path, url: str) -> Result:
    """What one writes first: every listed model's card, one by one."""
    sent: list[str] = []
    set_client_factory(lambda: httpx2.Client(event_hooks={"request": [lambda one: sent.append(one.method)]}))
    found = 0
    for model in HfApi(endpoint=url).list_models(sort="created_at", limit=CARDS):
        ModelCard.load(HfApi(endpoint=url).hf_hub_download(model.id, "README.md", cache_dir=data / "cards"))
        found += 1
    return {"items": found, "requests": len(sent)}


STEPS: dict[str, Callable[[Path, str], Result]] = {
    step.__name__: step for step in (bare, crawl, staging, hub_models, cards)
}


def step(name: str, data: Path, url: str = "") -> Result:
    """Run one step in a process of its own: what it says, with its seconds and peak memory."""
    command = [sys.executable, "-m", "benchmarks.hub_crawl", "--step", name, str(data), url]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    found: Result = json.loads(done.stdout)
    print(f"{name}: {found}", file=sys.stderr)
    return found


@contextmanager
def hub(file: Path, lists: bool = True) -> Iterator[str]:
    """A local Hub of a table in a process of its own; its lists are sorted before anything is measured."""
    moat = Path(sys.executable).with_name("moat")
    command = [str(moat), "hub", "serve", "--repos", str(file), "--latency-ms", str(LATENCY_MS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None  # noqa: S101
            url = process.stdout.readline().split()[-1]
            for query in (hub_crawl.Query(full=True), hub_crawl.Query(full=False)) if lists else ():
                get_session().get(HubClient(Settings(), url).url("api/models", query.parameters(0, 1000)), timeout=1200)
            yield url
        finally:
            process.terminate()


def table(rows: list[tuple[str, Result, str]]) -> str:
    """Markdown."""
    lines = ["| what | seconds | peak memory | requests | ratio |", "|---|---:|---:|---:|---|"]
    lines += [
        f"| {what} | {found['seconds']:.1f} | {found['memory']:.0f} MiB | {found.get('requests', '')} | {said} |"
        for what, found, said in rows
    ]
    return "\n".join(lines) + "\n"


def measure(repositories: int, changed: int, cards: int) -> str:
    """The whole story on a synthetic Hub of so many repositories."""
    with tempfile.TemporaryDirectory(prefix="hub-crawl-") as name:
        folder = Path(name)
        before, after, small = (folder / f"{part}.parquet" for part in ("before", "after", "small"))
        write(before, repositories)
        write_changed(before, after, changed)
        data = folder / "data"
        with hub(before) as url:
            loop = step("bare", folder / "bare", url)
            whole = step("crawl", data, url)
        rebuilt = step("staging", data)
        with hub(after) as url:
            increment = step("crawl", data, url)
        folded = step("hub_models", data)
        write(small, cards)
        with hub(small, lists=False) as url:
            ours = step("crawl", folder / "few", url)
            theirs = step("cards", folder / "few", url)
    both = increment["seconds"] + folded["seconds"]
    return table(
        [
            (f"the client's bare `paginate` loop over {loop['items']:,} repositories", loop, ""),
            (f"our crawl of {whole['items']:,} into a capture of {whole['MiB']:,} MiB", whole,
             f"{whole['seconds'] / loop['seconds']:.2f} of the bare loop's time"),
            (f"all of staging from captures of {rebuilt['repositories']:,}", rebuilt, f"{rebuilt['scores']:,} scores"),
            (f"an increment of {increment['items']:,}", increment, f"{both:.1f} s with the next line"),
            (f"staging.hub_models of {folded['repositories']:,} after it", folded, ""),
            (f"our crawl of {ours['items']:,}, verified", ours, ""),
            (f"`list_models` and `ModelCard.load` of {theirs['items']:,}", theirs,
             f"{theirs['requests'] / ours['requests']:.0f} times the requests, "
             f"{theirs['seconds'] / ours['seconds']:.0f} times the time"),
        ]
    )  # fmt: skip


def peak_mib() -> float:
    """Peak resident memory of this process since it was started; rusage would count its parent's before that."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 2**10


def main() -> None:
    """Measure and print, or run one step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repositories", type=int, default=3_000_000)
    parser.add_argument("--changed", type=int, default=50_000)
    parser.add_argument("--cards", type=int, default=CARDS, help="repositories whose cards are read one by one")
    parser.add_argument("--step", nargs=3, metavar=("NAME", "DATA", "URL"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if not given.step:
        print(measure(given.repositories, given.changed, given.cards))
        return
    name, data, url = given.step
    start = time.perf_counter()
    found = STEPS[name](Path(data), url)
    found |= {
        "seconds": time.perf_counter() - start,
        "memory": peak_mib(),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
