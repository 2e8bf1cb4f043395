"""Every Eval Ever: results of evaluations that many people filed in one format, each a small JSON document.

A record says who evaluated which model with what, and each of its results on which scale it stands. Nothing is
rescaled: a result whose scale is not stated is put aside. Results are of one series only where benchmark, metric,
evaluator, library and the stated protocol are the same; what a record does not state counts as a protocol of its own.
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

from pipeline.captures import Capture
from pipeline.identity.benchmarks import Name
from pipeline.identity.names import fingerprint, slug
from pipeline.identity.units import number
from pipeline.settings import Settings
from pipeline.sources.board import Board, Part, Row
from pipeline.sources.hub_client import HubClient
from pipeline.sources.hub_files import Document, capture_documents, captured_documents, json_object, removed_documents
from pipeline.sources.quarantine import EXCERPT, Unreadable, excerpt

SOURCE = "every_eval_ever"
TITLE = "Every Eval Ever (evaleval)"
DATASET = "evaleval/EEE_datastore"
FOLDER = "data"
URL = f"https://huggingface.co/datasets/{DATASET}"
LICENCE = "MIT (evaleval/every_eval_ever); each record names its own source"
MAX_TEXT = 200
MAX_URL = 500
MAX_COUNT = 10**12
MAX_PARAMS_B = 1e5
FORMAT = re.compile(r"0\.2\.\d{1,3}")
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+(/[!#-;=?-~]*)?")
# A date before this is a placeholder such as the start of the epoch.
FIRST_DAY = date(2015, 1, 1)
SCALES = {"fraction": (0.0, 1.0), "percent": (0.0, 100.0)}
UNITS = {"proportion": "fraction", "percent": "percent", "percentage": "percent", "elo": "elo"}
UNBOUNDED = {"Infinity": math.inf, "-Infinity": -math.inf}
"""How the format writes a bound that is none."""
RELATIONSHIPS = {"first_party": True, "third_party": False}
"""Who evaluated, and whether the score is the developer's own; for any other relationship that is not known."""
DETAILS = ("prompt_style", "n_shot", "n_shots", "num_shots", "num_fewshot", "num_few_shot", "fewshot", "few_shot")
"""What `additional_details`, which hold anything, may say of the protocol."""
ARGUMENTS = ("reasoning", "temperature")
LONG_ARGUMENTS = ("prompt_template", "agentic_eval_config")
"""Arguments that are told apart by their fingerprint, because they are too long to be written out."""
URL_KEYS = ("url", "source_url", "leaderboard_url", "leaderboard_space_url", "paper_url")
PARAMS_KEYS = ("size_billions_parameters", "params_billions")


@dataclass(frozen=True)
class _Record:
    """What all results of one document have in common."""

    model: str
    organisation: str
    relationship: str
    tier: str
    library: str
    source_name: str
    source_url: str
    evaluated: object
    variant: str


def fetch(settings: Settings, endpoint: str, origin: str) -> tuple[Capture, bool] | None:
    """Capture the records that changed; see `capture_documents`."""
    return capture_documents(settings, HubClient(settings, endpoint), origin, SOURCE, DATASET, FOLDER, wanted)


def wanted(path: str) -> bool:
    """Whether a path may be a record; answers to single questions lie beside them and are not needed."""
    return path.endswith(".json") and not path.endswith("_samples.json")


def parse(capture: Capture) -> Iterator[Part]:
    """One part a document; one that is gone comes without rows."""
    for document in captured_documents(capture):
        part = Part(document.path, SOURCE, capture.manifest.capture_id)
        try:
            _read(part, document)
        except Unreadable as error:
            part.refuse_all(str(error), (document.content or b"")[:EXCERPT].decode("utf-8", "replace"))
        yield part
    for path in removed_documents(capture):
        yield Part(path, SOURCE, capture.manifest.capture_id)


