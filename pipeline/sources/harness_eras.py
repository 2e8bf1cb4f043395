"""What a result file of lm-evaluation-harness says, of whatever era: which run it was, and its results one by one.

Files have changed since 2023 and do not always say which version wrote them; the marks that tell eras apart are those
of the fields themselves. Which scores are believed, and in which series they stand, does not belong here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

from pipeline.identity.units import number
from pipeline.sources.quarantine import Unreadable, excerpt

Row = dict[str, Any]
REPO = re.compile(r"(?:[A-Za-z0-9][\w.-]{0,95}/)?[A-Za-z0-9_][\w.-]{0,95}", re.ASCII)
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2})[-:](\d{2})[-:](\d{2})(?:\.\d{1,9})?", re.ASCII)
_IN_NAME = re.compile(r"results_([^/]+)\.json$")
_VERSION = re.compile(r"0\.4\.(\d{1,3})(?:[.\-+]?\w[\w.+-]{0,20})?", re.ASCII)
_LIGHTEVAL_TASK = re.compile(r"harness\|([^|]{1,100})\|(\d{1,3})(?:\|\d)?", re.ASCII)
"""Tasks of other collections keep their whole name: of one task they ask in other prompts."""
_WORD = re.compile(r"[\w.:/+-]{1,100}", re.ASCII)
_HALF = re.compile("[\ud800-\udfff]")
_FIRST_DAY = date(2020, 1, 1)
_MOST_QUESTIONS = 10**12
_DEEPEST = 60
_BY_NAME = ("peft", "delta", "pretrained", "model", "path", "engine")
"""Arguments that may name the model, in the order in which the harness itself looks at them: an adapter comes first."""
_SERVED = re.compile(r"openai-|anthropic-|local-(?:chat-)?completions|textsynth|gguf|watsonx")
"""Backends that ask a server: their names of models are the server's own."""
_PACKED = ("load_in_4bit", "load_in_8bit", "gguf_file", "autogptq", "gptqmodel", "quantization")
_NO_VERSION = ("Yaml", "N/A", "")
_PACKED_TYPES = frozenset({"4bit", "8bit"})
_NO_METRIC = frozenset({"alias", "name", "sample_len", "sample_count", "samples"})


@dataclass(frozen=True)
class Era:
    """Files whose numbers may stand in one series. `words` are those of a protocol, read by `staging.series`."""

    key: str
    words: str


OLD = Era("0.3", "lm-evaluation-harness 0.3")
LIGHTEVAL = Era("lighteval", "lighteval, tasks of lm-evaluation-harness 0.3")
FIRST = Era("0.4.0", "lm-evaluation-harness 0.4.0 to 0.4.2")
# Written by versions between two releases, in the months in which tasks were moved without a new number.
BETWEEN = Era("0.4.2+", "lm-evaluation-harness 0.4.2, unreleased later state")
NEW = Era("0.4.3", "lm-evaluation-harness 0.4.3 or later")


@dataclass(frozen=True)
class Result:
    """One number of a file.

    Attributes:
        task: task or group.
        metric: without its filter.
        filter: how answers were cut out; none where that is not said.
        value: as written.
        stderr: null where none is stated.
        shots: examples in the prompt; null where tasks of a group differ, or it is not said.
        version: of the task; null where not said.
        n: questions asked; null where not said.
        n_original: questions there are; null where not said.
        config: the task's own settings; empty for a group and in early files.
        higher: whether higher is better; null where not said.
    """

    task: str
    metric: str
    filter: str
    value: object
    stderr: float | None
    shots: int | None
    version: str | None
    n: int | None
    n_original: int | None
    config: Mapping[str, Any] = field(default_factory=dict)
    higher: bool | None = None


