"""Cells: one model on one suite, with everything that determines its scores; which are missing, and what they cost.

How a cell is run, and where, does not belong here.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal
from urllib.parse import urlsplit

from pipeline.captures import Capture
from pipeline.errors import InputError
from pipeline.evaluate import registry
from pipeline.evaluate.suites import Suite
from pipeline.identity.names import fingerprint
from pipeline.raw import captures_of
from pipeline.settings import Settings
from pipeline.sources import own_evaluations
from pipeline.warehouse import connect_published

Backend = Literal["hf", "local-completions", "vllm"]
MODEL = re.compile(r"(?:[A-Za-z0-9][\w.-]{0,95}/)?[A-Za-z0-9_][\w.-]{0,95}", re.ASCII)
REVISION = re.compile(r"[\w.-]{1,100}", re.ASCII)
BYTES_A_PARAMETER = 2
"""As most weights are published (bfloat16, float16)."""


@dataclass(frozen=True)
class Options:
    """How models are run; the same for all cells of one command.

    Attributes:
        backend: hf (in the worker), local-completions (a server that speaks OpenAI's protocol) or vllm.
        server: address of the server's completions.
        served_name: what the server calls the model; empty for the name of its repository.
        dtype: type of the weights; empty for what the repository states.
        batch_size: questions at once.
        device: such as cuda:0; empty for what is there.
        max_length: tokens of a prompt; 0 for what the model states.
        chat_template: questions are put through the model's own template, examples as turns.
        unsafe: tasks that may run code that a model wrote.
    """

    backend: Backend = "hf"
    server: str = ""
    served_name: str = ""
    dtype: str = ""
    batch_size: int = 1
    device: str = ""
    max_length: int = 0
    chat_template: bool = False
    unsafe: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cell:
    """One model on one suite.

    Attributes:
        model: its repository.
        suite: what it is asked.
        options: how it is run.
        revision: of the repository; empty for the newest.
        params_b: billions of parameters; null where unknown.
        gated: whether its repository needs a token.
    """

    model: str
    suite: Suite
    options: Options
    revision: str = ""
    params_b: float | None = None
    gated: bool = False

    @property
    def id(self) -> str:
        """Identity of what is asked for: cells of one id give the same scores, as long as the model stays the same."""
        asked = self.options
        told = (self.model, self.revision, self.suite.model_dump_json(), asked.backend, asked.dtype, asked.max_length,
                asked.chat_template, asked.unsafe, asked.served_name)  # fmt: skip
        return fingerprint(*told)

    def to_worker(self, settings: Settings) -> dict[str, Any]:
        """What `pipeline.evaluate.worker` is told."""
        asked = self.options
        arguments: dict[str, Any] = {"dtype": asked.dtype} if asked.dtype else {}
        if asked.max_length:
            arguments["max_model_len" if asked.backend == "vllm" else "max_length"] = asked.max_length
        if asked.backend == "local-completions":
            arguments = {"model": asked.served_name or self.model, "base_url": asked.server, "num_concurrent": 4,
                         "max_retries": 3} | {k: v for k, v in arguments.items() if k != "dtype"}  # fmt: skip
        names = [entry.task for entry in self.suite.tasks]
        folders = {registry.folder_of(name) for name in names} | {task.folder for task in registry.tasks(names)}
        suite = self.suite.model_dump() | {"unsafe": [*self.suite.unsafe, *asked.unsafe]}
        return {
            "id": self.id, "model": self.model, "revision": self.revision or None, "suite": suite,
            "folders": sorted(folders),
            "backend": asked.backend, "arguments": arguments, "batch_size": asked.batch_size,
            "device": asked.device or None, "chat_template": asked.chat_template, "launcher": settings.eval_launcher,
            "output": f"{settings.evaluations.rstrip('/')}/{self.id}", "timeout_s": settings.eval_timeout_s,
        }  # fmt: skip


def check(settings: Settings, cell: Cell) -> None:
    """Refuse what cannot be run, before anything is started.

    Raises:
        InputError: what is wrong with it.
    """
    if not MODEL.fullmatch(cell.model) or ".." in cell.model:
        raise InputError(f"model {cell.model}", "it is no repository", "Write organisation/name as the Hub does")
    if cell.revision and not REVISION.fullmatch(cell.revision):
        raise InputError(f"--revision {cell.revision}", "it is no revision", "Use a commit, a branch or a tag")
    asked = cell.options
    if asked.backend == "local-completions":
        _check_server(asked.server)
    elif asked.backend == "vllm" and not settings.eval_python and find_spec("vllm") is None:
        raise InputError(
            "backend vllm",
            "it is not installed here",
            "Install vllm elsewhere and name its interpreter in MOAT_EVAL_PYTHON",
        )
    allowed = {*cell.suite.unsafe, *asked.unsafe}
    for entry in cell.suite.tasks:
        for task in registry.tasks([entry.task]):
            if task.unsafe and not {task.name, entry.task} & allowed:
                raise InputError(
                    f"task {task.name}",
                    "it runs code that a model wrote",
                    f"If the worker is a machine that may be lost: --allow-unsafe {task.name}",
                )


def _check_server(server: str) -> None:
    # This comes first: what else is wrong with an address is said with the address.
    if set("@?#") & set(server):
        raise InputError(
            "--server", "it may hold a secret, which the results would keep", "Name OPENAI_API_KEY in MOAT_EVAL_ENV"
        )
    try:
        parts = urlsplit(server)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise InputError(f"--server {server}", "it is no address", "Use http://127.0.0.1:8000/v1/completions")


def missing(settings: Settings, suite: Suite, options: Options, limit: int) -> list[Cell]:
    """Cells of open models that have no usable score at all (`marts.coverage`), the most used first.

    Those evaluated before on this suite are left out: what they gave is no usable score either.
    """
    done = {record["model"] for record in records(settings) if record["suite"] == suite.name}
    with connect_published(settings) as connection:
        rows = connection.execute(
            "SELECT hub_id, params_total, gated FROM marts.coverage WHERE hub_id IS NOT NULL"
            " ORDER BY downloads DESC NULLS LAST, released_on DESC NULLS LAST, hub_id"
        ).fetchall()
    found = [
        Cell(hub_id, suite, options, params_b=None if params is None else params / 1e9, gated=gated)
        for hub_id, params, gated in rows
        if hub_id not in done and MODEL.fullmatch(hub_id)
    ]
    return found[:limit]


def named(settings: Settings, model: str, revision: str, suite: Suite, options: Options) -> Cell:
    """The cell of a model by the name of its repository, with what the published file knows of it."""
    row = None
    if settings.published_file.exists():
        with connect_published(settings) as connection:
            row = connection.execute(
                "SELECT params_total, coalesce(gated NOT IN ('', 'false'), FALSE) FROM staging.hub_models WHERE id = ?",
                [model],
            ).fetchone()
    params, gated = row or (None, False)
    return Cell(model, suite, options, revision, None if params is None else params / 1e9, bool(gated))


def captures(settings: Settings) -> list[Capture]:
    """Captures of cells that were run with models of this Hub, oldest first."""
    return captures_of(settings, own_evaluations.SOURCE)


def records(settings: Settings) -> list[dict[str, Any]]:
    """The record of every cell that was captured, oldest first."""
    return [own_evaluations.record_of(capture) for capture in captures(settings)]


def captured(settings: Settings, cell: Cell) -> Capture | None:
    """The newest capture of a cell; None where it was never run."""
    found = [one for one in captures(settings) if own_evaluations.record_of(one)["cell"] == cell.id]
    return found[-1] if found else None


def seconds(settings: Settings, cell: Cell) -> float | None:
    """About how long a cell takes, from those that were run with the same backend; null where none was, or no size."""
    if cell.params_b is None:
        return None
    rates = [
        record["seconds"] / (record["requests"] * record["params_b"])
        for record in records(settings)
        if record["backend"] == cell.options.backend and record.get("params_b") and record.get("requests")
    ]
    return statistics.median(rates) * cell.suite.requests * cell.params_b if rates else None


def estimate(settings: Settings, cells: Sequence[Cell]) -> dict[str, Any]:
    """What cells cost: requests, gigabytes of weights to fetch, hours; null where it is not known, and for how many."""
    sizes = [cell.params_b for cell in cells if cell.params_b is not None]
    times = [time for time in (seconds(settings, cell) for cell in cells) if time is not None]
    return {
        "cells": len(cells),
        "requests": sum(cell.suite.requests for cell in cells),
        "weights_gb": round(sum(sizes) * BYTES_A_PARAMETER, 1) if sizes else None,
        "of_unknown_size": len(cells) - len(sizes),
        "hours": round(sum(times) / 3600, 2) if times else None,
        "of_unknown_time": len(cells) - len(times),
    }