def _read(part: Part, document: Document) -> None:
    if not document.path.isprintable():
        raise Unreadable("path has characters that no path needs")
    body = json_object(document)
    version, results = body.get("schema_version"), body.get("evaluation_results")
    if not isinstance(version, str) or not FORMAT.fullmatch(version):
        raise Unreadable("document is no record of a known format (0.2)")
    if not isinstance(results, list):
        raise Unreadable("record without a list of results")
    record, model = _record(body, document.path), _model(body)
    part.read = 1
    found: dict[str, list[tuple[object, Row, Row]]] = defaultdict(list)
    for result in results:
        try:
            score, series = _result(record, result)
        except Unreadable as error:
            part.refuse("score", record.model, str(error), result)
        except RecursionError:
            part.refuse("score", record.model, "result is nested too deeply", result)
        else:
            found[series["series_id"]].append((result, score, series))
    kept: list[tuple[Row, Row]] = []
    for same in found.values():
        # Two values for what nothing tells apart: neither is proven.
        differ = len({score["value"] for _, score, _ in same}) > 1
        kept += [] if differ else [same[0][1:]]
        reason = "record states several values for one thing" if differ else "repeats a result of the same record"
        for result, _, _ in same if differ else same[1:]:
            part.refuse("score", record.model, reason, result)
    if kept:
        part.add("board_scores", [{"part": part.name} | score for score, _ in kept])
        part.add("board_series", [series for _, series in kept])
        part.add("board_models", [model])


def _record(body: Row, path: str) -> _Record:
    source, library = _object(body, "source_metadata"), _object(body, "eval_library")
    organisation = _text(source, "source_organization_name")
    if organisation is None:
        raise Unreadable("record without a usable source_organization_name")
    relationship, kind = source.get("evaluator_relationship"), source.get("source_type")
    match relationship, kind:
        case "third_party", "evaluation_run":
            tier = "C"
        case "first_party", _:
            tier = "A"
        case _:
            tier = "E"  # what a third party published, and who copied it
    stated = _object(source, "additional_details")
    urls = [source.get("source_organization_url"), *(stated.get(key) for key in URL_KEYS)]
    return _Record(
        model=_model_id(body),
        organisation=organisation,
        relationship=relationship if isinstance(relationship, str) and relationship in RELATIONSHIPS else "other",
        tier=tier,
        library=" ".join(_text(library, key) or "not stated" for key in ("name", "version")) if library else "",
        source_name=_text(source, "source_name") or organisation,
        source_url=next(filter(None, map(_address, urls)), f"{URL}/blob/main/{quote(path)}"),
        evaluated=body.get("evaluation_timestamp"),
        variant=path,
    )


def _model_id(body: Row) -> str:
    model = _text(_object(body, "model_info"), "id")
    if model is None or set("<>") & set(model):
        raise Unreadable("record without a usable model id")
    return model


def _model(body: Row) -> Row:
    info, name = _object(body, "model_info"), _model_id(body)
    stated = _object(info, "additional_details")
    sizes = [_size(stated.get(key)) for key in PARAMS_KEYS]
    return {
        "model": name,
        "hub_id": name if HUB_ID.fullmatch(name) else None,
        "organisation": _text(info, "developer"),
        "access": "unknown",
        "params_b": next((size for size in sizes if size is not None), None),
    }


def _result(record: _Record, result: object) -> tuple[Row, Row]:
    """A score without its part, and its series.

    Raises:
        Unreadable: why it is none.
    """
    if not isinstance(result, dict):
        raise Unreadable(f"result is a {type(result).__name__}")
    metric, details = _object(result, "metric_config"), _object(result, "score_details")
    value, unit = _value(metric, details.get("score"))
    series = _series(record, result, metric, unit)
    stated = result.get("evaluation_timestamp")
    uncertainty = _lenient(details, "uncertainty")
    interval = _lenient(uncertainty, "confidence_interval")
    low, high = number(interval.get("lower"))[0], number(interval.get("upper"))[0]
    # Some write the distances to the ends instead of the ends: such an interval does not hold its own score.
    holds = low is not None and high is not None and low <= value <= high
    level = number(interval.get("confidence_level"))[0] if holds else None
    error = number(_lenient(uncertainty, "standard_error").get("value"))[0]
    score = {
        "model": record.model, "series_id": series["series_id"], "variant": record.variant, "value": value,
        "ci_lo": low if holds else None, "ci_hi": high if holds else None,
        "stderr": error if error is not None and error >= 0 else None, "n": _count(uncertainty.get("num_samples")),
        "evaluated_on": _day(record.evaluated if stated is None else stated), "tier": record.tier,
        "self_reported": RELATIONSHIPS.get(record.relationship), "doubtful": False,
        "source_name": record.source_name, "source_url": record.source_url,
        "note": None if level is None else f"interval at level {level:g}",
    }  # fmt: skip
    return score, series


