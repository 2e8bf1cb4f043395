"""Joint draws: bias and interval of the gap, and what is significant on them."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from pipeline.gap.lag import Scale, parse_tolerance
from pipeline.gap.noise import Draws, backward_lag_paired, by_stderr, catch_up_paired, frontier_noise
from pipeline.gap.series import gap_document, series_report
from tests.gap.gap_tables import day, scores

AS_OF = date(2025, 12, 31)


def rows(*entries):
    """Rows of (model, side, available_on, score, stderr)."""
    return pl.DataFrame(
        {
            "model": [e[0] for e in entries],
            "side": [e[1] for e in entries],
            "available_on": [day(e[2]) for e in entries],
            "score": [float(e[3]) for e in entries],
            "stderr": [e[4] if len(e) > 4 else None for e in entries],
        },
        schema_overrides={"stderr": pl.Float64},
    )


def five(**values):
    """Five hand-made draws of each model."""
    return Draws(tuple(values), np.array(list(values.values()), dtype=float))


TWO = rows(("c", "closed", "2025-01-01", 12), ("o", "open", "2025-07-01", 10))


def test_the_basic_interval_turns_the_draws_round_the_point():
    # Gaps in the draws: 0, 1, 2, 3, 4; the point is 2 and the draws are centred on it.
    found = frontier_noise(TWO, five(c=[10, 11, 12, 13, 14], o=[10] * 5), AS_OF, 12.0)
    assert found.gap_bias == pytest.approx(0)
    assert (found.gap_lo, found.gap_hi) == (pytest.approx(4 - 3.88), pytest.approx(4 - 0.12))
    # Draws that lie two points too high on average are taken off, not believed.
    high = frontier_noise(TWO, five(c=[12, 13, 14, 15, 16], o=[10] * 5), AS_OF, 12.0)
    assert high.gap_bias == pytest.approx(2)
    assert (high.gap_lo, high.gap_hi) == (pytest.approx(4 - 5.88), pytest.approx(4 - 2.12))


def test_a_crowded_side_is_biased_up():
    crowd = rows(
        ("c", "closed", "2025-01-01", 12, 1.0),
        *((f"o{i:02}", "open", "2025-07-01", 10, 1.0) for i in range(30)),
    )
    found = frontier_noise(crowd, by_stderr(crowd), AS_OF, 12.0)
    # The expected maximum of thirty standard normals is 2.04.
    assert found.gap_bias == pytest.approx(-2.04, abs=0.2)
    assert found.gap_lo > 1.8


def test_every_move_of_a_frontier_has_its_interval():
    moving = rows(
        ("c1", "closed", "2025-01-01", 10, 0.1),
        ("o1", "open", "2025-03-01", 8, 0.1),
        ("o2", "open", "2025-05-01", 10, 0.1),
        ("c2", "closed", "2025-08-01", 12, 0.1),
        ("o3", "open", "2025-11-01", 12.5, 0.1),
    )
    found = frontier_noise(moving, by_stderr(moving), AS_OF, None)
    assert found.over_time["on"].to_list() == [day(f"2025-{m:02}-01") for m in (3, 5, 8, 11)]
    assert found.over_time["gap"].to_list() == [2, 0, 2, -0.5]
    assert (found.over_time["lo"] > 0).to_list() == [True, False, True, False]
    # Clearly behind until the day before the open model that passed.
    assert found.clearly_behind_on == day("2025-10-31")
    assert found.gap_hi < 0
    assert found.over_time.row(-1, named=True)["hi"] == found.gap_hi
    assert (found.lag_lo, found.lag_hi) == (None, None)


def test_clearly_behind_until_today_or_never():
    assert frontier_noise(TWO, five(c=[12] * 5, o=[10] * 5), AS_OF, 12.0).clearly_behind_on == AS_OF
    assert frontier_noise(TWO, five(c=[8, 9, 10, 11, 12], o=[10] * 5), AS_OF, 12.0).clearly_behind_on is not None
    half = rows(("c", "closed", "2025-01-01", 10.5), ("o", "open", "2025-07-01", 10))
    assert frontier_noise(half, five(c=[10.5] * 5, o=[10] * 5), AS_OF, None).clearly_behind_on == AS_OF
    level = rows(("c", "closed", "2025-01-01", 10), ("o", "open", "2025-07-01", 10))
    assert frontier_noise(level, five(c=[9, 10, 11], o=[10] * 3), AS_OF, None).clearly_behind_on is None


def test_the_interval_of_the_lag_is_signed():
    # Closed was ahead since January in three draws; open leads since July in two.
    draws = five(c=[12, 12, 12, 9, 9], o=[10] * 5)
    since_january, since_july = 364 / 30.4375, 183 / 30.4375
    found = frontier_noise(TWO, draws, AS_OF, since_january)
    # The middle of the lower two lies at 20%, that of the upper three at 70%: the 12.5% and 87.5% are outside.
    assert found.lag_lo == pytest.approx(-since_july)
    assert found.lag_hi == pytest.approx(since_january)


def test_the_interval_of_the_lag_holds_the_middle_of_the_draws_and_the_lag_itself():
    # Of 100 closed models, one a day, each draw has another one first above the open one.
    days = [str(day("2025-01-01") + timedelta(days=place)) for place in range(100)]
    crowd = rows(*((f"c{place:02}", "closed", on, 10) for place, on in enumerate(days)), ("o", "open", "2025-07-01", 9))
    ahead = 10 + 2 * np.tri(100)  # models x draws: ahead are the models from that of the draw on
    draws = Draws((*(f"c{place:02}" for place in range(100)), "o"), np.vstack([ahead, np.full(100, 11.0)]))
    lags = [(AS_OF - day(on)).days / 30.4375 for on in days]
    found = frontier_noise(crowd, draws, AS_OF, lags[50])
    # A hundred different lags, a day apart: the middle of the k-th least lies at (k - 0.5)%.
    assert found.lag_lo == pytest.approx(lags[99] + 12 / 30.4375)
    assert found.lag_hi == pytest.approx(lags[99] + 87 / 30.4375)
    assert frontier_noise(crowd, draws, AS_OF, lags[99]).lag_lo == lags[99]
    assert frontier_noise(crowd, draws, AS_OF, lags[0]).lag_hi == lags[0]


def test_a_missing_standard_error_leaves_no_interval():
    known = rows(("c", "closed", "2025-01-01", 12, 1.0), ("o", "open", "2025-07-01", 10, None))
    assert by_stderr(known) is None
    assert "standard error" in frontier_noise(known, None, AS_OF, 12.0).note
    assert by_stderr(known.clear()) is None


def test_one_side_has_no_gap():
    assert frontier_noise(TWO.filter(pl.col("side") == "open"), five(o=[1.0, 2]), AS_OF, None).gap_lo is None


def test_models_far_below_the_frontier_are_left_out_of_the_draws():
    far = rows(
        ("old", "open", "2025-01-01", 1, 0.1),
        ("best", "open", "2025-02-01", 10, 0.1),
        ("hopeless", "open", "2025-03-01", 8.9, 0.1),
        ("close", "open", "2025-03-01", 9.1, 0.1),
    )
    # The first stays: it held the frontier once.
    assert by_stderr(far).models == ("best", "close", "old")
    assert by_stderr(far).values.shape == (3, 500)


def test_the_order_of_the_rows_decides_nothing():
    moving = rows(
        ("c1", "closed", "2025-01-01", 10, 0.4),
        ("o1", "open", "2025-03-01", 8, 0.4),
        ("low", "open", "2025-04-01", 5.9, 0.4),
        ("o2", "open", "2025-05-01", 10, 0.4),
        ("c2", "closed", "2025-08-01", 12, 0.4),
    )
    in_order = by_stderr(moving)
    assert in_order.models == ("c1", "c2", "low", "o1", "o2")
    once = frontier_noise(moving, in_order, AS_OF, 4.0)
    for seed in range(5):
        shuffled = moving.sample(fraction=1.0, shuffle=True, seed=seed)
        draws = by_stderr(shuffled)
        assert draws.models == in_order.models
        assert (draws.values == in_order.values).all()
        again = frontier_noise(shuffled, draws, AS_OF, 4.0)
        assert again.over_time.equals(once.over_time)
        assert (again.lag_lo, again.lag_hi, again.gap_bias) == (once.lag_lo, once.lag_hi, once.gap_bias)


def test_draws_around_other_points():
    moved = five(a=[1, 2, 3], b=[10, 10, 40]).around({"a": 5.0, "b": 0.0})
    assert moved.values.tolist() == [[4, 5, 6], [-10, -10, 20]]
    assert moved.of(["b", "a"]).tolist() == [[-10, -10, 20], [4, 5, 6]]


CLOSED = rows(("c1", "closed", "2025-01-01", 10), ("c2", "closed", "2025-06-01", 20))
OPEN = rows(("o1", "open", "2025-03-01", 9), ("o2", "open", "2025-09-01", 19))


def twenty(wins):
    """Twenty draws in which c2 beats o2 in `wins`."""
    return Draws(
        ("c1", "c2", "o1", "o2"),
        np.array([[10.0] * 20, [20.0] * wins + [18.0] * (20 - wins), [9.0] * 20, [19.0] * 20]),
    )


@pytest.mark.parametrize(("wins", "matched"), [(18, True), (19, False), (20, False)])
def test_a_record_stands_while_it_wins_in_95_percent_of_the_draws(wins, matched):
    first, second = catch_up_paired(CLOSED, OPEN, twenty(wins), AS_OF, Scale())
    assert (first.open, first.lag_months) == ("o2", pytest.approx(243 / 30.4375))
    assert second.censored is not matched
    assert second.open == ("o2" if matched else None)
    assert second.lag_months == pytest.approx((92 if matched else 213) / 30.4375)
    assert second.closed_score == 20


def test_an_open_model_that_was_there_before():
    early = rows(("o2", "open", "2025-05-01", 19))
    [_, second] = catch_up_paired(CLOSED, early, twenty(5), AS_OF, Scale(-1.0))
    assert (second.already_reached, second.closed_score) == (True, -20)


def test_the_first_match_counts_then_the_best_then_the_first_by_name():
    names = ("c", "late", "early", "good", "same", "worse")
    draws = Draws(names, np.array([[10.0] * 20, *([[11.0] * 20] * 5)]))
    closed = rows(("c", "closed", "2025-01-01", 10))
    late, early = ("late", "open", "2025-05-01", 30), ("early", "open", "2025-04-01", 10)
    [event] = catch_up_paired(closed, rows(late, early), draws, AS_OF, Scale())
    assert (event.closed, event.open, event.open_on) == ("c", "early", day("2025-04-01"))
    day_of = [(name, "open", "2025-03-01", score) for name, score in (("worse", 11), ("same", 12), ("good", 12))]
    for entries in (day_of, day_of[::-1]):
        [event] = catch_up_paired(closed, rows(late, *entries), draws, AS_OF, Scale())
        assert event.open == "good"


def test_equal_draws_are_no_win():
    draws = Draws(("c", "o"), np.full((2, 20), 5.0))
    closed, opened = rows(("c", "closed", "2025-01-01", 5)), rows(("o", "open", "2025-02-01", 5))
    assert catch_up_paired(closed, opened, draws, AS_OF, Scale())[0].open == "o"
    assert backward_lag_paired(closed, "o", draws, AS_OF).months is None


def test_nobody_to_match():
    events = catch_up_paired(CLOSED, OPEN.clear(), twenty(20), AS_OF, Scale())
    assert [event.censored for event in events] == [True, True]


def test_backward_lag_by_draws():
    found = backward_lag_paired(CLOSED, "o2", twenty(19), AS_OF)
    assert (found.months, found.bounded) == (pytest.approx(213 / 30.4375), False)
    none = backward_lag_paired(CLOSED, "o2", twenty(18), AS_OF)
    assert none.months is None
    assert "clearly ahead" in none.note
    assert backward_lag_paired(CLOSED, "o1", twenty(18), AS_OF).bounded is True


def test_the_report_uses_the_draws_of_a_series_at_significant_only():
    frame = scores(
        ("c1", 10, "2025-01-01", "closed"),
        ("c2", 20, "2025-06-01", "closed"),
        ("o1", 9, "2025-03-01", "open"),
        ("o2", 19, "2025-09-01", "open"),
        stderr=1.0,
    )

    def report(tolerance, **more):
        return series_report(frame, AS_OF, parse_tolerance(tolerance), draws={"s": twenty(18)}, **more)[0]

    assert report("significant").catch_up[1].open == "o2"
    assert report("significant").backward.months is None
    # In 19 of 20 draws c2 is ahead of the last open record, whether or not there was another before it.
    for part in (frame, frame.filter(pl.col("model") != "o1")):
        [behind] = series_report(part, AS_OF, parse_tolerance("significant"), draws={"s": twenty(19)})
        assert behind.backward.months == pytest.approx(213 / 30.4375)
    assert report("strict").catch_up[1].censored
    assert report("strict").noise.gap_bias == pytest.approx(-0.2)
    # A model measured worse than the median of its series does not qualify.
    worse = frame.with_columns(stderr=pl.when(pl.col("model") == "o2").then(3.0).otherwise(1.0))
    assert series_report(worse, AS_OF, parse_tolerance("significant"), draws={"s": twenty(18)})[0].catch_up[1].censored


def test_draws_outweigh_standard_errors_and_any_open_model_may_match():
    frame = scores(
        ("c1", 10, "2025-01-01", "closed"),
        ("c2", 20, "2025-06-01", "closed"),
        ("o1", 9, "2025-03-01", "open"),
        ("o2", 19, "2025-09-01", "open"),
        ("o3", 18, "2025-10-01", "open"),
        stderr=1.0,
    )
    names, rest = ("c1", "c2", "o1", "o2"), np.array([[10.0] * 20, [20.0] * 20, [9.0] * 20, [19.0] * 20])

    def second(third):
        draws = {"s": Draws((*names, "o3"), np.vstack([rest, [third] * 20]))}
        return series_report(frame, AS_OF, parse_tolerance("significant"), draws=draws)[0].catch_up[1]

    # A point below is within two standard errors, but the draws say that c2 always wins.
    assert series_report(frame, AS_OF, parse_tolerance("significant"))[0].catch_up[1].open == "o2"
    assert second(18.0).censored
    # The third open model set no record, and still matches where the draws say so.
    assert second(21.0).open == "o3"


def test_the_document_of_a_series_with_draws_has_their_interval():
    frame = scores(("c", 12, "2025-01-01", "closed"), ("o", 10, "2025-07-01", "open"))
    draws = {"s": five(c=[12] * 5, o=[9.5] * 5)}
    [entry] = gap_document(frame, AS_OF, draws=draws)["series"]
    assert (entry["gap"]["bias"], entry["gap"]["lo"], entry["saturated"]) == (pytest.approx(0.5), 1.5, None)
    assert gap_document(frame, AS_OF)["series"][0]["gap"]["bias"] is None


def test_draws_change_no_lag_at_strict():
    frame = scores(
        *((f"c{i}", 10 + i, f"2025-0{i + 1}-01", "closed") for i in range(4)),
        *((f"o{i}", 18 - 2 * i, f"2025-0{9 - i}-15", "open") for i in range(6)),
    )
    rng = np.random.default_rng(1)
    names = tuple(frame["model"])
    draws = {"s": Draws(names, frame["score"].to_numpy()[:, None] + rng.normal(size=(10, 50)))}
    [with_draws], [without] = series_report(frame, AS_OF, draws=draws), series_report(frame, AS_OF)
    assert with_draws.catch_up == without.catch_up
    assert with_draws.survival == without.survival
    assert with_draws.backward == without.backward
