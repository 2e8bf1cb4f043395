"""The leaderboard: every model with a score, its rank as a range, and a column for each of the main benchmarks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipeline.site.pages import figure, render
from pipeline.site.text import csv_text, link, script_json

Document = dict[str, Any]
COLUMNS = 12
SHOWN = 50
"""Rows that the page holds without JavaScript."""
LEAST = 4
"""Benchmarks that a model has at least, unless a reader asks for fewer."""
_COPIES = "('merge', 'quantised', 're-upload', 'namesake')"
_INDEX = "('epoch_capabilities_index', 'capability_index')"
DATED = {
    "epoch": "as Epoch dates it",
    "announcement": "as announced",
    "override": "corrected by hand from a public page",
    "two sources": "as two sources date it",
    "hub_created": "when its repository was made, which is weak evidence",
    "unknown": "no date is known",
}
REPORTED = ("independent", "developer", "both", "not stated")
SIZES = (2, 8, 14, 32, 70)
"""Bounds of the size classes in billions of parameters, those of the headline's slices."""

# Models of the mart, and behind them merges and copies, whose scores count in no default but can be asked for.
_BOARD = f"""
    WITH copies AS (
        SELECT s.model_id, count(DISTINCT e.benchmark_id) AS benchmarks
        FROM staging.scores AS s INNER JOIN staging.series AS e ON s.series_id = e.series_id
        WHERE s.superseded_at IS NULL AND s.left_out IN {_COPIES}
        GROUP BY s.model_id
    ),
    listed AS (
        SELECT m.model_id, l.rank_best, l.rank_worst, l.index_value, l.index_lo, l.index_hi, l.source_url,
            l.benchmarks, l.country
        FROM marts.leaderboard AS l INNER JOIN staging.models AS m ON l.model = m.name
        UNION ALL
        SELECT m.model_id, NULL, NULL, NULL, NULL, NULL, m.source_url, c.benchmarks, m.country
        FROM copies AS c INNER JOIN staging.models AS m ON c.model_id = m.model_id
        WHERE m.name NOT IN (SELECT model FROM marts.leaderboard)
    ),
    repositories AS (
        SELECT m.model_id, unnest(m.hub_ids) AS id
        FROM staging.models AS m SEMI JOIN listed AS l ON m.model_id = l.model_id
    ),
    hub AS (
        SELECT r.model_id,
            arg_max(CASE WHEN h.licence = 'other' THEN coalesce(h.licence_name, h.licence) ELSE h.licence END,
                coalesce(h.downloads, 0)) AS licence,
            bool_or(split_part(f.root, '/', 1) <> split_part(r.id, '/', 1)) AS built_on_others
        FROM repositories AS r
        LEFT JOIN staging.hub_models AS h ON r.id = h.id
        LEFT JOIN marts.family AS f ON r.id = f.id
        GROUP BY r.model_id
    ),
    said AS (
        SELECT model_id, min(value) AS licence FROM staging.statements WHERE field = 'licence' GROUP BY model_id
    ),
    reported AS (
        SELECT model_id,
            bool_or(coalesce(self_reported, FALSE)) AS developer,
            bool_or(coalesce(NOT self_reported, tier = 'C')) AS independent
        FROM staging.scores
        WHERE superseded_at IS NULL AND series_id <> 'epoch_eci'
            AND (left_out IS NULL OR left_out IN {_COPIES})
        GROUP BY model_id
    )
    SELECT l.rank_best, l.rank_worst, m.name AS model, m.organisation, m.access,
        coalesce(h.licence, s.licence) AS licence, m.licence_class, m.params_total, m.params_active, m.released_on,
        m.released_on_source, l.index_value, l.index_lo, l.index_hi, l.benchmarks,
        CASE WHEN r.developer AND r.independent THEN 'both' WHEN r.developer THEN 'developer'
            WHEN r.independent THEN 'independent' WHEN r.model_id IS NOT NULL THEN 'not stated' END AS reported_by,
        -- A curated release stands for itself, whatever it was trained from.
        CASE WHEN m.derivation = 'namesake' THEN 'copy' WHEN m.derivation IS NOT NULL THEN m.derivation
            WHEN starts_with(m.model_id, 'hub:') AND h.built_on_others THEN 'derivative' END AS derivation,
        l.source_url, m.model_id
    FROM listed AS l
    INNER JOIN staging.models AS m ON l.model_id = m.model_id
    LEFT JOIN hub AS h ON l.model_id = h.model_id
    LEFT JOIN said AS s ON l.model_id = s.model_id
    LEFT JOIN reported AS r ON l.model_id = r.model_id
    ORDER BY l.index_value DESC NULLS LAST, l.benchmarks DESC, m.name"""
