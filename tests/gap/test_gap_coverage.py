from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from benchmarks import index_worlds
from benchmarks.coverage import (
    STDERR,
    Study,
    coverage,
    covers,
    day_intervals,
    generate_noisy,
    pooled_study,
    series_study,
    table,
)
from benchmarks.worlds import Process, long_run, scaled_to, world
from pipeline.gap.calibrated import Calibrated, calibrated_intervals, km_influence
from pipeline.gap.series import series_report
from pipeline.gap.survival import kaplan_meier
from tests.gap.test_gap_survival import FIVE, event

# Closed on every 2nd month, open on every 6th, each open release reaches what closed was 3 months before.
CLOCK = Process("clock", 2.0, 6.0, 3.0, spread=0.0, closed_shape=math.inf, open_shape=math.inf)


def test_truth_of_a_deterministic_world_by_hand():
    # An open release at 6k reaches 6k - 3, so the record at 6k - 4 waits 4 months, the one at 6k - 6
    # waits 6 and the one at 6k - 8 waits 8: thirds of 4, 6 and 8.
    median, restricted = long_run(CLOCK, records=300, worlds=1)
    assert median == pytest.approx(6, abs=0.1)
    assert restricted == pytest.approx(6, abs=0.1)
    lags = [e.lag_months for e in world(1, 60, CLOCK).events if not e.censored]
    assert {round(lag) for lag in lags} == {4, 6, 8}
    assert len({e.open for e in world(1, 60, CLOCK).events}) < len(lags) / 2
    assert long_run(scaled_to(CLOCK, 2.0), records=300, worlds=1)[0] == pytest.approx(12, abs=0.1)


def test_a_world_is_what_the_pipeline_makes_of_its_scores():
    made = world(3, 20)
    assert world(3, 20).events == made.events
    found = series_report(made.scores, made.as_of)[0]
    assert list(found.catch_up) == made.events
    assert sum(e.censored for e in made.events) > 0


def test_a_world_too_short_for_a_release_is_empty_not_an_error():
    rare = Process("rare", 2.0, 5.0, 3.0, closed_shape=0.1)
    assert min(len(world(seed, 1, rare).events) for seed in range(20)) == 0


def test_what_counts_as_covering():
    assert covers((2.0, None), 5.0)
    assert covers((2.0, 5.0), 5.0)
    assert not covers((6.0, None), 5.0)
    assert not covers((2.0, 4.0), 5.0)
    assert not covers((None, None), 5.0)


def test_coverage_counts_by_hand():
    study = Study(
        "s", (1,), lambda seed, size: seed, lambda made: {"x": (made, made + 2.0)}, {"x": 3.0}, lambda made: (4, 1)
    )
    (row,) = coverage(study, 1, range(5))  # [1, 3], [2, 4] and [3, 5] of five hold 3
    assert (row.coverage, row.width, row.censored, row.open_ended) == (0.6, 2.0, 0.25, 0.0)
    once = table([row])
    assert "| x | s | 1 | 5 | 90% | 60.0% | 2.00 | 0% | 25% |" in once
    # Measured again it takes the place of the earlier row; others stay.
    both = table([replace(row, interval="a")], once)
    assert both.count("| 5 |") == 2
    assert table([replace(row, coverage=0.5)], both).count("| x |") == 1


def test_a_world_without_an_interval_is_not_counted():
    study = Study("s", ("a",), lambda seed, size: seed, lambda made: {"x": (made, made + 2.0)} if made else {},
                  {"x": 3.0}, lambda made: (4, 1))  # fmt: skip
    (row,) = coverage(study, "a", range(5))
    assert (row.worlds, row.coverage, row.size) == (4, 0.75, "a")


def test_noisy_worlds_know_their_true_gap_and_lag():
    made = generate_noisy(CLOCK, 1, 20)
    assert made.world.scores["stderr"].unique().to_list() == [STDERR]
    assert made.gap > 0
    # Open releases reach what closed was 3 months before, and the last one is up to 6 months old.
    assert 3 - 0.1 < made.lag < 9 + 0.1
    lo, hi = day_intervals(made)["lag of the day"]
    [found] = series_report(made.world.scores, made.world.as_of)
    assert (lo + made.lag, hi + made.lag) == (pytest.approx(found.noise.lag_lo), pytest.approx(found.noise.lag_hi))


