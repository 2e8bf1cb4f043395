"""The bundled Hub's repositories: the tables of Hub facts in the form of the Hub's own bulk table."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

import polars as pl

from pipeline.facts.tables import load


def bundled_repositories() -> pl.DataFrame:
    """Every bundled repository, as the Hub states it.

    Returns:
        Columns id, author, createdAt, lastModified (ISO texts), downloads, downloadsAllTime, likes,
        tags (list), cardData (JSON text, model-index rebuilt from its rows), safetensors and gguf (JSON texts),
        pipeline_tag, library_name.
    """
    scores = {
        repo: list(rows)
        for repo, rows in groupby(
            load("hub_card_scores").sort("repo_id", "position").iter_rows(named=True),
            key=lambda row: str(row["repo_id"]),
        )
    }
    rows = [
        {
            "id": row["repo_id"],
            "author": row["author"],
            "createdAt": row["created_at"],
            "lastModified": row["last_modified"],
            "downloads": row["downloads"],
            "downloadsAllTime": row["downloads_all_time"],
            "likes": row["likes"],
            "tags": json.loads(row["tags"]),
            "cardData": json.dumps(_card(row, scores.get(row["repo_id"], [])), ensure_ascii=False),
            # Parameters come from the header of one format or the other.
            "safetensors": json.dumps({"parameters": json.loads(row["params_by_dtype"]), "total": row["params_total"]})
            if row["params_by_dtype"]
            else None,
            "gguf": None if row["params_by_dtype"] else json.dumps({"total": row["params_total"]}),
            "pipeline_tag": row["pipeline_tag"],
            "library_name": row["library_name"],
        }
        for row in load("hub_repositories").iter_rows(named=True)
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def _card(row: dict[str, Any], metrics: list[dict[str, Any]]) -> dict[str, Any]:
    card = _present(
        license=row["licence"],
        license_name=row["licence_name"],
        base_model=json.loads(row["base_models"]) if row["base_models"] else None,
        base_model_relation=row["base_relation"],
        pipeline_tag=row["pipeline_tag"],
        library_name=row["library_name"],
    )
    if metrics:
        card["model-index"] = [
            {"name": name, "results": [_result(metric) for metric in part]}
            for name, part in groupby(metrics, key=lambda metric: metric["index_name"])
        ]
    return card


def _result(metric: dict[str, Any]) -> dict[str, Any]:
    dataset = _present(
        name=metric["dataset_name"],
        type=metric["dataset_type"],
        config=metric["dataset_config"],
        split=metric["dataset_split"],
        revision=metric["dataset_revision"],
        args=json.loads(metric["args"]) if metric["args"] else None,
    )
    stated = _present(type=metric["metric_type"], name=metric["metric_name"], verified=metric["verified"])
    source = _present(name=metric["source_name"], url=metric["result_url"])
    return _present(
        task=_present(type=metric["task_type"], name=metric["task_name"]),
        dataset=dataset,
        metrics=[stated | {"value": json.loads(metric["value"])}],
        source=source or None,
    )


def _present(**values: object) -> dict[str, Any]:
    """The values that are stated; a card does not write nulls."""
    return {key: value for key, value in values.items() if value is not None}
