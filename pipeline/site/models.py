"""A page for each model and one to compare them: drawn in the browser, from a few files that hold all models.

Addresses stand in these files as their sources state them; assets/models.js makes links of those that may be followed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipeline.gap.policy import TIER_WORDS
from pipeline.site.leaderboard import DATED, all_models
from pipeline.site.pages import render
from pipeline.site.text import script_json

Document = dict[str, Any]
Rows = dict[str, list[list[Any]]]
SHARDS = 64
"""Files that the models are spread over; assets/models.js counts them likewise."""
EVIDENCE = {
    **DATED,
    "aggregator": "a collection of what others say",
    "first_evaluation": "the day of the first evaluation, which is weak evidence",
    "release": "as the table of releases has it",
    "hub": "its weights are listed on the Hub",
    "repository": "a source names its repository",
    "board": "as a board says",
    "weights": "by the publication of its weights",
    "deleted": "its repository is gone",
}
_LEFT_OUT = {
    "doubtful": "doubtful until checked at its source",
    "flagged": "flagged by the board that published it",
    "merge": "a merge of other models",
    "quantised": "a quantised copy",
    "re-upload": "a copy of another repository",
    "namesake": "has the name and size of an older repository",
    "smoke": "a smoke test, which only shows that the program runs",
    "older edition": "a newer edition of the ranking counts",
}
_SOURCES = {
    "name_only": "named there without an address",
    "not_stated": "which names no source of it",
}
_MODELS = """
    SELECT model_id, name, organisation, country, access, access_source, licence_class, params_total, params_active,
        released_on, released_on_source, weights_on, derivation, hub_ids, source_name, source_url
    FROM staging.models AS m
    WHERE (released_on IS NULL OR released_on <= (SELECT as_of FROM ops.schema_version))
        AND EXISTS (FROM staging.scores AS s WHERE s.model_id = m.model_id)
    ORDER BY name"""
_SCORES = """
    SELECT s.model_id, s.series_id, s.value, s.ci_lo, s.ci_hi, s.stderr, s.n, s.self_reported, s.effort, s.tier,
        s.left_out, s.model_as_written, s.source_name, s.source_kind, s.source_url, s.note,
        s.evaluated_on::VARCHAR AS evaluated_on, s.published_on::VARCHAR AS published_on,
        s.observed_on::VARCHAR AS observed_on, s.capture_id, c.finished_at::DATE::VARCHAR AS fetched_on
    FROM staging.scores AS s LEFT JOIN ops.captures AS c ON s.capture_id = c.capture_id
    WHERE s.superseded_at IS NULL"""
_SERIES = """
    SELECT e.series_id, b.name AS benchmark, e.protocol, e.protocol_class, e.evaluator, e.comparability, e.unit,
        e.direction, e.chance, e.ceiling, e.name, e.part
    FROM staging.series AS e INNER JOIN staging.benchmarks AS b ON e.benchmark_id = b.benchmark_id"""
# The Hub has a hundred times as many models as have a score.
_SCORED = "SELECT model_id FROM staging.scores"
_REPOSITORIES = f"(SELECT model_id, unnest(hub_ids) AS id FROM staging.models WHERE model_id IN ({_SCORED}))"
_TEXTS = (
    "effort", "tier", "left_out", "model_as_written", "source_name", "source_kind", "source_url", "note",
    "evaluated_on", "published_on", "observed_on", "capture_id", "fetched_on",
)  # fmt: skip
_NUMBERS = ("value", "ci_lo", "ci_hi", "stderr", "n", "self_reported")
_LABEL = (
    "INNER JOIN staging.series AS e ON {0}.series = e.series_id INNER JOIN staging.benchmarks AS b USING (benchmark_id)"
)
_BEGINNINGS = """
    SELECT 'the best open model and the best closed one', open_model, closed_model FROM marts.headline
    WHERE is_headline AND open_definition = 'downloadable' AND tolerance = 'strict'
        AND open_model IS NOT NULL AND closed_model IS NOT NULL
    UNION ALL
    (SELECT 'the last open model to match a closed record, and the record it matched', c.matched_by, c.closed_model
    FROM marts.catch_up AS c INNER JOIN marts.headline AS h ON c.series = h.series
    WHERE h.is_headline AND h.open_definition = 'downloadable' AND h.tolerance = 'strict' AND c.matched_by IS NOT NULL
    ORDER BY c.matched_on DESC, c.closed_on DESC LIMIT 1)"""
# Each query gives the model first, by id or by name, then what its page shows in a row.
_BY_ID = {
    "statements": f"""
        SELECT model_id, field, value, evidence, name_as_written, coalesce(source_name, source), source_url
        FROM staging.statements WHERE model_id IN ({_SCORED}) ORDER BY model_id, field, value, source""",
    "history": f"""
        SELECT model_id, access, from_on::VARCHAR, until_on::VARCHAR, evidence FROM staging.access_history
        WHERE model_id IN ({_SCORED}) QUALIFY count(*) OVER (PARTITION BY model_id) > 1
        ORDER BY model_id, from_on NULLS FIRST""",
    "repositories": f"""
        SELECT r.model_id, r.id, coalesce(h.licence_name, h.licence), h.licence_class, h.created_at::DATE::VARCHAR,
            h.downloads, h.likes, h.deleted_seen_at::DATE::VARCHAR
        FROM {_REPOSITORIES} AS r
        LEFT JOIN staging.hub_models AS h ON r.id = h.id ORDER BY r.model_id, h.downloads DESC NULLS LAST, r.id""",
    "family": f"""
        SELECT r.model_id, f.id, f.parents, f.children, f.ancestors, f.descendants, f.inferred_descendants, f.root
        FROM {_REPOSITORIES} AS r
        INNER JOIN marts.family AS f ON r.id = f.id ORDER BY r.model_id, f.descendants DESC, f.id""",
    "dates": """
        SELECT model_id, used_on::VARCHAR, used_source, stated_on::VARCHAR, evidence, source, days_later, source_url
        FROM marts.date_disputes ORDER BY model_id, stated_on, source""",
    "accesses": """
        SELECT model_id, used, used_source, stated, source, source_url
        FROM marts.access_disputes ORDER BY model_id, stated, source""",
    "licences": f"""
        SELECT r.model_id, d.repository, d.conflict, d.licence, d.licence_class, d.other, d.other_licence, d.other_class
        FROM {_REPOSITORIES} AS r
        INNER JOIN marts.licence_disputes AS d ON r.id = d.repository ORDER BY ALL""",
    "conflicts": """
        SELECT model_id, benchmark, count(*)::INTEGER, min(score), max(score), max(spread), scale
        FROM marts.score_conflicts GROUP BY model_id, benchmark, scale HAVING max(spread) > 0
        ORDER BY model_id, max(spread) DESC, benchmark""",
    "replaced": """
        SELECT model_id, count(*)::INTEGER FROM staging.scores WHERE superseded_at IS NOT NULL
        GROUP BY model_id""",
}
_BY_NAME = {
    "records": f"""
        SELECT f.model_name, b.name, e.evaluator, e.unit, f.side, f.released_on::VARCHAR, f.score, f.comparability
        FROM marts.frontier AS f {_LABEL.format("f")}
        ORDER BY f.model_name, f.series = 'epoch_eci' DESC, b.name, f.series""",
    "matched_by": f"""
        SELECT c.closed_model, b.name, e.evaluator, e.unit, c.closed_score, c.closed_on::VARCHAR, c.matched_by,
            c.matched_on::VARCHAR, c.lag_months, c.censored
        FROM marts.catch_up AS c {_LABEL.format("c")}
        ORDER BY c.closed_model, c.series = 'epoch_eci' DESC, b.name, c.series""",
    "matched": f"""
        SELECT c.matched_by, b.name, e.evaluator, e.unit, c.closed_score, c.closed_on::VARCHAR, c.closed_model,
            c.matched_on::VARCHAR, c.lag_months, c.censored
        FROM marts.catch_up AS c {_LABEL.format("c")}
        WHERE c.matched_by IS NOT NULL
        ORDER BY c.matched_by, c.series = 'epoch_eci' DESC, b.name, c.series, c.closed_on""",
}


def write(connection: duckdb.DuckDBPyConnection, site: Document, folder: Path) -> None:
    """Write model.html, compare.html, the files they draw from and the list of all names."""
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    models = read(connection)
    for number, document in enumerate(
        shards(models, *(connection.execute(query).pl() for query in (_SCORES, _SERIES)))
    ):
        text = f"((window.moat = window.moat || {{}}).shards ||= {{}})[{number}] = {script_json(document)};\n"
        (data / f"scores-{number:02}.js").write_text(text, encoding="utf-8")
    names = sorted((model["name"] for model in models), key=str.casefold)
    text = f"(window.moat = window.moat || {{}}).names = {script_json(names)};\n"
    (data / "names.js").write_text(text, encoding="utf-8")
    words = {"tiers": TIER_WORDS, "evidence": EVIDENCE, "left_out": _LEFT_OUT, "sources": _SOURCES}
    (data / "words.js").write_text(
        f"(window.moat = window.moat || {{}}).words = {script_json(words)};\n", encoding="utf-8"
    )
    (folder / "model.html").write_text(render("model.html", site, models=len(models)), encoding="utf-8")
    page = render("compare.html", site, models=len(models), beginnings=_beginnings(connection))
    (folder / "compare.html").write_text(page, encoding="utf-8")


def _beginnings(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, list[str], str]]:
    """Pairs that answer what most come for: what they are, their names, and the names as an address has them."""
    return [
        (title, names, ",".join(name.replace("%", "%25").replace(",", "%2C") for name in names))
        for title, *names in connection.execute(_BEGINNINGS).fetchall()
    ]


def read(connection: duckdb.DuckDBPyConnection) -> list[Document]:
    """Every model that has a score, with all that is known of it but the scores themselves.

    Returns:
        By name: the columns of staging.models, the index and rank, `licence`, `reported_by`, `benchmarks`, and lists of
        rows under the names of the queries above; a list that would be empty is missing.
    """
    ranked = all_models(connection).select(
        "model_id", "rank_best", "rank_worst", "index_value", "index_lo", "index_hi", "benchmarks", "licence",
        "reported_by", pl.col("derivation").alias("kind"),
    )  # fmt: skip
    frame = connection.execute(_MODELS).pl().join(ranked, on="model_id", how="left", maintain_order="left")
    by_id, by_name = (
        {name: _grouped(connection.execute(query).fetchall()) for name, query in queries.items()}
        for queries in (_BY_ID, _BY_NAME)
    )
    models = []
    for row in frame.with_columns(pl.col("released_on", "weights_on").cast(pl.String)).iter_rows(named=True):
        model: Document = dict(row)
        for known, key in ((by_id, row["model_id"]), (by_name, row["name"])):
            model |= {name: rows[key] for name, rows in known.items() if key in rows}
        models.append({name: value for name, value in model.items() if value is not None})
    return models


def _grouped(rows: Iterable[tuple[Any, ...]]) -> Rows:
    grouped: Rows = defaultdict(list)
    for key, *rest in rows:
        grouped[key].append(rest)
    return dict(grouped)


def shard(name: str) -> int:
    """The number of the file that holds what goes by this name: FNV-1a of its UTF-8, by the number of files."""
    value = 2166136261
    for byte in name.encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value % SHARDS


def shards(models: list[Document], scores: pl.DataFrame, series: pl.DataFrame) -> Iterable[Document]:
    """What each file holds, in the order of their numbers.

    Args:
        models: as `read` gives them.
        scores: rows of all models; see the query above.
        series: their series.

    Yields:
        `models` by name, `aliases` (other names to names), `series`, and `texts`. A model's scores are columns, whose
        `series` and texts are places in these lists. A column without a value is missing.
    """
    held: list[Document] = [{"models": {}, "aliases": {}} for _ in range(SHARDS)]
    names = {model["name"] for model in models}
    place = {model["model_id"]: shard(model["name"]) for model in models}
    for model in models:
        held[place[model["model_id"]]]["models"][model["name"]] = model
        for alias in {model["model_id"], *model.get("hub_ids", [])} - names:
            held[shard(alias)]["aliases"][alias] = model["name"]
    schema = {"model_id": pl.String, "shard": pl.Int64}
    places = pl.DataFrame(list(place.items()), schema=schema, orient="row")
    of_shard = scores.join(places, on="model_id").partition_by("shard", as_dict=True)
    for number, document in enumerate(held):
        rows = of_shard.get((number,))
        yield document | (_columns(document["models"], rows, series) if rows is not None else {})
        # What is written need not be kept.
        document.clear()


def _columns(models: dict[str, Document], scores: pl.DataFrame, series: pl.DataFrame) -> Document:
    used = series.join(scores.select("series_id").unique(), on="series_id", how="semi").sort("benchmark", "series_id")
    ordered = (
        scores.join(used.select("series_id").with_row_index("series"), on="series_id")
        .with_columns((pl.col("left_out").is_not_null()).alias("last"))
        .sort("model_id", "last", "series", "source_name", "value")
    )
    texts = pl.concat([ordered[name] for name in _TEXTS]).drop_nulls().unique().sort()
    numbered = ordered.with_columns(
        pl.col(name).cast(pl.Enum(texts)).to_physical() for name in _TEXTS
    )  # fmt: skip
    columns = {name: numbered[name].to_list() for name in ("series", *_NUMBERS, *_TEXTS)}
    runs = numbered.with_row_index("at").group_by("model_id").agg(pl.col("at").min(), pl.len())
    spans = {model: (at, at + length) for model, at, length in runs.iter_rows()}
    for model in models.values():
        if model["model_id"] not in spans:
            continue
        start, end = spans[model["model_id"]]
        parts = {name: values[start:end] for name, values in columns.items()}
        model["scores"] = {name: part for name, part in parts.items() if part.count(None) < len(part)}
    return {"series": used.drop("series_id").to_dict(as_series=False), "texts": texts.to_list()}
