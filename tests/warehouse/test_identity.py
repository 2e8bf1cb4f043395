"""Models, their access, licences and dates, and what clones and doubtful entries may not do, on literal rows."""

from datetime import UTC, date, datetime

import pytest

from pipeline.sql_models import failing_rows, load_checks
from tests.warehouse.literal_rows import SEEN, URL, rated, release, rows
from tests.warehouse.worlds import build_world

NEW = {"capture_id": "f2"}
LISTED = {"capture_id": "h2", "tags": [], "created_at": datetime(2024, 1, 1, tzinfo=UTC)}


def repository(name, **more):
    return {"id": name, "author": name.partition("/")[0], "params_total": 7_000_000_000} | LISTED | more


def declares(child, parent, relation):
    return {"child": child, "parent": parent, "relation": relation, "evidence": "tag", "capture_id": "h2"}


def named(model, **more):
    return {"source": "board", "model": model, "access": "unknown"} | more


def says(model, field, value, source, evidence="aggregator"):
    return {"model_id": model, "field": field, "value": value, "source": source, "evidence": evidence,
            "name_as_written": model, "source_name": source, "source_url": URL} | NEW  # fmt: skip


def undecided(model, **more):
    """A release whose date and access only others state."""
    return release(model, None, 1, **more) | {"released_on": None, "released_on_source": "statements"} | NEW


def one(world, query):
    [row] = rows(world, query)
    return row


def decided(columns, *statements, **more):
    """What is used of a release that has no source of its own, by what others state."""
    undated = undecided("x", hub_id="org/x")
    stated = {"facts_releases": [undated], "facts_statements": list(statements)}
    with build_world(["staging.models"], **stated, **more) as world:
        return one(world, f"SELECT {columns} FROM staging.models WHERE model_id = 'x'")


class TestNames:
    @pytest.fixture(scope="class")
    @classmethod
    def world(cls):
        with build_world(
            only=["marts.unresolved", "staging.gap_inputs"],
            facts_releases=[release("m", "closed", 5, name="Model M (Jan 2024)") | NEW],
            board_models=[named("model-m-2024-01-05_high"), named("model m"), named("it's <b>")],
            board_scores=[rated("model-m-2024-01-05_high", "new", 5.0), rated("model m", "new", 4.0)],
        ) as connection:
            yield connection

    def test_an_effort_setting_is_a_variant_of_its_model(self, world):
        query = "SELECT model_id, method, variant FROM staging.aliases WHERE name = 'model-m-2024-01-05_high'"
        assert one(world, query) == ("m", "variant", "effort high")
        assert one(world, "SELECT model, score FROM staging.gap_inputs WHERE score = 5") == ("Model M (Jan 2024)", 5.0)

    def test_an_unresolved_name_is_visible_with_its_scores_and_the_command_to_resolve_it(self, world):
        query = "SELECT name, scores, candidates, reason, command FROM marts.unresolved WHERE scores > 0 ORDER BY 1"
        assert rows(world, query)[0] == (
            "model m",
            1,
            ["m"],
            "it does not say which version",
            "moat resolve 'model m' --source board --as m --url URL",
        )

    def test_the_command_is_safe_to_paste(self, world):
        command = one(world, "SELECT command FROM marts.unresolved WHERE name LIKE 'it%'")[0]
        assert command.startswith("moat resolve 'it'\\''s <b>' --source board")

    def test_two_boards_may_mean_two_models_by_one_name(self):
        other = [{"source": "other", "model": "pet", "access": "open"}]
        with build_world(["staging.models"], board_models=other) as world:
            found = rows(world, "SELECT name FROM staging.models WHERE name LIKE 'pet%' ORDER BY 1")
        assert found == [("pet (board)",), ("pet (other)",)]


