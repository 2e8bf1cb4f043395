"""The pooled lag: its intervals by the delta method, and what few benchmarks can say."""

import math

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm
from scipy.stats import t as student

from pipeline.gap.pooled import _LIMITS, _ends, pooled_lag
from tests.gap.test_gap_pooled import benchmarks, model_of


def hessian(model, theta, step=1e-4):
    """Second derivatives of the log-likelihood from its values alone."""
    n = len(theta)
    moves = np.eye(n) * step

    def value(*shifts):
        return model.negative(theta + sum(shifts))[0]

    return np.array(
        [[(value(a, b) - value(a, -b) - value(-a, b) + value(-a, -b)) / (4 * step**2) for b in moves] for a in moves]
    )


def test_variance_is_the_inverse_information_with_a_centre_estimated_for_each_kind():
    _, _, model = model_of(benchmarks(4, count=12, each=8), "lognormal")
    theta = model.fit()
    by_hand = np.linalg.inv(hessian(model, theta)) * 12 / (12 - 2)
    assert model.covariance(theta, robust=False) == pytest.approx(by_hand, rel=1e-2, abs=1e-5)


def test_a_spread_at_its_lower_bound_is_taken_as_known():
    kinds = pl.DataFrame({"series": [f"b{i:02}" for i in range(20)], "private": [i % 2 == 0 for i in range(20)]})
    flat = kinds.join(pl.DataFrame({"lag_months": [2.0, 5, 7, 9], "censored": [False] * 4}), how="cross")
    _, _, model = model_of(flat, "lognormal")
    theta = model.fit()
    assert theta[-1] == pytest.approx(_LIMITS["log_sd"][0])
    known = model.covariance(theta, robust=False)
    assert known[-1].tolist() == [0.0] * 4
    # The mean of 80 logs: their standard deviation over the root of 80, and t with 20 - 1 - 1 degrees of freedom.
    logs = np.log([2.0, 5, 7, 9])
    found = pooled_lag(flat, robust=False)
    error = logs.std() / math.sqrt(80) * math.sqrt(20 / 18)
    assert math.log(found.hi / found.median) == pytest.approx(student.ppf(0.95, 18) * error, rel=1e-2)
    # A spread a little above the bound is estimated.
    above = np.append(theta[:-1], _LIMITS["log_sd"][0] + 0.5)
    free = model.covariance(above, robust=False)
    assert free is None or free[-1, -1] > 0


@pytest.mark.parametrize("law", ["weibull", "lognormal"])
def test_both_intervals_are_the_delta_method_on_the_log_scale(law):
    frame = benchmarks(6, count=14, each=9)
    found = pooled_lag(frame, law=law)
    _, _, model = model_of(frame, law)
    theta = model.fit()
    variance = model.covariance(theta, robust=True)

    def log_median(at):
        return at[1] + (math.log(math.log(2)) / math.exp(at[0]) if law == "weibull" else 0.0)

    slope = np.array([(log_median(theta + m) - log_median(theta - m)) / 2e-5 for m in np.eye(4) * 1e-5])
    reach = student.ppf(0.95, 14 - 2) * math.sqrt(slope @ variance @ slope)
    ratio_reach = student.ppf(0.95, 14 - 2) * math.sqrt(variance[2, 2])
    assert found.median == pytest.approx(math.exp(log_median(theta)), rel=1e-4)
    assert math.log(found.hi / found.median) == pytest.approx(reach, rel=1e-3)
    assert math.log(found.median / found.lo) == pytest.approx(reach, rel=1e-3)
    assert found.private_ratio == pytest.approx(math.exp(theta[2]), rel=1e-4)
    assert math.log(found.ratio_hi / found.private_ratio) == pytest.approx(ratio_reach, rel=1e-3)


def test_records_of_a_benchmark_are_taken_to_depend_on_one_another_unless_told_otherwise():
    for count in (12, 2):
        frame = benchmarks(3, count=count, sd=0.0).filter(pl.int_range(pl.len()) > 5).with_columns(private=None)
        assert pooled_lag(frame) == pooled_lag(frame, robust=True)
        assert pooled_lag(frame).hi != pooled_lag(frame, robust=False).hi


def test_one_benchmark_has_the_interval_of_a_mean_of_logs():
    logs = np.log([2.0, 3, 5, 7, 11, 13])
    one = pl.DataFrame({"series": "b", "lag_months": np.exp(logs), "censored": False, "private": True})
    found = pooled_lag(one)
    assert found.median == pytest.approx(np.exp(logs.mean()), rel=1e-4)
    reach = norm.ppf(0.95) * logs.std() / math.sqrt(6)
    assert math.log(found.hi / found.median) == pytest.approx(reach, rel=1e-2)
    assert math.log(found.median / found.lo) == pytest.approx(reach, rel=1e-2)


def test_two_benchmarks_have_a_spread_but_no_ratio_and_their_kinds_change_nothing():
    two = benchmarks(2, count=2, sd=0.0, each=20)
    found = pooled_lag(two)
    assert found.between_sd > 0
    assert found.private_ratio is None
    assert not any("between-benchmark sd" in note for note in found.notes)
    assert found.median == pytest.approx(pooled_lag(two.with_columns(private=None)).median)


def test_three_benchmarks_one_of_them_private_have_a_ratio():
    three = benchmarks(1, count=3).with_columns(private=pl.col("series") == "b000")
    assert pooled_lag(three).private_ratio is not None


def test_unknown_kinds_stand_in_the_middle_so_that_the_names_of_the_kinds_can_be_swapped():
    frame = benchmarks(6, count=12).with_columns(private=pl.when(pl.col("series") < "b009").then("private"))
    swapped = pooled_lag(frame.with_columns(private=~pl.col("private")))
    found = pooled_lag(frame)
    assert swapped.median == pytest.approx(found.median, rel=1e-3)
    assert swapped.private_ratio == pytest.approx(1 / found.private_ratio, rel=1e-2)


def test_nearly_equal_times_have_no_law_and_keep_their_counts():
    place = pl.int_range(30)
    equal = benchmarks(1, count=3).with_columns(
        lag_months=pl.when(place == 29).then(2.0).otherwise(5 + 0.001 * (place % 2)), censored=place == 29
    )
    found = pooled_lag(equal, law="weibull")
    assert (found.median, found.lo, found.hi, found.between_sd, found.shape) == (None,) * 5
    assert (found.private_ratio, found.ratio_lo, found.ratio_hi) == (None,) * 3
    assert (found.benchmarks, found.records, found.censored) == (3, 30, 1)
    assert found.notes[-1] == "pooled lag: the likelihood has no maximum within a shape of 0.05 to 20"


def test_an_interval_that_says_nothing_is_none():
    one, five = np.array([1.0]), math.log(5)
    assert _ends(five, one, None, 1.6) == (None, pytest.approx(5), None)
    assert _ends(five, one, np.array([[25.0]]), 1.6) == (None, pytest.approx(5), None)
    lo, middle, hi = _ends(five, one, np.array([[0.25]]), 2.0)
    assert (lo, middle, hi) == (pytest.approx(5 / math.e), pytest.approx(5), pytest.approx(5 * math.e))