def test_simulated_tables_hold_the_index_they_were_made_from():
    made = index_worlds.generate(3, "error 0.03")
    assert [made.index[name] for name in made.anchors] == pytest.approx(list(made.anchors.values()))
    assert made.rows.group_by("model").len()["len"].min() >= 4
    assert set(index_worlds.estimate(made)) == {"index, few benchmarks", "index, many benchmarks"}


def test_influence_is_the_derivative_of_the_curve_in_the_weight_of_a_record():
    times = np.array([2.0, 4, 4, 6, 10])
    matched = np.array([True, True, False, True, False])
    grid, share, influence = km_influence(times, matched)
    weights = np.ones((5, 5)) + 1e-6 * np.eye(5)
    moved = (kaplan_meier(times, matched, weights)[1] - share) / 1e-6
    assert influence == pytest.approx(moved, abs=1e-4)
    assert influence.sum(axis=0) == pytest.approx(0, abs=1e-9)
    assert grid.tolist() == [2, 4, 6, 10]


def calibrated_interval(events):
    found = calibrated_intervals(events, 0.9, 18.0)
    return found.median_lo, found.median_hi


def test_calibrated_interval_by_hand():
    # Independent exact records: Greenwood's variance is share * (1 - share) / n. One cluster each, so n / (n - 1).
    events = [event(t, f"m{t}") for t in (1, 2, 3, 4, 5, 6)]
    _, share, influence = km_influence(np.arange(1.0, 7), np.ones(6, dtype=bool))
    assert (influence**2).sum(axis=0) == pytest.approx(share * (1 - share) / 6)
    lo, hi = calibrated_interval(events)
    assert 1 <= lo < 3.5 < hi <= 6
    assert calibrated_interval(FIVE)[1] is None
    assert calibrated_intervals([event(1, "a"), event(2, "a")], 0.9, 18.0) == Calibrated(matches=1)
    assert calibrated_intervals([event(1, None), event(2, None)], 0.9, 18.0) == Calibrated()
    wide = calibrated_interval([event(t, f"m{t // 3}") for t in range(1, 31)])
    narrow = calibrated_interval([event(t, f"m{t}") for t in range(1, 31)])
    assert wide[0] <= narrow[0] < narrow[1] <= wide[1]
    assert wide != narrow


def test_two_open_models_give_the_median_no_interval_and_three_do():
    two = calibrated_intervals([event(t, f"m{t}") for t in (2, 3)], 0.9, 18.0)
    three = calibrated_intervals([event(t, f"m{t}") for t in (2, 3, 4)], 0.9, 18.0)
    assert (two.median_lo, two.median_hi, two.matches) == (None, None, 2)
    assert two.restricted_lo < 2.5 < two.restricted_hi
    assert (three.median_lo, three.median_hi, three.matches) == (2, 4, 3)


def test_intervals_cover_in_a_few_worlds():
    study = series_study(Process("like the index", 2.15, 4.0, 4.6))
    rows = {row.interval: row for row in coverage(study, 20, range(60))}
    assert rows["median, calibrated"].coverage >= 0.80
    assert rows["median, bootstrap"].coverage >= 0.65
    assert rows["restricted mean"].coverage >= 0.75
    assert rows["median, bootstrap"].width < rows["median, calibrated"].width


def test_pooled_interval_covers_in_a_few_worlds():
    study = pooled_study(Process("like the index", 2.15, 4.0, 4.6))
    made = study.generate(1, (10, 10))
    assert made.schema == {
        "series": pl.String,
        "lag_months": pl.Float64,
        "censored": pl.Boolean,
        "private": pl.Boolean,
    }
    rows = {row.interval: row for row in coverage(study, (10, 10), range(40))}
    assert rows["pooled median"].coverage >= 0.75
    assert rows["private/public ratio"].coverage >= 0.75