# What one evaluator ran of one benchmark by one protocol stands in one column, whatever a card calls the dataset.
_KEY = "e.benchmark_id, e.evaluator, e.protocol_class, e.unit, coalesce(e.edition_on::VARCHAR, '')"
_CURRENT = f"""
    FROM staging.scores AS s INNER JOIN staging.series AS e ON s.series_id = e.series_id
    WHERE s.superseded_at IS NULL AND (s.left_out IS NULL OR s.left_out IN {_COPIES})
        AND e.comparability <> 'loose' AND e.benchmark_id NOT IN {_INDEX}"""
# Of each benchmark its best known series: once among all models and once among those of the index, for these two are
# seldom scored by the same people, and a table of only one kind would be empty at its top or at its end.
_MAIN = f"""
    WITH indexed AS (SELECT DISTINCT model_id FROM staging.scores WHERE series_id = 'epoch_eci'),
    counted AS (
        SELECT concat_ws('|', {_KEY}) AS key, any_value(e.benchmark_id) AS benchmark_id,
            any_value(e.evaluator) AS evaluator, any_value(e.protocol_class) AS setting, any_value(e.unit) AS unit,
            count(DISTINCT s.model_id) FILTER (s.left_out IS NULL) AS models,
            count(DISTINCT s.model_id) FILTER (s.model_id IN (SELECT model_id FROM indexed)) AS indexed
        {_CURRENT}
        GROUP BY ALL
    ),
    placed AS (
        SELECT *,
            row_number() OVER (PARTITION BY benchmark_id ORDER BY models DESC, key) AS of_all,
            row_number() OVER (PARTITION BY benchmark_id ORDER BY indexed DESC, key) AS of_indexed
        FROM counted
    ),
    ranked AS (
        SELECT *,
            row_number() OVER (ORDER BY of_all, models DESC, key) AS by_all,
            row_number() OVER (ORDER BY of_indexed, indexed DESC, key) AS by_indexed
        FROM placed
    )
    SELECT r.key, b.name AS benchmark, r.evaluator, r.setting, r.unit, r.models
    FROM (SELECT * FROM ranked ORDER BY least(by_all, by_indexed), by_indexed LIMIT $columns) AS r
    INNER JOIN staging.benchmarks AS b ON r.benchmark_id = b.benchmark_id
    ORDER BY r.indexed DESC, r.models DESC, r.key"""
_CELLS = f"""
    WITH picked AS (
        SELECT s.model_id, concat_ws('|', {_KEY}) AS key, s.value, s.stderr, s.effort, s.source_name, s.source_url,
            coalesce(s.evaluated_on, s.published_on) AS dated_on, s.capture_id, e.protocol
        {_CURRENT} AND concat_ws('|', {_KEY}) IN (SELECT unnest($keys))
        QUALIFY row_number() OVER (
            PARTITION BY s.model_id, concat_ws('|', {_KEY})
            ORDER BY coalesce(list_position(['C', 'B+', 'A', 'A-', 'B', 'D', 'E'], s.tier), 9),
                coalesce(s.evaluated_on, s.published_on) DESC NULLS LAST, s.value, s.score_id
        ) = 1
    )
    SELECT p.* EXCLUDE (capture_id), c.finished_at::DATE AS fetched_on
    FROM picked AS p LEFT JOIN ops.captures AS c ON p.capture_id = c.capture_id"""


@dataclass(frozen=True)
class Board:
    """What the page shows.

    Attributes:
        models: one row a model, the best first.
        benchmarks: one row a column of the table: key, benchmark, evaluator, setting, unit, models.
        cells: one row a score: model_id, key, value, stderr, effort, protocol, source_name, source_url, dated_on,
            fetched_on.
    """

    models: pl.DataFrame
    benchmarks: pl.DataFrame
    cells: pl.DataFrame


