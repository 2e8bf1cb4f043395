from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from gap_tables import day
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.gap.forecast import Today, blocks, increments, months_later, parity, parity_by_line, simulate
from pipeline.gap.predictors import lag_line, mean_12m, persistence, simulation, trend


def points(closed, opened, lag=None, bounded=None, first=date(2023, 1, 1)) -> pl.DataFrame:
    """Monthly points from lists of one value a month."""
    n = len(closed)
    return pl.DataFrame(
        {
            "on": [months_later(first, month) for month in range(n)],
            "open": opened,
            "closed": closed,
            "gap": [c - o for c, o in zip(closed, opened, strict=True)],
            "lag": lag or [5.0] * n,
            "bounded": bounded or [False] * n,
        },
        schema={
            "on": pl.Date, "open": pl.Float64, "closed": pl.Float64, "gap": pl.Float64, "lag": pl.Float64,
            "bounded": pl.Boolean,
        },
    )  # fmt: skip


def line(level, slope, n=25):
    return [float(level + slope * month) for month in range(n)]


# Closed gains 1 a month, open 1.25: the gap of 10 closes by a quarter of a point a month.
CLOSING = points(line(10, 1), line(0, 1.25))
LEVEL = points(line(10, 1), line(4, 1))


def last(frame):
    return frame["on"][-1]


def test_constant_steps_are_carried_on_exactly():
    found = parity(CLOSING, last(CLOSING), paths=50)
    # 10 - 24 / 4 = 4 points are left, 16 months at a quarter each.
    assert found.gap_today == 4
    assert found.within == (0.0, 1.0, 1.0, 1.0, 1.0)
    assert found.none == 0
    assert found.likely_on == date(2026, 5, 1)
    assert found.note is None
    path = found.path
    assert path.height == 61
    assert path["months_ahead"].to_list() == list(range(61))
    assert path["on"][12] == date(2026, 1, 1)
    for name in ("q05", "q50", "q95"):
        assert path[f"gap_{name}"].to_list() == pytest.approx([4 - month / 4 for month in range(61)])
        assert path[f"closed_{name}"][60] == pytest.approx(34 + 60)
        assert path[f"open_{name}"][60] == pytest.approx(30 + 75)


def test_a_level_gap_never_closes():
    found = parity(LEVEL, last(LEVEL), paths=50)
    assert (found.none, found.likely_on) == (1.0, None)
    assert found.path["gap_q50"].to_list() == pytest.approx([6.0] * 61)


def test_paths_start_today_and_not_at_the_last_month():
    found = parity(CLOSING, day("2025-01-31"), Today(closed=36, open=30), paths=50)
    assert (found.gap_today, found.path["gap_q50"][0]) == (6, 6)
    assert found.path["on"].to_list()[:2] == [day("2025-01-31"), day("2025-02-28")]
    assert found.path.filter(pl.col("p_parity") == 1)["months_ahead"][0] == 24


def test_later_months_are_not_seen():
    jump = points([*line(10, 1), 500.0], [*line(0, 1.25), 30.0])
    assert parity(jump, last(CLOSING), paths=50).path.equals(parity(CLOSING, last(CLOSING), paths=50).path)


def test_only_the_last_24_steps_count():
    early = points([*line(0, 3, 10), *line(30, 1)], [*line(-50, 1, 10), *line(20, 1.25)])
    assert parity(early, last(early), paths=50).path["gap_q95"][60] == pytest.approx(4 - 15)


