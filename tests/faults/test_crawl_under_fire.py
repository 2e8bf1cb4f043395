"""A crawl of a Hub that fails in every way in turn, killed again and again, ends with what it holds, once each."""

import os
import random
import signal
import subprocess
import sys
import time

import polars as pl
import pytest

from benchmarks.synthetic_hub import write
from pipeline.captures import every
from pipeline.hub_state import fold
from pipeline.localhub.bulk import open_parquet
from pipeline.localhub.faults import Fault
from pipeline.localhub.server import serve
from pipeline.settings import ROOT, Settings
from pipeline.sources import hub_crawl
from pipeline.warehouse import connect_work

CRAWL = """
import sys
from pipeline.settings import Settings
from pipeline.sources.hub_crawl import fetch
fetch(Settings(), sys.argv[1], "hub")
"""


@pytest.mark.parametrize(
    ("repositories", "page_size", "requests"),
    [(3_000, 100, (8, 20)), pytest.param(300_000, 1000, (40, 120), marks=pytest.mark.soak)],
)
def test_every_repository_is_there_once(tmp_path, repositories, page_size, requests):
    """Killed after so many requests, as often as it takes."""
    file, data = tmp_path / "hub.parquet", tmp_path / "data"
    write(file, repositories)
    env = {
        **os.environ, "MOAT_DATA": str(data), "MOAT_PAGE_SIZE": str(page_size), "MOAT_TIMEOUT_S": "20",
        "MOAT_BACKOFF_S": "0.2", "MOAT_RETRIES": "8",
    }  # fmt: skip
    dice, killed = random.Random(repositories), 0  # noqa: S311
    with serve(open_parquet(file), fault=Fault("each-in-turn-with-pages")) as hub:
        while True:
            last = hub.requests["list"] + dice.randint(*requests)
            crawl = subprocess.Popen([sys.executable, "-c", CRAWL, hub.url], env=env, cwd=ROOT, stderr=subprocess.PIPE)
            while crawl.poll() is None and hub.requests["list"] < last:
                time.sleep(0.005)
            if crawl.poll() is None:
                crawl.send_signal(signal.SIGKILL)
                killed += 1
            _, said = crawl.communicate()
            if crawl.returncode != -signal.SIGKILL:
                break
        assert crawl.returncode == 0, said.decode()
    assert killed
    settings = Settings(data=data)
    # A kill may come after a whole list was sealed; the next crawl then asks for what changed since.
    captures = every(settings.captures, hub_crawl.SOURCE)
    assert (captures[0].manifest.kind, captures[0].manifest.verified) == ("full", True)
    with connect_work(settings) as connection:
        counts = fold(connection, Settings(), captures)
        listed = connection.sql("SELECT id FROM raw.hub_models ORDER BY id").pl()["id"]
    assert all(items.add_up for items, _ in counts.values())
    held = pl.read_parquet(file, columns=["id"])["id"]
    assert sorted(held) == listed.to_list()
