from __future__ import annotations

import math

import polars as pl
import pytest
from gap_tables import day, scores

from pipeline.errors import InputError
from pipeline.gap.frontier import records
from pipeline.gap.lag import Scale, Tolerance, backward_lag, catch_up, months_between, parse_tolerance
from pipeline.gap.series import series_report
from pipeline.gap.sides import availability

MONTH = 30.4375
AS_OF = day("2025-12-31")
BASE = scores(
    ("c1", 50, "2025-01-01", "closed"),
    ("o1", 48, "2025-02-01", "open"),
    ("c2", 60, "2025-03-01", "closed"),
    ("o2", 50, "2025-04-01", "open"),
    ("o2b", 59, "2025-05-01", "open"),
    ("c3", 70, "2025-06-01", "closed"),
)


def report(frame: pl.DataFrame, tolerance: str = "strict", as_of=AS_OF):
    return series_report(frame, as_of, parse_tolerance(tolerance))[0]


def matches(frame: pl.DataFrame, tolerance: str = "strict", as_of=AS_OF):
    found = report(frame, tolerance, as_of).catch_up
    return [(e.closed, e.open, round(e.lag_months * MONTH), e.censored, e.already_reached) for e in found]


def test_months():
    assert months_between(day("2025-01-01"), day("2026-01-01")) == pytest.approx(365 / MONTH)


def test_strict_catch_up_counts_from_each_closed_record():
    assert matches(BASE) == [
        ("c1", "o2", 90, False, False),
        ("c2", None, 305, True, False),
        ("c3", None, 213, True, False),
    ]


def test_points_let_an_earlier_model_match():
    assert matches(BASE, "points:1") == [
        ("c1", "o2", 90, False, False),
        ("c2", "o2b", 61, False, False),
        ("c3", None, 213, True, False),
    ]
    assert matches(BASE, "points:2")[0] == ("c1", "o1", 31, False, False)
    assert matches(BASE, "points:10.99")[2] == ("c3", None, 213, True, False)
    # The match of c3 was there before it: signed, and already reached.
    assert matches(BASE, "points:11")[2] == ("c3", "o2b", -31, False, True)


def test_match_on_the_same_day_is_already_reached():
    frame = scores(("c", 5, "2025-01-01", "closed"), ("o", 5, "2025-01-01", "open"))
    assert matches(frame) == [("c", "o", 0, False, True)]


def test_best_model_of_the_matching_day_is_named():
    frame = scores(
        ("c", 5, "2025-01-01", "closed"),
        ("just", 5, "2025-02-01", "open"),
        ("best", 6, "2025-02-01", "open"),
        ("later", 9, "2025-03-01", "open"),
    )
    assert matches(frame) == [("c", "best", 31, False, False)]


def test_weights_released_later_match_the_record_the_model_set_itself():
    frame = scores(("m", 5, "2025-01-01", "open"), weights_on="2025-02-01")
    assert matches(frame) == [("m", "m", 31, False, False)]


def test_rounding_does_not_hide_a_match():
    frame = scores(("c", 0.8, "2025-01-01", "closed"), ("o", 0.7, "2025-01-11", "open"))
    assert 0.8 - 0.1 > 0.7  # the reason
    assert matches(frame, "points:0.1") == [("c", "o", 10, False, False)]
    assert report(frame, "points:0.1").backward.months is None


def test_backward_is_the_first_day_closed_was_ahead_of_todays_open():
    found = report(BASE).backward
    assert found.months == pytest.approx(305 / MONTH)  # c2 (60) passed 59
    assert (found.bounded, found.note) == (False, None)
    assert report(BASE, "points:1").backward.months == pytest.approx(213 / MONTH)
    assert report(BASE, "points:0.5").backward.months == pytest.approx(305 / MONTH)


def test_backward_is_bounded_by_the_first_closed_model():
    found = report(BASE.filter(pl.col("model") != "o2b").filter(pl.col("model") != "o2")).backward
    assert found.months == pytest.approx((AS_OF - day("2025-01-01")).days / MONTH)
    assert found.bounded


def test_equal_scores_are_not_ahead():
    frame = scores(("c", 5, "2025-01-01", "closed"), ("o", 5, "2025-02-01", "open"))
    found = report(frame)
    assert found.backward.months is None
    assert any("no closed model is ahead" in note for note in found.notes)


def test_backward_is_null_where_a_side_is_empty():
    for access, missing in (("open", "closed"), ("closed", "open")):
        found = report(scores(("m", 5, "2025-01-01", access)))
        assert found.backward.months is None
        assert f"backward lag: no {missing} model" in found.notes


def test_as_of_moves_the_censoring():
    assert matches(BASE, as_of=day("2025-03-31")) == [
        ("c1", None, 89, True, False),
        ("c2", None, 30, True, False),
    ]


def nats_frame(**more):
    # -ln(1 - scaled): 0.5 -> 0.693, 0.75 -> 1.386; difference ln 2 = 0.693
    return scores(("c", 0.8, "2025-01-01", "closed"), ("o", 0.6, "2025-02-01", "open"), **more)


def test_nats_measure_the_error_rate_on_scaled_accuracy():
    frame = nats_frame(chance=0.2, ceiling=1.0)
    assert matches(frame, "nats:0.694")[0][1] == "o"
    assert matches(frame, "nats:0.692")[0][1] is None
    assert report(frame, "nats:0.692").backward.months is not None
    assert report(frame, "nats:0.694").backward.months is None
    lower = scores(
        ("c", 0.25, "2025-01-01", "closed"),
        ("o", 0.5, "2025-02-01", "open"),
        chance=1.0,
        ceiling=0.0,
        direction="lower",
    )
    assert matches(lower, f"nats:{math.log(2)}")[0][1] == "o"
    assert matches(lower, "nats:0.69")[0][1] is None


