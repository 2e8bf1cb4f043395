"""Result files of lm-evaluation-harness as scores: the one reader for those of others and for the project's own.

A score is believed where all questions were asked and its scale is that of its metric by definition. Series never mix
eras, whose prompts differ, nor versions of a task, metrics, filters, shots, chat templates or evaluators. What a field
of a file means does not belong here.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.identity.benchmarks import Name
from pipeline.identity.names import fingerprint, slug
from pipeline.identity.normalise import CHOICES, open_llm_v2
from pipeline.identity.units import POINTS, SHARES, UNKNOWN_SCALE, direction, number
from pipeline.sources import harness_eras, open_llm_leaderboard
from pipeline.sources.board import Part, Row
from pipeline.sources.harness_eras import LIGHTEVAL, NEW, OLD, Result, Run
from pipeline.sources.hub_files import Document, json_object
from pipeline.sources.quarantine import Unreadable

SMOKE = "smoke test of the pipeline: it says nothing of a model"
"""Note of scores that show that evaluating works; `staging.scores` leaves them out of everything."""
DERIVED = "worked out from the tasks of one file"
OWN_CODE = frozenset({"f1", "macro_f1", "micro_f1", "f1_macro", "f1_weighted", "precision", "recall", "ap"})
"""Shares by definition, unless the task works them out by code of its own: some do on a scale up to 100."""
AGGREGATIONS = frozenset({"mean", "nanmean", "median", "f1", "weighted_perplexity", "perplexity", "bits_per_byte"})
GUESSED = frozenset({"acc", "acc_norm"})
"""Metrics of tasks with a choice of answers that guessing scores one answer in so many on."""
V2_METRICS = {"bbh": "acc_norm", "gpqa": "acc_norm", "musr": "acc_norm", "mmlu_pro": "acc",
              "math_level_5": "exact_match"}  # fmt: skip
V2_SHOTS = {"bbh": 3, "gpqa": 0, "musr": 0, "mmlu_pro": 5, "math_level_5": 4}
V2_PARTS = {"bbh": "BBH", "gpqa": "GPQA", "musr": "MUSR", "mmlu_pro": "MMLU-PRO", "math_level_5": "MATH Lvl 5"}
MOST_LETTERS = 200
MOST_SETTINGS = 2000
"""The most characters of one setting: longer ones say nothing that a person would read, and stand in every row."""
MMLU = "hendrycksTest"
"""MMLU before version 0.4, one task a subject."""
SUBJECTS = 57


@dataclass(frozen=True)
class Written:
    """Who ran what a file is about, and where it stands.

    Attributes:
        evaluator: who ran the harness.
        organisation: their name on the Hub: what they say of models of their own is self-reported.
        source_name: who publishes the file.
        source_url: where it is public.
        smoke: it is a test of the pipeline.
        datasets: commit of each dataset that was read, where known.
        settings: what is known of the run beyond the file, in the terms of `settings_of`.
        model: the repository that was evaluated, where it is known better than by the file; a server has its own names.
    """

    evaluator: str
    organisation: str
    source_name: str
    source_url: str
    smoke: bool = False
    datasets: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    model: str | None = None


def read(part: Part, document: Document, written: Written) -> None:
    """Add the scores of one result file to a part; what cannot be believed is put aside one by one.

    Raises:
        Unreadable: why the file as a whole is none.
    """
    run = harness_eras.read(json_object(document), document.path, written.model)
    results = list(run.results)
    part.read = 1
    kept: list[tuple[Result, float, str]] = []
    for result in results:
        try:
            _check_words(result)
            _check_whole(run, result)
            value, unit = _value(result)
        except Unreadable as error:
            said = {"value": result.value, "n": result.n, "limit": run.limit}
            part.refuse("score", f"{run.model} {result.task} {result.metric}", str(error), said)
        else:
            kept.append((result, value, unit))
    scores = [_score(run, written, *one) for one in kept]
    scores += _mmlu(run, written, kept) + _open_llm_v2(run, written, kept)
    if not scores:
        return
    part.add("board_scores", [{"part": part.name} | score for score, _ in scores])
    part.add("board_series", [series for _, series in scores])
    hub_id = run.hub_id
    organisation = hub_id.partition("/")[0] if hub_id and "/" in hub_id else None
    part.add(
        "board_models", [{"model": run.model, "hub_id": hub_id, "organisation": organisation, "access": "unknown"}]
    )


def settings_of(run: Run, result: Result, written: Written) -> Row:
    """How a score came about, as far as known: the columns of `staging.evaluations`."""
    config, body = result.config, run.body
    seeds = {name: run.config.get(f"{name}_seed") for name in ("random", "numpy", "torch", "fewshot")}
    found = {
        "era": run.era.key, "harness": run.version, "backend": run.backend, "task": result.task,
        "task_version": result.version, "config_hash": config_hash(config),
        "task_hash": harness_eras.of_task(body, "task_hashes", result.task), "dataset": config.get("dataset_path"),
        "dataset_name": config.get("dataset_name"), "metric": result.metric, "filter": result.filter,
        "higher_is_better": result.higher, "shots": result.shots, "n": result.n, "n_original": result.n_original,
        "limit": run.limit, "dtype": run.dtype, "quantised": run.packed, "batch_size": run.config.get("batch_size"),
        "max_length": body.get("max_length"), "seeds": seeds if any(seeds.values()) else None,
        "chat_template_sha": run.chat_template_sha, "multiturn": body.get("fewshot_as_multiturn"),
        "system_instruction_sha": body.get("system_instruction_sha"), "gen_kwargs": run.config.get("gen_kwargs"),
        "parameters": run.config.get("model_num_parameters"),
    }  # fmt: skip
    return found | dict(written.settings)


def config_hash(config: Mapping[str, Any]) -> str | None:
    """Identity of a task's settings, but for where they lay and with which model they were used."""
    if not config:
        return None
    told = {key: value for key, value in config.items() if key != "metadata"}
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _check_words(result: Result) -> None:
    """Refuse names that would stand in pages and tables and are none."""
    for word in (result.task, result.metric, result.filter, result.version or ""):
        if len(word) > MOST_LETTERS or not word.isprintable() or set("<>") & set(word):
            raise Unreadable("result without a usable name of its task, metric, filter or version")