class TestDates:
    def used(self, *statements, **more):
        return decided("released_on, released_on_source", *statements, **more)

    def test_one_aggregator_alone_is_not_believed(self):
        assert self.used(says("x", "released_on", "2025-01-10", "llm_stats")) == (None, "unknown")

    def test_two_that_agree_within_a_week_are(self):
        found = self.used(
            says("x", "released_on", "2025-01-10", "llm_stats"), says("x", "released_on", "2025-01-12", "models_dev")
        )
        assert found == (date(2025, 1, 10), "two sources")

    def test_a_month_alone_is_no_date(self):
        found = self.used(
            says("x", "released_on", "2025-04", "models_dev"), says("x", "released_on", "2025-04-29", "llm_stats")
        )
        assert found == (None, "unknown")

    def test_the_creation_of_the_repository_confirms_a_date_and_is_weak_evidence_alone(self):
        stated = says("x", "released_on", "2024-01-03", "llm_stats")
        assert self.used(stated, hub_models=[repository("org/x")]) == (date(2024, 1, 3), "two sources")
        assert self.used(hub_models=[repository("org/x")]) == (date(2024, 1, 1), "hub_created")

    def test_a_first_evaluation_confirms_a_date_and_is_none(self):
        evaluated = [rated("X", "new", 5.0, evaluated_on=date(2024, 1, 9))]
        stated = says("x", "released_on", "2024-01-03", "llm_stats")
        board = {"board_models": [named("X")], "board_scores": evaluated}
        assert self.used(stated, **board) == (date(2024, 1, 3), "two sources")
        assert self.used(**board) == (None, "unknown")

    def test_what_disagrees_is_listed_beside_what_is_used(self):
        with build_world(
            ["marts.date_disputes"], facts_statements=[says("a", "released_on", "2024-03-01", "models_dev")]
        ) as world:
            query = "SELECT used_on, stated_on, source, days_later FROM marts.date_disputes"
            assert rows(world, query) == [(date(2024, 1, 1), date(2024, 3, 1), "models_dev", 60)]

    def test_a_repository_older_than_the_field_has_no_date(self):
        with build_world(["staging.models"], hub_models=[repository("org/old", created_at=None)]) as world:
            query = "SELECT released_on, released_on_source FROM staging.models WHERE name = 'org/old'"
            assert one(world, query) == (None, "unknown")


class TestAccess:
    def used(self, *statements, **more):
        return decided("access, access_source", *statements, **more)

    def test_one_source_that_says_closed_is_not_believed(self):
        assert self.used(says("x", "access", "closed", "llm_stats")) == ("unknown", "unknown")

    def test_open_without_a_repository_is_not_believed(self):
        assert self.used(says("x", "access", "open", "llm_stats")) == ("unknown", "unknown")

    def test_a_named_repository_makes_it_open_unless_somebody_says_closed(self):
        stated = [says("x", "access", "open", "models_dev"), says("x", "repository", "org/x", "models_dev")]
        assert self.used(*stated) == ("open", "repository")
        assert self.used(*stated, says("x", "access", "closed", "llm_stats")) == ("unknown", "unknown")

    def test_weights_on_the_hub_are_open_whatever_a_collection_says(self):
        found = self.used(says("x", "access", "closed", "llm_stats"), hub_models=[repository("org/x")])
        assert found == ("open", "hub")

    def test_a_contradiction_is_listed(self):
        with build_world(
            ["marts.access_disputes"], facts_statements=[says("o", "access", "closed", "llm_stats")]
        ) as world:
            query = "SELECT used, stated, source FROM marts.access_disputes"
            assert rows(world, query) == [("open", "closed", "llm_stats")]

    def test_closed_until_the_weights_were_published(self):
        override = {"model_id": "a", "reason": "r", "source_name": "s", "source_url": URL} | NEW
        with build_world(
            ["staging.access_history"],
            facts_overrides=[
                override | {"field": "access", "value": "open"},
                override | {"field": "weights_on", "value": "2024-01-20"},
            ],
        ) as world:
            query = "SELECT access, from_on, until_on, evidence FROM staging.access_history WHERE model_id = 'a'"
            assert rows(world, query + " ORDER BY from_on") == [
                ("closed", date(2024, 1, 1), date(2024, 1, 20), "weights"),
                ("open", date(2024, 1, 20), None, "weights"),
            ]
            assert one(world, "SELECT overridden FROM staging.models WHERE model_id = 'a'") == (
                ["access", "weights_on"],
            )

    def test_a_deleted_repository_is_open_until_it_was_gone(self):
        with build_world(["staging.access_history"], hub_models=[repository("org/x", gone_at=SEEN[1])]) as world:
            query = "SELECT access, until_on FROM staging.access_history WHERE model_id = 'hub:org/x' ORDER BY from_on"
            assert rows(world, query) == [("open", SEEN[1].date()), ("unknown", None)]


