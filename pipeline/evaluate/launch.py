"""Starts the worker of a cell through Dagster Pipes, as a process here or a job of a Ray cluster; takes its files.

The worker gets what it needs and nothing else of this environment: no token but the one for a gated model.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from pipeline.evaluate import worker
from pipeline.evaluate.cells import Cell
from pipeline.progress import report
from pipeline.settings import Settings

PASSED_ON = (
    "PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS",
    "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "HF_HOME", "HF_HUB_CACHE", "HF_DATASETS_CACHE", "HF_HUB_OFFLINE",
    "HF_DATASETS_OFFLINE",
)  # fmt: skip
"""Variables of this environment that a worker on this machine gets: where things lie, and whether it is offline."""
STOP_WITHIN_S = 20.0


def run(
    context: dg.AssetExecutionContext, settings: Settings, cell: Cell, endpoint: str
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Run a cell to its end.

    Args:
        context: of the asset that runs it.
        settings: by which launcher, where to, for how long.
        cell: the cell.
        endpoint: address of the Hub.

    Returns:
        The record of the cell, and the harness's file of each task.

    Raises:
        Failure: by the worker's own words; it may be run again, unless it was refused.
    """
    told = cell.to_worker(settings)
    # Dagster warns of a part of Pipes of its own that may change.
    warnings.filterwarnings("ignore", category=dg.PreviewWarning)
    output = worker.Output(told["output"])
    output.write(worker.ERROR, b"")
    try:
        if settings.eval_launcher == "ray":
            from pipeline.evaluate import ray_jobs

            ray_jobs.run(context, settings, told, variables(settings, cell, endpoint, {}))
        else:
            _in_process(context, settings, told, variables(settings, cell, endpoint, os.environ))
    except Exception as error:
        raise _failure(cell, output, error) from error
    record = json.loads(output.read(worker.RECORD) or b"{}")
    if record.get("cell") != cell.id:
        raise dg.Failure(f"{cell.model} on {cell.suite.name}: the worker left no record")
    files = {task: output.read(f"{task}.json") or b"" for task in record["tasks"]}
    record |= {"requests": cell.suite.requests, "params_b": cell.params_b}
    output.clear()
    return record, files


def variables(settings: Settings, cell: Cell, endpoint: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a worker; `environment` is the one of which it gets some."""
    wanted = {*PASSED_ON, *(name.strip() for name in settings.eval_env.split(",") if name.strip())}
    named = {name: os.environ[name] for name in wanted - set(PASSED_ON) if name in os.environ}
    found = {name: environment[name] for name in PASSED_ON if name in environment} | named
    found |= {
        "HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
        # What somebody is logged in with lies in a file of the home folder.
        "HF_TOKEN_PATH": os.devnull, "TOKENIZERS_PARALLELISM": "false", "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    if cell.gated and settings.hub_token is not None:
        found |= {"HF_TOKEN": settings.hub_token.get_secret_value(), "HF_HUB_DISABLE_IMPLICIT_TOKEN": "0"}
    return found


def _in_process(
    context: dg.AssetExecutionContext, settings: Settings, told: Mapping[str, Any], environment: Mapping[str, str]
) -> None:
    """One worker as a process; Dagster's own client for it would pass the whole environment on."""
    reader, injector = dg.PipesTempFileMessageReader(), dg.PipesTempFileContextInjector()
    command = [settings.eval_python or sys.executable, worker.__file__]
    log = log_file(settings, told["id"])
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        dg.open_pipes_session(context, injector, reader, extras={"cell": dict(told)}) as session,
        log.open("wb") as out,
    ):
        process = subprocess.Popen(  # noqa: S603 - a command of our own
            command, env={**environment, **session.get_bootstrap_env_vars()}, stdout=out, stderr=subprocess.STDOUT
        )
        try:
            status = _wait(process, told)
        except BaseException:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
            raise
    if status != 0:
        raise RuntimeError(f"the worker was killed by signal {-status}" if status < 0 else f"it ended with {status}")


def _wait(process: subprocess.Popen[bytes], told: Mapping[str, Any]) -> int:
    """Wait for the end of a worker, and report what it has done by then."""
    output, tasks = worker.Output(told["output"]), [entry["task"] for entry in told["suite"]["tasks"]]
    while True:
        try:
            return process.wait(1.0)
        except subprocess.TimeoutExpired:
            report(f"tasks of {told['model']}", sum(output.has(f"{task}.json") for task in tasks), len(tasks))


def log_file(settings: Settings, cell: str) -> Path:
    """Where what a worker on this machine prints is kept, by the id of its cell."""
    return settings.data.resolve() / "evaluations" / "logs" / f"{cell}.log"


def _failure(cell: Cell, output: worker.Output, error: Exception) -> dg.Failure:
    """What went wrong in the worker's own words, or that it had none."""
    said = json.loads(output.read(worker.ERROR) or b"null")
    message = said["message"] if said else f"{error} (a worker that is killed says nothing)"
    return dg.Failure(f"{cell.model} on {cell.suite.name}: {message}", allow_retries=said["again"] if said else True)
