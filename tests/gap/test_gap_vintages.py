from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from gap_tables import day, scores
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.gap.series import series_report
from pipeline.gap.vintages import FACTORS, decompose

AS_OF = day("2025-12-31")
ROWS = [
    ("c1", 50, "2025-01-01", "closed"),
    ("o1", 40, "2025-02-01", "open"),
    ("c2", 60, "2025-03-01", "closed"),
    ("o2", 55, "2025-06-01", "open"),
]
BASE = scores(*ROWS)


def gap(frame: pl.DataFrame, as_of: date = AS_OF) -> float | None:
    found = series_report(frame, as_of)
    return found[0].gap_raw if found else None


def lag(frame: pl.DataFrame, as_of: date = AS_OF) -> float | None:
    found = series_report(frame, as_of)
    return found[0].backward.months if found else None


def split(before, after, metric=gap, **rest):
    found = decompose(before, after, metric, **rest)
    return found, {c.factor: c.amount for c in found.contributions}, {c.factor: c.models for c in found.contributions}


def with_row(model, **values):
    """BASE with some values of one model changed."""
    return BASE.with_columns(
        pl.when(pl.col("model") == model).then(pl.lit(value, dtype=BASE.schema[name])).otherwise(name).alias(name)
        for name, value in values.items()
    )


def test_the_same_build_differs_in_nothing():
    found, amounts, models = split(BASE, BASE.reverse())
    assert found.difference == 0
    assert amounts == dict.fromkeys(FACTORS, 0.0)
    assert models == dict.fromkeys(FACTORS, 0)


@pytest.mark.parametrize(
    ("after", "factor", "difference"),
    [
        (scores(*ROWS, ("c3", 65, "2025-08-01", "closed")), "new_models", 5),
        (scores(*ROWS[:3]), "removed_models", 15),
        (with_row("o2", score=58.0), "rescored", -3),
        (with_row("o2", released_on=day("2026-02-01")), "redated", 15),
        (with_row("c2", access="unknown"), "relicensed", -10),
    ],
)
def test_one_kind_of_change_carries_the_whole_difference(after, factor, difference):
    found, amounts, models = split(BASE, after)
    assert found.difference == pytest.approx(difference)
    assert amounts == {name: pytest.approx(difference if name == factor else 0) for name in FACTORS}
    assert models == {name: int(name == factor) for name in FACTORS}


def test_changes_that_act_together_share_what_they_do():
    # A new c3 at 62 alone adds 2; the fall of c2 from 60 to 55 alone takes 5; both together add 2.
    # So the new model adds 2 or, coming second, 7; and the fall takes 5 or, coming second, nothing.
    after = scores(("c3", 62, "2025-08-01", "closed"), *ROWS[:2], ("c2", 55, "2025-03-01", "closed"), ROWS[3])
    found, amounts, _ = split(BASE, after)
    assert found.difference == pytest.approx(2)
    assert (amounts["new_models"], amounts["rescored"]) == (pytest.approx(4.5), pytest.approx(-2.5))


def test_the_passing_of_time_is_told_apart():
    later = AS_OF + timedelta(days=61)
    after = scores(*ROWS, ("o3", 60, "2026-01-15", "open"), ("c3", 70, "2026-02-01", "closed"))
    found, amounts, models = split(
        BASE, after, lambda frame: lag(frame, later), metric_before=lambda frame: lag(frame, AS_OF)
    )
    assert amounts["elapsed"] == pytest.approx(61 / 30.4375)
    assert models["elapsed"] is None
    assert sum(amounts.values()) == pytest.approx(found.difference)
    # c2 of 2025-03-01 was ahead before; c3 of 2026-02-01 is now.
    assert found.difference == pytest.approx((29 - 306 + 1) / 30.4375, abs=1 / 30)


