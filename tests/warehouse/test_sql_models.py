"""The header of a query is a contract: enforced against the built table, written into the database."""

import duckdb
import pytest

from pipeline.errors import WarehouseError
from pipeline.settings import Settings
from pipeline.sql_models import build, load_checks, load_models
from pipeline.warehouse import connect_work


def write(root, name, text):
    path = root / f"{name}.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_models_come_upstream_first_and_carry_their_comments(tmp_path):
    write(tmp_path, "marts/a", "-- Twice b.\n-- x | twice\nSELECT x * 2 AS x FROM staging.b")
    write(tmp_path, "staging/b", "-- One.\n-- x | one\nSELECT 1 AS x")
    models = load_models(tmp_path)
    assert [model.table for model in models] == ["staging.b", "marts.a"]
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA staging; CREATE SCHEMA marts")
        assert [build(connection, model) for model in models] == [1, 1]
        comment = connection.execute("SELECT comment FROM duckdb_columns() WHERE table_name = 'a'").fetchone()
    assert comment == ("twice",)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("SELECT 1 AS x", "no contract"),
        ("-- D.\n-- x | one\nSELECT 1 AS x; DROP TABLE y", "not one SELECT"),
        ("-- D.\n-- x | one\nDELETE FROM staging.b", "not one SELECT"),
    ],
)
def test_a_file_that_breaks_the_form_is_refused(tmp_path, text, wrong):
    write(tmp_path, "marts/a", text)
    with pytest.raises(WarehouseError, match=wrong):
        load_models(tmp_path)


def test_a_column_nobody_documented_is_refused(tmp_path):
    write(tmp_path, "marts/a", "-- D.\n-- x | one\nSELECT 1 AS x, 2 AS y")
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA marts")
        with pytest.raises(WarehouseError, match="its header documents"):
            build(connection, load_models(tmp_path)[0])


def test_what_does_not_fit_into_memory_goes_to_disk_or_says_which_setting_to_raise(tmp_path):
    write(tmp_path, "staging/many", "-- D.\n-- x | one\nSELECT DISTINCT hash(i) AS x FROM range(3000000) AS t (i)")
    write(tmp_path, "staging/one", "-- D.\n-- x | one\nSELECT list(i) AS x FROM range(30000000) AS t (i)")
    models = {model.name: model for model in load_models(tmp_path)}
    with connect_work(Settings(data=tmp_path, memory="60MB")) as connection:
        assert build(connection, models["many"]) == 3_000_000
        with pytest.raises(WarehouseError, match="Raise MOAT_MEMORY, or free space where MOAT_DATA lies"):
            build(connection, models["one"])


def test_every_check_of_the_project_names_a_model_and_says_what_it_holds():
    tables = {model.table for model in load_models()}
    for check in load_checks():
        assert check.table in tables
        assert check.description
