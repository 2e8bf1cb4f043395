"""The schema of the tables of facts: columns in order, types, keys, allowed values, references."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

ACCESS = frozenset({"open", "closed", "unknown"})
LICENCE_CLASSES = frozenset({"unrestricted", "restricted", "non_commercial", "unknown"})
UNITS = frozenset({"percent", "fraction", "elo", "points", "minutes"})
TIERS = frozenset({"A", "A-", "B", "B+", "C", "D", "E"})
TECHNIQUES = frozenset({"instruct", "preference", "quantised", "adapter", "merge", "distilled", "multimodal"})
OUR_METRICS = frozenset({"backward_lag", "catch_up_median", "catch_up_mean", "gap", "parity_by_line"})


@dataclass(frozen=True)
class Table:
    """One table: typed columns in order, which may not be empty, the key, and what refers where.

    `allowed` limits a column to values; `within` to a closed range; `refers` names the column of
    another table in which each value must occur; `proven` names the column that must be filled where
    a column is known, that is neither empty nor `unknown`; `ahead` lists dates that may lie in the future.
    """

    columns: Mapping[str, Any]
    required: tuple[str, ...]
    key: tuple[str, ...] = ()
    allowed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    within: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    refers: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    proven: Mapping[str, str] = field(default_factory=dict)
    ahead: frozenset[str] = frozenset()


_SOURCE: dict[str, Any] = {"source_name": pl.String, "source_url": pl.String}
_SCORES = Table(
    columns={
        "model_id": pl.String, "series_id": pl.String, "model_as_written": pl.String, "model_version": pl.String,
        "value": pl.Float64, "unit": pl.String, "ci_lo": pl.Float64, "ci_hi": pl.Float64, "tier": pl.String,
        "self_reported": pl.Boolean, "doubtful": pl.Boolean, "evaluated_on": pl.Date, "published_on": pl.Date,
        "observed_on": pl.Date, "source_name": pl.String, "source_kind": pl.String, "source_url": pl.String,
        "note": pl.String,
    },
    required=("model_id", "series_id", "model_as_written", "value", "unit", "tier", "doubtful", "source_kind",
              "source_url"),
    allowed={"unit": UNITS, "tier": TIERS, "source_kind": frozenset({"url", "name_only", "not_stated"})},
    refers={"model_id": ("releases", "model_id"), "series_id": ("series", "series_id")},
)  # fmt: skip

TABLES: dict[str, Table] = {
    "releases": Table(
        columns={
            "model_id": pl.String, "name": pl.String, "organisation": pl.String, "country": pl.String,
            "access": pl.String, "licence_class": pl.String, "released_on": pl.Date,
            "released_on_source": pl.String, "weights_on": pl.Date, "params_b": pl.Float64, "hub_id": pl.String,
            **_SOURCE,
        },
        required=("model_id", "name", "released_on_source", "source_name", "source_url"),
        key=("model_id",),
        allowed={"access": ACCESS, "licence_class": LICENCE_CLASSES},
        within={"params_b": (0.0, 1e5)},
    ),
    "overrides": Table(
        columns={"model_id": pl.String, "field": pl.String, "value": pl.String, "reason": pl.String, **_SOURCE},
        required=("model_id", "field", "value", "reason", "source_name", "source_url"),
        key=("model_id", "field"),
        allowed={"field": frozenset({"access", "licence_class", "released_on", "weights_on"})},
        refers={"model_id": ("releases", "model_id")},
    ),
    "statements": Table(
        columns={"model_id": pl.String, "field": pl.String, "value": pl.String, "evidence": pl.String,
                 "name_as_written": pl.String, "source": pl.String, **_SOURCE},
        required=("model_id", "field", "value", "evidence", "name_as_written", "source", "source_name", "source_url"),
        key=("source", "name_as_written", "field"),
        allowed={"field": frozenset({"released_on", "access", "licence", "repository"}),
                 "evidence": frozenset({"announcement", "aggregator"})},
        refers={"model_id": ("releases", "model_id")},
    ),
    "sizes": Table(
        columns={"model_id": pl.String, "params_b": pl.Float64, **_SOURCE},
        required=("model_id", "params_b", "source_name", "source_url"),
        key=("model_id",),
        within={"params_b": (0.0, 1e5)},
        refers={"model_id": ("releases", "model_id")},
    ),
    "aliases": Table(
        columns={"name": pl.String, "source": pl.String, "model_id": pl.String, "method": pl.String,
                 "source_url": pl.String},
        required=("name", "source", "model_id", "method", "source_url"),
        key=("name", "source"),
        allowed={"method": frozenset({"exact", "normalised", "manual"})},
        refers={"model_id": ("releases", "model_id")},
    ),
    "benchmarks": Table(
        columns={"benchmark_id": pl.String, "name": pl.String, "version": pl.String, "domain": pl.String,
                 "unit": pl.String, "direction": pl.String, "chance": pl.Float64, "ceiling": pl.Float64,
                 "released_on": pl.Date, "visibility": pl.String, "visibility_url": pl.String, **_SOURCE},
        required=("benchmark_id", "name", "unit", "direction", "visibility", "source_name", "source_url"),
        key=("benchmark_id",),
        allowed={"unit": UNITS, "direction": frozenset({"higher", "lower"}),
                 "visibility": frozenset({"public", "private", "unknown"})},
        within={"chance": (0.0, 1.0), "ceiling": (0.0, 1.0)},
        proven={"visibility": "visibility_url"},
    ),
    "series": Table(
        columns={"series_id": pl.String, "benchmark_id": pl.String, "protocol": pl.String, "evaluator": pl.String,
                 "comparability": pl.String, "unit": pl.String, "direction": pl.String, "chance": pl.Float64,
                 "ceiling": pl.Float64, **_SOURCE},
        required=("series_id", "benchmark_id", "protocol", "evaluator", "comparability", "unit", "direction",
                  "source_name", "source_url"),
        key=("series_id",),
        allowed={"comparability": frozenset({"same_evaluator", "same_protocol", "loose"}), "unit": UNITS},
        refers={"benchmark_id": ("benchmarks", "benchmark_id")},
    ),
    "benchmark_names": Table(
        columns={"kind": pl.String, "name": pl.String, "title": pl.String, "part": pl.String,
                 "benchmark_id": pl.String, "protocol": pl.String, "scale": pl.String, **_SOURCE},
        required=("kind", "name", "benchmark_id", "scale", "source_name", "source_url"),
        key=("kind", "name", "title", "part"),
        allowed={"kind": frozenset({"announcement", "board", "card", "dataset", "record", "task"}),
                 "scale": frozenset({"raw", "normalised", "unknown"})},
        refers={"benchmark_id": ("benchmarks", "benchmark_id")},
    ),
    "licences": Table(
        columns={"licence": pl.String, "licence_class": pl.String, **_SOURCE},
        required=("licence", "licence_class", "source_name", "source_url"),
        key=("licence",),
        allowed={"licence_class": LICENCE_CLASSES},
    ),
    "published_figures": Table(
        columns={
            "figure_id": pl.String, "publisher": pl.String, "published_on": pl.Date, "published_precision": pl.String,
            "lag_lo": pl.Float64, "lag_hi": pl.Float64, "lag_months": pl.Float64, "ci_level": pl.Float64,
            "gap_points": pl.Float64, "gap_points_lo": pl.Float64, "gap_points_hi": pl.Float64, "parity_on": pl.Date,
            "definition": pl.String, "series": pl.String, "comparable_to": pl.String, "note": pl.String, **_SOURCE,
        },
        required=("figure_id", "publisher", "published_on", "published_precision", "definition", "source_name",
                  "source_url"),
        key=("figure_id",),
        allowed={"published_precision": frozenset({"day", "month"}), "comparable_to": OUR_METRICS},
        within={"ci_level": (0.5, 1.0), "lag_lo": (-60.0, 120.0), "lag_hi": (-60.0, 120.0),
                "lag_months": (-60.0, 120.0)},
        ahead=frozenset({"parity_on"}),
    ),
    "memo_events": Table(
        columns={"event_id": pl.String, "name": pl.String, "named_in": pl.String, "technique": pl.String,
                 "base": pl.String, "repository": pl.String, "params_b": pl.Float64, "cost_usd": pl.Float64,
                 "claim": pl.String, "note": pl.String, **_SOURCE},
        required=("event_id", "name", "named_in", "technique", "source_name", "source_url"),
        key=("event_id",),
        allowed={"named_in": frozenset({"memo", "article"}),
                 "technique": frozenset({"pretraining", "weights", "port", "method", "instruction_tuning", "preference",
                                         "quantisation", "adapter", "multimodal"})},
        within={"params_b": (0.0, 1e5), "cost_usd": (0.0, 1e9)},
    ),
    "memo_dates": Table(
        columns={"event_id": pl.String, "kind": pl.String, "date": pl.Date, **_SOURCE},
        required=("event_id", "kind", "date", "source_name", "source_url"),
        key=("event_id", "kind"),
        allowed={"kind": frozenset({"claimed", "evidenced", "weights"})},
        refers={"event_id": ("memo_events", "event_id")},
    ),
    "memo_claims": Table(
        columns={"claim_id": pl.String, "position": pl.Int64, "claim": pl.String, "is_measured": pl.Boolean,
                 "why_not": pl.String, **_SOURCE},
        required=("claim_id", "position", "claim", "is_measured", "source_name", "source_url"),
        key=("claim_id",),
    ),
    "derivatives": Table(
        columns={"child": pl.String, "parent": pl.String, "relation": pl.String, "kind": pl.String,
                 "released_on": pl.Date, "note": pl.String, **_SOURCE},
        required=("child", "parent", "relation", "kind", "released_on", "source_name", "source_url"),
        key=("child", "parent"),
        allowed={"relation": frozenset({"finetune", "adapter", "quantized", "merge", "distilled"}), "kind": TECHNIQUES},
    ),
    "technique_rules": Table(
        columns={"rule_id": pl.String, "field": pl.String, "matches": pl.String, "kind": pl.String,
                 "format": pl.String, "confidence": pl.Float64, "note": pl.String, **_SOURCE},
        required=("rule_id", "field", "matches", "kind", "confidence", "source_name", "source_url"),
        key=("rule_id",),
        allowed={"field": frozenset({"relation", "library", "tag", "pipeline_tag", "name"}), "kind": TECHNIQUES},
        within={"confidence": (0.0, 1.0)},
    ),
    "parent_rules": Table(
        columns={"rule_id": pl.String, "shape": pl.String, "unless": pl.String, "account": pl.String,
                 "parameters": pl.String, "relation": pl.String, "confidence": pl.Float64, "note": pl.String,
                 **_SOURCE},
        required=("rule_id", "shape", "account", "parameters", "relation", "confidence", "source_name", "source_url"),
        key=("rule_id",),
        allowed={"account": frozenset({"same", "other", "any"}), "parameters": frozenset({"same", "any"}),
                 "relation": frozenset({"finetune", "quantized", "unknown"})},
        within={"confidence": (0.0, 1.0)},
    ),
    "base_starts": Table(
        columns={"repository": pl.String, "weights_on": pl.Date, "note": pl.String, **_SOURCE},
        required=("repository", "weights_on", "source_name", "source_url"),
        key=("repository",),
    ),
    "scores_closed": _SCORES,
    "scores_epoch_matrix": _SCORES,
    "scores_epoch_eci": _SCORES,
    "hub_repositories": Table(
        columns={
            "repo_id": pl.String, "author": pl.String, "created_at": pl.String, "last_modified": pl.String,
            "downloads": pl.Int64, "downloads_all_time": pl.Int64, "likes": pl.Int64, "licence": pl.String,
            "licence_name": pl.String, "tags": pl.String, "pipeline_tag": pl.String, "library_name": pl.String,
            "params_total": pl.Int64, "params_by_dtype": pl.String, "base_models": pl.String,
            "base_relation": pl.String, "source_url": pl.String,
        },
        required=("repo_id", "created_at", "licence", "tags", "params_total", "source_url"),
        key=("repo_id",),
        within={"params_total": (1, 1e14)},
    ),
    "hub_card_scores": Table(
        columns={
            "repo_id": pl.String, "position": pl.Int64, "index_name": pl.String, "task_type": pl.String,
            "task_name": pl.String, "dataset_name": pl.String, "dataset_type": pl.String,
            "dataset_config": pl.String, "dataset_split": pl.String, "dataset_revision": pl.String,
            "args": pl.String, "metric_type": pl.String, "metric_name": pl.String, "value": pl.String,
            "verified": pl.Boolean, "source_name": pl.String, "result_url": pl.String, "source_url": pl.String,
        },
        required=("repo_id", "position", "value", "source_url"),
        key=("repo_id", "position"),
        refers={"repo_id": ("hub_repositories", "repo_id")},
    ),
}  # fmt: skip