def test_undefined_at_an_end_or_on_the_way():
    one_side, amounts, _ = split(BASE, scores(*ROWS[::2]))
    assert one_side.before == pytest.approx(5)
    assert one_side.after is None
    assert one_side.difference is None
    assert set(amounts.values()) == {None}
    assert one_side.note == "the metric is undefined in the later build"
    assert split(scores(*ROWS[::2]), BASE)[0].note == "the metric is undefined in the earlier build"
    assert split(BASE, BASE, lambda _: float("nan"))[0].note == "the metric is undefined in the earlier build"

    def strict(frame):
        # Undefined as long as the new model is there and the old one is not gone.
        return None if {"o2", "o3"} <= set(frame["model"]) else gap(frame)

    renamed = BASE.with_columns(model=pl.col("model").replace("o2", "o3"))
    found, amounts, models = split(BASE, renamed, strict)
    assert found.difference == 0
    assert set(amounts.values()) == {None}
    assert found.note == "the difference cannot be split: the metric is undefined after new_models"
    assert (models["new_models"], models["removed_models"]) == (1, 1)
    _, amounts, _ = split(BASE, renamed)
    assert (amounts["new_models"], amounts["removed_models"]) == (pytest.approx(-7.5), pytest.approx(7.5))


def test_a_better_second_row_of_a_model_is_a_new_score():
    after = scores(*ROWS, ("o2", 59, "2025-06-01", "open"))
    found, amounts, models = split(BASE, after)
    assert (found.difference, amounts["rescored"], models["rescored"]) == (pytest.approx(-4), pytest.approx(-4), 1)


def test_the_note_names_the_fewest_changes_after_which_nothing_is_defined():
    after = scores(*ROWS[1:3], ("o2", 55, "2025-07-01", "open"), ("o3", 58, "2025-08-01", "open"))

    def torn(*undefined):
        def metric(frame):
            seen = (
                "new_models" if "o3" in set(frame["model"]) else "",
                "redated" if frame.filter(model="o2")["released_on"].item() != day("2025-06-01") else "",
                "removed_models" if "c1" not in set(frame["model"]) else "",
            )
            return None if {name for name in seen if name} in undefined else gap(frame)

        return split(BASE, after, metric)[0].note

    said = "the difference cannot be split: the metric is undefined after"
    assert torn({"new_models", "removed_models"}, {"redated"}) == f"{said} redated"
    assert torn({"new_models", "removed_models"}) == f"{said} new_models and removed_models"


@pytest.mark.parametrize(("direction", "sign"), [("higher", 1), (None, 1), ("lower", -1)])
def test_rows_of_a_model_are_paired_from_the_best_of_each_build(direction, sign):
    def build(*rows):
        dated = [("m", sign * score, on, "open") for score, on in rows]
        return scores(*dated, direction=pl.Series([direction] * len(rows), dtype=pl.String).to_list())

    # Paired from the best, only the third row is new; by date or from the worst, every pair would differ.
    before = build((60, "2025-06-01"), (50, "2025-03-01"))
    after = build((60, "2025-06-01"), (50, "2025-03-01"), (40, "2025-01-01"))
    found, amounts, models = split(before, after, lambda frame: float(frame["score"].sum()))
    assert (models["rescored"], models["redated"]) == (1, 0)
    assert (found.difference, amounts["rescored"]) == (pytest.approx(sign * 40), pytest.approx(sign * 40))
    _, amounts, models = split(after, before, lambda frame: float(frame["score"].sum()))
    assert (models["rescored"], models["redated"], amounts["rescored"]) == (1, 0, pytest.approx(sign * -40))


def standing(*rows):
    """Rows of (model, score, released_on, access, facts), the fact of the score first."""
    return scores(*(row[:4] for row in rows), facts=[list(row[4]) for row in rows])


