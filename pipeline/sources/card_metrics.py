"""Scores that a model card states in its `model-index`: one row a metric, or one reason why not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipeline.identity.benchmarks import Name
from pipeline.identity.names import fingerprint, slug
from pipeline.identity.units import Metric, direction, prove
from pipeline.sources.quarantine import Refused

METRIC_COLUMNS: dict[str, Any] = {
    "fact_id": pl.String, "repo_id": pl.String, "index_name": pl.String, "benchmark_id": pl.String,
    "benchmark_name": pl.String, "name_kind": pl.String, "name": pl.String, "title": pl.String, "part": pl.String,
    "protocol": pl.String, "evaluator": pl.String, "comparability": pl.String,
    "series_id": pl.String, "value": pl.Float64, "unit": pl.String, "direction": pl.String,
    "tier": pl.String, "self_reported": pl.Boolean, "source_name": pl.String, "source_url": pl.String,
    "evaluated_on": pl.Date,
    "capture_id": pl.String,
}  # fmt: skip
# Version 1 scored accuracies in percent; version 2 publishes percent normalised between chance and 100.
BOARDS = (
    ("open-llm-leaderboard/open_llm_leaderboard", "open_llm_leaderboard_v2", "Open LLM Leaderboard v2"),
    ("HuggingFaceH4/open_llm_leaderboard", "open_llm_leaderboard_v1", "Open LLM Leaderboard v1"),
)


@dataclass(frozen=True)
class _Found:
    """One metric with the result and the name it belongs to."""

    index_name: str
    dataset: dict[str, Any]
    metric: dict[str, Any]
    source_name: str
    source_url: str
    board: str
    evaluator: str

    @property
    def dataset_key(self) -> str:
        """What the card calls the benchmark: its dataset id, else its display name."""
        return str(self.dataset.get("type") or self.dataset.get("name") or "")

    @property
    def benchmark(self) -> Name:
        """The benchmark as the card names it; a board's own name for it where the number is a board's."""
        title = self.dataset.get("name")
        if self.board:
            return Name.of("board", self.evaluator, part=title)
        return Name.of("card", self.dataset_key, title, self.dataset.get("config"))

    @property
    def suite(self) -> str:
        """The board or suite whose one writer set the unit, if any."""
        name = str(self.dataset.get("name") or "")
        mteb = "mteb" in self.dataset_key.lower() or name.upper().startswith("MTEB")
        return self.board or ("mteb" if mteb else "")

    @property
    def metric_key(self) -> str:
        """What the card calls the metric."""
        return str(self.metric.get("type") or self.metric.get("name") or "")


def card_metrics(repo: str, index: object, trainer_card: bool) -> tuple[list[dict[str, Any]], list[Refused]]:
    """Read the metrics of one card.

    Args:
        repo: id of the repository.
        index: the card's `model-index` as received; any type.
        trainer_card: whether the transformers Trainer wrote the card.

    Returns:
        Kept rows (columns of METRIC_COLUMNS but capture_id), and refused (kind, reason, payload) with kind
        `card metric` for each metric and `card` for what holds no metric: every metric is in one of the two.
    """
    found, refused = _walk(repo, index)
    kept: dict[str, dict[str, Any]] = {}
    proofs = prove([Metric(f.metric_key, f.metric.get("value"), f.dataset_key, f.suite) for f in found], trainer_card)
    for one, proof in zip(found, proofs, strict=True):
        if proof.value is None or proof.unit is None:
            refused.append(("card metric", proof.reason, one.metric))
            continue
        row = _row(repo, one, proof.value, proof.unit)
        if row["fact_id"] in kept:
            refused.append(("card metric", "repeats a metric of the same card", one.metric))
            continue
        kept[row["fact_id"]] = row
    return list(kept.values()), refused


def _walk(repo: str, index: object) -> tuple[list[_Found], list[Refused]]:
    found: list[_Found] = []
    refused: list[Refused] = []
    if not isinstance(index, list):
        return found, [("card", f"model-index is a {type(index).__name__}", index)]
    for entry in index:
        results = entry.get("results") if isinstance(entry, dict) else None
        if not isinstance(results, list):
            refused.append(("card", "model-index entry without results", entry))
            continue
        for result in results:
            metrics = result.get("metrics") if isinstance(result, dict) else None
            if not isinstance(metrics, list):
                refused.append(("card", "result without metrics", result))
                continue
            for metric in metrics:
                try:
                    found.append(_found(str(entry.get("name") or repo), result, metric))
                except ValueError as error:
                    refused.append(("card metric", str(error), metric))
    return found, refused


def _found(index_name: str, result: dict[str, Any], metric: object) -> _Found:
    if not isinstance(metric, dict):
        raise ValueError(f"metric is a {type(metric).__name__}")
    dataset = result.get("dataset")
    if not isinstance(dataset, dict) or not (dataset.get("type") or dataset.get("name")):
        raise ValueError("result without a dataset")
    if not (metric.get("type") or metric.get("name")):
        raise ValueError("metric without a name")
    source = result.get("source")
    name, url = (source.get("name"), source.get("url")) if isinstance(source, dict) else (None, source)
    url = url if isinstance(url, str) and url.startswith("https://") else ""
    name = name if isinstance(name, str) else ""
    board, evaluator = "", "authors of the models"
    for mark, board_id, board_name in BOARDS:
        if mark in url:
            board, evaluator = board_id, board_name
    return _Found(index_name, dataset, metric, name, url, board, evaluator)


def _row(repo: str, one: _Found, value: float, unit: str) -> dict[str, Any]:
    dataset = one.dataset
    shots = dataset.get("args", {}).get("num_few_shot") if isinstance(dataset.get("args"), dict) else None
    parts = {
        "config": dataset.get("config"), "split": dataset.get("split"), "revision": dataset.get("revision"),
        "shots": shots, "metric": one.metric_key, "variant": one.metric.get("name"),
        "dataset": dataset.get("name") if dataset.get("type") else None,
    }  # fmt: skip
    protocol = ", ".join(
        f"{key} {item if isinstance(item, str) else json.dumps(item, default=str)}"
        for key, item in parts.items()
        if item not in (None, "")
    )
    benchmark = slug(f"card {one.dataset_key}")
    series = f"{benchmark}--{slug(one.board or 'card', 24)}--{fingerprint(one.dataset_key, protocol, unit, one.board)}"
    return {
        "fact_id": fingerprint("card metric", repo, one.index_name, series, value),
        "repo_id": repo,
        "index_name": one.index_name,
        "benchmark_id": benchmark,
        "benchmark_name": one.dataset_key,
        **one.benchmark.columns,
        "protocol": protocol,
        "evaluator": one.evaluator,
        # Authors run their own protocols: their numbers are shown, never mixed into a headline.
        "comparability": "same_evaluator" if one.board else "loose",
        "series_id": series,
        "value": value,
        "unit": unit,
        "direction": direction(one.metric_key),
        "tier": "C" if one.board else "D",
        "self_reported": not one.board,
        "source_name": one.source_name or one.evaluator,
        "source_url": one.source_url or f"https://huggingface.co/{repo}",
        "evaluated_on": None,
    }
