"""One real run of the pipeline on the bundled facts, shared by the tests that only read its result."""

import os
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).resolve().parents[1]
MOAT = ROOT / ".venv" / "bin" / "moat"
NO_SITE = ("--select", '+key:"published"')
"""Of a run all but the site, for tests that do not look at it."""
CANARY = "hf_canary0123456789"
"""A token that must turn up nowhere."""


def moat(*arguments, data, check=True, **environment):
    """Run the real command line in a process of its own."""
    env = {**os.environ, "MOAT_DATA": str(data), "DAGSTER_HOME": str(data / "dagster"), "COLUMNS": "160", **environment}
    (data / "dagster").mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "dagster_home" / "dagster.yaml", data / "dagster")
    done = subprocess.run([MOAT, *arguments], env=env, capture_output=True, text=True, timeout=600, check=False)
    if check:
        assert done.returncode == 0, done.stderr
    return done


def world_of(data):
    """The date of the world that a data folder was built for: a run after midnight is of another one."""
    with duckdb.connect(str(data / "published" / "openmoat.duckdb"), read_only=True) as published:
        return str(published.execute("SELECT as_of FROM ops.schema_version").fetchone()[0])


def said(done):
    return " ".join(done.stderr.split())


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Data folder of a finished run on the bundled facts; read it, do not write it."""
    data = tmp_path_factory.mktemp("built")
    noted = {"PYTHONPATH": str(ROOT / "tests" / "imports"), "MOAT_TEST_MODULES": str(data / "modules.txt")}
    done = moat("run", data=data, HF_TOKEN=CANARY, **noted)
    (data / "stdout.txt").write_text(done.stdout)
    (data / "stderr.txt").write_text(done.stderr)
    return data
