import math
import warnings

import numpy as np
import pytest
from lifelines import WeibullFitter

from pipeline.gap.weibull import ONE_DAY, Observed, log_densities, weibull, weibull_of
from tests.gap.test_gap_survival import event


def simulated(seed, n=60, shape=1.6, scale=9.0, shift=0.0):
    rng = np.random.default_rng(seed)
    times = scale * rng.weibull(shape, n) - shift
    ends = rng.uniform(2, 20, n)
    return np.minimum(times, ends), times > ends


@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_agrees_with_lifelines_on_exact_right_and_left_censored_records(shift):
    for seed in range(3):
        lags, censored = simulated(seed, shift=shift)
        left = ~censored & (lags <= 0)
        assert left.any() == (shift > 0)
        assert censored.any()
        lower = np.where(left, 0.0, lags)
        upper = np.where(censored, np.inf, np.where(left, ONE_DAY, lags))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            peer = WeibullFitter().fit_interval_censoring(lower, upper)
        found = weibull(lags, censored)
        assert found.shape == pytest.approx(peer.rho_, rel=1e-3)
        assert found.scale == pytest.approx(peer.lambda_, rel=1e-3)
        assert found.median == pytest.approx(peer.median_survival_time_, rel=1e-3)
        assert found.log_likelihood == pytest.approx(peer.log_likelihood_, abs=1e-3)


def test_scale_by_hand_at_the_fitted_shape():
    # Given the shape, the score equation of the scale has the solution (sum t^k / matched)^(1/k):
    # at k = 1 the exponential law's total time over matches.
    lags, censored = np.array([2.0, 3, 7, 4, 9]), np.array([False, False, False, True, True])
    found = weibull(lags, censored)
    assert found.scale == pytest.approx(((lags**found.shape).sum() / 3) ** (1 / found.shape), rel=1e-5)
    assert found.median == pytest.approx(found.scale * math.log(2) ** (1 / found.shape))
    assert (found.n, found.censored) == (5, 2)


def test_likelihood_of_exponential_times_by_hand():
    # Shape 1, scale 5: exact log(1/5) - t/5, right-censored -t/5, left-censored log(1 - exp(-day/5)).
    seen = Observed.of(np.array([2.0, 4.0, -3.0]), np.array([False, True, False]))
    value, _, _ = log_densities(seen.log_months - math.log(5), seen.exact, seen.left)
    value = value - np.where(seen.exact, seen.log_months, 0)
    assert value.tolist() == pytest.approx([-math.log(5) - 0.4, -0.8, math.log(1 - math.exp(-ONE_DAY / 5))])


def test_derivatives_are_those_of_the_value():
    z = np.array([-1.2, 0.3, 0.8, -4.0])
    exact, left = np.array([True, False, False, False]), np.array([False, False, True, True])
    value, first, second = log_densities(z, exact, left)
    up, down = log_densities(z + 1e-5, exact, left), log_densities(z - 1e-5, exact, left)
    assert first == pytest.approx((up[0] - down[0]) / 2e-5, rel=1e-6)
    assert second == pytest.approx((up[1] - down[1]) / 2e-5, rel=1e-5)
    assert (value < 0).all()


def test_recovers_a_known_law():
    truth = 9 * math.log(2) ** (1 / 1.6)
    found = [weibull(*simulated(seed)) for seed in range(200)]
    assert np.mean([one.median for one in found]) == pytest.approx(truth, rel=0.02)
    assert np.mean([one.shape for one in found]) == pytest.approx(1.6, rel=0.04)


@pytest.mark.parametrize(
    ("events", "word"),
    [
        ([], "no closed record"),
        ([event(3, None), event(8, None)], "matched at a known time"),
        ([event(-3, "a"), event(0, "b")], "matched at a known time"),
        ([event(5, "a"), event(5, "b"), event(3, None)], "all equal"),
        ([event(5, "a")], "all equal"),
        ([event(5, "a"), event(5.0001, "b"), event(2, None)], "no maximum"),
    ],
)
def test_null_with_a_note_where_nothing_identifies_it(events, word):
    found = weibull_of(events)
    assert (found.shape, found.scale, found.median, found.log_likelihood) == (None,) * 4
    assert word in found.notes[0]
    assert (found.n, found.censored) == (len(events), sum(event.censored for event in events))


def test_equal_times_are_enough_where_a_later_one_is_censored():
    found = weibull_of([event(5, "a"), event(5, "b"), event(9, None)])
    assert 5 < found.median < 9


def test_a_record_censored_on_its_first_day_says_nothing():
    some = [event(3, "a"), event(6, "b"), event(8, "c")]
    assert weibull_of([*some, event(0, None)]).median == pytest.approx(weibull_of(some).median, rel=1e-2)
