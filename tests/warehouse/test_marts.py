"""Each mart on a few literal rows: raw tables in, the documented answer out."""

from datetime import date

from pipeline.sql_models import failing_rows, load_checks
from tests.warehouse.literal_rows import SEEN, URL, figure, release, rows, score
from tests.warehouse.worlds import build_world


def test_a_corrected_score_is_superseded_and_kept(world):
    assert rows(world, "SELECT value, superseded_at IS NULL FROM staging.scores WHERE model_id = 'b' ORDER BY 1") == [
        (60.0, True), (70.0, False),
    ]  # fmt: skip
    assert rows(world, "SELECT DISTINCT seen_at FROM staging.scores WHERE model_id = 'a'") == [(SEEN[0],)]


def test_a_repository_missing_from_the_newest_list_is_noted_not_dropped(world):
    assert rows(world, "SELECT id, deleted_seen_at, renamed_to FROM staging.hub_models ORDER BY id") == [
        ("org/gone", SEEN[1], "org/stays"), ("org/new", None, None), ("org/stays", None, None),
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
        ("A", "a", "exact", 1.0),
        ("ORG/STAYS", "hub:org/stays", "hub id", 1.0),
        ("old", "board:old", "unresolved", None),
        ("pet", "board:pet", "unresolved", None),
    ]
    query = "SELECT name, access, released_on FROM staging.models WHERE model_id LIKE 'board:%' ORDER BY name"
    assert rows(world, query) == [("old", "unknown", None), ("pet", "unknown", None)]


def test_scores_of_a_board_have_provenance_and_only_the_newest_edition_counts(world):
    query = ("SELECT model_as_written, series_id, value, unit, published_on, seen_at, superseded_at FROM staging.scores"
             " WHERE capture_id = 'b1' ORDER BY value")  # fmt: skip
    assert rows(world, query) == [
        ("old", "new", 6.0, "elo", date(2024, 2, 2), SEEN[0], SEEN[1]),
        ("pet", "old", 7.0, "elo", date(2024, 2, 1), SEEN[0], None),
        ("pet", "new", 8.0, "elo", date(2024, 2, 2), SEEN[0], None),
        ("ORG/STAYS", "new", 9.0, "elo", date(2024, 2, 2), SEEN[0], None),
    ]
    query = "SELECT model, series FROM staging.gap_inputs WHERE unit = 'elo' ORDER BY score"
    assert rows(world, query) == [("pet", "new")]  # the repository is a merge


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


def test_frontier_gap_and_catch_up_in_every_definition_of_open():
    licence = release("r", "open", 22, licence_class="non_commercial", capture_id="f2")
    with build_world(
        ["marts.frontier_by_open", "marts.gap_by_open", "marts.catch_up_by_open"],
        facts_releases=[licence],
        facts_scores_closed=[score("r", 58.0, "f2")],
    ) as world:
        query = (
            "SELECT open_definition, max(score) FROM marts.frontier_by_open WHERE side = 'open' GROUP BY 1 ORDER BY 1"
        )
        assert rows(world, query) == [("commercial", 55.0), ("downloadable", 58.0), ("unrestricted", 55.0)]
        query = "SELECT open_definition, gap_raw FROM marts.gap_by_open ORDER BY day DESC, 1 LIMIT 1"
        assert rows(world, query) == [("downloadable", 2.0)]
        query = "SELECT count(*) FROM marts.catch_up_by_open WHERE closed_model = 'A' AND matched_by = 'O'"
        assert rows(world, query)[0][0] >= 3


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
    assert rows(world, "SELECT model FROM marts.coverage ORDER BY 1") == [("org/new",)]
    assert rows(world, "SELECT source, state, scores, rows_read FROM marts.sources ORDER BY 1") == [
        ("board", "asked", 3, 1), ("facts", "asked", 5, 1), ("hub_models", "asked", 0, 1),
        ("other", "not offered", 0, None),
    ]  # fmt: skip
    # None is in Epoch's index, so that none has a rank; the only score of D is doubtful.
    assert rows(world, "SELECT model, rank_best, index_value, benchmarks FROM marts.leaderboard ORDER BY 1") == [
        (name, None, None, 1) for name in ("A", "B", "O", "U", "pet")
    ]


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


def test_checks_pass_on_a_good_world_and_name_what_breaks_them():
    with build_world() as world:
        checks = {f"{check.table}.{check.rule}": check for check in load_checks() if check.blocking}
        failing = {name: failing_rows(world, check)[0] for name, check in checks.items()}
        assert {name for name, count in failing.items() if count} == {
            "marts.headline.answers"
        }  # no epoch_eci in this world
        world.execute("UPDATE staging.scores SET source_url = NULL, value_scaled = 1.01 WHERE model_id = 'a'")
        world.execute("INSERT INTO staging.models FROM staging.models WHERE model_id = 'a'")
        world.execute("UPDATE staging.models SET released_on = DATE '2999-01-01' WHERE model_id = 'o'")
        world.execute("UPDATE marts.frontier SET score = 49 WHERE model_name = 'B'")
        world.execute("UPDATE ops.captures SET rows_read = 2 WHERE capture_id = 'f1'")
        world.execute("INSERT INTO staging.aliases SELECT * REPLACE (0.5 AS confidence, 'x' AS model_id)"
                      " FROM staging.aliases WHERE name = 'A' AND source = 'board'")  # fmt: skip
        for name in (
            "staging.aliases.confident",
            "staging.aliases.known_model",
            "staging.aliases.unique_key",
            "staging.scores.source_present",
            "staging.scores.in_range",
            "staging.models.unique_key",
            "staging.models.no_future_date",
            "marts.frontier.monotone",
            "ops.captures.counts_add_up",
        ):
            assert failing_rows(world, checks[name])[0] >= 1, name


def test_what_is_dated_after_the_date_of_the_world_is_not_there_yet():
    late = release("late", "open", 1, released_on=date(2024, 2, 11), capture_id="f2")
    with build_world(facts_published_figures=[figure("late", 3, 1.0, "f2")], facts_releases=[late]) as world:
        assert "late" not in {figure_id for (figure_id,) in rows(world, "SELECT figure_id FROM marts.other_figures")}
        assert "LATE" not in {model for (model,) in rows(world, "SELECT model FROM marts.coverage")}
        assert rows(world, "SELECT name FROM staging.models WHERE model_id = 'late'") == [("LATE",)]