@dataclass(frozen=True)
class Run:
    """One evaluation of a model, as its file says.

    Attributes:
        body: the file.
        era: which era wrote it.
        version: of the harness, where stated.
        model: name of the model as written.
        served: it is the name that a server gives it.
        arguments: of the model.
        evaluated_on: null where neither the file nor its name says it.
        dated_by_name: the day is that of the file's name, in a time zone that it does not state.
    """

    body: Mapping[str, Any]
    era: Era
    version: str | None
    model: str
    served: bool
    arguments: Mapping[str, Any]
    evaluated_on: date | None
    dated_by_name: bool

    @cached_property
    def config(self) -> Mapping[str, Any]:
        """Settings of the whole run."""
        return _config(self.body, self.era)

    @property
    def hub_id(self) -> str | None:
        """The repository that the model is; null for a name that a server gives it."""
        return self.model if REPO.fullmatch(self.model) and ("/" in self.model or not self.served) else None

    @property
    def revision(self) -> str | None:
        """Commit of the model, as resolved when it was loaded."""
        for key in ("peft", "delta"):
            if self.arguments.get(key):
                # The commit called that of the model is its base's.
                return _word(self.config.get(f"{key}_sha"))
        return _word(self.config.get("model_sha"))

    @property
    def backend(self) -> str | None:
        """What ran the model."""
        return None if self.era is LIGHTEVAL else _word(self.config.get("model"))

    @property
    def dtype(self) -> str | None:
        """Type of its weights."""
        return _word(self.config.get("model_dtype")) or _word(self.arguments.get("dtype"))

    @property
    def packed(self) -> str | None:
        """How it was quantised on loading; null where it was not."""
        found = [key for key in _PACKED if str(self.arguments.get(key)).lower() not in {"none", "false", "0", ""}]
        found += [self.dtype] if self.dtype is not None and self.dtype.lower() in _PACKED_TYPES else []
        return ", ".join(found) or None

    @property
    def limit(self) -> object:
        """How many questions of each task were asked; null for all."""
        return self.config.get("max_samples" if self.era is LIGHTEVAL else "limit")

    @property
    def chat_template_sha(self) -> str | None:
        """Of the template through which questions were put; null where none was used, or in early files."""
        return _word(self.body.get("chat_template_sha"))

    @property
    def results(self) -> Iterator[Result]:
        """Every number of the file.

        Raises:
            Unreadable: a part of the file has another form than that of its era.
        """
        for task, row in self.body["results"].items():
            if self.era is LIGHTEVAL and task == "all":
                continue  # a mean over everything in the file, whatever that is
            yield from _numbers(self, task, row)


def read(body: Mapping[str, Any], path: str, known: str | None = None) -> Run:
    """What a result file says of its run.

    Args:
        body: the file.
        path: where it lies, `<model>/results_<time>.json` in a repository of results.
        known: the model's repository, where that is known better than by the file: it may name a folder or a server's.

    Raises:
        Unreadable: it is no result file of a known era, or does not say which model it is about, or when.
    """
    if not isinstance(body.get("results"), dict) or not body["results"]:
        raise Unreadable("document without results")
    _check_plain(body)
    version = body.get("lm_eval_version")
    era = _era(body, version)
    config = _config(body, era)
    arguments = _arguments(config.get("model_args"))
    backend = config.get("model") if era is not LIGHTEVAL else ""
    served = isinstance(backend, str) and bool(_SERVED.match(backend))
    stated = config.get("model_name") if era is LIGHTEVAL else body.get("model_name")
    named = [arguments[key] for key in _BY_NAME if isinstance(arguments.get(key), str) and arguments[key]]
    model = _checked(named[0] if named else stated, served, path) if known is None else known
    served = served and known is None
    day, by_name = _day(body.get("date"), path)
    return Run(body, era, version if isinstance(version, str) else None, model, served, arguments, day, by_name)


def day_in_name(moment: str) -> date:
    """The day of a time as result files have it in their names, such as 2024-01-31T12-00-00.123456.

    Raises:
        Unreadable: it is none, or lies in the future.
    """
    parts = _MOMENT.fullmatch(moment)
    try:
        day = datetime.fromisoformat("{}T{}:{}:{}".format(*parts.groups())).date() if parts else None
    except ValueError:
        day = None
    if day is None:
        raise Unreadable("file name states no time")
    if day > datetime.now(UTC).date() + timedelta(days=1):
        raise Unreadable("time in the file name lies in the future")
    return day


