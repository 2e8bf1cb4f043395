"""SIGKILL in every stage of a run: the published file is the previous one, the next run succeeds."""

import json
import os
import shutil
import signal
import subprocess
import sys

import dagster as dg
import duckdb
import pytest

from pipeline.warehouse import logical_hash
from tests.conftest import NO_SITE, ROOT, moat, world_of

# Reports are made when a stage ends and in the middle of publishing; the process ends there, with no clean-up.
KILL_AT = """
import os, signal, sys
from pipeline import progress, runner
from pipeline.settings import Settings

def listen(step, done, total):
    if f"{step} {done}".startswith(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)

with progress.listening(listen):
    runner.execute(Settings(), hub="local", as_of="2026-08-01")
"""


PROMISED = (
    "SELECT * FROM marts.headline",
    "SELECT released_on, model_name, score FROM marts.frontier WHERE series = 'epoch_eci' AND side = 'open' ORDER BY 1",
    "SELECT closed_model, matched_by, lag_months, censored FROM marts.catch_up WHERE series = 'epoch_eci'",
)


def hash_of(data):
    with duckdb.connect(str(data / "published" / "openmoat.duckdb"), read_only=True) as connection:
        return logical_hash(connection)


SOME = ["pull", "read captures", "identity", "gap", "marts.headline", "write published files 1"]
OTHERS = ["hub_models", "facts", "staging.scores", "ops", "write published files 0", "write published files 2"]


def test_kills_one_after_the_other_leave_the_previous_file_and_the_next_run_succeeds(built, tmp_path):
    kill_and_run(built, tmp_path / "data", SOME)


@pytest.mark.soak
@pytest.mark.parametrize("stage", [*SOME, *OTHERS])
def test_a_kill_leaves_the_previous_file_and_the_next_run_succeeds(built, tmp_path, stage):
    kill_and_run(built, tmp_path / "data", [stage])


def test_a_kill_while_the_site_is_built_leaves_the_previous_site_beside_the_new_file(built, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(built, data)
    site = data / "published" / "site" / "index.html"
    before, page = hash_of(data), site.read_text()
    kill(data, "site: lineage")
    # The file of the run that was cut off is whole: the site comes after it and is made of it.
    assert hash_of(data) != before
    assert site.read_text() == page
    moat("run", data=data)
    assert hash_of(data)[:12] in site.read_text()


def kill(data, stage):
    env = {**os.environ, "MOAT_DATA": str(data), "DAGSTER_HOME": str(data / "dagster")}
    command = [sys.executable, "-c", KILL_AT, stage]
    killed = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()


def ended(data):
    """How the runs ended, the first one first."""
    with dg.DagsterInstance.from_config(str(data / "dagster")) as instance:
        return [run.status.value for run in instance.get_runs()][::-1]


def kill_and_run(built, data, stages):
    shutil.copytree(built, data)
    before = hash_of(data)
    for stage in stages:
        kill(data, stage)
        assert hash_of(data) == before, stage
    # Each run finds that the one before it is gone.
    assert ended(data) == ["SUCCESS", *["FAILURE"] * (len(stages) - 1), "STARTED"]
    moat("run", *NO_SITE, "--as-of", world_of(data), data=data)
    assert hash_of(data) == before
    assert ended(data) == ["SUCCESS", *["FAILURE"] * len(stages), "SUCCESS"]
    assert not list((data / "published").glob(".new-*"))


def test_two_runs_at_once_and_a_reader_meanwhile(built, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(built, data)
    lock = data / "work" / "run.lock"
    lock.unlink()
    env = {**os.environ, "MOAT_DATA": str(data), "DAGSTER_HOME": str(data / "dagster")}
    with subprocess.Popen(
        [ROOT / ".venv/bin/moat", "run", *NO_SITE], env=env, stderr=subprocess.PIPE, text=True
    ) as first:
        answers = 0
        refused = None
        while first.poll() is None:
            said = moat("sql", PROMISED[answers % len(PROMISED)], "--format", "json", data=data)
            answers += len(json.loads(said.stdout)) >= 6
            if refused is None and lock.exists() and answers >= 2:
                second = moat("run", data=data, check=False)
                refused = second.returncode == 1 and "another run is writing it" in " ".join(second.stderr.split())
        assert first.wait() == 0
    assert answers >= len(PROMISED)
    assert refused
