"""The first Open LLM Leaderboard: open models scored by Hugging Face on six benchmarks, frozen in June 2024.

Each evaluation of a model left a result file, which names the repository in its path and the moment in its name.
The files do not say which models are merges of others, nor which ones the board flagged.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

from pipeline.captures import Capture
from pipeline.identity.benchmarks import Name
from pipeline.identity.units import number
from pipeline.settings import Settings
from pipeline.sources.board import Board, Part, Row
from pipeline.sources.harness_eras import REPO, day_in_name
from pipeline.sources.hub_client import HubClient
from pipeline.sources.hub_files import Document, capture_documents, captured_documents, json_object, removed_documents
from pipeline.sources.quarantine import EXCERPT, Unreadable

SOURCE = "open_llm_v1"
TITLE = "Open LLM Leaderboard v1"
DATASET = "open-llm-leaderboard-old/results"
URL = f"https://huggingface.co/datasets/{DATASET}"
LICENCE = "not stated by the dataset; facts attributed to Hugging Face"
NOTE = "dated by the name of the file, in a time zone that it does not state"
PATH = re.compile(r"((?:[^/]+/)?[^/]+)/results_([^/]+)\.json")
WORD = re.compile(r"[\w.:-]{1,100}", re.ASCII)


@dataclass(frozen=True)
class Task:
    """A benchmark of the board; `chance` is the score of guessing, null where it differs from question to question."""

    key: str
    name: str
    task: str
    metric: str
    protocol: str
    chance: float | None


MMLU = "harness|hendrycksTest-{}|5"
TASKS = (
    Task("arc", "ARC", "harness|arc:challenge|25", "acc_norm", "challenge set, 25-shot, acc_norm", None),
    Task("hellaswag", "HellaSwag", "harness|hellaswag|10", "acc_norm", "10-shot, acc_norm", 0.25),
    Task("mmlu", "MMLU", MMLU, "acc", "5-shot, unweighted mean of acc over 57 subjects", 0.25),
    Task("truthfulqa", "TruthfulQA", "harness|truthfulqa:mc|0", "mc2", "0-shot, mc2", None),
    Task("winogrande", "Winogrande", "harness|winogrande|5", "acc", "5-shot, acc", 0.5),
    Task("gsm8k", "GSM8K", "harness|gsm8k|5", "acc", "5-shot, acc", 0.0),
)
SUBJECTS = (
    "abstract_algebra", "anatomy", "astronomy", "business_ethics", "clinical_knowledge", "college_biology",
    "college_chemistry", "college_computer_science", "college_mathematics", "college_medicine", "college_physics",
    "computer_security", "conceptual_physics", "econometrics", "electrical_engineering", "elementary_mathematics",
    "formal_logic", "global_facts", "high_school_biology", "high_school_chemistry", "high_school_computer_science",
    "high_school_european_history", "high_school_geography", "high_school_government_and_politics",
    "high_school_macroeconomics", "high_school_mathematics", "high_school_microeconomics", "high_school_physics",
    "high_school_psychology", "high_school_statistics", "high_school_us_history", "high_school_world_history",
    "human_aging", "human_sexuality", "international_law", "jurisprudence", "logical_fallacies", "machine_learning",
    "management", "marketing", "medical_genetics", "miscellaneous", "moral_disputes", "moral_scenarios", "nutrition",
    "philosophy", "prehistory", "professional_accounting", "professional_law", "professional_medicine",
    "professional_psychology", "public_relations", "security_studies", "sociology", "us_foreign_policy", "virology",
    "world_religions",
)  # fmt: skip
SUBJECT_TASKS = tuple(MMLU.format(subject) for subject in SUBJECTS)
# `all` is a mean over everything in a file, whatever that is. The board itself withdrew DROP, because the harness cut
# answers off at the first full stop and counted right numbers as wrong.
IGNORED = frozenset({"all", "harness|drop|3"})
KNOWN = IGNORED | {task.task for task in TASKS} - {MMLU} | set(SUBJECT_TASKS)


@dataclass(frozen=True)
class _Run:
    """One evaluation of a model."""

    repo: str
    evaluated_on: date
    variant: str
    results: Row


def fetch(settings: Settings, endpoint: str, origin: str) -> tuple[Capture, bool] | None:
    """Capture the result files that changed; see `capture_documents`."""
    client = HubClient(settings, endpoint)
    return capture_documents(settings, client, origin, SOURCE, DATASET, "", lambda path: bool(PATH.fullmatch(path)))


def parse(capture: Capture) -> Iterator[Part]:
    """One part a result file; one that is gone comes without rows."""
    for document in captured_documents(capture):
        part = Part(document.path, SOURCE, capture.manifest.capture_id)
        try:
            _read(part, _run(document))
        except Unreadable as error:
            part.refuse_all(str(error), (document.content or b"")[:EXCERPT].decode("utf-8", "replace"))
        yield part
    for path in removed_documents(capture):
        yield Part(path, SOURCE, capture.manifest.capture_id)


def _run(document: Document) -> _Run:
    repo, moment, evaluated_on = _named(document.path)
    body = json_object(document)
    config, results = body.get("config_general"), body.get("results")
    if not isinstance(config, dict) or not isinstance(results, dict):
        raise Unreadable("document without config_general and results")
    if config.get("model_name") != repo:
        raise Unreadable("model_name is not the repository that the path names")
    if config.get("max_samples") is not None:
        raise Unreadable("only some questions of each task were asked")
    words = (config.get(key) for key in ("model_sha", "model_dtype"))
    told = [word for word in words if isinstance(word, str) and WORD.fullmatch(word)]
    return _Run(repo, evaluated_on, " ".join([moment, *told]), results)


def _named(path: str) -> tuple[str, str, date]:
    """Repository, moment as written and day, from a path."""
    found = PATH.fullmatch(path)
    repo, moment = found.groups() if found else ("", "")
    if not REPO.fullmatch(repo):
        raise Unreadable("path names no repository")
    return repo, moment, day_in_name(moment)


def _read(part: Part, run: _Run) -> None:
    part.read = 1
    for name in run.results:
        if name not in KNOWN:
            part.refuse("score", run.repo, "task is none of the board", {name: run.results[name]})
    scores: list[Row] = []
    for task in TASKS:
        try:
            found = _mean(run.results) if task.task == MMLU else _score(run.results, task)
        except Unreadable as error:
            part.refuse("score", run.repo, f"{task.name}: {error}", run.results.get(task.task))
            continue
        if found is not None:
            value, stderr = found
            scores.append({"series_id": f"{SOURCE}--{task.key}", "value": value, "stderr": stderr})
    if not scores:
        return
    shared = {
        "part": part.name, "model": run.repo, "variant": run.variant, "evaluated_on": run.evaluated_on, "tier": "C",
        "self_reported": False, "doubtful": False, "source_name": TITLE,
        "source_url": f"{URL}/blob/main/{quote(part.name)}", "note": NOTE,
    }  # fmt: skip
    organisation = run.repo.partition("/")[0] if "/" in run.repo else None
    part.add("board_scores", [shared | score for score in scores])
    part.add("board_series", [SERIES[score["series_id"]] for score in scores])
    part.add(
        "board_models",
        [{"model": run.repo, "hub_id": run.repo, "organisation": organisation, "access": "unknown"}],
    )


def _score(results: Row, task: Task) -> tuple[float, float | None] | None:
    """Value and standard error of a task; None where the file did not run it."""
    if task.task not in results:
        return None
    metrics = results[task.task]
    if not isinstance(metrics, dict):
        raise Unreadable(f"result is a {type(metrics).__name__}")
    error, _ = number(metrics.get(f"{task.metric}_stderr"))
    return _share(metrics.get(task.metric)), error if error is not None and error >= 0 else None


def _mean(results: Row) -> tuple[float, None] | None:
    """The mean over all subjects: over fewer it would be another benchmark."""
    there = [name for name in SUBJECT_TASKS if name in results]
    if not there:
        return None
    if len(there) < len(SUBJECT_TASKS):
        raise Unreadable(f"{len(SUBJECT_TASKS) - len(there)} of {len(SUBJECT_TASKS)} subjects are missing")
    shares = []
    for name in there:
        metrics = results[name]
        try:
            shares.append(_share(metrics.get("acc") if isinstance(metrics, dict) else None))
        except Unreadable as error:
            raise Unreadable(f"{name}: {error}") from error
    return math.fsum(shares) / len(shares), None


def _share(stated: Any) -> float:
    value, reason = number(stated)
    if value is None:
        raise Unreadable(reason)
    if not 0 <= value <= 1:
        raise Unreadable("value outside its scale")
    return value


SERIES: dict[str, Row] = {
    f"{SOURCE}--{task.key}": {
        "series_id": f"{SOURCE}--{task.key}", "benchmark_id": f"{SOURCE}_{task.key}",
        "benchmark_name": f"{task.name} ({TITLE})", **Name.of("board", TITLE, part=task.name).columns,
        "protocol": task.protocol, "evaluator": f"Hugging Face, {TITLE}",
        "comparability": "same_evaluator", "unit": "fraction", "direction": "higher", "chance": task.chance,
        "ceiling": 1.0, "source_name": TITLE, "source_url": URL,
    }
    for task in TASKS
}  # fmt: skip
BOARD = Board(SOURCE, f"{TITLE} (Hugging Face, frozen June 2024)", URL, LICENCE, parse, fetch)
