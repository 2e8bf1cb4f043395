"""Which runs still live: the process of each holds a lock of its own for as long as it does.

Dagster takes a run for started until its process says otherwise. One that was killed never does, and with one run at a
time every later one would wait for it: for a day, which is as long as a run may take.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from pipeline.settings import Settings

CUT_OFF = "The process of this run is gone without a word: it was killed, or the machine went down."


@contextmanager
def alive(settings: Settings, run_id: str) -> Iterator[None]:
    """Hold the lock that says that a run lives."""
    path = _lock_of(settings, run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".new-{run_id}")
    with partial.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        # It has its name only while it is held: whoever sees it free sees a run that is gone.
        partial.rename(path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def fail_cut_off(instance: dg.DagsterInstance, settings: Settings) -> list[str]:
    """Mark the started runs of a data folder as failed whose process is gone; those without a lock are left alone.

    Returns:
        Their ids.
    """
    started = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING])
    gone = [run for run in instance.get_runs(filters=started) if _is_free(_lock_of(settings, run.run_id))]
    for run in gone:
        instance.report_run_failed(run, CUT_OFF)
        _lock_of(settings, run.run_id).unlink(missing_ok=True)
    return [run.run_id for run in gone]


def _lock_of(settings: Settings, run_id: str) -> Path:
    return settings.work_file.parent / "running" / run_id


def _is_free(path: Path) -> bool:
    """Whether the lock is there and nobody holds it."""
    try:
        with path.open() as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return path.exists()
    except OSError:
        return False
