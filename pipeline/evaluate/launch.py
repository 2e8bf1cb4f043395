"""Starts the worker of a cell through Dagster Pipes, as a process here or a job of a Ray cluster; takes its files.

The worker gets what it needs and nothing else of this environment: no token but where a model or a dataset needs one.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dagster as dg

from pipeline.evaluate import worker
from pipeline.evaluate.cells import Cell
from pipeline.progress import report
from pipeline.settings import Settings

PLACES = (
    "PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS",
    "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "HF_HOME", "HF_HUB_CACHE", "HF_DATASETS_CACHE",
)  # fmt: skip
"""Variables that say where things lie on this machine; a node of a cluster has its own."""
OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")
STOP_WITHIN_S = 20.0
GRACE_S = 60.0
"""How long after its time a worker may take to end itself."""


def run(
    context: dg.AssetExecutionContext, settings: Settings, cell: Cell, endpoint: str
) -> tuple[dict[str, Any], dict[str, bytes], Mapping[str, Any]]:
    """Run a cell to its end.

    Args:
        context: of the asset that runs it.
        settings: by which launcher, where to, for how long.
        cell: the cell.
        endpoint: address of the Hub.

    Returns:
        The record of the cell, the harness's file of each task, and what the worker reported to Dagster.

    Raises:
        Failure: by the worker's own words; it may be run again, unless it was refused.
    """
    told = cell.to_worker(settings)
    tasks = [f"{entry.task}.json" for entry in cell.suite.tasks]
    # Dagster warns of a part of Pipes of its own that may change.
    warnings.filterwarnings("ignore", category=dg.PreviewWarning)
    with _alone(settings, cell):
        output = worker.Output(told["output"])
        output.remove(worker.ERROR)
        environment = variables(settings, cell, endpoint)
        try:
            if settings.eval_launcher == "ray":
                from pipeline.evaluate.ray_jobs import run as run_on_ray

                done = run_on_ray(context, settings, told, environment)
            else:
                done = _in_process(context, settings, told, environment)
        except Exception as error:
            raise _failure(settings, cell, output, error) from error
        record = json.loads(output.read(worker.RECORD) or b"{}")
        files = {name.removesuffix(".json"): output.read(name) for name in tasks}
        if record.get("cell") != cell.id or None in files.values():
            raise dg.Failure(f"{cell.model} on {cell.suite.name}: the worker left no record, or not all of its files")
        output.remove(worker.RECORD, worker.STATE, worker.ERROR, *tasks)
    record |= {"requests": cell.suite.requests, "params_b": cell.params_b}
    reported = done.get_results(implicit_materializations=False)
    metadata = (reported[0].metadata if reported else None) or {}
    return record, {name: content for name, content in files.items() if content is not None}, metadata


def variables(settings: Settings, cell: Cell, endpoint: str) -> dict[str, str]:
    """The environment of a worker; a job of a cluster gets it besides that of its node."""
    wanted = {*OFFLINE, *settings.passed_on, *(PLACES if settings.eval_launcher == "subprocess" else ())}
    found = {name: os.environ[name] for name in sorted(wanted) if name in os.environ}
    if cell.needs_token and settings.hub_token is not None:
        found["HF_TOKEN"] = settings.hub_token.get_secret_value()
    return found | {
        "HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "0" if "HF_TOKEN" in found else "1",
        # What somebody is logged in with lies in a file of the home folder.
        "HF_TOKEN_PATH": os.devnull, "TOKENIZERS_PARALLELISM": "false", "PYTHONUNBUFFERED": "1",
    }  # fmt: skip


def log_file(settings: Settings, cell: str) -> Path:
    """Where what workers of a cell print on this machine is kept."""
    return settings.data.resolve() / "evaluations" / "logs" / f"{cell}.log"


@contextmanager
def _alone(settings: Settings, cell: Cell) -> Iterator[None]:
    """Let nobody else of this machine run the same cell meanwhile."""
    path = settings.data.resolve() / "evaluations" / "locks" / cell.id
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            said = f"{cell.model} on {cell.suite.name}: it is being run already"
            raise dg.Failure(said, allow_retries=False) from error
        yield


def _in_process(
    context: dg.AssetExecutionContext, settings: Settings, told: Mapping[str, Any], environment: Mapping[str, str]
) -> dg.PipesClientCompletedInvocation:
    """One worker as a process; Dagster's own client for it would pass the whole environment on."""
    reader, injector = dg.PipesTempFileMessageReader(), dg.PipesTempFileContextInjector()
    # Neither the folder of the worker nor the one it is started in is a place to import or load from.
    command = [settings.worker_python, "-P", worker.__file__]
    log = log_file(settings, told["id"])
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        dg.open_pipes_session(context, injector, reader, extras={"cell": dict(told)}) as session,
        TemporaryDirectory() as folder,
        log.open("ab") as out,
    ):
        process = subprocess.Popen(  # noqa: S603 - a command of our own
            command, cwd=folder, env={**environment, **session.get_bootstrap_env_vars()}, stdout=out,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            status = _wait(process, told)
        finally:
            _end(process)
    if status != 0:
        raise RuntimeError(f"the worker was killed by signal {-status}" if status < 0 else f"it ended with {status}")
    return dg.PipesClientCompletedInvocation(session)


def _wait(process: subprocess.Popen[bytes], told: Mapping[str, Any]) -> int:
    """Wait for the end of a worker, and report what it has done by then."""
    output, tasks = worker.Output(told["output"]), [entry["task"] for entry in told["suite"]["tasks"]]
    deadline = time.monotonic() + told["timeout_s"] + GRACE_S
    while time.monotonic() < deadline:
        try:
            return process.wait(1.0)
        except subprocess.TimeoutExpired:
            report(f"tasks of {told['model']}", sum(output.has(f"{task}.json") for task in tasks), len(tasks))
    raise TimeoutError("the worker did not end when its time was over")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a worker and what it has started: a model server that goes on keeps the memory of its device."""
    for kind in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(process.pid, kind)
        except ProcessLookupError:
            return
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            continue


def _failure(settings: Settings, cell: Cell, output: worker.Output, error: Exception) -> dg.Failure:
    """What went wrong in the worker's own words, or that it had none."""
    said = json.loads(output.read(worker.ERROR) or b"null")
    message = said["message"] if said else f"{str(error)[:500]} (a worker that is killed says nothing)"
    log = log_file(settings, cell.id)
    where = f"; see {log}" if settings.eval_launcher == "subprocess" and log.exists() else ""
    return dg.Failure(
        f"{cell.model} on {cell.suite.name}: {message}{where}", allow_retries=said["again"] if said else True
    )
