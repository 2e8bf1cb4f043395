"""Who builds on whom: edges and how they are known, techniques by rule, clocks of base models, the memo's dates."""

from datetime import UTC, date, datetime

import pytest

from tests.warehouse.literal_rows import SEEN, URL, rows
from tests.warehouse.worlds import build_world

SOURCE = {"source_name": "s", "source_url": URL, "capture_id": "f2"}


def repo(name, day, **more):
    return {"id": name, "author": name.partition("/")[0], "tags": [], "created_at": datetime(2024, 1, day, tzinfo=UTC),
            "last_modified": datetime(2024, 2, 1, tzinfo=UTC), "capture_id": "h2"} | more  # fmt: skip


def edge(child, parent, relation="finetune", evidence="tag"):
    return {"child": child, "parent": parent, "relation": relation, "evidence": evidence, "capture_id": "h2"}


def rule(name, field, matches, kind, confidence=0.95, **more):
    return {"rule_id": name, "field": field, "matches": matches, "kind": kind, "confidence": confidence} | SOURCE | more


RULES = [
    rule("quantized", "relation", "quantized", "quantised", 1.0),
    rule("gguf", "tag", "gguf", "quantised", 0.95, format="GGUF"),
    rule("sft", "tag", "sft", "instruct"),
    rule("chatty", "tag", "chatty", "instruct", 0.5),
    rule("dpo", "tag", "dpo", "preference"),
    rule("pictures", "pipeline_tag", "image-text-to-text", "multimodal"),
    rule("named", "name", "(?i)distill", "distilled", 0.9),
]
CURATED = {"child": "lab/tuned", "parent": "org/base", "relation": "finetune", "kind": "instruct",
           "released_on": date(2024, 1, 13), **SOURCE}  # fmt: skip


def world(only, hub=(), edges=(), curated=(), **more):
    return build_world(
        only, hub_models=list(hub), lineage_edges=list(edges), facts_technique_rules=RULES,
        facts_derivatives=list(curated), **more,
    )  # fmt: skip


def test_an_edge_says_how_it_is_known_and_what_became_of_the_parent():
    hub = [repo("a/one", 1), repo("b/two", 2), repo("c/three", 3), repo("d/gone", 1, gone_at=SEEN[1])]
    edges = [edge("b/two", "a/one"), edge("c/three", "x/missing"), edge("a/one", "a/one"), edge("d/gone", "a/one")]
    curated = [CURATED | {"child": "b/two", "parent": "a/one"}, CURATED | {"child": "z/early", "parent": "a/one"}]
    with world(["staging.lineage_edges"], hub, edges, curated) as built:
        found = rows(
            built,
            "SELECT child, parent, evidence, parent_state FROM staging.lineage_edges"
            " WHERE child NOT LIKE 'org/%' ORDER BY 1, 2",
        )
    # What the Hub declares is not said again; what is gone declares nothing; its own parent is said to be that.
    assert found == [
        ("a/one", "a/one", "tag", "itself"),
        ("b/two", "a/one", "tag", "listed"),
        ("c/three", "x/missing", "tag", "missing"),
        ("z/early", "a/one", "curated", "listed"),
    ]


def test_techniques_are_those_that_a_rule_names_the_surest_one_first():
    hub = [repo("a/Distill-7B", 1, tags=["SFT", "gguf", "chatty"]), repo("b/two", 2, pipeline_tag="image-text-to-text")]
    with world(["staging.techniques"], hub, [edge("b/two", "a/Distill-7B", "quantized")]) as built:
        assert rows(
            built, "SELECT id, kind, format, rule_id, confidence FROM staging.techniques WHERE id LIKE '%/%7B' OR"
                   " id = 'b/two' ORDER BY 1, 2"
        ) == [
            ("a/Distill-7B", "distilled", None, "named", 0.9), ("a/Distill-7B", "instruct", None, "sft", 0.95),
            ("a/Distill-7B", "quantised", "GGUF", "gguf", 0.95), ("b/two", "multimodal", None, "pictures", 0.95),
            ("b/two", "quantised", None, "quantized", 1.0),
        ]  # fmt: skip


BASE = [
    repo("org/base", 10),
    repo("org/base-chat", 12, tags=["sft"], downloads=5),
    repo("other/base-sft", 15, tags=["sft"], downloads=5),
    repo("used/base-sft", 20, tags=["sft"], downloads=5_000),
    repo("old/base-dpo", 5, tags=["dpo"]),
    repo("late/base-gguf", 30, tags=["gguf"]),
]
EDGES = [edge(one["id"], "org/base") for one in BASE[1:]]
CLOCK = (
    "SELECT kind, days_to_first, first_child, days_to_first_outside, days_to_first_used, censored, children,"
    " of_them_curated, older_children FROM marts.derivative_clock WHERE base = 'org/base' ORDER BY days_to_first, kind"
)


def test_the_clock_runs_from_the_base_to_the_first_of_each_kind_by_anybody_by_others_and_by_those_who_are_used():
    with world(["marts.derivative_clock"], BASE, EDGES, [CURATED]) as built:
        # A derivative that is older than its base says that the start is too late: it is counted apart.
        assert rows(built, CLOCK) == [
            ("instruct", 2, "org/base-chat", 3, 10, False, 4, 1, 1),
            ("quantised", 20, "late/base-gguf", 20, None, False, 1, 0, 1),
            ("distilled", None, None, None, None, True, 0, 0, 1),
            ("multimodal", None, None, None, None, True, 0, 0, 1),
            ("preference", None, None, None, None, True, 0, 0, 1),
        ]


