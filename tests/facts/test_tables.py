"""The bundled tables of facts: what they hold, and that each kind of broken row is named by line and column."""

import io
import json
import shutil
from datetime import date

import polars as pl
import pytest

from pipeline.captures import CaptureWriter
from pipeline.errors import FactsError
from pipeline.facts import tables
from pipeline.facts.hub_repositories import bundled_repositories
from pipeline.facts.schema import TABLES
from pipeline.sources import facts


def test_the_bundled_tables_are_clean():
    assert tables.check() == []


def test_what_they_hold():
    closed = tables.load("scores_closed")
    kept = closed.filter(~pl.col("doubtful"))
    assert (closed.height, kept.height, kept["model_as_written"].n_unique()) == (933, 863, 107)
    assert (tables.load("scores_epoch_matrix").height, tables.load("scores_epoch_eci").height) == (2249, 222)
    repositories, metrics = tables.load("hub_repositories"), tables.load("hub_card_scores")
    assert repositories.height >= 1000
    assert metrics["repo_id"].n_unique() >= 700
    assert repositories["base_models"].drop_nulls().len() >= 500


def test_mixed_and_unnamed_evaluators_are_loose():
    series = tables.load("series").filter(pl.col("series_id").str.starts_with("epoch_"))
    counts = dict(series["evaluator"].value_counts().iter_rows())
    assert (counts["mixed"], counts["not stated"]) == (22, 10)
    assert set(series.filter(pl.col("evaluator").is_in(["mixed", "not stated"]))["comparability"]) == {"loose"}


def test_visibility_is_known_where_a_page_shows_it_and_only_there():
    benchmarks = tables.load("benchmarks")
    counts = dict(benchmarks["visibility"].value_counts().iter_rows())
    assert counts == {"public": 71, "private": 12, "unknown": 17}
    known = benchmarks["visibility"] != "unknown"
    assert (benchmarks["visibility_url"].is_not_null() == known).all()
    assert benchmarks["released_on"].drop_nulls().len() == 55
    named = dict(benchmarks.select("benchmark_id", "visibility").iter_rows())
    assert (named["mmlu"], named["arc_agi_2"], named["epoch_capabilities_index"]) == ("public", "private", "unknown")


def test_published_figures_say_what_they_mean():
    figures = tables.load("published_figures")
    assert figures.height == 9
    assert (
        figures.filter(
            pl.any_horizontal(pl.col("lag_months", "lag_lo", "gap_points", "parity_on").is_not_null())
        ).height
        == 9
    )
    months = figures.filter(pl.col("published_precision") == "month")["published_on"]
    assert set(months.dt.day()) == {1}
    stated = figures.filter(pl.col("definition") == "not stated here")
    assert stated["comparable_to"].is_null().all()
    by_line = figures.filter(pl.col("comparable_to") == "parity_by_line")
    assert by_line["parity_on"].to_list() == [date(2026, 12, 3)]
    for low, high, point in (("lag_lo", "lag_hi", "lag_months"), ("gap_points_lo", "gap_points_hi", "gap_points")):
        ranged = figures.filter(pl.col(low).is_not_null())
        assert (ranged[low] < ranged[high]).all()
        assert ranged.filter(~pl.col(point).is_between(pl.col(low), pl.col(high))).is_empty()


def captured(folder, **pages):
    with CaptureWriter(folder, facts.SOURCE, "project") as writer:
        for name, page in pages.items():
            writer.add(f"{name}.csv", page.encode())
        return writer.seal(revision="r", client="c", requests=0, items=0)[0]


def test_a_capture_from_before_a_table_or_column_was_added_is_still_read(tmp_path):
    older = [name for name in TABLES["benchmarks"].columns if name not in {"released_on", "visibility_url"}]
    row = ["quiz", "Quiz", "", "", "percent", "higher", "", "", "unknown", "s", "https://example.org/x"]
    frames = facts.parse(captured(tmp_path, benchmarks=f"{','.join(older)}\n{','.join(row)}\n"))
    assert set(frames) == set(facts.TABLES)
    benchmarks, figures = frames["benchmarks"], frames["published_figures"]
    assert benchmarks.select("benchmark_id", "released_on", "visibility_url").row(0) == ("quiz", None, None)
    assert figures.is_empty()
    assert figures.columns == [*TABLES["published_figures"].columns, "capture_id"]