def test_reached_counts_as_reached_even_if_closed_leads_again():
    # Open leads by 1 for one month in every four.
    closed = [10.0 + 3 * (month // 4) for month in range(25)]
    opened = [9.0 + 3 * ((month + 1) // 4) for month in range(25)]
    found = parity(points(closed, opened), date(2025, 1, 1), paths=300).path["p_parity"].to_list()
    assert found == sorted(found)
    assert 0.5 < found[12] <= 1


def test_already_at_parity():
    found = parity(CLOSING, last(CLOSING), Today(closed=30, open=30), paths=50)
    assert found.within == (1.0,) * 5
    assert found.likely_on == last(CLOSING)
    assert "already" in found.note


def test_a_reached_gap_is_said_in_full_and_a_gap_below_one_is_not_reached():
    short = CLOSING.head(11)
    level = parity(short, last(short), Today(closed=6, open=6))
    assert (level.as_of, level.gap_today, level.increments) == (last(short), 0, 10)
    assert (level.within, level.none, level.likely_on) == ((1.0,) * 5, 0.0, last(short))
    assert level.note == "parity: open has reached closed already"
    near = parity(short, last(short), Today(closed=6.5, open=6))
    assert (near.within, near.none, near.likely_on) == (None, None, None)
    assert near.note == "parity: needs 12 months with both sides, has 11"
    long = parity(LEVEL, last(LEVEL), Today(closed=30.5, open=30), paths=10)
    assert (long.as_of, long.increments, long.note, long.none) == (last(LEVEL), 24, None, 1.0)
    assert parity(LEVEL, last(LEVEL), Today(30, 30), paths=10).note == "parity: open has reached closed already"


def test_parity_after_five_years_counts_as_none_within_them():
    # A gap of 15.1 at a quarter a month is closed after 60.4 months, one of 15 in the 60th.
    assert parity(CLOSING, last(CLOSING), Today(closed=45.1, open=30), paths=10).none == 1
    sixty = parity(CLOSING, last(CLOSING), Today(closed=45, open=30), paths=10)
    assert (sixty.none, sixty.path["p_parity"][59]) == (0, 0)


def test_as_many_paths_as_asked_for():
    rng = np.random.default_rng(5)
    uneven = points(np.cumsum(rng.choice([0.0, 4], 25)).tolist(), np.cumsum(rng.choice([0.0, 4], 25)).tolist())
    found = parity(uneven, last(uneven), Today(8, 0), paths=7)
    assert {round(7 * chance, 9) for chance in found.path["p_parity"]} <= set(range(8))


def test_short_histories_are_not_forecast():
    short = CLOSING.head(11)
    found = parity(short, last(short))
    assert (found.within, found.none, found.likely_on) == (None, None, None)
    assert found.path.is_empty()
    assert found.note == "parity: needs 12 months with both sides, has 11"
    assert parity(CLOSING.head(12), date(2023, 12, 1), paths=10).within is not None
    assert parity(short, last(short), Today(5, 6)).within == (1.0,) * 5
    nothing = parity(CLOSING.clear(), last(short))
    assert (nothing.gap_today, nothing.within) == (None, None)


def test_a_missing_month_is_refused():
    with pytest.raises(InputError, match="skip or repeat a month"):
        parity(pl.concat([CLOSING.head(5), CLOSING.tail(15)]), last(CLOSING))


def test_one_seed_one_result_and_joint_steps():
    rng = np.random.default_rng(1)
    steps = rng.choice([0.0, 0.0, 3.0], size=24)
    found = simulate(np.column_stack([steps, steps]), Today(7, 2), 30, 200)
    assert found.shape == (200, 31, 2)
    # Both sides always move together, so the gap stays.
    assert np.ptp(found[:, :, 0] - found[:, :, 1]) == pytest.approx(0)
    assert (found == simulate(np.column_stack([steps, steps]), Today(7, 2), 30, 200)).all()


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 30), st.integers(1, 40), st.integers(1, 8))
def test_blocks_are_runs_that_treat_every_place_alike(n, length, block):
    drawn = blocks(np.random.default_rng(3), n, 40, length, block)
    assert drawn.shape == (40, length)
    assert 0 <= drawn.min() <= drawn.max() < n
    inner = [place for place in range(1, length) if place % block]
    assert all(((drawn[:, place] - drawn[:, place - 1]) % n == 1 % n).all() for place in inner)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=11, max_size=30), st.integers(1, 9))
def test_probabilities_rise_and_frontiers_never_fall(steps, ahead):
    moves = np.array(steps, dtype=float).cumsum(axis=0)
    closed, opened = [ahead + 0.0, *(ahead + moves[:, 0])], [0.0, *moves[:, 1]]
    frame = points(closed, opened)
    found = parity(frame, last(frame), Today(ahead + 0.0, 0.0), paths=60)
    chance = found.path["p_parity"].to_list()
    assert chance == sorted(chance)
    assert found.none == pytest.approx(1 - chance[-1])
    for side in ("open", "closed"):
        low, high = found.path[f"{side}_q05"], found.path[f"{side}_q95"]
        assert (low.diff().drop_nulls() >= 0).all()
        assert (low <= high).all()