class TestLicences:
    def test_the_class_of_licences_as_collections_write_them(self):
        licence = {"licence": "apache-2.0", "licence_class": "unrestricted", "source_name": "s", "source_url": URL}
        stated = [says("x", "access", "open", "d"), says("x", "repository", "org/x", "d")]
        for value, expected in (("apache_2_0", "unrestricted"), ("proprietary", "unknown")):
            with build_world(
                ["staging.models"],
                facts_releases=[undecided("x")],
                facts_licences=[licence | NEW],
                facts_statements=[*stated, says("x", "licence", value, "d")],
            ) as world:
                assert one(world, "SELECT licence_class FROM staging.models WHERE model_id = 'x'") == (expected,)

    def test_more_freedom_than_the_base_and_a_tag_against_the_card_are_reported(self):
        classes = [("apache-2.0", "unrestricted"), ("llama3", "restricted")]
        licences = [{"licence": name, "licence_class": kind, "source_name": "s", "source_url": URL} | NEW
                    for name, kind in classes]  # fmt: skip
        hub = [
            repository("org/base", licence="llama3"),
            repository("x/tuned", licence="apache-2.0", tags=["license:llama3"]),
        ]
        with build_world(
            ["marts.licence_disputes"],
            facts_licences=licences,
            hub_models=hub,
            lineage_edges=[declares("x/tuned", "org/base", "finetune")],
        ) as world:
            query = "SELECT repository, conflict, licence_class, other_class FROM marts.licence_disputes ORDER BY 2"
            assert rows(world, query) == [
                ("x/tuned", "base", "unrestricted", "restricted"),
                ("x/tuned", "tag", "unrestricted", "restricted"),
            ]


class TestClones:
    """The open record of the board is 50; every clone claims more."""

    @pytest.fixture(scope="class")
    @classmethod
    def world(cls):
        packed = [f"p{number}/Thing-7B-GGUF" for number in range(250)]
        copied = [f"c{number}/Thing-7B" for number in range(250)]
        namesakes = [f"n{number}/Thing-7B" for number in range(250)]
        merged = [f"m{number}/Mix-{number}" for number in range(250)]
        first = repository("org/Thing-7B", created_at=datetime(2023, 12, 1, tzinfo=UTC))
        flagged = {"doubtful": True, "note": "flagged by the board"}
        clones = [*packed, *copied, *namesakes, *merged]
        with build_world(
            ["marts.left_out", "staging.gap_inputs"],
            hub_models=[first, repository("f/Other-7B"), *map(repository, clones)],
            lineage_edges=[
                *(declares(name, "org/Thing-7B", "quantized") for name in packed),
                *(declares(name, "org/Thing-7B", "finetune") for name in copied),
                *(declares(name, "org/Thing-7B", "merge") for name in merged),
            ],
            board_models=[named(name, hub_id=name) for name in ("org/Thing-7B", "f/Other-7B", *clones)],
            board_scores=[
                rated("org/Thing-7B", "new", 50.0),
                rated("f/Other-7B", "new", 99.0, **flagged),
                *(rated(name, "new", 60.0 + number / 100) for number, name in enumerate(clones)),
            ],
        ) as connection:
            yield connection

    def test_a_thousand_of_them_never_raise_the_frontier(self, world):
        query = "SELECT max(score) FROM staging.gap_inputs WHERE series = 'new' AND access = 'open'"
        assert one(world, query) == (50.0,)

    def test_packings_and_copies_are_no_models_of_their_own(self, world):
        query = "SELECT len(hub_ids) FROM staging.models WHERE name = 'org/Thing-7B'"
        assert one(world, query) == (501,)

    def test_the_rule_and_its_effect_are_visible(self, world):
        query = ("SELECT reason, scores, counted_score, would_lead FROM marts.left_out WHERE series = 'new'"
                 " AND scores > 1 OR reason = 'flagged' ORDER BY reason")  # fmt: skip
        assert rows(world, query) == [
            ("flagged", 1, 50.0, True),
            ("merge", 251, 50.0, True),  # with the one of the world itself
            ("namesake", 250, 50.0, True),
            ("quantised", 250, 50.0, True),
            ("re-upload", 250, 50.0, True),
        ]

    def test_every_row_is_still_there(self, world):
        assert one(world, "SELECT count(*) FROM staging.scores WHERE capture_id = 'b1'") == (1006,)


