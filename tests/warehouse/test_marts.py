"""Each mart on a few literal rows: raw tables in, the documented answer out."""

from datetime import UTC, date, datetime

import duckdb
import polars as pl
import pytest

from pipeline import forecast_tables, gap_tables, index_tables
from pipeline.board_state import STATE_COLUMNS as BOARDS
from pipeline.facts.schema import TABLES
from pipeline.hub_state import STATE_COLUMNS
from pipeline.raw import CAPTURE_COLUMNS, SOURCE_COLUMNS
from pipeline.sources import hub_renames
from pipeline.sources.facts import TABLES as FACTS
from pipeline.sources.hub_models import TABLES as HUB
from pipeline.sql_models import build, failing_rows, load_checks, load_models

URL = "https://example.org/x"
SEEN = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2)]


def release(model, access, day, **more):
    return {"model_id": model, "name": model.upper(), "access": access, "released_on": date(2024, 1, day),
            "released_on_source": "announcement", "source_name": "s", "source_url": URL} | more  # fmt: skip


def score(model, value, capture="f1", **more):
    source = {"source_kind": "url", "source_url": URL, "capture_id": capture}
    known = {"model_id": model, "series_id": "quiz_series", "model_as_written": model, "value": value}
    return known | source | {"unit": "percent", "tier": "C", "doubtful": False} | more


def figure(name, month, lag, capture):
    return {"figure_id": name, "publisher": "p", "published_on": date(2024, month, 1), "published_precision": "month",
            "lag_months": lag, "definition": "d", "source_name": "s", "source_url": URL,
            "capture_id": capture}  # fmt: skip


def capture(source, number, **more):
    return {"source": source, "capture_id": f"{source[0]}{number}", "origin": "o", "finished_at": SEEN[number - 1],
            "rows_read": 1, "rows_kept": 1, "rows_quarantined": 0, "rows_duplicate": 0, "metrics_read": 0,
            "metrics_kept": 0, "metrics_quarantined": 0} | more  # fmt: skip


def rated(model, series, value, **more):
    return {"fact_id": f"{model}{series}", "source": "board", "part": "p", "model": model, "series_id": series,
            "value": value, "tier": "C", "doubtful": False, "source_name": "s", "source_url": URL, "capture_id": "b1",
            "seen_at": SEEN[0]} | more  # fmt: skip


def edition(name, day):
    return {"source": "board", "series_id": name, "benchmark_id": "votes", "benchmark_name": "Votes", "protocol": "p",
            "evaluator": "e", "comparability": "same_evaluator", "unit": "elo", "direction": "higher",
            "edition_of": "ranking", "edition_on": date(2024, 2, day), "source_name": "s",
            "source_url": URL}  # fmt: skip


def fill_gap(connection):
    """What the assets of the gap group do."""
    found, as_of = index_tables.load(connection, None), gap_tables.asked_date(connection)
    index_tables.write(connection, found)
    gap_tables.compute(connection, found.inputs, found.draws, as_of)
    forecast_tables.compute(connection, found, connection.execute("FROM staging.index_inputs").pl(), as_of)


