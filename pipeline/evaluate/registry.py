"""The task registry of lm-evaluation-harness, read for what it says of single tasks.

It is the source of truth for their names, metrics and directions, shots and answers to choose from. Reading all of its
14,000 files takes half a minute and is never needed: tasks lie in folders, and only those asked for are read. Nothing
is downloaded, and no code of a task is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.errors import InputError

_NAME = re.compile(rb"^[\"']?(?:task|group|tag)[\"']? *: *[\"']?(\w[\w.+:()-]*)[\"']? *(?:#.*)?$", re.MULTILINE)
_TAGS = re.compile(rb"^[\"']?tag[\"']? *: *(?:\n((?: *- *\S+ *(?:\n|\Z))+)|\[([^\]]*)\])", re.MULTILINE)
_ITEM = re.compile(rb"(?:^|-|,) *[\"']?(\w[\w.+:()-]*)", re.MULTILINE)


@dataclass(frozen=True)
class Task:
    """A task as the installed harness defines it.

    Attributes:
        name: of the task.
        folder: in which folder of the registry it lies.
        output_type: multiple_choice, loglikelihood, loglikelihood_rolling or generate_until; null where code decides.
        shots: examples in the prompt by default; null where the harness decides.
        metrics: of each, whether higher is better; null where code decides.
        choices: answers to choose from; null where they differ from question to question, or there are none.
        version: of the task.
        dataset: on the Hub; null where code makes it.
        subset: of the dataset.
        unsafe: it runs code that a model wrote.
    """

    name: str
    folder: str
    output_type: str | None
    shots: int | None
    metrics: Mapping[str, bool | None]
    choices: int | None
    version: str | None
    dataset: str | None
    subset: str | None
    unsafe: bool

    @property
    def chance(self) -> float | None:
        """Share of right answers that guessing gives; null where it is not known."""
        return 1 / self.choices if self.output_type == "multiple_choice" and self.choices else None


def folders() -> Path:
    """Where the installed harness keeps its tasks."""
    from importlib.util import find_spec

    found = find_spec("lm_eval")
    if found is None or found.origin is None:
        raise InputError("lm-eval", "it is not installed", "Run `make setup`")
    return Path(found.origin).parent / "tasks"


def folder_of(name: str) -> str:
    """The folder in which a task, group or tag is defined.

    Raises:
        InputError: the installed harness has none of this name.
    """
    return _folders_of(name)[0]


def tasks(names: Iterable[str]) -> list[Task]:
    """The tasks that these names stand for, groups and tags opened, in their order.

    Raises:
        InputError: the installed harness has none of a name.
    """
    found: dict[str, Task] = {}
    for name in names:
        folder = folder_of(name)
        for task in _opened(name, _index(folder)):
            found.setdefault(task, _task(task, folder))
    return list(found.values())


def _folders_of(name: str) -> tuple[str, ...]:
    """The folders in which it is written: tasks of one tag may lie in several."""
    found = _written().get(name)
    if found is None:
        raise InputError(f"task {name}", "the installed harness has none of this name", "See `lm_eval ls tasks`")
    return found


@cache
def _index(folder: str) -> Mapping[str, Any]:
    from lm_eval.tasks import TaskManager

    found: Mapping[str, Any] = TaskManager(include_defaults=False, include_path=[str(folders() / folder)]).task_index
    return found


def _opened(name: str, index: Mapping[str, Any]) -> list[str]:
    """The tasks behind a name."""
    entry = index.get(name)
    if entry is None:
        # A group may hold tasks of another folder.
        index = _index(folder_of(name))
        entry = index.get(name)
    if entry is None:
        raise InputError(f"task {name}", "it is no task, group or tag that can be run", "See `lm_eval ls tasks`")
    match entry.kind.name:
        case "GROUP":
            listed = [one if isinstance(one, str) else _listed(name, one) for one in entry.cfg["task"]]
            return [task for one in listed for task in _opened(one, index)]
        case "TAG":
            every = (_index(folder).get(name) for folder in _folders_of(name))
            return sorted({task for one in every if one is not None for task in one.tags})
        case _:
            return [name]


def _listed(group: str, one: Mapping[str, Any]) -> str:
    """The task that a group names together with changed settings."""
    if isinstance(one.get("task"), str):
        return str(one["task"])
    raise InputError(f"group {group}", "it defines tasks within itself", "Name tasks or groups of them")


def _task(name: str, folder: str) -> Task:
    entry = _index(folder).get(name) or _index(folder := folder_of(name))[name]
    config: Mapping[str, Any] = entry.cfg
    listed = config.get("metric_list") or []
    choices, metadata = config.get("doc_to_choice"), config.get("metadata") or {}
    version = metadata.get("version") if isinstance(metadata, dict) else None
    return Task(
        name=name,
        folder=folder,
        output_type=config.get("output_type"),
        shots=config.get("num_fewshot"),
        # One worked out by code of the task is given as the path of that code.
        metrics={re.sub(r"^.*/\w+\.", "", metric["metric"]): metric.get("higher_is_better") for metric in listed},
        choices=len(choices) if isinstance(choices, list) else None,
        version=None if version is None else str(version),
        dataset=config.get("dataset_path"),
        subset=config.get("dataset_name"),
        unsafe=bool(config.get("unsafe_code")),
    )


@cache
def _written() -> Mapping[str, tuple[str, ...]]:
    """The folders of every name that the registry's files define: their lines `task`, `group` and `tag`, unparsed."""
    found: dict[str, dict[str, None]] = {}
    base = folders()
    # What several files share lies in others without an ending: they may name tags.
    for path in sorted(path for path in base.glob("*/**/*") if path.suffix in {"", ".yaml"} and path.is_file()):
        content, folder = path.read_bytes(), path.relative_to(base).parts[0]
        listed = b"\n".join(items for pair in _TAGS.findall(content) for items in pair)
        for name in _NAME.findall(content) + _ITEM.findall(listed):
            found.setdefault(name.decode(), {})[folder] = None
    return {name: tuple(where) for name, where in found.items()}
