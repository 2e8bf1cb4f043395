from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from lifelines import KaplanMeierFitter
from lifelines.utils import restricted_mean_survival_time

from pipeline.gap.lag import CatchUp
from pipeline.gap.survival import _widest, kaplan_meier, medians, restricted_mean, survival

DAY = date(2025, 1, 1)


def event(lag: float, match: str | None) -> CatchUp:
    return CatchUp("c", DAY, 1.0, match, DAY if match else None, lag, match is None, match is not None and lag <= 0)


FIVE = [event(2, "a"), event(4, "a"), event(4, None), event(6, "b"), event(10, None)]


def test_curve_by_hand():
    # At 2: 4/5. At 4, one of four matched and one censored after it: 4/5 * 3/4 = 3/5.
    # At 6, one of two: 3/10. At 10 only a censoring.
    times = np.array([2.0, 4, 4, 6, 10])
    matched = np.array([True, True, False, True, False])
    grid, shares = kaplan_meier(times, matched, np.ones((1, 5)))
    assert grid.tolist() == [2, 4, 6, 10]
    assert shares[0].tolist() == pytest.approx([0.8, 0.6, 0.3, 0.3])
    assert medians(grid, shares).tolist() == [6]
    # 2*1 + 2*0.8 + 2*0.6 + 12*0.3, the curve held flat from 10 to 18.
    assert restricted_mean(grid, shares[0]) == pytest.approx(8.4)


def test_summary_by_hand():
    found = survival(FIVE)
    assert (found.n, found.censored, found.median) == (5, 2, 6)
    assert found.rmst18 == pytest.approx(8.4)
    assert found.naive_mean == pytest.approx(4.0)
    assert found.oldest_unmatched_months == 10
    assert any("biased low" in note for note in found.notes)
    assert any("held flat" in note for note in found.notes)


def test_curve_agrees_with_lifelines_on_random_records():
    rng = np.random.default_rng(5)
    for _ in range(10):
        times = rng.integers(0, 25, 30).astype(float)
        matched = rng.random(30) < 0.7
        weights = rng.integers(0, 3, 30).astype(float)
        grid, shares = kaplan_meier(times, matched, weights[None, :])
        kept = weights > 0
        peer = KaplanMeierFitter().fit(times[kept], matched[kept], weights=weights[kept])
        assert shares[0] == pytest.approx(peer.survival_function_at_times(grid).to_numpy(), abs=1e-9)
        assert medians(grid, shares)[0] == peer.median_survival_time_
        assert restricted_mean(grid, shares[0]) == pytest.approx(restricted_mean_survival_time(peer, t=18))


def test_negative_lags_count_as_zero_in_the_curve_but_signed_in_the_naive_mean():
    found = survival([event(-6, "a"), event(-2, "b"), event(2, "c")])
    assert (found.median, found.naive_mean) == (0, -2)
    assert found.rmst18 == pytest.approx(2 / 3)
    assert (found.censored, found.oldest_unmatched_months) == (0, None)


def test_nothing_is_zero_where_it_cannot_be_computed():
    none = survival([])
    assert (none.n, none.censored) == (0, 0)
    assert (none.median, none.lo, none.hi, none.rmst18, none.naive_mean) == (None,) * 5
    assert none.oldest_unmatched_months is None
    assert none.notes
    waiting = survival([event(3, None), event(8, None)])
    assert (waiting.n, waiting.censored, waiting.oldest_unmatched_months) == (2, 2, 8)
    assert (waiting.median, waiting.lo, waiting.hi, waiting.naive_mean) == (None,) * 4
    assert waiting.rmst18 == 18
    assert len(waiting.notes) >= 3


def test_records_matched_by_one_model_are_one_cluster():
    # One match answers four records: drawing it or not is all or nothing.
    same = survival([event(t, "a") for t in (1, 2, 3, 4)])
    assert (same.lo, same.hi) == (None, None)
    apart = survival([event(t, m) for t, m in ((1, "a"), (2, "b"), (3, "c"), (4, "d"))], level=0.8)
    assert (apart.lo, apart.hi) == (1, 3)
    # Two censored records are two clusters, though neither names a match.
    two = survival([event(1, None), event(2, None), event(1, "a")])
    assert two.lo == 1
    assert two.hi is None


def test_every_censored_record_is_a_cluster_of_its_own():
    # Half of six clusters must be drawn from the three matches: in 66% of the draws the median is finite. Were the
    # three censored records one cluster of four, it would be in 74%.
    six = [event(1, "a"), event(2, "b"), event(3, "c"), *(event(9, None) for _ in range(3))]
    assert survival(six, level=0.4, draws=4000).hi is None
    assert survival(six, level=0.24, draws=4000).hi is not None