def _check_plain(body: Mapping[str, Any]) -> None:
    """Refuse what cannot be written out again, as text or as JSON."""
    level: list[Any] = [body]
    for _ in range(_DEEPEST):
        parts = [part for thing in level for part in (thing.values() if isinstance(thing, dict) else thing)]
        words = [key for thing in level if isinstance(thing, dict) for key in thing]
        words += [part for part in parts if isinstance(part, str)]
        if any(not word.isascii() and _HALF.search(word) for word in words):
            raise Unreadable("document has half a character")
        level = [part for part in parts if isinstance(part, dict | list)]
        if not level:
            return
    raise Unreadable("document is nested too deeply")


def _era(body: Mapping[str, Any], version: object) -> Era:
    if isinstance(body.get("config_general"), dict):
        return LIGHTEVAL
    if version is not None:
        found = _VERSION.fullmatch(version) if isinstance(version, str) else None
        if found is None:
            raise Unreadable("written by a version that is not known")
        return NEW if int(found[1]) >= 3 else FIRST
    metrics = [str(key) for row in body["results"].values() if isinstance(row, dict) for key in row]
    if not any("," in metric for metric in metrics):
        if not isinstance(body.get("versions"), dict):
            raise Unreadable("document has the marks of no known era")
        return OLD
    if not isinstance(body.get("configs"), dict):
        raise Unreadable("document has the marks of no known era")
    if "fewshot_as_multiturn" in body:
        return NEW
    return BETWEEN if "higher_is_better" in body or "n-samples" in body else FIRST


def _config(body: Mapping[str, Any], era: Era) -> Mapping[str, Any]:
    found = body.get("config_general" if era is LIGHTEVAL else "config")
    if not isinstance(found, dict):
        raise Unreadable("document does not say how it was run")
    return found


def _arguments(stated: object) -> Mapping[str, Any]:
    if isinstance(stated, dict):
        return stated
    pairs = (pair.partition("=") for pair in stated.split(",")) if isinstance(stated, str) else ()
    return {key.strip(): value.strip() for key, _, value in pairs}


def _checked(model: object, served: bool, path: str) -> str:
    if not isinstance(model, str) or not 0 < len(model) <= 200 or not model.isprintable() or set("<>") & set(model):
        raise Unreadable("document names no model")
    if model.startswith(("/", ".", "~")) or "\\" in model or model.count("/") > 1:
        raise Unreadable("model is a folder on somebody's machine, not a repository")
    if not served and not REPO.fullmatch(model):
        raise Unreadable("model is no repository")
    folder = path.rpartition("/")[0]
    # Repositories of results lay a file under its model, written with two underscores or as a folder in a folder.
    if folder and folder.replace("__", "/").lower() != model.replace("__", "/").lower():
        raise Unreadable("model is not the one that the path names")
    return model


def _day(stated: object, path: str) -> tuple[date | None, bool]:
    if stated is None:
        found = _IN_NAME.search(path)
        named = day_in_name(found[1]) if found else None
        if named is not None and named < _FIRST_DAY:
            raise Unreadable("time in the file name lies before the harness")
        return named, named is not None
    seconds, reason = number(stated)
    if seconds is None:
        raise Unreadable(f"date: {reason}")
    try:
        day = datetime.fromtimestamp(seconds, UTC).date()
    except (ValueError, OverflowError, OSError) as error:
        raise Unreadable("date is no time") from error
    if not _FIRST_DAY <= day <= datetime.now(UTC).date() + timedelta(days=1):
        raise Unreadable("date lies in the future or before the harness")
    return day, False