def write(connection: duckdb.DuckDBPyConnection, site: Document, folder: Path) -> None:
    """Write leaderboard.html, its data for the browser and the whole table as CSV."""
    board = read(connection)
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    document = of_board(board)
    text = f"(window.moat = window.moat || {{}}).leaderboard = {script_json(document)};\n"
    (data / "leaderboard.js").write_text(text, encoding="utf-8")
    (data / "leaderboard.csv").write_text(csv_text(table(board)), encoding="utf-8")
    shown, matching, axis = first_rows(document)
    page = render(
        "leaderboard.html", site, columns=document["columns"], rows=shown, matching=matching, axis=axis,
        models=board.models.height, organisations=_organisations(board), sizes=SIZES, least=LEAST, reported=REPORTED,
        indexed=board.models["index_value"].count(),
        counted=connection.execute("SELECT count(*) FROM marts.leaderboard").fetchall()[0][0],
    )  # fmt: skip
    (folder / "leaderboard.html").write_text(page, encoding="utf-8")


def read(connection: duckdb.DuckDBPyConnection) -> Board:
    """The models, the benchmarks that get a column, and their scores."""
    benchmarks = connection.execute(_MAIN, {"columns": COLUMNS}).pl()
    cells = connection.execute(_CELLS, {"keys": benchmarks["key"].to_list()}).pl()
    return Board(all_models(connection), benchmarks, cells)


