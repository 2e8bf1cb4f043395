"""The start from a bulk table of millions of repositories, over real HTTP: seconds, peak memory, requests.

Run from the root of the repository: `python -m benchmarks.hub_bulk [--repositories N] [--table FILE]`. A local Hub in
a process of its own serves a synthetic table as a dataset and waits 50 ms before every answer; the start runs in
another process, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from benchmarks.hub_crawl import LATENCY_MS, ORIGIN, Result, peak_mib, table
from benchmarks.synthetic_hub import write
from pipeline.localhub.repositories import Repositories
from pipeline.localhub.repository import Repository
from pipeline.localhub.server import serve
from pipeline.settings import ROOT, Settings
from pipeline.sources import hub_bulk, hub_crawl

DATASET = "synthetic/hub-stats"


def offer(file: Path) -> None:
    """Serve a table as a dataset until the input ends; say where."""
    datasets = Repositories.of(Repository.new(DATASET, {hub_bulk.TABLE: file}))
    with serve(Repositories(), datasets=datasets, latency=LATENCY_MS / 1000) as hub:
        print(hub.url, flush=True)
        sys.stdin.read()


def start(data: Path, url: str) -> Result:
    """The first crawl of that Hub; synthetic changes are of no particular year."""
    hub_bulk.MAX_AGE = timedelta.max
    begun = time.perf_counter()
    capture, _ = hub_crawl.fetch(Settings(data=data, bulk_start=DATASET), url, ORIGIN)
    manifest = capture.manifest
    return {
        "seconds": time.perf_counter() - begun,
        "memory": peak_mib(),
        "requests": manifest.requests,
        "items": manifest.items,
        "MiB": round(manifest.bytes / 2**20),
        "revision": manifest.revision,
    }


def measure(file: Path) -> str:
    """A start from this table, as Markdown."""
    command = [sys.executable, "-m", "benchmarks.hub_bulk"]
    with (
        tempfile.TemporaryDirectory(prefix="hub-bulk-") as data,
        subprocess.Popen(
            [*command, "--offer", str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as hub,
    ):
        assert hub.stdout is not None  # noqa: S101
        url = hub.stdout.readline().strip()
        done = subprocess.run([*command, "--start", data, url], capture_output=True, text=True, check=True, cwd=ROOT)
        assert hub.stdin is not None  # noqa: S101
        hub.stdin.close()
    found: Result = json.loads(done.stdout)
    size = round(file.stat().st_size / 2**20)
    what = f"a start from a table of {size:,} MiB: {found['items']:,} into a capture of {found['MiB']:,} MiB"
    return table([(what, found, found["revision"].partition("@")[0])])


def main() -> None:
    """Measure and print, or run one of the two processes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repositories", type=int, default=3_000_000)
    parser.add_argument("--table", type=Path, help="a table in hub-stats form in place of a synthetic one")
    parser.add_argument("--offer", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--start", nargs=2, metavar=("DATA", "URL"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.offer:
        offer(given.offer)
    elif given.start:
        print(json.dumps(start(Path(given.start[0]), given.start[1])))
    elif given.table:
        print(measure(given.table))
    else:
        with tempfile.TemporaryDirectory(prefix="hub-bulk-") as folder:
            file = Path(folder) / hub_bulk.TABLE
            write(file, given.repositories)
            print(measure(file))


if __name__ == "__main__":
    main()
