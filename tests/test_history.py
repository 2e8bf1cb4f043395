"""Two clocks: what the world was on a day, and what was known of it by a time; all of it from captures alone."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from typer.testing import CliRunner

from pipeline import history
from pipeline.captures import CaptureWriter, every, note_check
from pipeline.cli import app
from pipeline.errors import InputError, WarehouseError
from pipeline.facts.schema import TABLES
from pipeline.report import terminal
from pipeline.settings import Settings
from pipeline.sources import facts
from pipeline.sources.lmarena import BOARD
from pipeline.warehouse import connect_published, logical_hash
from tests.conftest import moat
from tests.sources.board_data import arena, offering, rating
from tests.warehouse.literal_rows import URL, release

MARCH, APRIL = datetime(2025, 3, 2, 9, tzinfo=UTC), datetime(2025, 4, 2, 9, tzinfo=UTC)
DAY = date(2025, 4, 10)
BY_APRIL = ["--as-of", "2025-04-10", "--known-at", "2025-04-10"]
SCORES = {"c1": 50.0, "c2": 60.0, "c3": 70.0, "o1": 48.0, "o2": 55.0, "o3": 62.0}


def world(scores, **more):
    """Closed and open models, one a month from 2024-01, with their values on the headline series."""
    source = {"source_name": "s", "source_url": URL}
    days = {name: date(2024, month, 3) for month, name in enumerate(sorted(scores, key=lambda name: name[::-1]), 1)}
    releases = [
        release(name, "open" if name[0] == "o" else "closed", 1, released_on=more.get(name, day), country="X")
        for name, day in days.items()
    ]
    return {
        "releases": releases,
        "benchmarks": [{"benchmark_id": "eci", "name": "Index", "unit": "points", "direction": "higher",
                        "visibility": "unknown"} | source],
        "series": [{"series_id": more.get("series", "epoch_eci"), "benchmark_id": "eci", "protocol": "p",
                    "evaluator": "e", "comparability": "same_protocol", "unit": "points", "direction": "higher"}
                   | source],
        "scores_epoch_eci": [
            {"model_id": name, "series_id": more.get("series", "epoch_eci"), "model_as_written": name, "value": value,
             "unit": "points", "tier": "C", "self_reported": False, "doubtful": False, "source_kind": "url",
             "evaluated_on": more.get("evaluated_on")} | source
            for name, value in scores.items()
        ],
    }  # fmt: skip


def captured(data, rows, at=None):
    """These tables of facts as a capture; `at` dates it back."""
    with CaptureWriter(Settings(data=data).captures, facts.SOURCE, facts.ORIGIN) as writer:
        for name, table in rows.items():
            known = [{key: value for key, value in row.items() if key in TABLES[name].columns} for row in table]
            writer.add(f"{name}.csv", pl.DataFrame(known, schema=dict(TABLES[name].columns)).write_csv().encode())
        capture, _ = writer.seal(revision="r", client="c", requests=0, items=0)
    if at is not None:
        old = capture.manifest
        dated = replace(old, started_at=at, finished_at=at, capture_id=f"{at:%Y%m%dT%H%M%S%fZ}-{old.sha256[:12]}")
        (capture.folder / "manifest.json").write_text(dated.to_json())
        capture.folder.rename(capture.folder.with_name(dated.capture_id))


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Two captures: the second corrects c3 from 70 to 65."""
    data = tmp_path_factory.mktemp("two")
    captured(data, world(SCORES), MARCH)
    captured(data, world(SCORES | {"c3": 65.0}), APRIL)
    return Settings(data=data)


@pytest.fixture(scope="module")
def three(two, tmp_path_factory):
    """The same captures elsewhere, and one of today: o4, released and evaluated before April, leads."""
    data = tmp_path_factory.mktemp("three")
    shutil.copytree(two.captures, Settings(data=data).captures)
    captured(data, world(SCORES | {"c3": 65.0, "o4": 99.0}, o4=date(2025, 1, 15), evaluated_on=date(2025, 2, 10)))
    return Settings(data=data)


def printed(settings, *arguments):
    environment = {"MOAT_DATA": str(settings.data), "COLUMNS": "160"}
    return CliRunner().invoke(app, arguments, env=environment, catch_exceptions=False).stdout


def content(settings):
    with connect_published(settings) as connection:
        return logical_hash(connection)


def asked(settings, query):
    with connect_published(settings) as connection:
        return connection.execute(query).fetchall()


def test_a_backdated_score_changes_no_report_of_what_was_known_before_it(two, three):
    for question in (["report", *BY_APRIL], ["report", *BY_APRIL, "--json"], ["gap", *BY_APRIL, "--json"]):
        assert printed(three, *question) == printed(two, *question)
    hindsight = [json.loads(printed(one, "report", "--as-of", "2025-04-10", "--json")) for one in (two, three)]
    assert [document["as_of"] for document in hindsight] == ["2025-04-10", "2025-04-10"]
    assert [document["headline"]["open_model"] for document in hindsight] == ["O3", "O4"]


def test_a_report_of_a_past_state_names_both_clocks(two):
    said = " ".join(printed(two, "report", *BY_APRIL).split())
    assert "As of 2025-04-10, known at 2025-04-10T23:59:59.999999+00:00: what was captured up to 2025-04-02T09" in said
    document = json.loads(printed(two, "report", *BY_APRIL, "--json"))
    assert (document["as_of"], document["known_at"]) == ("2025-04-10", "2025-04-10T23:59:59.999999+00:00")
    assert "known at 2025-04-10T23:59:59.999999+00:00" in printed(two, "gap", *BY_APRIL)


