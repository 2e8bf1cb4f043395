"""The bundled tables of facts: what they hold, and that each kind of broken row is named by line and column."""

import json
import shutil

import polars as pl
import pytest

from pipeline.facts import tables
from pipeline.facts.hub_repositories import bundled_repositories
from pipeline.facts.schema import TABLES


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