def _value(metric: Row, score: object) -> tuple[float, str]:
    """Value and unit, as far as the metric states its scale."""
    if metric.get("has_unknown_level") is True and score == -1:
        raise Unreadable("unknown level")
    kind = metric.get("score_type")
    # The format reads a score without a type as one of levels where it names some.
    if kind == "levels" or (kind is None and metric.get("level_names") is not None):
        raise Unreadable("unit not proven: score is a level")
    if kind is not None and kind not in ("binary", "continuous"):
        raise Unreadable("score_type is not known")
    value, reason = number(score)
    if value is None:
        raise Unreadable(reason)
    low, high = _bound(metric, "min_score"), _bound(metric, "max_score")
    unit = _unit(metric, low, high)
    _check_bounds(unit, low, high)
    least, most = SCALES.get(unit, (-math.inf, math.inf))
    bounds = max(least, least if low is None else low), min(most, most if high is None else high)
    if not bounds[0] <= value <= bounds[1]:
        raise Unreadable("value outside its scale")
    return value, unit


def _unit(metric: Row, low: float | None, high: float | None) -> str:
    stated, kind = (_word(metric, name) for name in ("metric_unit", "metric_kind"))
    unit = UNITS.get(stated)
    if kind == "elo" or unit == "elo":
        # Points are what an Elo rating is counted in.
        if stated not in {"", "points", "elo"}:
            raise Unreadable("unit not proven: metric_unit and metric_kind contradict each other")
        return "elo"
    if unit is not None:
        return unit
    if stated:
        raise Unreadable("unit not proven: metric_unit is none of proportion, percent, elo")
    for name, scale in SCALES.items():
        if (low, high) == scale:
            return name
    raise Unreadable("unit not proven: neither unit nor scale stated")


def _check_bounds(unit: str, low: float | None, high: float | None) -> None:
    if low is not None and high is not None and low >= high:
        raise Unreadable("bounds contradict each other")
    match unit:
        case "fraction":
            wrong = (low is not None and low < 0) or (high is not None and high > 1)
        case "percent":
            wrong = (low is not None and low < 0) or (high is not None and not 1 < high <= 100)
        case _:
            wrong = high is not None and high <= 100
    if wrong:
        raise Unreadable("unit and bounds contradict each other")


def _bound(metric: Row, name: str) -> float | None:
    stated = metric.get(name)
    if isinstance(stated, str):
        bound = UNBOUNDED.get(stated)
    elif isinstance(stated, float) and math.isinf(stated):
        bound = stated
    else:
        bound, _ = number(stated)
    if bound is None and stated is not None:
        raise Unreadable(f"{name} is no number")
    return bound


def _series(record: _Record, result: Row, metric: Row, unit: str) -> Row:
    data, generation = _object(result, "source_data"), _object(result, "generation_config")
    arguments = _object(generation, "generation_args")
    name, dataset = _text(result, "evaluation_name"), _text(data, "dataset_name")
    if name is None:
        raise Unreadable("result without a usable evaluation_name")
    if dataset is None:
        raise Unreadable("result without a usable dataset_name")
    if not isinstance(metric.get("lower_is_better"), bool):
        raise Unreadable("direction not stated")
    direction = "lower" if metric["lower_is_better"] else "higher"
    named = [_text(metric, key) for key in ("metric_name", "metric_id", "metric_kind")]
    # Early records name their metric only in the description of the evaluation.
    described = None if any(named) else metric.get("evaluation_description")
    places = [_object(place, "additional_details") for place in (data, metric, generation)]
    words = {key: sorted({_said(place[key]) for place in places if _is_said(place, key)}) for key in DETAILS}
    words |= {key: [_said(arguments[key])] for key in ARGUMENTS if _is_said(arguments, key)}
    words |= {key: [_digest(arguments[key])] for key in LONG_ARGUMENTS if _is_said(arguments, key)}
    shown = {
        "metric": [next(filter(None, named), None) or _said(described or "not stated")],
        "split": [_said(data["hf_split"])] if _is_said(data, "hf_split") else [],
        **words,
        "judged by": [_digest(metric["llm_scoring"])] if _is_said(metric, "llm_scoring") else [],
        "library": [record.library or "not stated"],
    }
    protocol = ", ".join(f"{key.replace('_', ' ')} {' / '.join(said)}" for key, said in shown.items() if said)
    repo = _said(data["hf_repo"]) if _is_said(data, "hf_repo") else ""
    mark = fingerprint(record.source_name, dataset, repo, name, length=8)
    benchmark = f"{slug(f'eee {record.source_name} {name}')}_{mark}"
    same = "same_evaluator" if record.relationship == "third_party" else "loose"
    told = _digest([dataset, repo, named, described, unit, direction, record.organisation, same, shown])
    return {
        "series_id": f"{benchmark}--{told}", "benchmark_id": benchmark, "benchmark_name": name,
        **Name.of("record", name, part=repo or dataset).columns, "protocol": protocol,
        "evaluator": record.organisation, "comparability": same, "unit": unit, "direction": direction,
        "ceiling": SCALES[unit][1] if unit in SCALES and direction == "higher" else None,
        "source_name": TITLE, "source_url": URL,
    }  # fmt: skip


