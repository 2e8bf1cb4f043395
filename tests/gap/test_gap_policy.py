"""One score a cell: every step of the order on literal rows, and what holds of any rows."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.gap.policy import CELL, POLICIES, REASONS, TIERS, comparability, effort_level, pick, weighed

SCHEMA = {
    "score_id": pl.String, "model_id": pl.String, "benchmark_id": pl.String, "series_id": pl.String,
    "score": pl.Float64, "scale": pl.String, "direction": pl.String, "protocol": pl.String,
    "protocol_class": pl.String, "evaluator": pl.String, "comparability": pl.String, "effort": pl.String,
    "tier": pl.String, "self_reported": pl.Boolean, "dated_on": pl.Date, "left_out": pl.String,
}  # fmt: skip
MAY, JUNE = date(2025, 5, 1), date(2025, 6, 1)


def row(name, score=0.5, model="m", **more):
    known = {"score_id": name, "model_id": model, "benchmark_id": "quiz", "series_id": f"s_{name}", "score": score,
             "scale": "fraction", "direction": "higher", "protocol": "5-shot", "protocol_class": "5-shot",
             "evaluator": "lab", "comparability": "same_protocol", "tier": "C", "self_reported": False}  # fmt: skip
    return known | more


def weigh(rows):
    return weighed(pl.DataFrame(rows, schema=SCHEMA))


def told(rows, policy="default"):
    """The chosen score and why each other one lost."""
    found = pick(weigh(rows), POLICIES[policy])
    chosen = found.filter("chosen")["score_id"].to_list()
    return chosen, dict(found.filter(~pl.col("chosen")).select("score_id", "reason").iter_rows())


def test_the_strongest_evidence_comes_first_in_the_documented_order():
    rows = [row(tier, tier=tier) for tier in reversed(TIERS)]
    assert told(rows) == (["C"], dict.fromkeys(TIERS[1:], "tier"))
    assert TIERS == ("C", "B+", "A", "A-", "B", "D", "E")


def test_then_the_protocol_that_most_models_share():
    alone = row("alone", 0.9, protocol_class="0-shot")
    shared = [row("shared"), row("x", model="x"), row("y", model="y")]
    chosen, lost = told([alone, *shared])
    assert "shared" in chosen
    assert lost == {"alone": "protocol"}
    # Evidence decides before.
    assert "alone" in told([alone, *(one | {"tier": "A"} for one in shared)])[0]


def test_a_protocol_is_the_same_at_every_effort_and_the_highest_stated_effort_comes_next():
    rows = [
        row(level or "none", 0.5, protocol_class=f"5-shot, effort {level}" if level else "5-shot", protocol=text)
        for level, text in (("low", "5-shot, effort low"), ("high", "5-shot, effort high"), ("", "5-shot"))
    ]
    chosen, lost = told([*rows, row("x", model="x"), row("y", model="y")])
    assert chosen == ["high", "x", "y"]
    assert lost == {"low": "effort", "none": "effort"}


def test_then_the_newest_and_a_date_beats_none():
    rows = [row("may", dated_on=MAY), row("june", dated_on=JUNE), row("never", 0.9)]
    assert told(rows) == (["june"], {"may": "older", "never": "older"})


def test_then_the_best_and_the_same_score_is_said_to_be_the_same():
    rows = [row("a", 0.7677), row("b", 0.767700000000001), row("c", 0.6)]
    assert told(rows) == (["a"], {"b": "same score", "c": "lower"})
    lower = [one | {"direction": "lower"} for one in rows]
    assert told(lower) == (["c"], {"a": "lower", "b": "lower"})


def test_what_is_left_out_keeps_its_reason_and_a_cell_may_have_no_pick():
    assert told([row("a", left_out="doubtful"), row("b", 0.1)]) == (["b"], {"a": "doubtful"})
    assert told([row("a", left_out="merge")]) == ([], {"a": "merge"})


def test_a_scale_that_few_models_have_is_no_alternative():
    rows = [row("a"), row("b", model="b"), row("points", 70.0, scale="points")]
    assert told(rows) == (["b", "a"], {"points": "unit"})


def test_a_protocol_that_is_not_stated_is_shared_by_nobody_else_and_a_loose_series_shares_none():
    rows = weigh([
        row("a", protocol_class="not stated", evaluator="lab"),
        row("b", protocol_class="not stated", evaluator="lab", model="b"),
        row("c", protocol_class="not stated", evaluator="other", model="c"),
        row("d", comparability="loose", model="d"),
    ])  # fmt: skip
    assert dict(rows.select("score_id", "protocol_models").iter_rows()) == {"a": 2, "b": 2, "c": 1, "d": 0}


@pytest.mark.parametrize(
    ("policy", "chosen"),
    [("independent", ["c"]), ("vendor", ["a"]), ("highest", ["e"]), ("lowest", ["c"])],
)
def test_the_other_policies(policy, chosen):
    rows = [row("c", 0.1, tier="C"), row("a", 0.5, tier="A", self_reported=True), row("b", 0.6, tier="B"),
            row("e", 0.9, tier="E", self_reported=None)]  # fmt: skip
    assert told(rows, policy)[0] == chosen


def test_a_copy_of_the_vendor_s_number_about_another_model_is_not_the_vendor_s_own():
    rows = [row("a", tier="A-", self_reported=False), row("d", tier="D", self_reported=True)]
    assert told(rows, "vendor") == (["d"], {"a": "policy"})


def test_same_protocol_leaves_a_model_out_that_has_only_another():
    rows = [row("x", model="x"), row("y", model="y"), row("z", protocol_class="0-shot", model="z")]
    assert told(rows, "same_protocol") == (["x", "y"], {"z": "policy"})


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("o1-2024-12-17_high", 4000),
        ("claude-opus-4_16K", 16),
        ("no tools, effort xhigh", 5000),
        ("GPT-5.2 Pro (X-High)", 5000),
        ("Claude Opus 4.6 (High, 120k thinking)", 4120),
        ("thinking, no tools", 1),
        ("val, GPT-5 w/o thinking", -1),
        ("qwen3-max", 0),
        ("config default, split test, metric nauc_map_at_100_max, dataset x", 0),
        ("", 0),
    ],
)
def test_effort_is_read_where_it_stands_as_a_setting(text, level):
    assert pl.select(effort_level(pl.lit(text))).item() == level


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"series_id": "s_a", "comparability": "same_evaluator"}, "same_evaluator"),
        ({"series_id": "s_b"}, "same_evaluator"),
        ({"series_id": "s_b", "protocol_class": "5-shot, effort high"}, "same_evaluator"),
        ({"series_id": "s_b", "comparability": "same_protocol"}, "same_protocol"),
        ({"series_id": "s_b", "evaluator": "other"}, "same_protocol"),
        ({"series_id": "s_b", "protocol_class": "0-shot"}, "loose"),
        ({"series_id": "s_b", "comparability": "loose"}, "loose"),
    ],
)
def test_how_far_two_scores_compare(other, said):
    assert compared(row("a", comparability="same_evaluator"), other) == said


def test_protocols_that_are_not_stated_are_never_the_same_unless_the_series_is():
    for name in ("not stated", "normalised", "effort high"):
        one = row("a", comparability="same_evaluator", protocol_class=name)
        assert compared(one, {"series_id": "s_b"}) == "loose"
        assert compared(one, {}) == "same_evaluator"


def compared(one, more):
    names = ("series_id", "comparability", "protocol_class", "evaluator")
    pair = {name: one[name] for name in names} | {f"{name}_other": (one | more)[name] for name in names}
    return comparability(pl.DataFrame([pair])).item()


ALTERNATIVES = st.lists(
    st.fixed_dictionaries({
        "score": st.sampled_from([0.1, 0.5, 0.50000000001, 0.9]), "tier": st.sampled_from([*TIERS, "?"]),
        "model_id": st.sampled_from(["m", "n"]), "protocol_class": st.sampled_from(["5-shot", "0-shot", "not stated"]),
        "comparability": st.sampled_from(["same_evaluator", "same_protocol", "loose"]),
        "effort": st.sampled_from([None, "x_low", "x_high"]), "dated_on": st.sampled_from([None, MAY, JUNE]),
        "direction": st.just("higher"), "left_out": st.sampled_from([None, None, "doubtful"]),
        "self_reported": st.sampled_from([None, True, False]),
    }), min_size=1, max_size=8,
)  # fmt: skip
POLICY = st.sampled_from(sorted(POLICIES))


@given(ALTERNATIVES, POLICY, st.randoms(use_true_random=False))
def test_the_pick_is_one_of_those_that_count_and_the_order_of_rows_does_not_matter(alternatives, policy, random):
    rows = [row(str(place)) | one for place, one in enumerate(alternatives)]
    chosen, lost = told(rows, policy)
    counting = {one["score_id"] for one in rows if one["left_out"] is None}
    assert set(chosen) <= counting
    assert len(chosen) <= len({one["model_id"] for one in rows})
    assert {*chosen, *lost} == {one["score_id"] for one in rows}
    assert set(lost.values()) <= {*REASONS, "doubtful"}
    if policy in {"default", "highest", "lowest"}:  # every cell with a score that counts has a pick
        assert len(chosen) == len({one["model_id"] for one in rows if one["left_out"] is None})
    random.shuffle(rows)
    assert told(rows, policy) == (chosen, lost)


@given(ALTERNATIVES, POLICY)
def test_another_losing_alternative_changes_nothing(alternatives, policy):
    rows = weigh([row(str(place)) | one for place, one in enumerate(alternatives)])
    found = pick(rows, POLICIES[policy])
    chosen = rows.join(found.filter("chosen"), on=["score_id", *CELL], how="semi")
    again = chosen.with_columns(score_id=pl.lit("~") + pl.col("score_id"))
    more = pick(pl.concat([rows, again]), POLICIES[policy])
    assert more.join(again, on="score_id", how="anti").equals(found)
    assert set(more.join(again, on="score_id", how="semi")["reason"]) <= {"same score"}