def test_nats_at_the_ceiling_stay_finite():
    frame = scores(("c", 1.0, "2025-01-01", "closed"), ("o", 0.998, "2025-02-01", "open"), chance=0.0, ceiling=1.0)
    assert matches(frame, "nats:0.7")[0][1] == "o"
    assert matches(frame, "nats:0.69")[0][1] is None


@pytest.mark.parametrize("more", [{"ceiling": 1.0}, {"unit": "fraction"}, {"chance": 0.5, "unit": "fraction"}])
def test_nats_do_not_depend_on_chance_and_read_the_ceiling_from_the_unit(more):
    # -ln(1 - 0.8) + ln(1 - 0.6) = ln 2, wherever 0 lies.
    assert matches(nats_frame(**more), f"nats:{math.log(2)}")[0][1] == "o"
    assert matches(nats_frame(**more), "nats:0.69")[0][1] is None
    percent = scores(("c", 80, "2025-01-01", "closed"), ("o", 60, "2025-02-01", "open"), unit="percent")
    assert matches(percent, f"nats:{math.log(2)}")[0][1] == "o"
    assert matches(percent, "nats:0.69")[0][1] is None


@pytest.mark.parametrize(
    "more",
    [{}, {"chance": 0.2}, {"unit": "points"}, {"unit": "fraction", "direction": "lower"},
     {"ceiling": 0.0, "direction": "lower"}],
)  # fmt: skip
def test_nats_need_to_know_what_a_perfect_score_is(more):
    found = report(nats_frame(**more), "nats:1")
    assert (found.catch_up, found.backward.months, found.survival.n) == ((), None, None)
    assert any("nats need" in note for note in found.notes)


def test_significant_asks_for_a_well_measured_match_within_noise():
    # Median of the standard errors (1, 1, 1, 3) is 1; allowance 1.645 * sqrt 2 = 2.326.
    rows = (
        ("c", 50, "2025-01-01", "closed"),
        ("bad", 55, "2025-02-01", "open"),
        ("low", 47.67, "2025-03-01", "open"),
        ("good", 47.68, "2025-04-01", "open"),
    )
    frame = scores(*rows, stderr=[1.0, 3.0, 1.0, 1.0])
    assert matches(frame, "significant") == [("c", "good", 90, False, False)]
    assert matches(frame)[0][1] == "bad"
    unmeasured = scores(*rows, stderr=[1.0, None, 1.0, 1.0])
    assert matches(unmeasured, "significant")[0][1] == "good"


def test_the_allowance_grows_with_the_noise():
    # Twice the standard error allows twice as much: 4.652.
    rows = (("c", 50, "2025-01-01", "closed"), ("low", 45.34, "2025-03-01", "open"), ("o", 45.35, "2025-04-01", "open"))
    assert matches(scores(*rows, stderr=[2.0] * 3), "significant")[0][1] == "o"
    assert matches(scores(*rows, stderr=[1.0] * 3), "significant")[0][1] is None


def test_later_records_do_not_count():
    frame = scores(
        ("c1", 5, "2025-01-01", "closed"),
        ("o1", 4, "2025-02-01", "open"),
        ("c2", 7, "2025-03-01", "closed"),
        ("o2", 6, "2025-04-01", "open"),
    )
    found = records(availability(frame, day("2030-01-01")).rows)
    closed, opened = (found.filter(pl.col("side") == side) for side in ("closed", "open"))

    def seen(on):
        lag = backward_lag(closed, opened, day(on), Tolerance("strict"), Scale())
        events = catch_up(closed, opened, day(on), Tolerance("strict"), Scale())
        return lag.months and round(lag.months * 30.4375), [(e.closed, e.open) for e in events]

    assert seen("2025-02-28") == (58, [("c1", None)])
    assert seen("2025-03-01") == (59, [("c1", None), ("c2", None)])
    assert seen("2025-04-01") == (31, [("c1", "o2"), ("c2", None)])
    assert backward_lag(closed, opened, day("2025-01-31"), Tolerance("strict"), Scale()).note == (
        "backward lag: no open model"
    )


def test_significant_backward_compares_with_the_holder_of_the_open_record():
    frame = scores(
        ("c1", 52, "2025-01-01", "closed"),
        ("o", 50, "2025-02-01", "open"),
        ("c2", 52.4, "2025-03-01", "closed"),
        stderr=1.0,
    )
    assert report(frame, "significant").backward.months == pytest.approx(305 / MONTH)
    assert report(frame).backward.months == pytest.approx(364 / MONTH)


def test_significant_needs_standard_errors():
    found = report(BASE, "significant")
    assert (found.catch_up, found.backward.months) == ((), None)
    assert any("standard errors" in note for note in found.notes)


@pytest.mark.parametrize("text", ["strict", "significant", "points:1.0", "nats:0.25"])
def test_tolerance_reads_what_it_writes(text):
    assert str(parse_tolerance(text)) == text


def test_tolerance_writes_a_number_with_a_point():
    assert str(parse_tolerance("points:1")) == "points:1.0"
    assert parse_tolerance(" nats:.5 ") == Tolerance("nats", 0.5)
    assert str(parse_tolerance("points:-0")) == "points:0.0"


@pytest.mark.parametrize(
    "text",
    ["", "loose", "points", "points:", "points:x", "points:-1", "nats:nan", "nats:inf", "strict:1", "significant:"],
)
def test_nonsense_tolerance_is_refused(text):
    with pytest.raises(InputError, match="tolerance"):
        parse_tolerance(text)
