"""Cells: one model on one suite, with everything that determines its scores, and what cannot be run.

What is missing and what it costs does not belong here, nor how a cell is run, and where.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal
from urllib.parse import urlsplit

import fsspec

from pipeline.errors import InputError
from pipeline.evaluate import registry
from pipeline.evaluate.suites import Suite
from pipeline.identity.names import fingerprint
from pipeline.settings import Settings
from pipeline.sources.harness_eras import REPO

Backend = Literal["hf", "local-completions", "vllm"]
REVISION = re.compile(r"[\w.-]{1,100}", re.ASCII)
NEEDS = {"hf": ("torch", "transformers"), "local-completions": ("transformers", "tenacity"), "vllm": ("vllm",)}
"""Packages that each backend needs in the interpreter of its workers."""


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
        gated: whether its repository needs a token; null where unknown.
    """

    model: str
    suite: Suite
    options: Options
    revision: str = ""
    params_b: float | None = None
    gated: bool | None = False

    @property
    def id(self) -> str:
        """Identity of what is asked for: cells of one id give the same scores, as long as the model stays the same."""
        asked = self.options
        tasks = [(entry.task, entry.shots) for entry in self.suite.tasks]
        told = (self.model, self.revision, self.suite.name, self.suite.smoke, tasks, asked.backend, asked.dtype,
                asked.max_length, asked.chat_template, sorted(self.allowed), asked.served_name)  # fmt: skip
        return fingerprint(*told)

    @property
    def allowed(self) -> set[str]:
        """Tasks that may run code that a model wrote."""
        return {*self.suite.unsafe, *self.options.unsafe}

    @property
    def needs_token(self) -> bool:
        """Whether the model or a dataset of the suite is given to those alone who have agreed to something."""
        return bool(self.gated or self.suite.gated)

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
        return {
            "id": self.id, "model": self.model, "revision": self.revision or None, "folders": sorted(folders),
            "suite": self.suite.model_dump() | {"unsafe": sorted(self.allowed)}, "backend": asked.backend,
            "arguments": arguments, "batch_size": asked.batch_size, "device": asked.device or None,
            "chat_template": asked.chat_template, "launcher": settings.eval_launcher,
            "output": f"{settings.evaluations}/{self.id}", "timeout_s": settings.eval_timeout_s,
            "secrets": sorted({"HF_TOKEN", *settings.passed_on}),
        }  # fmt: skip


def check(settings: Settings, cell: Cell) -> None:
    """Refuse what cannot be run, before anything is started.

    Raises:
        InputError: what is wrong with it.
    """
    if not REPO.fullmatch(cell.model) or ".." in cell.model:
        raise InputError(
            f"model {cell.model}", "it is no name of a repository", "Write organisation/name as the Hub does"
        )
    if cell.revision and not REVISION.fullmatch(cell.revision):
        raise InputError(f"--revision {cell.revision}", "it is no revision", "Use a commit, a branch or a tag")
    if settings.hub == "local":
        raise InputError("--hub local", "the bundled Hub has no weights", "Use --hub https://huggingface.co")
    _check_backend(settings, cell.options)
    _check_output(settings.evaluations)
    token = settings.hub_token is not None or bool(os.environ.get("HF_HUB_OFFLINE"))
    if cell.needs_token and not token:
        what = ", ".join([*([cell.model] if cell.gated else []), *cell.suite.gated])
        raise InputError(what, "it needs permission", "Agree to its terms on its page, and set HF_TOKEN")
    for task in (task for entry in cell.suite.tasks for task in registry.tasks([entry.task])):
        if task.unsafe and not {task.name, *(entry.task for entry in cell.suite.tasks)} & cell.allowed:
            raise InputError(
                f"task {task.name}", "it runs code that a model wrote",
                f"If the worker is a machine that may be lost: --allow-unsafe {task.name}",
            )  # fmt: skip
    if cell.allowed and (cell.needs_token or settings.passed_on):
        raise InputError(
            f"--allow-unsafe {', '.join(sorted(cell.allowed))}", "what the model wrote could read a token",
            "Fetch the model and the datasets first, then run with HF_HUB_OFFLINE=1 and without MOAT_EVAL_ENV",
        )  # fmt: skip


@cache
def lacking(python: str, names: tuple[str, ...]) -> list[str]:
    """Which of these packages an interpreter does not find.

    Raises:
        InputError: it cannot be started.
    """
    code = "import sys; from importlib.util import find_spec; print(*(n for n in sys.argv[1:] if not find_spec(n)))"
    try:
        done = subprocess.run(  # noqa: S603 - the interpreter that settings name
            [python, "-c", code, *names], capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise InputError(python, "this interpreter does not start", "Correct MOAT_EVAL_PYTHON") from error
    return done.stdout.split()


def _check_backend(settings: Settings, asked: Options) -> None:
    if asked.backend not in NEEDS:
        raise InputError(f"backend {asked.backend}", "there is none of this name", f"Use {', '.join(NEEDS)}")
    if asked.backend == "local-completions":
        _check_server(asked.server)
    # What a node of a cluster has is not known here.
    if settings.eval_launcher == "subprocess":
        missing = lacking(settings.worker_python, NEEDS[asked.backend])
        if missing:
            how = "Install it elsewhere" if asked.backend == "vllm" else "Run `make eval`"
            raise InputError(
                f"backend {asked.backend}", f"it needs {', '.join(missing)}, which is not installed",
                f"{how}, or name an interpreter that has it in MOAT_EVAL_PYTHON",
            )  # fmt: skip


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


def _check_output(address: str) -> None:
    protocol = fsspec.utils.get_protocol(address)
    try:
        known = fsspec.get_filesystem_class(protocol)
    except (ImportError, ValueError) as error:
        raise InputError(
            "MOAT_EVAL_OUTPUT", f"{protocol}:// cannot be used ({error})", "Install what it names"
        ) from error
    if protocol == "memory" or not hasattr(known, "mv"):
        raise InputError("MOAT_EVAL_OUTPUT", f"{protocol}:// is seen by one process alone", "Use a folder or a store")
