"""What each build was made from is kept, and the next one says what changed the headline since."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import polars as pl
import pytest

from pipeline import index_tables, vintage_tables, vintages
from pipeline.settings import Settings
from pipeline.sql_models import build, load_models
from pipeline.vintages import kept, problems, record
from pipeline.warehouse import connect_published, connect_work, logical_hash, publish
from tests.conftest import moat
from tests.warehouse.literal_rows import URL, release, score
from tests.warehouse.worlds import build_world

AS_OF = date(2024, 2, 10)
MONTH = 30.4375
INDEX = {"series_id": "epoch_eci", "benchmark_id": "quiz", "protocol": "p", "evaluator": "e", "unit": "points",
         "comparability": "same_evaluator", "direction": "higher", "source_name": "s", "source_url": URL,
         "capture_id": "f2"}  # fmt: skip
# What was published for "O Three" stands under x, a model of unknown access, until the name is found to be o3.
MODELS = {
    "c1": {"access": "closed", "released_on": date(2023, 1, 1), "value": 50.0},
    "o1": {"access": "open", "released_on": date(2023, 2, 1), "value": 40.0},
    "c2": {"access": "closed", "released_on": date(2023, 3, 1), "value": 60.0},
    "o2": {"access": "open", "released_on": date(2023, 6, 1), "value": 55.0},
    "x": {"access": "unknown", "released_on": date(2023, 9, 1), "value": 59.0},
    "c3": {"access": "closed", "released_on": date(2023, 8, 1), "value": None},
    "o3": {"access": "open", "released_on": date(2023, 9, 1), "value": None},
}  # fmt: skip


def with_model(models, name, **values):
    return models | {name: models[name] | values}


NEW = with_model(MODELS, "c3", value=65.0)
RESCORED = with_model(NEW, "o2", value=58.0)
REDATED = with_model(RESCORED, "c2", released_on=date(2023, 4, 1))
RELICENSED = with_model(REDATED, "c3", access="unknown")
RESOLVED = with_model(with_model(RELICENSED, "x", value=None), "o3", value=59.0)
BUILDS = {
    "first": MODELS, "new": NEW, "rescored": RESCORED, "redated": REDATED, "relicensed": RELICENSED,
    "resolved": RESOLVED,
}  # fmt: skip


FOLDER = TemporaryDirectory()


@cache
def tables(build):
    """The file with the tables of a build, made by the real SQL from literal rows; copy it."""
    releases = [release(name, one["access"], 1, capture_id="f2", released_on=one["released_on"],
                        licence_class="unrestricted" if one["access"] == "open" else None)
                for name, one in BUILDS[build].items()]  # fmt: skip
    scores = [
        score(name, one["value"], "f2", series_id="epoch_eci", unit="points",
              model_as_written="O Three" if name in {"x", "o3"} else name)
        for name, one in BUILDS[build].items() if one["value"] is not None
    ]  # fmt: skip
    file = Path(FOLDER.name) / f"{build}.duckdb"
    with build_world(facts_releases=releases, facts_series=[INDEX], facts_scores_epoch_eci=scores) as world:
        world.execute(f"ATTACH '{file}' AS work")
        world.execute("COPY FROM DATABASE memory TO work")
    return file


def work_file(settings, name, hub="o"):
    settings.work_file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(tables(name), settings.work_file)
    with connect_work(settings) as work:
        for table in ("raw.run", "ops.schema_version"):
            work.execute(f"UPDATE {table} SET hub = ?", [hub])


def compared(settings, name, hub="o"):
    """A build up to its comparison: what is wrong with the vintages, and the changes that it found."""
    work_file(settings, name, hub)
    with connect_work(settings) as work:
        problems = vintage_tables.fill(work, index_tables.load(work, None), settings)
        (mart,) = (model for model in load_models() if model.name == "vintage_changes")
        build(work, mart)
        return problems, headline_changes(work)


def built(settings, name, hub="o"):
    """A whole build, with nothing wrong with the vintages."""
    assert compared(settings, name, hub)[0] == []
    record(settings, publish(settings))


def headline_changes(connection):
    found = connection.execute("FROM marts.vintage_changes ORDER BY built_after, metric, factor").pl()
    return found.filter(series="epoch_eci", open_definition="downloadable")


def published_changes(settings):
    with connect_published(settings) as connection:
        return headline_changes(connection)


def amounts(frame):
    return [(row["metric"], row["factor"], row["amount"], row["models"]) for row in frame.to_dicts()]


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """A folder with six builds, each of which changes one thing; read it, do not write it."""
    settings = Settings(data=tmp_path_factory.mktemp("chain"))
    for name in BUILDS:
        built(settings, name)
    return settings


@pytest.fixture
def copy(chain, tmp_path):
    shutil.copytree(chain.data, tmp_path / "data")
    return Settings(data=tmp_path / "data")


def test_each_kind_of_change_stands_under_its_own_name(chain):
    pairs = published_changes(chain).partition_by("built_after", maintain_order=True)
    assert [amounts(pair) for pair in pairs] == [
        [("gap", "new_models", 5, 1)],  # c3 is 10 above o2, not c2 5
        [("gap", "rescored", -3, 1)],
        [("lag", "redated", pytest.approx(-31 / MONTH, abs=1e-6), 1)],
        [("gap", "relicensed", -5, 1)],
        [("gap", "resolved", -1, 1)],  # and neither a new model nor a removed one
    ]


def test_amounts_sum_to_the_difference_and_every_definition_is_there(chain):
    with connect_published(chain) as connection:
        found = connection.execute("FROM marts.vintage_changes").pl()
    assert set(found["open_definition"]) == {"downloadable", "commercial", "unrestricted"}
    of_pair = ["built_before", "built_after", "series", "open_definition", "metric"]
    sums = found.group_by(of_pair).agg(pl.col("amount").sum(), pl.col("difference", "before", "after").first())
    assert sums["amount"].to_list() == pytest.approx(sums["difference"].to_list())
    assert (sums["after"] - sums["before"]).to_list() == pytest.approx(sums["difference"].to_list())
    last = published_changes(chain).to_dicts()[-1]
    assert (last["before"], last["after"], last["as_of_before"], last["as_of_after"]) == (2, 1, AS_OF, AS_OF)


def test_before_and_after_are_the_numbers_of_the_headline(chain):
    found, _ = kept(chain)
    assert [one.gap_points for one in found] == [5, 10, 7, 7, 2, 1]
    with connect_published(chain) as connection:
        query = (
            "SELECT open_definition, gap_raw, lag_months FROM marts.headline WHERE is_headline AND tolerance = 'strict'"
        )
        headline = connection.execute(query).fetchall()
    inputs = found[-1].inputs.filter(series="epoch_eci")
    assert len(headline) == 3
    for definition, gap, lag in headline:
        assert vintage_tables.gap_points(inputs, AS_OF, definition) == pytest.approx(gap)
        assert vintage_tables.lag_months(inputs, AS_OF, definition) == pytest.approx(lag)


def test_a_vintage_says_who_it_is(chain):
    newest = kept(chain)[0][-1]
    with connect_published(chain) as connection:
        assert newest.logical_hash == logical_hash(connection)
    assert newest.vintage_id == f"{newest.built_at:%Y%m%dT%H%M%SZ}-{newest.logical_hash[:12]}"
    assert (newest.as_of, newest.hub, newest.code) == (AS_OF, "o", vintages.code())
    assert newest.captures["facts"] == ["f1", "f2"]
    inputs = newest.inputs.filter(series="epoch_eci", model="o3")
    assert inputs.select("name", "score", "access").row(0) == ("O3", 59, "open")
    earlier = kept(chain)[0][-2].inputs.filter(series="epoch_eci", model="x")
    assert inputs["facts"].to_list() == earlier["facts"].to_list() != [None]


def test_the_same_build_again_adds_no_vintage_and_no_row(copy):
    before = kept(copy)[0], published_changes(copy)
    built(copy, "resolved")
    assert kept(copy)[0] == before[0]
    assert published_changes(copy).equals(before[1])


def test_a_rebuild_elsewhere_knows_no_vintages_and_has_the_same_hash(chain, tmp_path):
    elsewhere = Settings(data=tmp_path)
    _, changes = compared(elsewhere, "resolved")
    assert changes.is_empty()
    assert publish(elsewhere) == kept(chain)[0][-1].logical_hash


def test_a_run_killed_before_its_vintage_gets_it_in_the_next_run(copy):
    compared(copy, "first")
    digest = publish(copy)
    assert problems(copy) == ["the published build has no vintage yet: the next run adds it"]
    found, changes = compared(copy, "new")
    assert found == problems(copy) == []
    repaired = kept(copy)[0][-1]
    assert (repaired.gap_points, repaired.logical_hash) == (5, digest)
    gap = changes.filter(metric="gap")
    into, out_of = (gap.filter(pl.col(end) == repaired.built_at) for end in ("built_after", "built_before"))
    assert into["amount"].sum() == pytest.approx(5 - 1)
    assert amounts(out_of) == [("gap", "new_models", 5, 1)]


@pytest.mark.parametrize("file", ["inputs.parquet", "changes.parquet", "vintage.json"])
def test_a_damaged_vintage_is_left_out_and_named_and_the_one_before_is_compared(copy, file):
    path = kept(copy)[0][-1].folder / file
    path.write_bytes(path.read_bytes()[:-9])
    (problem,), changes = compared(copy, "first")
    assert str(path) in problem
    assert "delete its folder" in problem
    # Not from the gap of 1 after o3 was resolved.
    last = changes.filter(metric="gap", built_before=kept(copy)[0][-1].built_at)
    assert (set(last["before"]), set(last["after"])) == ({2}, {5})


def test_a_vintage_of_another_version_is_left_out_and_named(copy):
    newest = kept(copy)[0][-1]
    file = newest.folder / "inputs.parquet"
    newest.inputs.drop("unit").write_parquet(file)
    described = replace(newest, files=newest.files | {file.name: sha256(file.read_bytes()).hexdigest()})
    (newest.folder / "vintage.json").write_text(described.to_json())
    found, (problem,) = kept(copy)
    assert len(found) == 5
    assert problem == f"{file}: it is of another version. It is left out; delete its folder"


def test_what_cannot_be_kept_as_a_vintage_is_said_and_the_run_goes_on(copy):
    copy.published_file.write_bytes(b"no database")
    (problem,), changes = compared(copy, "first")
    assert "it cannot be kept as a vintage" in problem
    assert changes.filter(metric="gap").row(-1, named=True)["after"] == 5


def test_only_the_newest_vintages_stay_and_nothing_half_written(copy, monkeypatch):
    monkeypatch.setattr(vintages, "KEPT", 2)
    before = kept(copy)[0]
    half = before[0].folder.with_name(".tmp-half")
    shutil.copytree(before[-1].folder, half)
    assert kept(copy)[0] == before
    built(copy, "first")
    after = kept(copy)[0]
    assert [one.gap_points for one in after] == [1, 5]
    assert after[0] == before[-1]
    assert {path.name for path in half.parent.iterdir()} == {".recorded", *(one.vintage_id for one in after)}


def test_builds_of_another_hub_are_not_compared(copy):
    before = published_changes(copy)
    built(copy, "first", hub="https://example.org")
    assert published_changes(copy).is_empty()
    assert [one.hub for one in kept(copy)[0]][-2:] == ["o", "https://example.org"]
    assert compared(copy, "resolved")[1].equals(before)


def test_a_past_state_is_no_vintage_and_is_compared_with_none(copy):
    found, changes = compared(copy.model_copy(update={"history": "past"}), "first")
    assert found == []
    assert changes.is_empty()
    assert len(kept(copy)[0]) == 6


def test_the_passing_of_time_is_told_apart_and_what_is_undefined_says_so():
    inputs = pl.DataFrame(
        {"series": ["epoch_eci"] * 2, "model": ["c", "o"], "score": [2.0, 1.0], "access": ["closed", "open"],
         "released_on": [date(2024, 1, 1), date(2024, 1, 11)], "observed_on": [None, None]},
        schema_overrides={"observed_on": pl.Date},
    )  # fmt: skip
    days = date(2024, 2, 1), date(2024, 3, 1)
    found = vintage_tables.compare(inputs, days[0], inputs, days[1])
    assert [(one["metric"], one["open_definition"], one["factor"]) for one in found] == [
        ("lag", "downloadable", "elapsed")
    ]  # the model without a licence is on no side of the other definitions, before and after
    assert found[0]["amount"] == pytest.approx(29 / MONTH)
    assert (found[0]["models"], found[0]["as_of_before"], found[0]["as_of_after"]) == (None, *days)
    first = vintage_tables.compare(inputs.clear(), days[0], inputs, days[0])
    assert [(one["metric"], one["before"], one["after"], one["factor"], one["amount"]) for one in first] == [
        ("gap", None, 1.0, "new_models", None),
        ("lag", None, pytest.approx(31 / MONTH), "new_models", None),
    ]
    assert first[0]["note"] == "the metric is undefined in the earlier build"
    # A series that is a dated snapshot ends on its day, and so stands still.
    snapshot = inputs.with_columns(observed_on=pl.lit(date(2024, 1, 31)))
    assert vintage_tables.compare(snapshot, days[0], snapshot, days[1]) == []


def test_a_change_in_one_sentence():
    about = {"before": 4.64, "after": 4.9, "note": None}
    rows = [
        about | {"metric": "gap", "factor": "new_models", "amount": 0.31, "models": 2},
        about | {"metric": "gap", "factor": "rescored", "amount": -0.05, "models": 1},
        about | {"metric": "gap", "factor": "redated", "amount": 0.001, "models": 1},
        {"metric": "lag", "before": None, "after": 5.2, "factor": "elapsed", "amount": None, "models": None,
         "note": "the metric is undefined in the earlier build"},
    ]  # fmt: skip
    assert vintage_tables.sentence(rows) == (
        "gap 4.64 -> 4.90: +0.31 new models (2), -0.05 rescored (1); "
        "lag none -> 5.20: the metric is undefined in the earlier build"
    )
    assert vintage_tables.sentence([]) == ""


def test_the_list_of_vintages(copy):
    found = json.loads(moat("vintages", "--json", data=copy.data).stdout)
    assert [one["gap_points"] for one in found] == [1, 2, 7, 7, 10, 5]
    assert found[0]["changed"] == "gap 2.00 -> 1.00: -1.00 resolved (1)"
    assert found[-1]["changed"] == "the first that is kept"
    assert datetime.fromisoformat(found[0]["built_at"]).tzinfo == UTC
    broken = kept(copy)[0][0].folder / "inputs.parquet"
    broken.write_bytes(b"")
    done = moat("vintages", data=copy.data)
    assert "+5.00 new models (1)" in " ".join(done.stdout.split())
    assert broken.parent.name in done.stderr.replace("\n", "")


def test_the_published_table_is_described(chain):
    with duckdb.connect(str(chain.published / "marts.duckdb"), read_only=True) as small:
        query = ("SELECT count(*), count(comment) FROM duckdb_columns()"
                 " WHERE schema_name = 'marts' AND table_name = 'vintage_changes'")  # fmt: skip
        assert small.execute(query).fetchall() == [(14, 14)]
    assert pl.read_parquet(chain.published / "parquet" / "vintage_changes.parquet").height > 5