def test_the_state_after_the_second_of_three_captures_is_that_of_a_world_that_ended_there(two, three):
    file, digest = history.rebuild(three, DAY, APRIL)
    assert (digest, file.is_relative_to(three.histories)) == (content(history.past(two, DAY, None)), True)
    assert content(history.past(three, DAY, None)) != digest
    scores = "SELECT value, superseded_at FROM staging.scores WHERE model_id = 'c3' ORDER BY 1"
    assert asked(history.past(three, DAY, APRIL), scores) == [(65.0, None), (70.0, APRIL)]
    assert asked(history.past(two, DAY, MARCH), scores) == [(70.0, None)]


def test_a_look_that_came_later_is_not_told(two):
    note_check(two.captures, facts.SOURCE)
    question = "SELECT checked_at, captured_at FROM marts.sources WHERE source = 'facts'"
    for known_at in (MARCH, None):
        last = known_at or APRIL
        assert asked(history.past(two, DAY, known_at), question) == [(last, last)]


def test_a_date_of_the_world_leaves_out_what_is_dated_later(two):
    past = history.past(two, date(2024, 4, 10), None)
    assert asked(past, "SELECT DISTINCT as_of FROM marts.headline") == [(date(2024, 4, 10),)]
    assert asked(past, "SELECT model FROM marts.leaderboard ORDER BY 1") == [("C1",), ("C2",), ("O1",), ("O2",)]


def test_of_a_ranking_with_editions_the_one_of_the_day_counts_in_the_published_file_and_in_a_build(tmp_path):
    early, late = ([rating(f"m{n}", 1000.0 + n, day) for n in range(3)] for day in ("2025-01-05", "2025-02-05"))
    with offering(tmp_path, arena(early + late)) as boards:
        boards.fetch(BOARD)
    captured(tmp_path, world(SCORES), MARCH)
    settings, day = Settings(data=tmp_path, hub="hub"), date(2025, 1, 20)
    history.rebuild(settings, date(2025, 3, 3), None)
    editions = "SELECT DISTINCT series FROM staging.gap_inputs WHERE series <> 'epoch_eci'"
    [(now,)], [(then,)] = asked(settings, editions), asked(history.past(settings, day, None), editions)
    assert (now.split("2025")[1], then.split("2025")[1]) == ("-02-05", "-01-05")
    options = {"scores": None, "as_of": day, "tolerance": "strict", "definition": "downloadable", "skip_bad": False}
    from_published = terminal.gap(settings, series=then, **options)
    assert from_published == terminal.gap(history.past(settings, day, None), series=then, **options)
    with pytest.raises(InputError, match="there is no such series"):
        terminal.gap(settings, series=now, **options)


def test_a_question_is_answered_from_its_finished_build_and_only_the_last_ones_are_kept(two, tmp_path, monkeypatch):
    first = history.past(two, DAY, None)
    made = first.published_file.stat().st_mtime_ns
    assert history.past(two, DAY, APRIL + timedelta(days=3)).history == first.history
    assert first.published_file.stat().st_mtime_ns == made
    shutil.copytree(two.data, tmp_path / "copy")
    monkeypatch.setattr(history, "KEPT", 1)
    second = history.past(Settings(data=tmp_path / "copy"), date(2025, 4, 11), None)
    assert [path.name for path in second.histories.iterdir()] == [second.history]


def test_a_build_that_breaks_a_rule_leaves_nothing(tmp_path):
    captured(tmp_path, world(SCORES, series="another"), MARCH)
    with pytest.raises(WarehouseError, match=r"check answers of marts\.headline"):
        history.past(Settings(data=tmp_path), DAY, None)
    assert list(Settings(data=tmp_path).histories.iterdir()) == []


def test_what_was_never_captured_is_not_known_and_the_answer_says_from_when_it_is(two, tmp_path):
    with pytest.raises(InputError, match="Use `moat run` first"):
        history.past(Settings(data=tmp_path), date(2025, 1, 1), None)
    with pytest.raises(InputError, match=r"the first capture is of 2025-03-02 09:00:00 UTC.*use --as-of alone"):
        history.past(two, date(2025, 1, 1), MARCH - timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2025-03-02", datetime(2025, 3, 2, 23, 59, 59, 999999, tzinfo=UTC)),
        ("2025-03-02T09:30", datetime(2025, 3, 2, 9, 30, tzinfo=UTC)),
        ("2025-03-02T09:30+02:00", datetime(2025, 3, 2, 7, 30, tzinfo=UTC)),
    ],
)
def test_a_day_is_known_at_its_end_and_a_time_without_a_zone_is_utc(text, time):
    assert history.parse_known_at(text) == time
    assert Settings(known_at="2025-03-02T09:00").known_at == datetime(2025, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "--known-at", "soon"], "it is no time"),
        (["report", "--known-at", "2999-01-01"], "it lies in the future"),
        (["report", "--as-of", "2999-01-01"], "it lies in the future"),
        (["gap", "--scores", "mine.csv", "--known-at", "2025-01-01"], "mine.csv was never captured"),
    ],
)
def test_a_clock_that_cannot_be_set_is_named(tmp_path, arguments, message):
    with pytest.raises(InputError, match=message):
        printed(Settings(data=tmp_path), *arguments)


def test_a_run_captures_what_is_known_now(tmp_path):
    done = moat("run", data=tmp_path, check=False, MOAT_KNOWN_AT="2025-01-01T00:00")
    assert (done.returncode, "MOAT_KNOWN_AT" in done.stderr) == (1, True)
    assert every(Settings(data=tmp_path).captures, facts.SOURCE) == []