def _check_whole(run: Run, result: Result) -> None:
    if run.limit is not None:
        raise Unreadable("only some questions were asked: the run had a limit")
    if result.n is not None and result.n_original is not None and result.n < result.n_original:
        raise Unreadable("only some questions were asked")


def _value(result: Result) -> tuple[float, str]:
    """Value and unit.

    Raises:
        Unreadable: why neither is proven.
    """
    metric = result.metric.strip().lower()
    if metric == "bypass":
        raise Unreadable("bypass: the task was run without being scored")
    value, reason = number(result.value)
    if value is None:
        raise Unreadable(reason)
    if POINTS.match(metric):
        return value, "points"
    if not SHARES.match(metric):
        raise Unreadable(UNKNOWN_SCALE)
    if metric in OWN_CODE and not _plain(result):
        raise Unreadable("unit not proven: the task works the metric out by code of its own")
    if not 0 <= value <= 1:
        raise Unreadable("value outside its scale")
    return value, "fraction"


def _plain(result: Result) -> bool:
    """Whether the harness itself puts the answers of a task together for this metric."""
    listed = result.config.get("metric_list")
    for metric in listed if isinstance(listed, list) else []:
        if isinstance(metric, dict) and metric.get("metric") == result.metric:
            how = metric.get("aggregation")
            return isinstance(how, str) and how in AGGREGATIONS
    return False