def test_interval_is_repeatable_and_wider_at_a_higher_level():
    events = [event(t, f"m{t}") for t in range(1, 15)]
    assert survival(events) == survival(events)
    wide, narrow = survival(events, level=0.99), survival(events, level=0.5)
    assert wide.lo < narrow.lo <= narrow.median <= narrow.hi < wide.hi


def test_horizon_cuts_long_lags():
    assert survival([event(40, "a"), event(30, "b")]).rmst18 == 18


def test_interval_of_the_restricted_mean_by_hand():
    # Exact times, each its own match, in an order in which neighbours are not alike: the mean of 14 times, the
    # standard error sd / sqrt(14), and t with 13 degrees of freedom at 97.5%.
    times = np.array([1.0, 14, 2, 13, 3, 12, 4, 11, 5, 10, 6, 9, 7, 8])
    found = survival([event(t, f"m{t}") for t in times])
    reach = 2.5326 * times.std(ddof=1) / np.sqrt(14)
    assert found.rmst18 == pytest.approx(7.5)
    assert found.rmst18_lo == pytest.approx(7.5 - reach, abs=1e-3)
    assert found.rmst18_hi == pytest.approx(7.5 + reach, abs=1e-3)
    # In order of size, neighbours are alike and the interval is wider.
    assert survival([event(t, f"m{t}") for t in sorted(times)]).rmst18_hi > found.rmst18_hi + 0.5
    assert (survival([event(3, "a"), event(4, "a")]).rmst18_lo, survival([]).rmst18_hi) == (None, None)


def test_the_calibrated_interval_stands_beside_the_bootstrap_and_is_wider_with_few_matches():
    found = survival(
        [event(2, "a"), event(4, "a"), event(5, "b"), event(6, "b"), event(7, "c"), event(9, "d"), event(9, "e")]
    )
    assert found.calibrated_lo <= found.lo <= found.median <= found.hi <= found.calibrated_hi


def test_a_draw_without_the_last_records_keeps_its_share():
    # Nobody is at risk at 3 and 4 in the second draw: the curve stays where it was.
    times, matched = np.array([1.0, 2, 3, 4]), np.array([True, False, True, True])
    _, shares = kaplan_meier(times, matched, np.array([[1.0, 1, 1, 1], [1.0, 1, 0, 0]]))
    assert shares.tolist() == [[0.75, 0.75, 0.375, 0], [0.5, 0.5, 0.5, 0.5]]


def test_the_bootstrap_is_repeatable_and_its_ends_are_observed_times():
    events = [event(t, f"m{place // 2}") for place, t in enumerate([1.5, 2.25, 4, 6.5, 7, 9.75, 11, 12.5])]
    found = survival(events)
    assert survival(events) == found
    assert {found.lo, found.hi} <= {e.lag_months for e in events}
    few = survival(events, draws=8)
    assert {few.lo, few.hi} <= {e.lag_months for e in events}
    assert found.lo < found.median < found.hi


def test_two_open_models_have_a_bootstrap_interval_and_one_has_none():
    two = survival([event(2, "a"), event(5, "b")])
    assert (two.lo, two.hi) == (2, 5)
    one = survival([event(2, "a"), event(5, "a")])
    assert (one.lo, one.hi) == (None, None)
    assert "survival interval: an end is not reached within the records" in one.notes
    assert "calibrated interval: only 1 open models answer for the records" in one.notes
    three = survival([event(2, "a"), event(5, "b"), event(6, "c")])
    assert not [note for note in three.notes if note.startswith("calibrated")]


def test_an_end_that_is_not_reached_has_a_note_each():
    # Enough matches for both intervals, enough waiting records for neither to have an upper end.
    long = survival([*(event(t, f"m{t}") for t in range(1, 7)), *(event(9, None) for _ in range(5))])
    assert None not in {long.lo, long.calibrated_lo}
    assert (long.hi, long.calibrated_hi) == (None, None)
    assert "survival interval: an end is not reached within the records" in long.notes
    assert "calibrated interval: an end is not reached within the records" in long.notes


def test_an_interval_holds_its_estimate():
    assert (_widest(min, 5.0, 3.0), _widest(min, 2.0, 3.0)) == (3, 2)
    assert (_widest(max, 5.0, 7.0), _widest(max, 9.0, 7.0)) == (7, 9)
    assert _widest(max, None, 3.0) is None
    assert _widest(max, 4.0, float("inf")) == 4