@pytest.mark.parametrize("header", ["licence,other,licence_class", "licence_class,licence"])
def test_a_capture_with_foreign_or_disordered_columns_is_refused(header):
    with pytest.raises(FactsError, match="its columns are"):
        tables.read("licences", io.BytesIO(f"{header}\n".encode()), older=True)


@pytest.mark.parametrize("table", TABLES)
def test_every_row_has_a_public_source(table):
    assert tables.load(table)["source_url"].str.contains(r"^https?://\S+$").all()


def test_bundled_repositories_rebuild_their_cards():
    frame = bundled_repositories()
    cards = [json.loads(card) for card in frame["cardData"]]
    metrics = sum(
        len(result["metrics"]) for card in cards for entry in card.get("model-index", []) for result in entry["results"]
    )
    assert metrics == tables.load("hub_card_scores").height
    assert all(card["license"] for card in cards)


@pytest.mark.parametrize(
    ("table", "column", "value", "reason"),
    [
        ("releases", "access", "opened", "use one of closed, open, unknown"),
        ("releases", "released_on", "2999-01-01", "it lies in the future"),
        ("releases", "released_on", "yesterday", "it is no Date"),
        ("releases", "params_b", "-1", "it must lie between"),
        ("releases", "source_url", "", "it is empty"),
        ("releases", "source_url", "ftp://x", "it is no web address"),
        ("scores_closed", "value", "many", "it is no Float64"),
        ("scores_closed", "value", "inf", "it is not finite"),
        ("scores_closed", "series_id", "nowhere", "series.csv has no such series_id"),
        ("scores_closed", "doubtful", "maybe", "it is no Boolean"),
        ("overrides", "model_id", "nobody", "releases.csv has no such model_id"),
        ("benchmarks", "visibility_url", "", "a known visibility needs it"),
        ("benchmarks", "visibility_url", "ftp://x", "it is no web address"),
        ("benchmarks", "released_on", "2999-01-01", "it lies in the future"),
        ("published_figures", "published_on", "2999-01-01", "it lies in the future"),
        ("published_figures", "parity_on", "soon", "it is no Date"),
        ("published_figures", "published_precision", "week", "use one of day, month"),
        ("published_figures", "comparable_to", "lag", "use one of backward_lag"),
        ("published_figures", "ci_level", "90", "it must lie between"),
    ],
)
def test_a_broken_cell_is_named(tmp_path, table, column, value, reason):
    folder = tmp_path / "tables"
    shutil.copytree(tables.FOLDER, folder)
    file = tables.path(table, folder)
    frame = pl.read_csv(file, infer_schema=False)
    broken = frame.with_row_index().with_columns(
        pl.when(pl.col("index") == 1)
        .then(pl.lit(value or None, dtype=pl.String))
        .otherwise(pl.col(column))
        .alias(column)
    )
    broken.drop("index").write_csv(file)
    found = [problem for problem in tables.check(folder) if problem.column == column]
    assert [(p.file, p.line) for p in found] == [(f"{table}.csv", 3)]
    assert reason in found[0].reason


def test_a_forecast_day_may_lie_ahead_and_an_unknown_needs_no_proof(tmp_path):
    folder = tmp_path / "tables"
    shutil.copytree(tables.FOLDER, folder)
    figures, benchmarks = tables.path("published_figures", folder), tables.path("benchmarks", folder)
    ahead = pl.read_csv(figures, infer_schema=False).with_columns(parity_on=pl.lit("2999-01-01"))
    ahead.write_csv(figures)
    unknown = pl.lit("unknown").alias("visibility"), pl.lit(None, dtype=pl.String).alias("visibility_url")
    pl.read_csv(benchmarks, infer_schema=False).with_columns(*unknown).write_csv(benchmarks)
    assert tables.check(folder) == []


def test_a_key_that_occurs_twice_a_missing_file_and_foreign_columns_are_named(tmp_path):
    folder = tmp_path / "tables"
    shutil.copytree(tables.FOLDER, folder)
    lines = tables.path("licences", folder).read_text().splitlines()
    tables.path("licences", folder).write_text("\n".join([*lines, lines[-1]]) + "\n")
    tables.path("aliases", folder).unlink()
    tables.path("overrides", folder).write_text("a,b\n1,2\n")
    reasons = {problem.file: problem.reason for problem in tables.check(folder)}
    assert reasons["licences.csv"] == "the key occurs twice"
    assert "cannot be read" in reasons["aliases.csv"]
    assert "columns must be" in reasons["overrides.csv"]