def _score(run: Run, written: Written, result: Result, value: float, unit: str) -> tuple[Row, Row]:
    """A score without its part, and its series."""
    words = [
        f"{result.shots}-shot" if result.shots is not None else "",
        result.metric,
        f"filter {result.filter}" if result.filter != "none" else "",
        run.era.words,
        f"task version {result.version}" if result.version else "",
        *_asked(run),
    ]
    higher = direction(result.metric) == "higher" if result.higher is None else result.higher
    # The end of a scale is the best possible score only where more is better.
    series = _series(
        written,
        # A perplexity is not the benchmark that accuracy on the same texts is.
        Name.of("task", result.task, part=None if unit == "fraction" else result.metric),
        [word for word in words if word],
        unit=unit,
        direction="higher" if higher else "lower",
        chance=_chance(result),
        ceiling=1.0 if unit == "fraction" and higher else None,
    )
    return _row(run, written, series, value, settings_of(run, result, written), result.stderr, result.n), series


def _asked(run: Run) -> list[str]:
    """What a run changed for all its tasks, in words of a protocol."""
    body, extra = run.body, run.config.get("gen_kwargs")
    chat = run.chat_template_sha is not None
    thinking = run.arguments.get("enable_thinking")
    return [
        "chat template" if chat else "",
        "examples as turns" if chat and body.get("fewshot_as_multiturn") is True else "",
        f"system instruction {_short(body['system_instruction_sha'])}" if body.get("system_instruction_sha") else "",
        f"generation arguments {_short(extra)}" if extra else "",
        {True: "thinking", "True": "thinking", False: "non-thinking", "False": "non-thinking"}.get(thinking, "")
        if isinstance(thinking, bool | str)
        else "",
    ]


def _short(told: object) -> str:
    """A word for something of any length; of a hash its beginning."""
    if isinstance(told, str) and re.fullmatch("[0-9a-f]{8,}", told):
        return told[:8]
    return fingerprint(json.dumps(told, sort_keys=True), length=8)


def _series(written: Written, name: Name, words: list[str], **scale: Any) -> Row:
    if written.smoke:
        words = ["smoke test", *words]
    protocol = ", ".join(word for word in words if word)
    mark = fingerprint(*name.key, length=8)
    benchmark = f"task_{slug(' '.join(filter(None, (name.name, name.part))), 40)}_{mark}"
    told = fingerprint(written.evaluator, protocol, scale["unit"], scale["direction"])
    return {
        "series_id": f"{benchmark}--{told}", "benchmark_id": benchmark,
        "benchmark_name": " ".join(filter(None, (name.name, name.part))), **name.columns, "protocol": protocol,
        "evaluator": written.evaluator, "comparability": "same_evaluator", **scale,
        "source_name": written.source_name, "source_url": written.source_url.partition("/blob/")[0],
    }  # fmt: skip


def _row(
    run: Run,
    written: Written,
    series: Row,
    value: float,
    settings: Row,
    stderr: float | None = None,
    n: int | None = None,
    derived: bool = False,
) -> Row:
    own = run.hub_id is not None and run.hub_id.partition("/")[0].lower() == written.organisation.lower()
    notes = [
        SMOKE if written.smoke else "",
        f"quantised on loading: {run.packed}" if run.packed else "",
        DERIVED if derived else "",
        "dated by the name of the file, in a time zone that it does not state" if run.dated_by_name else "",
    ]
    dataset = settings.get("dataset")
    told = [run.revision, run.dtype, run.packed, run.backend]
    return {
        "model": run.model, "series_id": series["series_id"], "variant": " ".join(filter(None, told)) or None,
        "value": value, "stderr": stderr, "n": n, "evaluated_on": run.evaluated_on,
        "tier": "A" if own else "C", "self_reported": own, "doubtful": written.smoke or run.packed is not None,
        "source_name": written.source_name, "source_url": written.source_url,
        "note": "; ".join(filter(None, notes)) or None,
        "model_revision": settings.get("model_revision", run.revision),
        "dataset_revision": written.datasets.get(dataset) if isinstance(dataset, str) else None,
        "settings": json.dumps(_small(settings), sort_keys=True, default=str),
    }  # fmt: skip


