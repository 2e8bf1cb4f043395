"""Evaluates one model on one suite with lm-evaluation-harness, in a process of its own.

The file stands alone: it runs wherever Dagster Pipes starts it, under this project's interpreter, another one, or on a
node of a cluster that has nothing of this project. It is told what to do by Pipes and answers with metadata; the
harness's files go to a folder or to object storage, each as soon as it is there, so that a worker that is started
again goes on with the next task. It says what went wrong in `error.json`. No secret of its environment is in anything
that it writes or logs.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

Cell = Mapping[str, Any]
RECORD, ERROR, STATE = "record.json", "error.json", "state.json"
TIMED_OUT, REFUSED, FAILED = 124, 3, 1
PACKAGES = {
    "here": ("lm_eval", "datasets", "transformers", "torch", "vllm"),
    "server": ("lm_eval", "datasets", "transformers"),
}
SEEDS = {"random_seed": 0, "numpy_random_seed": 1234, "torch_random_seed": 1234, "fewshot_random_seed": 1234}


class Refused(Exception):
    """What is asked for cannot be done, now or later; the message says why."""


class Secrets:
    """What must not be written or logged: of a request that failed, libraries tell the headers."""

    def __init__(self, names: Iterable[str]) -> None:
        self.values = [os.environ[name] for name in names if os.environ.get(name)]

    def masked(self, text: str) -> str:
        """A text without them."""
        for value in self.values:
            text = text.replace(value, "***")
        return text

    def keep_from_logs(self) -> None:
        """Mask what is logged from here on, by whatever logger and handler: messages and tracebacks."""
        masked = self.masked

        class Record(logging.LogRecord):
            def getMessage(self) -> str:
                return masked(super().getMessage())

        logging.setLogRecordFactory(Record)
        plain = logging.Formatter.formatException

        def masked_exception(self: logging.Formatter, ei: Any) -> str:
            return masked(plain(self, ei))

        logging.Formatter.formatException = masked_exception  # type: ignore[method-assign]


class Output:
    """The folder of a cell, on disk or wherever fsspec reaches."""

    def __init__(self, address: str) -> None:
        import fsspec

        self.files, self.root = fsspec.core.url_to_fs(address)
        self.files.makedirs(self.root, exist_ok=True)

    def write(self, name: str, content: bytes) -> None:
        """Write a file; nobody sees half of it."""
        path = f"{self.root}/{name}"
        # A worker that was thought lost may still be writing: each has a name of its own until it is whole.
        part = f"{path}.{uuid.uuid4().hex}"
        with self.files.open(part, "wb") as file:
            file.write(content)
        self.files.mv(part, path)

    def read(self, name: str) -> bytes | None:
        """A file's content; None where there is none."""
        try:
            with self.files.open(f"{self.root}/{name}", "rb") as file:
                content: bytes = file.read()
        except FileNotFoundError:
            return None
        return content

    def has(self, name: str) -> bool:
        """Whether a file is there."""
        return bool(self.files.exists(f"{self.root}/{name}"))

    def remove(self, *names: str) -> None:
        """Remove files, those of them that are there."""
        for name in names:
            if self.has(name):
                self.files.rm(f"{self.root}/{name}")


class Datasets:
    """Pins every dataset that is loaded to the commit at which it stands when it is first asked for."""

    def __init__(self, pinned: Mapping[str, str]) -> None:
        self.commits = dict(pinned)

    @contextmanager
    def pinning(self) -> Iterator[None]:
        """Let `datasets.load_dataset` load pinned commits alone, as long as the block lasts."""
        import datasets
        from datasets.packaged_modules import _PACKAGED_DATASETS_MODULES as FORMATS

        load = datasets.load_dataset

        def pinned(path: str, name: str | None = None, **options: Any) -> Any:
            if options.pop("data_files", None) or options.pop("data_dir", None) or path in FORMATS:
                raise Refused(f"a task reads {path}, which is no dataset of the Hub and cannot be pinned")
            options.pop("trust_remote_code", None)
            if path not in self.commits:
                self.commits[path] = resolve(path, "dataset", options.get("revision"))
            try:
                found = load(path, name, **options | {"revision": self.commits[path]})
            except datasets.exceptions.DatasetNotFoundError as error:
                raise Refused(f"dataset {path} cannot be read; it may need permission (HF_TOKEN)") from error
            _check_commit(path, self.commits[path], found)
            return found

        datasets.load_dataset = pinned
        try:
            yield
        finally:
            datasets.load_dataset = load


