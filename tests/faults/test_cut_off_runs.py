"""A run whose process was killed ends as failed, so that nothing waits for it; one that lives is left alone."""

import os
import signal
import subprocess
import sys

import dagster as dg
import pytest

from pipeline.defs.automation import run_cut_off
from pipeline.defs.resources import Warehouse
from pipeline.liveness import CUT_OFF
from tests.conftest import ROOT

# A step that says that it has begun and waits until it is told to end.
RUN = """
import sys
import dagster as dg
from pipeline.defs.resources import Warehouse

@dg.op
def step(warehouse: Warehouse):
    print("begun", flush=True)
    sys.stdin.read()

@dg.job(resource_defs={"warehouse": Warehouse()}, executor_def=dg.in_process_executor)
def job():
    step()

with dg.DagsterInstance.get() as instance:
    job.execute_in_process(instance=instance)
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A Dagster of its own and a data folder."""
    (tmp_path / "dagster").mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    monkeypatch.setenv("MOAT_DATA", str(tmp_path / "data"))
    return tmp_path


@pytest.fixture
def run(home):
    """A run in a process of its own, in the middle of its step."""
    with subprocess.Popen(
        [sys.executable, "-c", RUN], cwd=ROOT, env=os.environ.copy(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "begun\n"
        yield process
        process.kill()


def look(instance):
    """What the sensor says, with the status of every run after it."""
    said = run_cut_off(dg.build_sensor_context(instance=instance)).skip_message
    return said, [run.status.value for run in instance.get_runs()]


def test_a_run_that_lives_is_left_alone_and_one_that_was_killed_has_failed(run):
    with dg.DagsterInstance.get() as instance:
        assert look(instance) == ("every run that has started is alive", ["STARTED"])
        run.send_signal(signal.SIGKILL)
        run.wait()
        [record] = instance.get_runs()
        assert record.status is dg.DagsterRunStatus.STARTED
        assert look(instance) == (f"cut off: {record.run_id}", ["FAILURE"])
        messages = [entry.message for entry in instance.all_logs(record.run_id)]
        assert any(CUT_OFF in message for message in messages)
        assert look(instance) == ("every run that has started is alive", ["FAILURE"])


def test_a_run_that_ends_by_itself_leaves_no_lock(run, home):
    locks = home / "data" / "work" / "running"
    assert len(list(locks.iterdir())) == 1
    run.communicate("")
    assert run.returncode == 0
    assert list(locks.iterdir()) == []
    with dg.DagsterInstance.get() as instance:
        assert look(instance) == ("every run that has started is alive", ["SUCCESS"])


def test_a_run_of_another_data_folder_is_nobody_s_to_end(run, home, monkeypatch):
    run.kill()
    run.wait()
    monkeypatch.setenv("MOAT_DATA", str(home / "elsewhere"))
    with dg.DagsterInstance.get() as instance:
        assert look(instance) == ("every run that has started is alive", ["STARTED"])


def test_outside_of_a_run_the_resource_needs_no_lock(home):
    with dg.build_resources({"warehouse": Warehouse()}) as resources:
        assert resources.warehouse.settings.data == home / "data"
