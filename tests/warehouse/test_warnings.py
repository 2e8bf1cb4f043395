"""Rules that rows may break without stopping a run: each finds its row, and the run says how many."""

import duckdb
import pytest

from pipeline.sql_models import failing_rows, load_checks

# Tables with rows that keep the rule and one that breaks it, and what that one is called.
WORLDS = {
    "marts.headline.interval_holds": (
        "CREATE TABLE marts.headline AS SELECT * FROM (VALUES"
        " ('holds', 'all', 'd', 'strict', 2.0, 1.0, 3.0, 5.0, 4.0, 6.0),"
        " ('no interval', 'all', 'd', 'strict', 2.0, NULL, NULL, 5.0, NULL, NULL),"
        " ('misses', 'all', 'd', 'strict', 2.0, 1.0, 3.0, 7.0, 4.0, 6.0))"
        " AS t(series, slice, open_definition, tolerance, gap_raw, gap_lo, gap_hi, lag_months, lag_lo, lag_hi)",
        "misses",
    ),
    "marts.score_conflicts.sources_agree": (
        "CREATE TABLE marts.score_conflicts AS SELECT * FROM (VALUES"
        " ('near', 'quiz', 'fraction', 0.1), ('elo', 'arena', 'points', 60.0), ('far', 'quiz', 'fraction', 0.11))"
        " AS t(model, benchmark, scale, spread)",
        "far",
    ),
    "staging.models.licence_known": (
        "CREATE TABLE staging.models AS SELECT * FROM (VALUES ('a', 'free', 'open', 'unrestricted'),"
        " ('b', 'closed', 'closed', NULL), ('c', 'nobody knows', 'open', NULL))"
        " AS t(model_id, name, access, licence_class)",
        "nobody knows",
    ),
    "marts.sources.fresh": (
        "CREATE TABLE marts.sources AS SELECT * FROM (VALUES ('new', 'asked', TIMESTAMPTZ '2026-08-04 00:00:00+00'),"
        " ('by hand', 'by hand', NULL), ('old', 'asked', TIMESTAMPTZ '2026-08-03 00:00:00+00'))"
        " AS t(source, state, checked_at)",
        "old",
    ),
    "marts.coverage.scored": (
        "CREATE TABLE marts.coverage AS SELECT * FROM (VALUES ('long ago', DATE '2026-05-13'),"
        " ('lately', DATE '2026-05-14')) AS t(model, released_on)",
        "lately",
    ),
}  # fmt: skip


def test_every_warning_has_its_world_here():
    assert {f"{check.table}.{check.rule}" for check in load_checks() if not check.blocking} == set(WORLDS)


@pytest.mark.parametrize("check", [one for one in load_checks() if not one.blocking], ids=lambda check: check.rule)
def test_a_warning_finds_the_row_that_breaks_the_rule_and_no_other(check):
    made, name = WORLDS[f"{check.table}.{check.rule}"]
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'; CREATE SCHEMA raw; CREATE SCHEMA staging; CREATE SCHEMA marts")
        connection.execute("CREATE TABLE raw.run AS SELECT DATE '2026-08-11' AS as_of")
        connection.execute(made)
        failing, [example] = failing_rows(connection, check)
    assert failing == 1
    assert name in example


def test_a_run_says_what_it_warns_of_and_publishes(built):
    told = " ".join((built / "stderr.txt").read_text().split())
    assert "warnings marts.score_conflicts sources_agree (" in told
    assert "staging.models licence_known (" in told