def test_a_fact_about_the_weights_starts_the_clock_before_the_repository_was_made():
    start = {"repository": "org/base", "weights_on": date(2024, 1, 1), **SOURCE}
    with world(["marts.derivative_clock"], BASE, EDGES, facts_base_starts=[start]) as built:
        assert rows(
            built,
            "SELECT days_to_first, first_child, started_from, older_children FROM marts.derivative_clock"
            " WHERE base = 'org/base' AND kind = 'preference'",
        ) == [(4, "old/base-dpo", "weights", 0)]


def test_a_thousand_clones_by_one_account_change_no_clock_and_are_one_author():
    clones = [repo(f"mass/clone-{number}", 25, tags=["sft"]) for number in range(1000)]
    edges = [*EDGES, *(edge(one["id"], "org/base") for one in clones)]
    counts = (
        "SELECT days, derivatives, authors, outside_authors FROM marts.derivatives_over_time WHERE base = 'org/base'"
    )
    with world(["marts.derivatives_over_time"], BASE, EDGES) as before, \
         world(["marts.derivatives_over_time"], [*BASE, *clones], edges) as after:  # fmt: skip
        days = "SELECT kind, days_to_first, first_child FROM marts.derivative_clock WHERE base = 'org/base' ORDER BY 1"
        assert rows(before, days) == rows(after, days)
        assert rows(before, f"{counts} ORDER BY 1") == [(7, 2, 2, 1), (30, 4, 4, 3), (90, 4, 4, 3)]
        assert rows(after, f"{counts} ORDER BY 1") == [(7, 2, 2, 1), (30, 1004, 5, 4), (90, 1004, 5, 4)]


def test_adoption_is_the_share_of_new_derivatives_by_half_year():
    with world(["marts.technique_adoption"], BASE, EDGES) as built:
        found = rows(
            built, "SELECT kind, derivatives, of_all, round(share, 2), authors FROM marts.technique_adoption"
                   " WHERE half_year = DATE '2024-01-01' ORDER BY 1"
        )  # fmt: skip
    assert ("instruct", 3, 5, 0.6, 3) in found
    assert ("quantised", 1, 5, 0.2, 1) in found


@pytest.mark.parametrize(("claimed", "early"), [(date(2024, 3, 20), 11), (date(2024, 4, 2), -2), (None, None)])
def test_the_memo_s_date_stands_beside_that_of_the_record(claimed, early):
    def event(name, **more):
        return {"event_id": name, "name": name, "named_in": "memo", "technique": "weights", **SOURCE} | more

    def day(name, kind, when):
        return {"event_id": name, "kind": kind, "date": when, **SOURCE}

    dates = [day("llama_leak", "evidenced", date(2024, 3, 4)), day("one", "evidenced", date(2024, 3, 31))]
    dates += [] if claimed is None else [day("one", "claimed", claimed)]
    events = [event("llama_leak"), event("one", repository="org/base", base="x/y")]
    with world(["marts.memo_timeline"], BASE, facts_memo_events=events, facts_memo_dates=dates) as built:
        assert rows(
            built,
            "SELECT evidenced_day, memo_early_by, on_the_hub, hub_declares_base FROM marts.memo_timeline"
            " WHERE event_id = 'one'",
        ) == [(27, early, True, False)]


def test_retention_compares_a_derivative_with_its_base_in_one_series_only():
    def scored(model, series, value, **more):
        return {"fact_id": f"{model}{series}{value}", "source": "board", "part": "p", "model": model, "value": value,
                "series_id": series, "tier": "C", "doubtful": False, "source_name": "s", "source_url": URL,
                "capture_id": "b1", "seen_at": SEEN[0]} | more  # fmt: skip

    def series(name, direction="higher"):
        return {"source": "board", "series_id": name, "benchmark_id": f"b_{name}", "benchmark_name": name,
                "protocol": "p", "evaluator": "e", "comparability": "same_evaluator", "unit": "percent",
                "direction": direction, "source_name": "s", "source_url": URL}  # fmt: skip

    scores = [
        scored("org/base", "quiz2", 50.0), scored("org/base", "quiz2", 40.0), scored("org/base", "errors", 8.0),
        scored("other/base-sft", "quiz2", 45.0), scored("other/base-sft", "errors", 6.0),
        scored("used/base-sft", "elsewhere", 99.0), scored("late/base-gguf", "quiz2", 60.0, doubtful=True),
    ]  # fmt: skip
    models = [{"source": "board", "model": one["id"], "hub_id": one["id"], "access": "unknown"} for one in BASE]
    listed = [series("quiz2"), series("errors", "lower"), series("elsewhere")]
    boards = {"board_scores": scores, "board_models": models, "board_series": listed}
    with world(["marts.retention"], BASE, EDGES, **boards) as built:
        assert rows(
            built,
            "SELECT child, series_id, base_score, child_score, difference, retention, kinds FROM marts.retention"
            " WHERE base = 'org/base' ORDER BY 2",
        ) == [
            ("other/base-sft", "errors", 8.0, 6.0, 2.0, None, ["instruct"]),
            ("other/base-sft", "quiz2", 50.0, 45.0, -5.0, 0.9, ["instruct"]),
        ]