def test_a_name_that_turns_out_to_be_a_release_is_resolved_and_not_new():
    # 58 was published for "O Three", of which nothing was known; then the name is found to be the open model o3.
    known = [(*row, [row[0]]) for row in ROWS]
    before = standing(*known, ("board:O Three", 58, None, "unknown", ["n"]))
    after = standing(*known, ("o3", 58, "2025-08-01", "open", ["n"]))
    found, amounts, models = split(before, after)
    assert found.difference == pytest.approx(-3)
    assert amounts == {name: pytest.approx(-3 if name == "resolved" else 0) for name in FACTORS}
    assert models == {name: int(name == "resolved") for name in FACTORS}
    _, back, _ = split(after, before)
    assert back == {name: pytest.approx(3 if name == "resolved" else 0) for name in FACTORS}
    _, unidentified, _ = split(before.drop("facts"), after)
    assert unidentified["new_models"] == pytest.approx(-3)


@pytest.mark.parametrize(("named", "difference"), [(58, -3), (52, 0)])
def test_a_number_that_comes_to_a_model_with_another_one_is_resolved(named, difference):
    # o2 shows the better of its own 55 and of the number that stood under a name.
    known = [(*row, [row[0]]) for row in ROWS[:3]]
    before = standing(*known, (*ROWS[3], ["own"]), ("board:O Two", named, None, "unknown", ["n"]))
    facts = ["n", "own"] if named > 55 else ["own", "n"]
    after = standing(*known, ("o2", max(named, 55), "2025-06-01", "open", facts))
    for there, sign in ((split(before, after), 1), (split(after, before), -1)):
        found, amounts, models = there
        assert found.difference == pytest.approx(sign * difference)
        assert amounts == {name: pytest.approx(sign * difference if name == "resolved" else 0) for name in FACTORS}
        assert models == {name: int(name == "resolved") for name in FACTORS}


def test_a_number_that_changes_hands_beside_other_changes_shares_only_what_they_do_together():
    # The resolved o3 at 58 and a new c3 at 65 act on different frontiers: -3 and +5.
    known = [(*row, [row[0]]) for row in ROWS]
    before = standing(*known, ("board:O Three", 58, None, "unknown", ["n"]))
    after = standing(*known, ("o3", 58, "2025-08-01", "open", ["n"]), ("c3", 65, "2025-08-01", "closed", ["c3"]))
    found, amounts, _ = split(before, after)
    assert found.difference == pytest.approx(2)
    assert (amounts["resolved"], amounts["new_models"]) == (pytest.approx(-3), pytest.approx(5))


def test_two_series_are_refused():
    with pytest.raises(InputError, match="more than one series"):
        decompose(BASE, scores(*ROWS, series="t"), gap)


ROW = st.tuples(
    st.integers(0, 4), st.integers(0, 9), st.integers(0, 300), st.sampled_from(["open", "closed"]),
    st.lists(st.sampled_from("fghij"), max_size=2, unique=True),
)  # fmt: skip


@settings(max_examples=12, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=7), st.lists(ROW, min_size=1, max_size=7))
def test_contributions_sum_to_the_difference_and_mirror_back(rows_before, rows_after):
    def table(rows):
        start = date(2025, 1, 1)
        dated = ((f"m{m}", s, (start + timedelta(days=d)).isoformat(), a, facts) for m, s, d, a, facts in rows)
        return standing(*dated).with_columns(pl.col("facts").cast(pl.List(pl.String)))

    def best(frame):
        # Defined on every table: the sum over sides, dates and licences of what is best there.
        top = frame.group_by("access", pl.col("released_on").dt.quarter()).agg(pl.col("score").max().alias("top"))
        return float(top["top"].sum())

    there, amounts, _ = split(table(rows_before), table(rows_after), best)
    _, back, _ = split(table(rows_after), table(rows_before), best)
    assert there.before == best(table(rows_before))
    assert there.after == best(table(rows_after))
    assert sum(amounts.values()) == pytest.approx(there.difference)
    for name in ("resolved", "rescored", "redated", "relicensed"):
        assert amounts[name] == pytest.approx(-back[name])
    assert amounts["new_models"] == pytest.approx(-back["removed_models"])