def test_the_line_meets_zero_where_it_must():
    # 12 months of lag falling by half a month a month: 3 are left after 18 months.
    falling = points(line(10, 1), line(0, 1), lag=line(15, -0.5))
    found = parity_by_line(falling, last(falling))
    assert found.slope_per_year == pytest.approx(-6, abs=0.02)
    assert found.level_today == pytest.approx(3, abs=0.02)
    assert abs((found.crosses_on - date(2025, 7, 1)).days) <= 2
    assert found.note == "the line crosses zero"
    assert abs((parity_by_line(CLOSING, last(CLOSING), measure="gap").crosses_on - date(2026, 5, 1)).days) <= 3


def test_a_line_that_does_not_cross():
    assert parity_by_line(LEVEL, last(LEVEL)).note == "the line does not cross zero: it is level or rising"
    rising = points(line(1, 1), line(0, 1), lag=line(1, 0.1))
    assert parity_by_line(rising, last(rising)).crosses_on is None
    slow = points(line(1, 1), line(0, 1), lag=line(20, -0.001))
    assert "within 100 years" in parity_by_line(slow, last(slow)).note
    below = points(line(1, 1), line(0, 1), lag=line(3, -0.5))
    assert parity_by_line(below, last(below)).note == "the line is at or below zero already"


def test_the_line_through_the_last_months_and_without_lower_bounds():
    bent = points(
        line(1, 1), line(0, 1), lag=[*line(0, 1, 13), *line(12, -0.5, 12)], bounded=[True] * 13 + [False] * 12
    )
    whole, year = parity_by_line(bent, last(bent)), parity_by_line(bent, last(bent), 12)
    assert (whole.n, year.n) == (12, 12)
    assert whole.slope_per_year == year.slope_per_year == pytest.approx(-6, abs=0.05)
    assert whole.note == "the line crosses zero (13 months without a measured lag left out)"
    gone = bent.with_columns(lag=pl.when(pl.col("on") < date(2024, 7, 1)).then("lag"))
    found = parity_by_line(gone, last(gone))
    assert (found.n, found.slope_per_year) == (5, None)
    assert "needs 6 months" in found.note


def test_persistence_takes_its_interval_from_past_changes():
    # Gaps 0, 1, 2 ... 24: over 3 months the gap has always changed by 3.
    frame = points(line(0, 2), line(0, 1))
    found = persistence(frame, 3)
    assert (found.point, found.lo80, found.hi80, found.lo90, found.hi90) == (24, 21, 27, 21, 27)
    # Nine changes over 16 months are too few.
    assert persistence(frame, 16).lo80 is None
    assert persistence(frame, 40).lo80 is None
    assert persistence(frame.head(11), 3) is None
    assert persistence(frame.clear(), 3) is None


def test_mean_of_twelve_months():
    found = mean_12m(points(line(0, 2), line(0, 1)), 3)
    # The mean of 13 to 24; three months on from any mean of the past the gap was 5.5 + 3 higher.
    assert (found.point, found.lo80, found.hi90) == (pytest.approx(18.5), pytest.approx(10), pytest.approx(27))


def test_trend_draws_on_the_last_twelve_months():
    bent = points([*line(90, 0, 13), *line(20, -1, 12)], [0.0] * 25)
    found = trend(bent, 12)
    assert found.point == pytest.approx(20 - 11 - 12)
    assert (found.lo90, found.hi90) == (pytest.approx(found.point), pytest.approx(found.point))
    assert trend(bent.head(11), 3) is None


def test_the_prediction_interval_of_a_line_by_hand():
    # Residuals of +-1 around a level line, 12 points: s^2 = 12 / 10 less the little slope they imply.
    wobble = [1.0 if month % 2 else -1.0 for month in range(12)]
    found = trend(points([5 + w for w in wobble], [0.0] * 12), 3)
    x = np.arange(-11.0, 1)
    slope = np.polyfit(x, wobble, 1)
    rest = np.array(wobble) - np.polyval(slope, x)
    spread = np.sqrt(rest @ rest / 10 * (1 + 1 / 12 + (3 + 5.5) ** 2 / 143))
    assert found.point == pytest.approx(5 + np.polyval(slope, 3))
    assert (found.hi90 - found.lo90) / 2 == pytest.approx(1.8125 * spread, rel=1e-3)
    assert (found.hi80 - found.lo80) / 2 == pytest.approx(1.3722 * spread, rel=1e-3)