def _check_commit(path: str, commit: str, loaded: Any) -> None:
    """Offline, datasets takes what it read last of a dataset, whatever was asked for."""
    from huggingface_hub import constants

    splits = loaded.values() if isinstance(loaded, dict) else [loaded]
    files = [file["filename"] for split in splits for file in split.cache_files]
    if constants.is_offline_mode() and not all(commit in Path(file).parts for file in files):
        raise Refused(f"dataset {path} was last read at another commit than {commit}, and HF_HUB_OFFLINE is set")


def resolve(repo: str, kind: str, revision: str | None) -> str:
    """The commit of a repository: as the Hub says, or offline as the cache remembers.

    Raises:
        Refused: it is not there, or not without a right.
    """
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    if constants.is_offline_mode():
        return _cached(repo, kind, revision)
    try:
        found = HfApi().repo_info(repo, repo_type=kind, revision=revision).sha
    except (GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise Refused(f"{kind} {repo} is not there at this revision, or needs permission (HF_TOKEN)") from error
    if not found:
        raise Refused(f"{kind} {repo} has no commit")
    return str(found)


def _cached(repo: str, kind: str, revision: str | None) -> str:
    """The commit that the cache holds of a repository, if there is but one or the revision says which."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    folder = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repo, repo_type=kind)
    reference, commits = folder / "refs" / (revision or "main"), sorted(folder.glob("snapshots/*"))
    if reference.exists():
        return reference.read_text().strip()
    held = [path.name for path in commits if revision in (None, path.name)]
    if len(held) != 1:
        what = "is not in the cache" if not held else f"is in the cache at {len(held)} commits, of which none is named"
        raise Refused(f"{kind} {repo} {what}, and HF_HUB_OFFLINE is set")
    return held[0]


def evaluate(cell: Cell, output: Output) -> dict[str, Any]:
    """Run every task of a cell that has not been run yet; returns the record of the whole."""
    begun, model = time.time(), None
    commit, tasks = _model_commit(cell), [entry["task"] for entry in cell["suite"]["tasks"]]
    state = _begin(output, cell, commit)
    earlier, datasets = state["seconds"], Datasets(state["datasets"])
    with datasets.pinning():
        for entry in cell["suite"]["tasks"]:
            if output.has(f"{entry['task']}.json"):
                continue
            if model is None:
                model = _model(cell, commit)
                state["device"] = str(getattr(model, "device", None) or "unknown")
            output.write(f"{entry['task']}.json", _run(cell, entry, model, commit))
            state |= {"datasets": datasets.commits, "seconds": round(earlier + time.time() - begun, 3)}
            output.write(STATE, json.dumps(state).encode())
    record = state | {
        "model": cell["model"], "suite": cell["suite"]["name"], "smoke": cell["suite"]["smoke"], "tasks": tasks,
        "backend": cell["backend"], "launcher": cell["launcher"],
    }  # fmt: skip
    output.write(RECORD, json.dumps(record).encode())
    return record


def _begin(output: Output, cell: Cell, commit: str | None) -> dict[str, Any]:
    """Where an earlier worker of this cell came to; what it did with another commit or version is removed."""
    asked = {"cell": cell["id"], "model_revision": commit, "harness": version("lm_eval"),
             "backend_versions": dict(_versions(cell["backend"]))}  # fmt: skip
    left = output.read(STATE)
    state: dict[str, Any] = json.loads(left) if left else {}
    if {name: state.get(name) for name in asked} == asked:
        return state
    output.remove(STATE, RECORD, *(f"{entry['task']}.json" for entry in cell["suite"]["tasks"]))
    return asked | {"datasets": {}, "seconds": 0.0, "device": "unknown"}


def _model_commit(cell: Cell) -> str | None:
    """The commit of the model; a server does not say which one it has, so that only what was stated is known."""
    if cell["backend"] == "local-completions" and not cell["revision"]:
        return None
    return resolve(cell["model"], "model", cell["revision"])


def _model(cell: Cell, commit: str | None) -> Any:
    from lm_eval.api.registry import get_model

    rest = {"batch_size": cell["batch_size"], "max_batch_size": None, "device": cell["device"] or _free_device(cell)}
    return get_model(cell["backend"]).create_from_arg_obj(_arguments(cell, commit), rest)


def _free_device(cell: Cell) -> str | None:
    """The device to take where none is named; a server and vllm know their own."""
    if cell["backend"] != "hf":
        return None
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _arguments(cell: Cell, commit: str | None) -> dict[str, Any]:
    """Arguments of the harness's model; code of a repository is never run."""
    if cell["backend"] == "local-completions":
        tokenizer = resolve(cell["model"], "model", cell["revision"])
        own = {"tokenizer": cell["model"], "revision": tokenizer, "tokenizer_backend": "huggingface",
               "tokenized_requests": True}  # fmt: skip
    else:
        own = {"pretrained": cell["model"], "revision": commit}
        own |= {"tokenizer_revision": commit} if cell["backend"] == "vllm" else {}
    return {**cell["arguments"], **own, "trust_remote_code": False}


def _run(cell: Cell, entry: Mapping[str, Any], model: Any, commit: str | None) -> bytes:
    """One task of the suite, as the harness writes it down."""
    import lm_eval
    from lm_eval.loggers import EvaluationTracker
    from lm_eval.tasks import TaskManager

    base = Path(lm_eval.__file__).parent / "tasks"
    manager = TaskManager(include_defaults=False, include_path=[str(base / name) for name in cell["folders"]])
    loaded = manager.load([entry["task"]])
    allowed = set(cell["suite"]["unsafe"])
    for name, task in loaded["tasks"].items():
        if getattr(task.config, "unsafe_code", False) and not {name, entry["task"]} & allowed:
            raise Refused(f"task {name} runs code that a model wrote, and is not allowed to by name")
        if entry["shots"] is not None:
            task.set_config(key="num_fewshot", value=entry["shots"])
    group = loaded.get("groups", {}).get(entry["task"])
    with TemporaryDirectory() as folder:
        tracker = EvaluationTracker(output_path=folder)
        results = lm_eval.simple_evaluate(
            model=model,
            model_args=_arguments(cell, commit),
            tasks=[group] if group is not None else list(loaded["tasks"].values()),
            batch_size=cell["batch_size"],
            device=cell["device"],
            task_manager=manager,
            evaluation_tracker=tracker,
            apply_chat_template=cell["chat_template"],
            confirm_run_unsafe_code=bool(allowed),
            **SEEDS,
        )
        samples = results.pop("samples")
        # The model is loaded once for all tasks, and the harness calls a loaded one CUSTOM.
        results["config"]["model"] = tracker.general_config_tracker.model_source = cell["backend"]
        tracker.save_results_aggregated(results, samples)
        # Where the harness cannot save, it only logs.
        written = sorted(Path(folder).rglob("results_*.json"))
        if len(written) != 1:
            raise RuntimeError("the harness did not save its results")
        return written[0].read_bytes()


def _versions(backend: str) -> Iterator[tuple[str, str]]:
    """Packages that the scores may depend on; what a server runs is not known."""
    for name in PACKAGES["server" if backend == "local-completions" else "here"]:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


def _watch(cell: Cell, output: Output) -> threading.Timer:
    """End this process when its time is over, whatever it is doing."""

    def stop() -> None:
        try:
            output.write(ERROR, _error(f"it ran longer than {cell['timeout_s']:g} s", again=True))
        finally:
            os._exit(TIMED_OUT)

    timer = threading.Timer(cell["timeout_s"], stop)
    timer.daemon = True
    timer.start()
    return timer


def _error(message: str, again: bool) -> bytes:
    return json.dumps({"message": message[:2000], "again": again}).encode()


def main() -> int:
    """Entry point; the exit status is 0, or says what kind of failure it was."""
    from dagster_pipes import open_dagster_pipes

    with open_dagster_pipes() as pipes:
        cell = pipes.get_extra("cell")
        secrets = Secrets(cell["secrets"])
        secrets.keep_from_logs()
        output = Output(cell["output"])
        timer = _watch(cell, output)
        try:
            record = evaluate(cell, output)
        except Refused as error:
            output.write(ERROR, _error(secrets.masked(str(error)), again=False))
            return REFUSED
        except Exception as error:
            output.write(ERROR, _error(secrets.masked(f"{type(error).__name__}: {error}"), again=True))
            sys.stderr.write(secrets.masked(traceback.format_exc()))
            return FAILED
        finally:
            timer.cancel()
        told = {name: record[name] or "unknown" for name in ("model_revision", "harness", "seconds", "device")}
        lists = {name: {"raw_value": record[name], "type": "json"} for name in ("datasets", "backend_versions")}
        pipes.report_asset_materialization(metadata=told | lists)
    return 0


if __name__ == "__main__":
    sys.exit(main())
