import math

import numpy as np
import polars as pl
import pytest

from pipeline.errors import InputError
from pipeline.gap.pooled import NODES, _Model, log_normal_densities, pooled_lag
from pipeline.gap.weibull import Observed, log_densities, weibull

SHAPE, MEDIAN, SD, RATIO = 2.0, 6.0, 0.5, 1.6


def benchmarks(seed, count=50, each=10, sd=SD, shift=0.0):
    """Records of simulated benchmarks, every second one private and slower by RATIO."""
    rng = np.random.default_rng(seed)
    private = np.arange(count) % 2 == 0
    middle = MEDIAN * np.exp(rng.normal(0, sd, count) + math.log(RATIO) * (private - 0.5))
    times = np.repeat(middle, each) * (rng.weibull(SHAPE, count * each) / math.log(2) ** (1 / SHAPE)) - shift
    ends = rng.uniform(2, 30, count * each)
    return pl.DataFrame(
        {
            "series": np.repeat([f"b{place:03}" for place in range(count)], each),
            "lag_months": np.minimum(times, ends),
            "censored": times > ends,
            "private": np.repeat(private, each),
        }
    )


def model_of(frame, law):
    seen = Observed.of(frame["lag_months"].to_numpy(), frame["censored"].to_numpy())
    sizes = frame.group_by("series", maintain_order=True).len()["len"].to_numpy()
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
    kind = frame["private"].cast(pl.Float64).to_numpy() - 0.5
    return seen, sizes, _Model(seen, first, kind, law=law, with_kind=True, with_sd=True)


def test_recovers_a_known_world():
    exact = [pooled_lag(benchmarks(seed), law="weibull") for seed in range(12)]
    assert np.mean([one.median for one in exact]) == pytest.approx(MEDIAN, rel=0.05)
    assert np.mean([one.private_ratio for one in exact]) == pytest.approx(RATIO, rel=0.1)
    assert np.mean([one.between_sd for one in exact]) == pytest.approx(SD, rel=0.1)
    assert np.mean([one.shape for one in exact]) == pytest.approx(SHAPE, rel=0.05)
    assert all(one.lo < one.median < one.hi and one.ratio_lo < one.private_ratio < one.ratio_hi for one in exact)
    assert (exact[0].benchmarks, exact[0].records) == (50, 500)
    assert exact[0].censored == benchmarks(0)["censored"].sum()


LAWS = {"weibull": log_densities, "lognormal": log_normal_densities}


@pytest.mark.parametrize("law", LAWS)
def test_marginal_likelihood_is_the_integral(law):
    seen, sizes, model = model_of(benchmarks(3, count=6, each=7, shift=1.0), law)
    assert seen.left.any()
    shape, mean, effect, sd = 1.7, 2.1, 0.3, 0.6
    value, _ = model.per_benchmark(np.array([math.log(shape), mean, effect, math.log(sd)]))
    v = np.linspace(-9, 9, 20001)
    begin = 0
    for place, size in enumerate(sizes):
        part = slice(begin, begin + size)
        begin += size
        kind = 0.5 if place % 2 == 0 else -0.5
        z = shape * (seen.log_months[part, None] - mean - effect * kind - sd * v)
        exact, left = (np.repeat(flag[part, None], len(v), axis=1) for flag in (seen.exact, seen.left))
        inside = LAWS[law](z, exact, left)[0].sum(axis=0)
        inside += (math.log(shape) - seen.log_months[part])[seen.exact[part]].sum()
        integral = np.trapezoid(np.exp(inside - v**2 / 2) / math.sqrt(2 * math.pi), v)
        assert value[place] == pytest.approx(math.log(integral), abs=1e-6), f"{NODES} nodes"


@pytest.mark.parametrize("law", LAWS)
def test_gradient_is_that_of_the_likelihood(law):
    _, _, model = model_of(benchmarks(4, count=8, each=5, shift=1.0), law)
    theta = np.array([0.5, 2.0, 0.2, -0.7])
    gradient = model.per_benchmark(theta)[1]
    for place in range(4):
        moved = np.zeros(4)
        moved[place] = 1e-4
        slope = (model.per_benchmark(theta + moved)[0] - model.per_benchmark(theta - moved)[0]) / 2e-4
        assert gradient[:, place] == pytest.approx(slope, abs=1e-4)


def test_one_benchmark_is_the_plain_weibull_where_that_is_the_law():
    one = benchmarks(1, count=1, each=40)
    pooled = pooled_lag(one, law="weibull")
    plain = weibull(one["lag_months"].to_numpy(), one["censored"].to_numpy())
    assert (pooled.median, pooled.shape) == (
        pytest.approx(plain.median, rel=1e-4),
        pytest.approx(plain.shape, rel=1e-3),
    )
    assert (pooled.between_sd, pooled.private_ratio) == (None, None)
    assert len(pooled.notes) == 2


