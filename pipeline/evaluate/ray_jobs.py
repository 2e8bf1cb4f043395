"""The worker of a cell as a job of a Ray cluster, through dagster-ray.

A node needs an interpreter with lm-evaluation-harness and nothing of this project: the worker travels with the job.
"""

from __future__ import annotations

import logging
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dagster as dg

from pipeline.errors import InputError
from pipeline.evaluate import worker
from pipeline.settings import Settings

# A job has the environment of its node. A worker has no use for the right to start jobs, nor for a token of the node's.
UNSET = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_AUTH_MODE", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")


def run(
    context: dg.AssetExecutionContext, settings: Settings, told: Mapping[str, Any], environment: Mapping[str, str]
) -> dg.PipesClientCompletedInvocation:
    """Submit the job, on whichever node has a free slot, and wait for its end.

    Args:
        context: of the asset that runs the cell.
        settings: address of the cluster's dashboard and the right to use it.
        told: what the worker is told.
        environment: variables that it gets besides those of its node. Who may list the cluster's jobs reads them.

    Returns:
        What the worker said to Dagster.

    Raises:
        InputError: dagster-ray or Ray are not installed.
        RuntimeError: the job failed, or its node was lost.
    """
    try:
        import ray.job_submission
        from dagster_ray import PipesRayJobClient
    except ImportError as error:
        raise InputError("MOAT_EVAL_LAUNCHER ray", "Ray is not installed here", "Run `make eval`") from error
    # It tells of every package that it uploads.
    logging.getLogger(ray.__name__).setLevel(logging.WARNING)
    token = settings.eval_ray_token
    # One client a job: its reader keeps the job it has read before, and would find nothing said by the next.
    client = PipesRayJobClient(
        address=settings.eval_ray,
        headers=None if token is None else {"Authorization": f"Bearer {token.get_secret_value()}"},
        poll_interval=0.25,
        **_by_file(told),
    )
    unset = [word for name in UNSET if name not in environment for word in ("-u", name)]
    with TemporaryDirectory() as folder:
        shutil.copy(worker.__file__, folder)
        done: dg.PipesClientCompletedInvocation = client.run(
            context=context,
            extras={"cell": dict(told)},
            submit_job_params={
                "entrypoint": shlex.join(["exec", "env", *unset, settings.worker_python, "-P", "worker.py"]),
                "entrypoint_num_cpus": 1,
                "runtime_env": {"working_dir": folder, "env_vars": dict(environment)},
            },
        )
        return done


def _by_file(told: Mapping[str, Any]) -> dict[str, Any]:
    """How Dagster and the worker talk: by files where both see one folder, else through the log of the job.

    Ray follows a log with pauses that make every job five seconds longer.
    """
    if "://" in told["output"]:
        return {}
    folder = Path(told["output"])
    return {
        "context_injector": dg.PipesFileContextInjector(str(folder / "pipes.context")),
        "message_reader": dg.PipesFileMessageReader(str(folder / "pipes.messages")),
    }
