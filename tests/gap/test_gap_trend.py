"""Monthly frontiers and closing rates."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pipeline.gap.lag import Scale, Tolerance
from pipeline.gap.monthly import month_starts, monthly
from pipeline.gap.trend import LEAST_POINTS, closing_rates, document, notes
from tests.gap.gap_tables import day

AS_OF = date(2025, 7, 15)


def side(*records):
    return pl.DataFrame(
        {"available_on": [day(on) for on, _ in records], "score": [float(score) for _, score in records]},
        schema={"available_on": pl.Date, "score": pl.Float64},
    )


def points(gaps, first=date(2023, 1, 1), lags=None):
    """A monthly frame with these gaps above an open side that stays at 0."""
    on = month_starts(first, date(2040, 1, 1))[: len(gaps)]
    gap = pl.Series("gap", gaps, dtype=pl.Float64)
    return pl.DataFrame({"on": on, "open": [0.0] * len(gaps)}).with_columns(
        gap,
        gap.alias("closed"),
        pl.Series("lag", lags or [None] * len(gaps), dtype=pl.Float64),
        gap_logit=pl.lit(None, dtype=pl.Float64),
    )


def rate(frame, window="whole", measure="gap", as_of=None, gap=None, lag=None):
    as_of = as_of or frame["on"][-1]
    return next(r for r in closing_rates(frame, as_of, gap, lag) if (r.window, r.measure) == (window, measure))


def test_month_starts():
    assert month_starts(date(2024, 11, 2), date(2025, 2, 1)) == [
        date(2024, 12, 1),
        date(2025, 1, 1),
        date(2025, 2, 1),
    ]
    assert month_starts(date(2025, 2, 1), date(2025, 2, 1)) == [date(2025, 2, 1)]
    assert month_starts(date(2025, 2, 2), date(2025, 2, 28)) == []


def test_both_frontiers_on_the_first_of_each_month():
    closed = side(("2025-01-01", 10), ("2025-03-01", 20), ("2025-06-15", 30))
    opened = side(("2025-02-10", 5), ("2025-05-01", 10), ("2025-07-01", 20))
    found = monthly(closed, opened, AS_OF)
    assert found["on"].to_list() == month_starts(date(2025, 3, 1), date(2025, 7, 1))
    assert found["open"].to_list() == [5, 5, 10, 10, 20]
    assert found["closed"].to_list() == [20, 20, 20, 20, 30]
    assert found["gap"].to_list() == [15, 15, 10, 10, 10]
    # Ahead of 5 since 2025-01-01 (the first closed model: bounded), of 10 since March, of 20 since June 15.
    since = [date(2025, 1, 1), date(2025, 1, 1), date(2025, 3, 1), date(2025, 3, 1), date(2025, 6, 15)]
    assert found["lag"].to_list() == [
        pytest.approx((on - start).days / 30.4375) for on, start in zip(found["on"], since, strict=True)
    ]
    assert found["bounded"].to_list() == [True, True, False, False, False]
    assert found["gap_logit"].null_count() == 5


def test_no_lag_while_open_leads_or_within_the_tolerance():
    closed = side(("2025-01-01", 10), ("2025-05-15", 11))
    opened = side(("2025-02-01", 9.5), ("2025-04-01", 10.5))
    strict = monthly(closed, opened, AS_OF)
    assert [lag is None for lag in strict["lag"]] == [False, False, True, True, False, False]
    loose = monthly(closed, opened, AS_OF, Scale(), Tolerance("points", 0.5))
    assert loose["lag"].null_count() == 6
    assert monthly(closed, opened, AS_OF, Scale(), Tolerance("significant"))["lag"].null_count() == 6


def test_the_logit_gap_follows_the_direction_of_the_series():
    # Error rates, negated as everywhere: chance 1, ceiling 0; accuracies .8 and .6.
    closed, opened = side(("2025-01-01", -0.2)), side(("2025-01-01", -0.4))
    found = monthly(closed, opened, date(2025, 1, 1), Scale(-1.0, 1.0, 0.0))
    assert found["gap_logit"].to_list() == [pytest.approx(np.log(4) - np.log(1.5))]


def test_one_side_only_gives_no_month():
    assert monthly(side(("2025-01-01", 10)), side(), AS_OF).is_empty()
    assert [r.ols for r in closing_rates(monthly(side(), side(), AS_OF), AS_OF, None, None)] == [None] * 12


def test_a_straight_line_has_its_slope_and_no_spread():
    frame = points([10 - 0.5 * i for i in range(24)])
    found = rate(frame)
    for slope in (found.ols, found.theil_sen):
        assert slope.slope_per_year == pytest.approx(-6)
        assert (slope.lo, slope.hi) == (pytest.approx(-6), pytest.approx(-6))
        assert slope.p_closing == 1
    assert rate(points([float(i) for i in range(24)])).ols.p_closing == 0
    slowly = rate(points([i / 64 for i in range(24)])).ols
    assert (slowly.slope_per_year, slowly.p_closing) == (pytest.approx(12 / 64), 0)


def test_windows_hold_the_month_starts_up_to_the_date():
    frame = points(range(40), first=date(2022, 5, 1))  # to 2025-08-01
    as_of = date(2025, 8, 11)
    ns = {window: rate(frame, window, as_of=as_of).n for window in ("12m", "24m", "since_2025", "whole")}
    assert ns == {"12m": 12, "24m": 24, "since_2025": 8, "whole": 40}
    assert rate(frame, "12m", as_of=as_of).first_on == date(2024, 9, 1)
    assert rate(frame, "since_2025", as_of=as_of).first_on == date(2025, 1, 1)
    # On the first itself that day is the last of the twelve.
    assert rate(frame, "12m", as_of=date(2025, 8, 1)).first_on == date(2024, 9, 1)


def test_fewer_than_six_points_say_nothing():
    five, six = points([1, 2, 1, 2, 1]), points([1, 2, 1, 2, 1, 2])
    assert (rate(five).ols, rate(five).theil_sen, rate(five).n) == (None, None, LEAST_POINTS - 1)
    assert rate(six).ols is not None
    [said] = notes(closing_rates(five, five["on"][-1], None, None))
    assert "whole" in said


def test_months_without_a_lag_are_left_out_and_keep_their_place_in_time():
    lags = [1.0, 2.0, None, 4.0, None, 6.0, 7.0, 8.0, 9.0]
    found = rate(points([0.0] * 9, lags=lags), measure="lag")
    assert (found.n, found.ols.slope_per_year) == (7, pytest.approx(12))


def test_the_clocks_diverge_by_more_than_three_months():
    # Closed rises by one point a month: a gap of 6 points is 6 months.
    frame = points([float(i) for i in range(24)])
    assert rate(frame, gap=6.0, lag=8.9).diverges is False
    assert rate(frame, gap=6.0, lag=9.1).diverges is True
    assert rate(frame, gap=6.0, lag=2.9).diverges is True
    assert rate(frame, gap=None, lag=2.9).diverges is None
    assert rate(points([1.0] * 24), gap=6.0, lag=2.9).diverges is None
    assert rate(frame).closed_per_year == pytest.approx(12)
    said = " ".join(notes(closing_rates(frame, frame["on"][-1], 6.0, 9.1)))
    assert "quote both" in said


def test_the_document_has_one_entry_a_window():
    entries = document(closing_rates(points(range(12)), date(2023, 12, 1), None, None))
    assert [entry["window"] for entry in entries] == ["12m", "24m", "since_2025", "whole"]
    assert entries[0]["slope_per_year"] == pytest.approx(12)
    assert entries[0]["theil_sen"]["slope_per_year"] == pytest.approx(12)
    assert entries[0]["lag"] is None
    assert entries[2]["slope_per_year"] is None


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-20, 20), min_size=6, max_size=30))
def test_against_scipy(gaps):
    found = rate(points(gaps))
    years = np.arange(len(gaps)) / 12
    assert found.ols.slope_per_year == pytest.approx(stats.linregress(years, gaps).slope, abs=1e-9)
    assert found.theil_sen.slope_per_year == pytest.approx(stats.theilslopes(gaps, years).slope, abs=1e-9)
    assert found.ols.lo <= found.ols.hi
    mirrored = rate(points([-gap for gap in gaps]))
    assert mirrored.ols.slope_per_year == pytest.approx(-found.ols.slope_per_year)


def test_the_interval_is_wider_for_more_restless_gaps_and_the_same_each_time():
    calm = [i + 0.1 * (-1) ** i for i in range(24)]
    restless = [i + 3.0 * (i % 5 - 2) for i in range(24)]
    narrow, wide = rate(points(calm)).ols, rate(points(restless)).ols
    assert 0 < narrow.hi - narrow.lo < wide.hi - wide.lo
    assert rate(points(restless)).ols == wide