@pytest.fixture
def world():
    """Two captures: the second corrects closed B from 70 to 60; unknown U and doubtful D lead nobody."""
    releases = [
        release("a", "closed", 1),
        release("b", "closed", 11),
        release("o", "open", 21, licence_class="unrestricted"),
        release("u", "unknown", 2, params_b=3.0),
        release("d", "closed", 3),
    ]
    first = [score("a", 50.0), score("b", 70.0), score("o", 55.0), score("u", 99.0), score("d", 98.0, doubtful=True)]
    second = [row | {"capture_id": "f2", "value": 60.0 if row["model_id"] == "b" else row["value"]} for row in first]
    facts = {
        "releases": [row | {"capture_id": f} for f in ("f1", "f2") for row in releases],
        "benchmarks": [{"benchmark_id": "quiz", "name": "Quiz", "unit": "percent", "direction": "higher",
                        "released_on": date(2020, 1, 2), "visibility": "public", "visibility_url": URL,
                        "source_name": "s", "source_url": URL, "capture_id": "f2"}],
        "published_figures": [figure("one", 1, 3.0, "f1"), figure("one", 1, 4.0, "f2"), figure("two", 2, None, "f2")],
        "series": [{"series_id": "quiz_series", "benchmark_id": "quiz", "protocol": "p", "evaluator": "e",
                    "comparability": "same_evaluator", "unit": "percent", "direction": "higher", "chance": 0.0,
                    "ceiling": 100.0, "source_name": "s", "source_url": URL, "capture_id": "f2"}],
        "sizes": [{"model_id": m, "params_b": 7.5, "source_name": "s", "source_url": URL, "capture_id": "f2"}
                  for m in ("o", "u")],
        "scores_closed": first + second,
    }  # fmt: skip
    stays, gone = ({"id": f"org/{name}", "author": "org", "tags": [], "params_total": 7} for name in ("stays", "gone"))
    edge = {"child": "org/stays", "parent": "org/base", "relation": "merge", "evidence": "tag"}
    hub = {
        "hub_models": [stays | {"capture_id": "h2"}, gone | {"capture_id": "h1", "gone_at": SEEN[1]}],
        "lineage_edges": [edge | {"capture_id": "h2"}],
        "board_scores": [
            rated("a", "old", 7.0),
            rated("a", "new", 8.0),
            rated("ORG/STAYS", "new", 9.0),
            rated("old", "new", 6.0, gone_at=SEEN[1]),
        ],
        "board_models": [
            {"source": "board", "model": "A", "access": "closed", "released_on": date(2024, 1, 5)},
            {"source": "board", "model": "a", "access": "unknown"},
            {"source": "board", "model": "old", "access": "unknown"},
            {"source": "board", "model": "ORG/STAYS", "hub_id": "ORG/STAYS", "access": "unknown"},
        ],
        "board_series": [edition("old", 1), edition("new", 2), edition("future", 28)],
    }
    captures = [capture(source, number) for source in ("facts", "hub_models") for number in (1, 2)]
    captures.append(capture("board", 1))
    sources = [
        {"source": s, "state": "asked", "attribution": s.upper(), "url": URL, "checked_at": SEEN[1]}
        for s in ("facts", "hub_models", "board")
    ]
    sources.append({"source": "other", "state": "not offered", "attribution": "O", "url": URL})
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for schema in ("raw", "staging", "gap", "marts", "ops"):
            connection.execute(f"CREATE SCHEMA {schema}")
        tables = {f"facts_{n}": (facts.get(n, []), dict(TABLES[n].columns) | {"capture_id": pl.String}) for n in FACTS}
        tables |= {name: (hub.get(name, []), dict(schema)) for name, schema in (HUB | STATE_COLUMNS | BOARDS).items()}
        renames = [{"asked": "org/gone", "state": "renamed", "id": "org/stays", "capture_id": "h2"}]
        tables |= {"hub_renames": (renames, hub_renames.COLUMNS)}
        tables |= {"captures": (captures, CAPTURE_COLUMNS), "sources": (sources, SOURCE_COLUMNS)}
        tables |= {"run": ([{"as_of": date(2024, 2, 10), "hub": "o"}], {"as_of": pl.Date, "hub": pl.String})}
        for name, (rows, schema) in tables.items():
            connection.register("frame", pl.DataFrame(rows, schema=schema))
            connection.execute(f"CREATE TABLE raw.{name} AS FROM frame")
            connection.unregister("frame")
        models = load_models()
        for model in sorted(models, key=lambda model: model.schema != "staging"):
            if model.schema == "staging":
                build(connection, model)
        fill_gap(connection)
        for model in models:
            if model.schema != "staging":
                build(connection, model)
        yield connection


def rows(connection, query):
    return connection.execute(query).fetchall()


def test_a_corrected_score_is_superseded_and_kept(world):
    assert rows(world, "SELECT value, superseded_at IS NULL FROM staging.scores WHERE model_id = 'b' ORDER BY 1") == [
        (60.0, True), (70.0, False),
    ]  # fmt: skip
    assert rows(world, "SELECT DISTINCT seen_at FROM staging.scores WHERE model_id = 'a'") == [(SEEN[0],)]


def test_a_repository_missing_from_the_newest_list_is_noted_not_dropped(world):
    assert rows(world, "SELECT id, deleted_seen_at, renamed_to FROM staging.hub_models ORDER BY id") == [
        ("org/gone", SEEN[1], "org/stays"), ("org/stays", None, None),
    ]  # fmt: skip
    assert rows(world, "SELECT name, model_id FROM staging.aliases WHERE method = 'renamed'") == [
        ("org/gone", "hub:org/stays")
    ]
    assert rows(world, "SELECT child, parent, relation FROM staging.lineage_edges") == [
        ("org/stays", "org/base", "merge")
    ]


def test_a_board_s_models_are_repositories_or_stand_for_themselves(world):
    query = "SELECT name, model_id, method, confidence FROM staging.aliases WHERE source = 'board' ORDER BY name"
    assert rows(world, query) == [
        ("A", "board:A", "unresolved", None),
        ("ORG/STAYS", "hub:org/stays", "hub id", 1.0),
        ("a", "board:a", "unresolved", None),
        ("old", "board:old", "unresolved", None),
    ]
    query = "SELECT name, access, released_on FROM staging.models WHERE model_id LIKE 'board:%' ORDER BY name"
    assert rows(world, query) == [
        ("A (board)", "closed", date(2024, 1, 5)),  # a release has the plain name
        ("a", "unknown", None),
        ("old", "unknown", None),
    ]