def test_a_recreated_repository_is_a_new_entity_and_the_old_scores_stay_with_the_old_one():
    born = datetime(2023, 1, 1, tzinfo=UTC)
    former = repository("org/x", created_at=born, params_total=1_000) | {"ended_at": SEEN[1]}
    metric = {
        "repo_id": "org/x", "index_name": "x", "benchmark_id": "card_quiz", "benchmark_name": "quiz", "protocol": "",
        "evaluator": "authors", "comparability": "loose", "series_id": "card_quiz--card", "unit": "percent",
        "direction": "higher", "tier": "D", "self_reported": True, "source_name": "s", "source_url": URL,
        "capture_id": "h2",
    }  # fmt: skip
    with build_world(
        hub_models=[repository("org/x")],
        hub_former=[former],
        card_metrics=[
            metric | {"fact_id": "before", "value": 10.0, "seen_at": SEEN[0], "gone_at": SEEN[1]},
            metric | {"fact_id": "now", "value": 20.0, "seen_at": SEEN[1]},
        ],
    ) as world:
        query = "SELECT value, model_id FROM staging.scores WHERE series_id = 'card_quiz--card' ORDER BY value"
        assert rows(world, query) == [(10.0, "hub:org/x@2023-01-01"), (20.0, "hub:org/x")]
        query = "SELECT access, until_on FROM staging.access_history WHERE model_id LIKE '%@%' ORDER BY from_on"
        assert rows(world, query) == [("open", SEEN[1].date()), ("unknown", None)]
        checks = [check for check in load_checks() if check.blocking and "staging" in check.table]
        failing = {check.rule: failing_rows(world, check)[0] for check in checks}
        assert not any(failing.values()), failing


def test_a_repository_that_boards_name_and_the_hub_does_not_list_is_one_model():
    named_twice = [
        named("gone/Thing", hub_id="gone/Thing", released_on=date(2024, 1, 9), released_on_source="hub_created"),
        {"source": "other", "model": "gone/thing", "hub_id": "gone/thing", "access": "unknown"},
    ]
    with build_world(["staging.aliases", "marts.unresolved"], board_models=named_twice) as world:
        query = "SELECT name, released_on, access, hub_ids FROM staging.models WHERE model_id = 'hub:gone/Thing'"
        assert one(world, query) == ("gone/Thing", date(2024, 1, 9), "unknown", ["gone/Thing"])
        query = "SELECT source, model_id, method FROM staging.aliases WHERE lower(name) = 'gone/thing' ORDER BY 1"
        assert rows(world, query) == [("board", "hub:gone/Thing", "hub id"), ("other", "hub:gone/Thing", "hub id")]
        assert not rows(world, "FROM marts.unresolved WHERE name ILIKE 'gone%'")