def _object(holder: Row, name: str) -> Row:
    found = holder.get(name)
    if found is not None and not isinstance(found, dict):
        raise Unreadable(f"{name} is a {type(found).__name__}")
    return found or {}


def _lenient(holder: Row, name: str) -> Row:
    found = holder.get(name)
    return found if isinstance(found, dict) else {}


def _text(holder: Row, name: str, limit: int = MAX_TEXT) -> str | None:
    """A text of one printable line; None for anything else."""
    found = holder.get(name)
    text = found.strip() if isinstance(found, str) else ""
    return text if 0 < len(text) <= limit and text.isprintable() else None


def _word(metric: Row, name: str) -> str:
    found = metric.get(name)
    if found is not None and not isinstance(found, str):
        raise Unreadable(f"{name} is a {type(found).__name__}")
    return (found or "").strip().lower()


def _is_said(holder: Row, name: str) -> bool:
    return holder.get(name) not in (None, "")


def _said(value: object) -> str:
    """A value in few words, the same for 0, 0.0 and the text 0; long ones end in their fingerprint."""
    plain, _ = number(value)
    text = f"{plain:g}" if plain is not None else excerpt(value.strip() if isinstance(value, str) else value)
    return text if len(text) <= 60 else f"{text[:40]} {_digest(value)}"


def _digest(value: object) -> str:
    return fingerprint(json.dumps(value, sort_keys=True))


def _address(value: object) -> str | None:
    return value if isinstance(value, str) and len(value) <= MAX_URL and ADDRESS.fullmatch(value) else None


def _size(value: Any) -> float | None:
    if isinstance(value, str) and re.fullmatch(r"\d{1,6}(\.\d{1,9})?", value):
        value = float(value)
    size, _ = number(value)
    return size if size is not None and 0 < size <= MAX_PARAMS_B else None


def _count(value: object) -> int | None:
    count, _ = number(value)
    return int(count) if count is not None and 0 < count <= MAX_COUNT and count == int(count) else None


def _day(stated: object) -> date | None:
    """The day of a time in seconds since 1970 or in ISO form; None where none is stated."""
    if stated is None:
        return None
    seconds = float(stated) if isinstance(stated, str) and re.fullmatch(r"\d{1,20}(\.\d{1,9})?", stated) else None
    seconds = number(stated)[0] if seconds is None else seconds
    try:
        if seconds is not None:
            day = datetime.fromtimestamp(seconds, UTC).date()
        else:
            day = datetime.fromisoformat(str(stated).strip()).date()
    except (ValueError, OverflowError, OSError) as error:
        raise Unreadable("evaluation_timestamp is no time") from error
    if day > datetime.now(UTC).date() + timedelta(days=1):
        raise Unreadable("evaluation_timestamp lies in the future")
    if day < FIRST_DAY:
        raise Unreadable("evaluation_timestamp lies before 2015")
    return day


BOARD = Board(SOURCE, TITLE, URL, LICENCE, parse, fetch)
