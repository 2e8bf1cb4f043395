"""From the bundled Hub to the published file, through the real client, DuckDB and Dagster."""

import json
import shutil
from importlib.util import find_spec

import duckdb
import pytest

from tests.conftest import ROOT, moat, world_of


@pytest.fixture
def published(built):
    connection = duckdb.connect(str(built / "published" / "openmoat.duckdb"), read_only=True)
    yield connection
    connection.close()


def rows(connection, query):
    return connection.execute(query).fetchall()


def test_the_run_prints_date_series_n_and_censoring_and_where_the_files_are(built):
    said = " ".join((built / "stdout.txt").read_text().replace("│", " ").split())
    assert "As of 2026-08-11, the best open-weight model (Kimi K3) trails the best closed one (GPT-5.6 Sol)" in said
    assert "series epoch_eci" in said
    assert "19 closed records, 4 unmatched (censored)" in said
    assert "bundled Hub (facts of the project)" in said
    assert "openmoat.duckdb" in (built / "stderr.txt").read_text().replace("\n", "")


def test_a_run_imports_nothing_that_models_are_run_with(built):
    imported = {name.partition(".")[0] for name in (built / "modules.txt").read_text().splitlines()}
    assert {"duckdb", "dagster", "pipeline"} <= imported
    assert not {"torch", "transformers", "ray", "dagster_ray", "vllm", "lm_eval"} & imported
    # What is asserted to be absent could have been imported, as far as it is installed in this environment.
    assert find_spec("ray")
    assert find_spec("lm_eval")


def test_a_second_run_adds_no_fact_and_says_so(built, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(built, data)
    before = json.loads(moat("sql", "SELECT count(*) AS n FROM staging.scores", "--format", "json", data=data).stdout)
    done = moat("run", "--as-of", world_of(data), data=data)
    assert "no source had anything new" in done.stderr
    assert "(+0)" in done.stderr
    assert hash_in(done.stderr) == hash_in((built / "stderr.txt").read_text())
    after = json.loads(moat("sql", "SELECT count(*) AS n FROM staging.scores", "--format", "json", data=data).stdout)
    assert before == after
    assert len(list((data / "captures" / "hub_models").glob("*/manifest.json"))) == 1


def hash_in(said):
    return said.partition("logical hash ")[2].split()[0]


def test_the_promised_queries_answer_and_every_row_has_a_source(published):
    assert rows(published, "SELECT * FROM marts.headline")
    frontier = rows(
        published,
        "SELECT released_on, model_name, score FROM marts.frontier WHERE series = 'epoch_eci' AND side = 'open'"
        " ORDER BY 1",
    )
    assert frontier[-1][1:] == ("Kimi K3", 157.01)
    caught = rows(
        published,
        "SELECT closed_model, matched_by, lag_months, censored FROM marts.catch_up WHERE series = 'epoch_eci'",
    )
    assert len(caught) == 19
    assert rows(published, "SELECT count(*) FROM staging.scores WHERE source_url IS NULL") == [(0,)]


def test_published_files_open_without_the_pipeline(built):
    with duckdb.connect(str(built / "published" / "marts.duckdb"), read_only=True) as small:
        schemas = {row[0] for row in small.execute("SELECT DISTINCT schema_name FROM duckdb_tables()").fetchall()}
        marts = {row[0] for row in small.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    assert schemas == {"marts"}
    assert {path.stem for path in (built / "published" / "parquet").glob("*.parquet")} == marts


def test_every_published_column_is_documented(published):
    undocumented = rows(
        published,
        "SELECT schema_name, table_name, column_name FROM duckdb_columns() WHERE comment IS NULL AND NOT internal",
    )
    assert undocumented == []


def test_counts_add_up_for_items_and_metrics(published):
    captured = rows(
        published,
        "SELECT rows_read, rows_kept + rows_quarantined + rows_duplicate, metrics_read, metrics_kept FROM ops.captures"
        " WHERE source = 'hub_models'",
    )
    assert captured == [(1457, 1457, 14081, captured[0][3])]
    kept = rows(
        published, "SELECT count(*) FROM staging.scores WHERE score_id NOT LIKE '________________________________'"
    )
    put_aside = rows(published, "SELECT count(*) FROM ops.quarantine WHERE kind = 'card metric'")
    assert kept[0][0] + put_aside[0][0] == 14081


def test_closed_models_never_come_from_the_hub(published):
    assert rows(published, "SELECT count(*) FROM staging.models WHERE model_id LIKE 'hub:%' AND access = 'closed'") == [
        (0,)
    ]


def test_unknown_access_is_counted_and_on_neither_side(published):
    assert rows(
        published,
        "SELECT models, open_models, closed_models, unknown_models FROM marts.headline"
        " WHERE is_headline AND open_definition = 'downloadable' AND tolerance = 'strict'",
    ) == [(222, 95, 104, 23)]


def test_the_readme_names_only_commands_that_exist():
    text = (ROOT / "README.md").read_text()
    targets = {line.split("make ")[1].split()[0] for line in text.splitlines() if line.startswith("make ")}
    makefile = (ROOT / "Makefile").read_text()
    assert targets
    assert all(f"\n{target}:" in makefile for target in targets)
