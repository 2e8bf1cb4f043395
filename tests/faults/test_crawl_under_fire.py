"""A crawl of a Hub that fails in every way in turn, killed again and again, ends with what it holds, once each."""

import os
import random
import signal
import subprocess
import sys

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
    ("repositories", "page_size", "seconds"),
    [(3_000, 100, (1.5, 3.0)), pytest.param(300_000, 1000, (3.0, 6.0), marks=pytest.mark.soak)],
)
def test_every_repository_is_there_once(tmp_path, repositories, page_size, seconds):
    file, data = tmp_path / "hub.parquet", tmp_path / "data"
    write(file, repositories)
    env = {
        **os.environ, "MOAT_DATA": str(data), "MOAT_PAGE_SIZE": str(page_size), "MOAT_TIMEOUT_S": "20",
        "MOAT_BACKOFF_S": "0.2", "MOAT_RETRIES": "8",
    }  # fmt: skip
    dice, killed = random.Random(repositories), 0  # noqa: S311
    with serve(open_parquet(file), fault=Fault("each-in-turn-with-pages")) as hub:
        while True:
            crawl = subprocess.Popen([sys.executable, "-c", CRAWL, hub.url], env=env, cwd=ROOT, stderr=subprocess.PIPE)
            try:
                _, said = crawl.communicate(timeout=dice.uniform(*seconds))
            except subprocess.TimeoutExpired:
                crawl.send_signal(signal.SIGKILL)
                crawl.communicate()
                killed += 1
                continue
            assert crawl.returncode == 0, said.decode()
            break
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