def test_simulation_of_constant_steps():
    found = simulation(CLOSING, 8)
    assert (found.point, found.lo90, found.hi80) == (pytest.approx(2), pytest.approx(2), pytest.approx(2))
    assert simulation(CLOSING.head(11), 8) is None


def test_the_interval_of_the_simulation_is_the_middle_of_its_paths():
    rng = np.random.default_rng(5)
    closed, opened = np.cumsum(rng.exponential(size=30)), np.cumsum(rng.exponential(size=30)) - 3
    frame = points(closed.tolist(), opened.tolist())
    paths = simulate(increments(frame), Today(closed[-1], opened[-1]), 9, 2000)[:, -1]
    gaps = np.sort(paths[:, 0] - paths[:, 1])
    found = simulation(frame, 9)
    assert found.point == pytest.approx(np.median(gaps))
    for lo, hi, share in ((found.lo80, found.hi80, 0.8), (found.lo90, found.hi90, 0.9)):
        assert np.mean(gaps < lo) == pytest.approx((1 - share) / 2, abs=0.01)
        assert np.mean(gaps > hi) == pytest.approx((1 - share) / 2, abs=0.01)


def test_the_line_through_the_lag_needs_a_lag_now():
    lag = [None, None, *line(10, -0.25, 8)]
    frame = points(line(1, 1, 10), line(0, 1, 10), lag=lag)
    found = lag_line(frame, 4)
    assert found.point == pytest.approx(10 - 0.25 * 11)
    assert lag_line(frame.head(7), 4) is None
    open_leads = frame.with_columns(lag=pl.when(pl.col("on") < date(2023, 10, 1)).then("lag"))
    assert lag_line(open_leads, 4) is None
    assert persistence(open_leads, 4, "lag") is None
    assert persistence(frame, 4, "lag").point == pytest.approx(8.25)


def test_a_line_uses_only_the_months_asked_for():
    # The lag rose for a year and falls by half a month a month since: 6 months are left of it after 12.
    lag = [*line(6, 0.5, 12), *line(11.5, -0.5, 12)]
    bent = points(line(10, 1, 24), line(5, 1, 24), lag)
    assert parity_by_line(bent, last(bent), 12).slope_per_year == pytest.approx(-6, abs=0.05)
    assert parity_by_line(bent, last(bent)).slope_per_year == pytest.approx(0, abs=0.1)
    assert (parity_by_line(bent, last(bent), 12).n, parity_by_line(bent, last(bent)).n) == (12, 24)


def test_six_months_are_enough_for_a_line_and_five_are_not():
    lag = line(6, -0.5, 6)
    six = points(line(10, 1, 6), line(5, 1, 6), lag)
    assert parity_by_line(six, last(six)).note == "the line crosses zero"
    five = parity_by_line(six, date(2023, 5, 1))
    assert (five.slope_per_year, five.level_today, five.crosses_on, five.n) == (None, None, None, 5)
    assert five.note == "line: needs 6 months with a measured lag, has 5"


def test_a_line_just_above_zero_still_crosses():
    low = points(line(10, 1, 12), line(5, 1, 12), line(6, -0.5, 12))
    found = parity_by_line(low, last(low))
    assert (found.note, found.level_today) == ("the line crosses zero", pytest.approx(0.5, abs=0.03))
    assert found.crosses_on == date(2023, 12, 31)


def test_a_gap_is_measured_where_the_lag_is_only_a_lower_bound():
    bounded = points(line(10, 1, 12), line(0, 1.25, 12), bounded=[True] * 12)
    gap = parity_by_line(bounded, last(bounded), measure="gap")
    assert (gap.n, gap.slope_per_year) == (12, pytest.approx(-3, abs=0.02))
    assert parity_by_line(bounded, last(bounded)).note == (
        "line: needs 6 months with a measured lag, has 0 (12 months without a measured lag left out)"
    )