def test_scores_of_a_board_have_provenance_and_only_the_newest_edition_counts(world):
    query = ("SELECT model_as_written, series_id, value, unit, published_on, seen_at, superseded_at FROM staging.scores"
             " WHERE capture_id = 'b1' ORDER BY value")  # fmt: skip
    assert rows(world, query) == [
        ("old", "new", 6.0, "elo", date(2024, 2, 2), SEEN[0], SEEN[1]),
        ("a", "old", 7.0, "elo", date(2024, 2, 1), SEEN[0], None),
        ("a", "new", 8.0, "elo", date(2024, 2, 2), SEEN[0], None),
        ("ORG/STAYS", "new", 9.0, "elo", date(2024, 2, 2), SEEN[0], None),
    ]
    query = "SELECT model, series FROM staging.gap_inputs WHERE unit = 'elo' ORDER BY score"
    assert rows(world, query) == [("a", "new"), ("org/stays", "new")]


def test_frontier_gap_and_catch_up(world):
    assert rows(world, "SELECT side, model_name, score FROM marts.frontier ORDER BY side, released_on") == [
        ("closed", "A", 50.0), ("closed", "B", 60.0), ("open", "O", 55.0),
    ]  # fmt: skip
    assert rows(world, "SELECT day, open_score, closed_score, gap_raw FROM marts.gap") == [
        (date(2024, 1, 21), 55.0, 60.0, 5.0)
    ]
    assert rows(
        world, "SELECT closed_model, matched_by, round(lag_months * 30.4375), censored FROM marts.catch_up ORDER BY 1"
    ) == [("A", "O", 20.0, False), ("B", None, 30.0, True)]


def test_headline_and_survival(world):
    found = rows(
        world,
        "SELECT state, models, open_models, closed_models, unknown_models, gap_raw, records, censored, sentence"
        " FROM marts.headline WHERE open_definition = 'downloadable' AND tolerance = 'strict'",
    )
    assert found[0][:8] == ("behind", 4, 1, 2, 1, 5.0, 2, 1)
    assert found[0][8].startswith(
        "As of 2024-02-10, the best open-weight model (O) trails the best closed one (B) by about 1.0 months"
    )
    assert rows(world, "SELECT DISTINCT records FROM marts.survival WHERE tolerance = 'strict'") == [(2,)]


def test_coverage_sources_and_leaderboard(world):
    assert rows(world, "SELECT model FROM marts.coverage ORDER BY 1") == [("org/gone",)]
    assert rows(world, "SELECT source, state, scores, rows_read FROM marts.sources ORDER BY 1") == [
        ("board", "asked", 3, 1), ("facts", "asked", 5, 1), ("hub_models", "asked", 0, 1),
        ("other", "not offered", 0, None),
    ]  # fmt: skip
    assert rows(world, "SELECT count(*) FROM marts.leaderboard") == [(0,)]


def test_published_figures_are_those_of_the_newest_capture(world):
    assert rows(world, "SELECT figure_id, published_on, lag_months FROM marts.other_figures") == [
        ("one", date(2024, 1, 1), 4.0), ("two", date(2024, 2, 1), None),
    ]  # fmt: skip


def test_benchmarks_of_the_facts_say_when_and_whether_they_are_public(world):
    assert rows(world, "SELECT released_on, visibility, visibility_url FROM staging.benchmarks ORDER BY 1") == [
        (date(2020, 1, 2), "public", URL), (None, "unknown", None),
    ]  # fmt: skip


def test_a_size_of_its_own_table_fills_in_where_the_release_states_none(world):
    assert rows(world, "SELECT model_id, params_total FROM staging.models WHERE model_id IN ('a', 'o', 'u')"
                " ORDER BY 1") == [("a", None), ("o", 7_500_000_000), ("u", 3_000_000_000)]  # fmt: skip


def test_checks_pass_on_a_good_world_and_name_what_breaks_them(world):
    checks = {f"{check.table}.{check.rule}": check for check in load_checks()}
    failing = {name: failing_rows(world, check)[0] for name, check in checks.items()}
    assert {name for name, count in failing.items() if count} == {
        "marts.headline.answers"
    }  # no epoch_eci in this world
    world.execute("UPDATE staging.scores SET source_url = NULL, value_scaled = 1.01 WHERE model_id = 'a'")
    world.execute("INSERT INTO staging.models FROM staging.models WHERE model_id = 'a'")
    world.execute("UPDATE staging.models SET released_on = DATE '2999-01-01' WHERE model_id = 'o'")
    world.execute("UPDATE marts.frontier SET score = 49 WHERE model_name = 'B'")
    world.execute("UPDATE ops.captures SET rows_read = 2 WHERE capture_id = 'f1'")
    for name in ("staging.scores.source_present", "staging.scores.in_range", "staging.models.unique_key",
                 "staging.models.no_future_date", "marts.frontier.monotone", "ops.captures.counts_add_up"):  # fmt: skip
        assert failing_rows(world, checks[name])[0] >= 1, name