def test_without_differences_between_benchmarks_it_is_the_plain_weibull_of_all():
    alike = benchmarks(2, count=20).with_columns(private=None)
    flat = pl.DataFrame({"lag_months": [2.0, 5, 7, 9], "censored": [False] * 4}).join(
        alike.select("series", "private").unique(), how="cross"
    )
    pooled = pooled_lag(flat, law="weibull", robust=False)
    plain = weibull(flat["lag_months"].to_numpy(), flat["censored"].to_numpy())
    assert pooled.between_sd == 0
    assert pooled.median == pytest.approx(plain.median, rel=2e-3)


def test_a_crowded_benchmark_does_not_outweigh_the_others():
    rng = np.random.default_rng(8)

    def series(name, middle, n):
        lags = middle * rng.weibull(3.0, n) / math.log(2) ** (1 / 3)
        return pl.DataFrame({"series": name, "lag_months": lags, "censored": False, "private": None})

    frame = pl.concat([series("big", 20.0, 300), *(series(f"small {i}", 5.0, 10) for i in range(8))])
    found = pooled_lag(frame)
    plain = weibull(frame["lag_months"].to_numpy(), frame["censored"].to_numpy())
    assert plain.median > 12
    assert found.median < 8


def test_lognormal_median_without_censoring_is_the_geometric_mean_of_benchmark_means():
    # Equal sizes and no censoring: the balanced one-way random-effects model, whose mean is the plain mean of logs.
    rng = np.random.default_rng(11)
    logs = 1.5 + rng.normal(0, 0.5, (10, 1)) + rng.normal(0, 0.4, (10, 8))
    frame = pl.DataFrame(
        {
            "series": np.repeat([f"b{place}" for place in range(10)], 8),
            "lag_months": np.exp(logs).ravel(),
            "censored": [False] * 80,
            "private": [None] * 80,
        },
        schema_overrides={"private": pl.Boolean},
    )
    found = pooled_lag(frame)
    assert found.median == pytest.approx(np.exp(logs.mean()), rel=1e-4)
    # The sandwich with n / (n - 1) is then the variance of the mean of the ten benchmark means; t with 9 degrees.
    error = logs.mean(axis=1).std(ddof=1) / math.sqrt(10)
    assert math.log(found.hi / found.median) == pytest.approx(1.8331 * error, rel=1e-2)
    within = math.sqrt(logs.var(axis=1, ddof=1).mean())
    assert found.shape == pytest.approx(1 / within, rel=1e-2)
    assert found.between_sd == pytest.approx(math.sqrt(logs.mean(axis=1).var() - within**2 / 8), rel=1e-2)


def test_lognormal_derivatives_are_those_of_the_value():
    z = np.array([-1.2, 0.3, 0.8, -4.0, 30.0, -30.0])
    exact, left = np.array([1, 0, 0, 0, 0, 0], dtype=bool), np.array([0, 0, 1, 1, 0, 1], dtype=bool)
    _, first, second = log_normal_densities(z, exact, left)
    up, down = (log_normal_densities(z + step, exact, left) for step in (1e-5, -1e-5))
    assert first == pytest.approx((up[0] - down[0]) / 2e-5, rel=1e-5)
    assert second == pytest.approx((up[1] - down[1]) / 2e-5, rel=1e-4)


@pytest.mark.parametrize("kind", [True, False, None])
def test_ratio_is_null_with_a_note_where_one_kind_is_missing(kind):
    found = pooled_lag(benchmarks(5, count=6).with_columns(private=pl.lit(kind, dtype=pl.Boolean)))
    assert found.median is not None
    assert (found.private_ratio, found.ratio_lo, found.ratio_hi) == (None,) * 3
    assert any("both kinds" in note for note in found.notes)


def test_benchmarks_of_unknown_kind_still_count():
    frame = benchmarks(6, count=12)
    some = frame.with_columns(private=pl.when(pl.col("series") > "b005").then(None).otherwise("private"))
    found = pooled_lag(some)
    assert found.private_ratio is not None
    assert (found.benchmarks, found.records) == (12, 120)
    assert any("6 benchmarks is not known" in note for note in found.notes)


def test_null_with_a_note_or_refused():
    waiting = benchmarks(7, count=3).with_columns(censored=True)
    found = pooled_lag(waiting)
    assert (found.median, found.lo, found.hi, found.between_sd) == (None,) * 4
    assert (found.benchmarks, found.records, found.censored) == (3, 30, 30)
    assert found.notes
    assert pooled_lag(waiting.clear()).notes
    torn = benchmarks(7, count=2).with_columns(private=pl.int_range(20) % 2 == 0)
    with pytest.raises(InputError, match="series 'b000': is both private and public"):
        pooled_lag(torn)
    with pytest.raises(InputError, match="null"):
        pooled_lag(waiting.with_columns(lag_months=pl.lit(None, dtype=pl.Float64)))


def test_many_early_matches_are_pointed_out():
    assert any("before their day" in note for note in pooled_lag(benchmarks(5, count=8, shift=3.0)).notes)
    some = benchmarks(5, count=8).with_columns(lag_months=pl.when(pl.int_range(80) < 8).then(-1.0).otherwise(5.0))
    assert not any("before their day" in note for note in pooled_lag(some).notes)