def all_models(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """One row a model with a score, merges and copies among them, the best first."""
    return connection.execute(_BOARD).pl()


def of_board(board: Board) -> Document:
    """The board for the browser, column by column.

    Returns:
        A list for each column of the models, texts that repeat as places in `texts`; `columns`, of each benchmark
        where it has scores (`at`, places of models), `value`, `error` and `detail` (places in `details`).
    """
    models = board.models
    places = models.select("model_id").with_row_index("at")
    cells = board.cells.join(places, on="model_id", how="inner").sort("at")
    details: dict[tuple[Any, ...], int] = {}
    columns = []
    for column in board.benchmarks.iter_rows(named=True):
        of_column = cells.filter(pl.col("key") == column["key"])
        told = of_column.select("protocol", "effort", "source_name", "source_url", "dated_on", "fetched_on")
        columns.append({
            "benchmark": column["benchmark"], "evaluator": column["evaluator"], "setting": column["setting"],
            "unit": column["unit"], "models": column["models"], "at": of_column["at"].to_list(),
            "value": of_column["value"].to_list(), "error": of_column["stderr"].to_list(),
            "detail": [details.setdefault(row, len(details)) for row in told.iter_rows()],
        })  # fmt: skip
    plain = [
        "model", "rank_best", "rank_worst", "params_total", "params_active", "released_on", "index_value", "index_lo",
        "index_hi", "benchmarks",
    ]  # fmt: skip
    repeated = [
        "organisation", "access", "licence", "licence_class", "released_on_source", "reported_by", "derivation",
    ]  # fmt: skip
    texts: dict[str, int] = {}
    document: Document = {name: models[name].to_list() for name in plain}
    for name in repeated:
        document[name] = [
            None if text is None else texts.setdefault(text, len(texts)) for text in models[name].to_list()
        ]
    return document | {
        "texts": list(texts), "columns": columns, "details": [_detail(row) for row in details], "dated": DATED,
        "least": LEAST, "sizes": SIZES, "shown": SHOWN,
    }  # fmt: skip


def table(board: Board) -> pl.DataFrame:
    """The board as one table: a row a model, a column a benchmark, values as published."""
    wide = board.models.drop("source_url")
    for column in board.benchmarks.iter_rows(named=True):
        name = f"{column['benchmark']}, {column['evaluator']} ({column['unit']})"
        name = name if name not in wide.columns else f"{name}, {column['setting']}"
        of_column = board.cells.filter(pl.col("key") == column["key"]).select("model_id", pl.col("value").alias(name))
        wide = wide.join(of_column, on="model_id", how="left", maintain_order="left")
    return wide.drop("model_id")


def first_rows(document: Document) -> tuple[list[Document], int, tuple[float, float]]:
    """The rows that a reader sees first, how many match what is set at first, and the ends of their axis."""
    counts, derived = document["benchmarks"], document["derivation"]
    matching = [at for at, count in enumerate(counts) if count >= LEAST and derived[at] is None]
    shown = matching[:SHOWN]
    low, high = scale(document, shown)
    cells = [dict(zip(column["at"], range(len(column["at"])), strict=True)) for column in document["columns"]]
    return [_row(document, at, low, high, cells) for at in shown], len(matching), (low, high)


def scale(document: Document, shown: list[int]) -> tuple[float, float]:
    """Ends of the axis that intervals of these rows are drawn on, whole numbers."""
    ends = [
        value for at in shown for name in ("index_value", "index_lo", "index_hi")
        if (value := document[name][at]) is not None
    ]  # fmt: skip
    return (float(int(min(ends)) - 1), float(int(max(ends)) + 1)) if ends else (0.0, 1.0)


def _row(document: Document, at: int, low: float, high: float, cells: list[dict[int, int]]) -> Document:
    def text(name: str) -> str | None:
        place = document[name][at]
        return None if place is None else document["texts"][place]

    def along(value: float | None) -> float | None:
        return None if value is None else round(4 + 112 * (value - low) / (high - low), 1)

    best, worst, released = document["rank_best"][at], document["rank_worst"][at], document["released_on"][at]
    return {
        "model": document["model"][at],
        "rank": None if best is None else rank(best, worst),
        "organisation": text("organisation"),
        "access": text("access"),
        "licence": text("licence"),
        "licence_class": text("licence_class"),
        "size": size(document["params_total"][at], document["params_active"][at]),
        "released_on": released,
        "dated": DATED.get(text("released_on_source") or "unknown", text("released_on_source")),
        "weak": released is not None and text("released_on_source") == "hub_created",
        "index": document["index_value"][at],
        "low": document["index_lo"][at],
        "high": document["index_hi"][at],
        "ends": [along(document[name][at]) for name in ("index_lo", "index_value", "index_hi")],
        "benchmarks": document["benchmarks"][at],
        "reported_by": text("reported_by"),
        "cells": [
            _cell(document, column, places.get(at)) for column, places in zip(document["columns"], cells, strict=True)
        ],
    }


def _cell(document: Document, column: Document, place: int | None) -> Document | None:
    if place is None:
        return None
    value, error = column["value"][place], column["error"][place]
    setting, source, address, dated, fetched = document["details"][column["detail"][place]]
    shown = value * 100 if column["unit"] == "fraction" else value
    tip = [
        f"{column['benchmark']}: {figure(value, 4)} ({column['unit']})",
        f"standard error {figure(error, 4)}" if error is not None else "no standard error published",
        setting,
        f"source: {source or 'not stated'}",
        f"dated {dated}" if dated else "no date stated",
        f"fetched {fetched}" if fetched else None,
    ]
    return {"text": f"{shown:.1f}", "tip": "; ".join(one for one in tip if one), "link": address}


def _detail(row: tuple[Any, ...]) -> list[Any]:
    protocol, effort, source, address, dated, fetched = row
    setting = ", ".join(one for one in (protocol, effort) if one) or None
    return [setting, source, link(address), _iso(dated), _iso(fetched)]


def _iso(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


def rank(best: int, worst: int | None) -> str:
    """A rank as people write it: a range where the interval allows several."""
    if worst is None:
        return f"{best} or lower"
    return str(best) if best == worst else f"{best}-{worst}"


def size(total: int | None, active: int | None) -> str:
    """Parameters in billions, total and active; n/d = not disclosed."""
    if total is None:
        return "n/d" if active is None else f"n/d, {billions(active)} active"
    return billions(total) if active is None or active == total else f"{billions(total)}, {billions(active)} active"


def billions(parameters: int) -> str:
    """So many billions, as exact as a reader needs."""
    number = parameters / 1e9
    return f"{number:,.0f}B" if number >= 100 else f"{figure(number, 1 if number >= 10 else 2)}B"


def _organisations(board: Board) -> list[str]:
    """The organisations with the most models, which the filter suggests."""
    counted = board.models.drop_nulls("organisation").group_by("organisation").len()
    return counted.sort("len", "organisation", descending=[True, False]).head(300)["organisation"].to_list()