def _small(settings: Row) -> Row:
    """What is said of a run, without what is missing or longer than anybody reads."""
    stated = {name: value for name, value in settings.items() if value is not None}
    return {name: value for name, value in stated.items() if len(json.dumps(value, default=str)) <= MOST_SETTINGS}


def _mmlu(run: Run, written: Written, kept: list[tuple[Result, float, str]]) -> list[tuple[Row, Row]]:
    """MMLU of a file from before 0.4, which has its subjects only: over fewer it would be another benchmark."""
    found = [(one, value) for one, value, _ in kept if one.task.startswith(f"{MMLU}-") and one.metric == "acc"]
    asked = {one.shots for one, _ in found}
    if run.era not in (OLD, LIGHTEVAL) or len(found) != SUBJECTS or len(asked) != 1:
        return []
    [shots] = asked
    words = [f"{shots}-shot" if shots is not None else "", "acc", f"unweighted mean over {SUBJECTS} subjects",
             run.era.words, _versions(one for one, _ in found)]  # fmt: skip
    scale = {"unit": "fraction", "direction": "higher", "chance": 0.25, "ceiling": 1.0}
    mean = math.fsum(value for _, value in found) / SUBJECTS
    return [_derived(run, written, Name.of("task", MMLU), words, mean, scale, shots)]


def _versions(results: Iterable[Result]) -> str:
    """Words for the version of tasks from which something is worked out."""
    found = sorted({result.version for result in results if result.version})
    return f"task version {'_'.join(found)[:40]}" if found else ""


def _open_llm_v2(
    run: Run,
    written: Written,
    kept: list[tuple[Result, float, str]],
) -> list[tuple[Row, Row]]:
    """What the second Open LLM Leaderboard would publish, of each of its benchmarks whose tasks are all there.

    Its IFEval is no figure of the harness, so that it is not among them.
    """
    if run.era is not NEW:
        return []
    plain = {(one.task, one.metric): (one, value) for one, value, _ in kept if one.filter == "none"}
    scale = {"unit": "percent", "direction": "higher", "chance": 0.0, "ceiling": 100.0}
    found = []
    for benchmark, metric in V2_METRICS.items():
        parts = [plain[task, metric] for task in CHOICES[benchmark] if (task, metric) in plain]
        value = open_llm_v2(benchmark, {one.task: share for one, share in parts})
        if value is None or {one.shots for one, _ in parts} != {V2_SHOTS[benchmark]}:
            continue
        name = Name.of("board", open_llm_leaderboard.TITLE, part=V2_PARTS[benchmark])
        words = [f"{V2_SHOTS[benchmark]}-shot", metric, "between chance (0) and the best possible one (100)"]
        told = [*words, run.era.words, _versions(one for one, _ in parts), *_asked(run)]
        found.append(_derived(run, written, name, told, value, scale, V2_SHOTS[benchmark]))
    return found


def _derived(
    run: Run, written: Written, name: Name, words: list[str], value: float, scale: Row, shots: int | None
) -> tuple[Row, Row]:
    series = _series(written, name, words, **scale)
    result = Result(" ".join(filter(None, (name.name, name.part))), words[1], "none", value, None, shots, None, None,
                    None)  # fmt: skip
    return _row(run, written, series, value, settings_of(run, result, written), derived=True), series


def _chance(result: Result) -> float | None:
    """The score of guessing, where the task names its answers."""
    choices: object = result.config.get("doc_to_choice")
    if result.config.get("output_type") != "multiple_choice" or result.metric not in GUESSED:
        return None
    return 1 / len(choices) if isinstance(choices, list) and len(choices) > 1 else None
