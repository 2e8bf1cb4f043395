"""The backtest recomputed independently on Epoch's published index, with o3 dated as the project dates it."""

from __future__ import annotations

from datetime import date
from functools import cache

import polars as pl
import pytest

from pipeline.gap.backtest import backtest, hindsight, verdict
from pipeline.gap.forecast import parity, parity_by_line
from pipeline.gap.frontier import records
from pipeline.gap.monthly import month_starts, monthly
from pipeline.gap.sides import availability
from tests.test_acceptance import AS_OF, index

ORIGINS = month_starts(date(2024, 3, 1), date(2025, 8, 1))


@cache
def points():
    found = records(availability(index(), AS_OF).rows)
    closed, opened = (found.filter(pl.col("side") == side) for side in ("closed", "open"))
    return monthly(closed, opened, AS_OF)


@cache
def table():
    return backtest(hindsight(points(), ORIGINS), points(), "hindsight")


@pytest.mark.parametrize(("origins", "n", "trend", "no_change"), [("all", 18, 5.2, 3.0), ("since 2025", 8, 2.9, 3.9)])
def test_the_trend_against_no_change_a_year_ahead(origins, n, trend, no_change):
    row = table().row(
        by_predicate=(pl.col("method") == "trend") & (pl.col("horizon") == 12) & (pl.col("origins") == origins),
        named=True,
    )
    assert row["n"] == n
    assert row["mae"] == pytest.approx(trend, abs=0.3)
    assert row["mae_persistence"] == pytest.approx(no_change, abs=0.3)


def test_no_date_of_parity_is_given():
    today = parity(points(), AS_OF)
    assert today.gap_today == pytest.approx(4.64, abs=0.05)
    found = verdict(table(), today)
    assert (found.shown, found.parity_on) == (False, None)
    assert '"no change" predicts the gap at least as well as the simulation' in found.sentence


@pytest.mark.parametrize("months", [None, 24, 12])
def test_the_published_line_through_the_lag_does_not_cross(months):
    found = parity_by_line(points(), AS_OF, months)
    assert found.crosses_on is None
    assert found.slope_per_year > 0
