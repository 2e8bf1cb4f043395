"""Scores filed with a repository under `.eval_results/`, as the Hub lists them: one row each, or a reason why not.

An entry names a benchmark's dataset and task, and a number without a scale: 20.90 stands beside 0.412. Its unit is
accepted where the task or the benchmark proves it, as `identity.units` has it.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pipeline.identity.benchmarks import Name, unit_of
from pipeline.identity.names import fingerprint, slug
from pipeline.identity.units import SHARES, Metric, Proof, direction, prove, prove_in
from pipeline.sources.quarantine import Refused, Unreadable

KIND = "eval result"
VERIFIED, REPORTED = "Hugging Face, run on its own machines", "whoever filed the result"


def eval_results(repo: str, listed: object) -> tuple[list[dict[str, Any]], list[Refused]]:
    """Read the entries of one repository.

    Args:
        repo: id of the repository.
        listed: its `evalResults` as received; any type.

    Returns:
        Kept rows (columns of METRIC_COLUMNS but capture_id), and refused (kind, reason, payload): every entry is in one
        of the two.
    """
    if not isinstance(listed, list):
        return [], [(KIND, f"evalResults is a {type(listed).__name__}", listed)]
    kept: dict[str, dict[str, Any]] = {}
    refused: list[Refused] = []
    for entry in listed:
        try:
            row = _row(repo, entry)
            if row["fact_id"] in kept:
                raise Unreadable("repeats a result of the same repository")
            kept[row["fact_id"]] = row
        except Unreadable as error:
            refused.append((KIND, str(error), entry))
    return list(kept.values()), refused


def _row(repo: str, entry: object) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise Unreadable(f"entry is a {type(entry).__name__}")
    if "error" in entry:
        raise Unreadable("placeholder of a file that could not be read")
    data = entry.get("data")
    dataset = data.get("dataset") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(dataset, dict):
        raise Unreadable("entry without data and dataset")
    benchmark, task = (_word(dataset, name) for name in ("id", "task_id"))
    named = Name.of("dataset", benchmark, part=task)
    proof = _proof(named, task, data.get("value"))
    if proof.value is None or proof.unit is None:
        raise Unreadable(proof.reason)
    revision = dataset.get("revision")
    verified = entry.get("verified") is True
    protocol = f"task {task}" + (f", revision {revision}" if isinstance(revision, str) and revision else "")
    board = "verified" if verified else "filed"
    stated = data.get("source")
    source = stated if isinstance(stated, dict) else {}
    url = source.get("url")
    url = url if isinstance(url, str) and url.startswith("https://") else f"https://huggingface.co/{repo}"
    evaluated_on = _day(data.get("date"))
    series = f"{slug(f'hub {benchmark}')}--{board}--{fingerprint(benchmark, protocol, proof.unit, board)}"
    return {
        "fact_id": fingerprint(KIND, repo, entry.get("filename"), series, proof.value, evaluated_on),
        "repo_id": repo,
        "index_name": repo,
        "benchmark_id": slug(f"hub {benchmark}"),
        "benchmark_name": benchmark,
        **named.columns,
        "protocol": protocol,
        "evaluator": VERIFIED if verified else REPORTED,
        "comparability": "same_evaluator" if verified else "loose",
        "series_id": series,
        "value": proof.value,
        "unit": proof.unit,
        "direction": direction(task),
        "tier": "C" if verified else "D",
        # A result may be filed by anybody: only one that names the repository itself as its source is its own.
        "self_reported": False if verified else True if f"huggingface.co/{repo}" in url else None,
        "source_name": source.get("name") if isinstance(source.get("name"), str) else None,
        "source_url": url,
        "evaluated_on": evaluated_on,
    }


def _proof(named: Name, task: str, value: object) -> Proof:
    """A task that counts percent says so, a known benchmark has its unit, any other is read like a metric of a card."""
    if "%" in task:
        plain = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100
        return prove_in("percent", f"{value:f}%" if plain else value)
    unit = unit_of(named)
    if unit is not None:
        return prove_in(unit, value)
    words = [task, *re.split(r"[^a-z0-9@]+", task.lower())]
    metric = next((word for word in words if SHARES.match(word.lower())), task)
    return prove([Metric(metric, value, named.name, "")], trainer_card=False)[0]


def _word(dataset: dict[str, Any], name: str) -> str:
    value = dataset.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > 200:
        raise Unreadable(f"dataset without a usable {name}")
    return value.strip()


def _day(value: object) -> date | None:
    if value is None:
        return None
    try:
        day = datetime.fromisoformat(value).date() if isinstance(value, str) else None
    except ValueError:
        day = None
    if day is None:
        raise Unreadable("date is no date")
    if day > datetime.now(UTC).date() + timedelta(days=1):
        raise Unreadable("date lies in the future")
    return day
