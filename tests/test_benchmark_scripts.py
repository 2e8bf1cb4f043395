"""The benchmarks still run, at a size that says nothing about speed."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT

SMALL = [
    ["gap_speed", "--scores", "20000", "--series", "5", "--repeat", "1"],
    ["hub_crawl", "--repositories", "3000", "--changed", "50", "--cards", "20"],
    ["hub_bulk", "--repositories", "3000"],
    ["staging", "--repositories", "3000"],
    ["lineage", "--repositories", "20000", "--edges", "15000"],
    ["index_fit", "--repetitions", "1"],
]


@pytest.mark.soak
@pytest.mark.parametrize("arguments", SMALL, ids=[arguments[0] for arguments in SMALL])
def test_it_prints_a_table(arguments):
    command = [sys.executable, "-m", f"benchmarks.{arguments[0]}", *arguments[1:]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "|---" in done.stdout