def _numbers(run: Run, task: str, row: object) -> Iterator[Result]:
    """The numbers of one task or group."""
    if not isinstance(row, dict):
        raise Unreadable(f"result of {excerpt(task[:60])} is a {type(row).__name__}")
    shots, name = _shots(run, task), task
    if run.era is LIGHTEVAL:
        found = _LIGHTEVAL_TASK.fullmatch(task)
        name, shots = (found[1], int(found[2])) if found else (task, None)
    config = of_task(run.body, "configs", task)
    version = _version(run.body, task)
    n, n_original = _questions(run.body, task)
    for key, value in row.items():
        metric, _, how = key.partition(",")
        if metric in _NO_METRIC or metric.endswith("_stderr"):
            continue
        error = number(row.get(f"{metric}_stderr,{how}" if how else f"{metric}_stderr"))[0]
        yield Result(
            task=name,
            metric=metric,
            filter=how or "none",
            value=value,
            stderr=error if error is not None and error >= 0 else None,
            shots=shots,
            version=version,
            n=n,
            n_original=n_original,
            config=config if isinstance(config, dict) else {},
            higher=_higher(run.body, task, metric),
        )


def of_task(body: Mapping[str, Any], section: str, task: str) -> Any:
    """What a section of a file says of a task or group; null where it says nothing."""
    found = body.get(section)
    return found.get(task) if isinstance(found, dict) else None


def _higher(body: Mapping[str, Any], task: str, metric: str) -> bool | None:
    stated = of_task(body, "higher_is_better", task)
    stated = stated.get(metric) if isinstance(stated, dict) else None
    return stated if isinstance(stated, bool) else None


def _version(body: Mapping[str, Any], task: str) -> str | None:
    """Of a task; of a group without one of its own that of its tasks, or all of theirs."""
    own = _version_stated(body, task)
    if own is not None:
        return own
    found = sorted({version for member in _members(body, task) if (version := _version_stated(body, member))})
    return "_".join(found)[:20] or None


def _version_stated(body: Mapping[str, Any], task: str) -> str | None:
    found = of_task(body, "versions", task)
    stated = isinstance(found, str | int | float) and not isinstance(found, bool)
    return str(found)[:20] if stated and found not in _NO_VERSION else None


def _shots(run: Run, task: str) -> int | None:
    """Examples in the prompt: those on which all tasks of a group agree, the task's own, or the run's."""
    own = of_task(run.body, "n-shot", task)
    members = _members(run.body, task)
    # What a file says of a group is what holds for its first task.
    each = [of_task(run.body, "n-shot", member) for member in members]
    if any(stated is not None for stated in each):
        own = each[0] if all(stated == each[0] for stated in each) else None
    elif own is None and not members:
        own = run.config.get("num_fewshot")
    return own if isinstance(own, int) and not isinstance(own, bool) and 0 <= own <= 1000 else None


def _questions(body: Mapping[str, Any], task: str) -> tuple[int | None, int | None]:
    """How many questions were asked, and how many there are; of a group, those of its tasks."""
    pairs = [of_task(body, "n-samples", member) for member in _members(body, task) or [task]]
    counts: list[tuple[Any, Any]] = [(p.get("effective"), p.get("original")) for p in pairs if isinstance(p, dict)]
    if not pairs or len(counts) < len(pairs):
        return None, None
    if any(type(n) is not int or not 0 <= n <= _MOST_QUESTIONS for pair in counts for n in pair):
        return None, None
    return sum(asked for asked, _ in counts), sum(there for _, there in counts)


def _members(body: Mapping[str, Any], group: str) -> list[str]:
    """The tasks of a group, those of its groups included; none for a task."""
    found: dict[str, None] = {}
    seen, waiting = {group}, [group]
    while waiting:
        children = of_task(body, "group_subtasks", waiting.pop())
        for child in children if isinstance(children, list) else []:
            if isinstance(child, str) and child not in seen:
                seen.add(child)
                waiting.append(child)
                if not of_task(body, "group_subtasks", child):
                    found[child] = None
    return list(found)


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else None
