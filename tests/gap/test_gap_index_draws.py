from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from threadpoolctl import threadpool_limits

from pipeline.errors import InputError
from pipeline.gap.index import fit
from pipeline.gap.index_bootstrap import anchor_interval, bootstrap, draw_weights, intervals
from pipeline.gap.index_checks import with_each_slope_anchor, without_each_benchmark
from pipeline.gap.index_design import prepare
from pipeline.gap.index_solver import solve
from tests.gap.index_tables import ANCHORS, epoch_table, simulated


@pytest.fixture(scope="module")
def small():
    return fit(prepare(simulated(noise=0.05, share=0.7)[0]), anchors=ANCHORS)


def row(frame: pl.DataFrame, model: str) -> dict:
    return frame.row(by_predicate=pl.col("model") == model, named=True)


def test_each_model_keeps_its_number_of_rows(small):
    table = small.table
    for draw in range(5):
        weights = draw_weights(table, draw)
        assert np.bincount(table.model_of, weights).tolist() == table.benchmarks_of().tolist()
    assert draw_weights(table, 0).tolist() != draw_weights(table, 1).tolist()
    counts = sum(draw_weights(table, draw) for draw in range(2000)) / 2000
    assert counts == pytest.approx(np.ones(len(counts)), abs=0.15)


def test_draws_are_repeatable_and_do_not_depend_on_their_number(small):
    few, again, more = bootstrap(small, 4), bootstrap(small, 4), bootstrap(small, 9)
    assert np.array_equal(few.index, again.index)
    assert np.array_equal(few.index, more.index[:, :4])
    assert not np.array_equal(few.index, bootstrap(small, 4, seed=1).index)
    with threadpool_limits(limits=1):
        assert np.array_equal(few.index, bootstrap(small, 4).index)


def test_draws_of_shuffled_rows_are_the_same():
    frame = simulated(noise=0.05, share=0.7)[0]
    shuffled = fit(prepare(frame.sample(fraction=1, shuffle=True, seed=3)), anchors=ANCHORS)
    assert np.array_equal(bootstrap(shuffled, 3).index, bootstrap(fit(prepare(frame), anchors=ANCHORS), 3).index)


def test_a_draw_is_a_refit_of_its_rows(small):
    # By hand: the rows written out as often as they are drawn, fitted from the usual start.
    weights = draw_weights(small.table, 2)
    drawn = small.table.rows.with_columns(times=pl.Series(weights).cast(pl.Int64))
    assert drawn["times"].max() > 1
    cold = fit(small.table, anchors=ANCHORS).problem
    ability = solve(cold, weights=weights).parameters[: cold.models]
    at = [small.table.models.index(name) for name in ANCHORS]
    by_hand = 130 + 20 * (ability - ability[at[0]]) / (ability[at[1]] - ability[at[0]])
    assert bootstrap(small, 3).index[:, 2] == pytest.approx(by_hand, abs=1e-4)


def test_intervals_and_the_spread_of_the_anchors(small):
    draws = bootstrap(small, 60)
    assert draws.index.shape == (12, 60)
    assert draws.notes == ()
    found = intervals(small, draws)
    assert found.columns == ["model", "index", "lo", "hi", "stderr", "benchmarks", "spread"]
    assert found["index"].is_sorted(descending=True)
    place = draws.models.index("m05")
    low, high = np.quantile(draws.index[place], [0.05, 0.95])
    mine = row(found, "m05")
    assert (mine["lo"], mine["hi"], mine["spread"]) == (pytest.approx(low), pytest.approx(high), "draws")
    assert mine["stderr"] == pytest.approx(draws.index[place].std(ddof=1))
    for name, value in ANCHORS.items():
        assert (draws.index[draws.models.index(name)] == value).all()
        anchor = row(found, name)
        others = found.filter(pl.col("spread") == "draws")
        assert anchor["hi"] - anchor["lo"] == pytest.approx((others["hi"] - others["lo"]).median())
        assert (anchor["hi"] + anchor["lo"]) / 2 == pytest.approx(value)
        assert anchor["spread"] == "neighbours"
    wide = intervals(small, draws, level=0.99).join(found, on="model")
    assert (wide["lo"] <= wide["lo_right"] + 1e-9).all()
    assert intervals(small, bootstrap(small, 1))["stderr"].null_count() == 12
    assert intervals(small, bootstrap(small, 2))["stderr"].null_count() == 0
    nearest = intervals(small, draws, neighbours=1)
    assert row(nearest, "m00")["lo"] != row(found, "m00")["lo"]


def test_anchors_that_are_close_in_index_lose_no_draw():
    close = fit(prepare(simulated(noise=0.05, share=0.7)[0]), anchors={"m00": 130.0, "m01": 130.5})
    assert bootstrap(close, 5).index.shape == (12, 5)


def test_neighbours_are_the_nearest_in_index():
    measured = pl.DataFrame(
        {"model": list("abcd"), "index": [-1.5, 10, 1, 2], "lo": [0.0, 0, 0, 0], "hi": [90.0, 90, 2, 4]}
    ).with_columns(stderr=pl.col("hi") / 4)
    anchor = pl.DataFrame({"model": ["z"], "index": [1.5], "lo": [1.5], "hi": [1.5], "stderr": [0.0]})
    assert anchor_interval(measured, anchor, 2).row(0) == ("z", 1.5, 0.0, 3.0, 0.75)
    # Both are half a point away: the first by name counts.
    assert anchor_interval(measured.reverse(), anchor, 1).row(0) == ("z", 1.5, 0.5, 2.5, 0.5)
    assert anchor_interval(measured.clear(), anchor).row(0) == ("z", 1.5, None, None, None)


def test_progress_is_told(small):
    seen = []
    bootstrap(small, 3, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    seen.clear()
    with_each_slope_anchor(small, 2, on_progress=lambda done, total: seen.append((done, total)))
    without_each_benchmark(small, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2), *((done, 8) for done in range(1, 9))]


def with_twin(better: float) -> pl.DataFrame:
    frame = simulated(noise=0.05, share=0.7)[0]
    twin = frame.filter(pl.col("model") == "m05").with_columns(
        model=pl.lit("twin"), performance=pl.col("performance") + better
    )
    return pl.concat([frame, twin])


@pytest.mark.parametrize(("better", "least"), [(0.02, 1), (0.001, 14)])
def test_draws_whose_anchors_trade_places_are_left_out(better, least):
    # A twin that is only a little better: some draws turn the scale upside down, fewer than half of them.
    draws = bootstrap(fit(prepare(with_twin(better)), anchors={"m05": 1.0, "twin": 2.0}), 40)
    assert draws.asked == 40
    lost = 40 - draws.index.shape[1]
    assert least <= lost < 20
    assert draws.notes == (f"{lost} of 40 draws left out: the anchors came out level or the wrong way round",)
    assert np.isfinite(draws.index).all()


def test_too_few_draws_are_refused(small):
    with pytest.raises(InputError, match="at least one"):
        bootstrap(small, 0)
    close = fit(prepare(with_twin(0.02)), anchors={"m05": 1.0, "twin": 2.0})

    def one_at_a_time():
        for seed in range(50):
            bootstrap(close, 1, seed)

    with pytest.raises(InputError, match="in 1 of 1 draws the better one does not come out above"):
        one_at_a_time()


def test_bundled_draws_are_about_as_wide_as_the_published_intervals():
    fitted = fit(epoch_table())
    draws = bootstrap(fitted, 60)
    assert draws.notes == ()
    found = intervals(fitted, draws)
    assert 6 < (found["hi"] - found["lo"]).median() < 10  # Epoch's own: 7.15
    # The anchors stay, so models far below them are the least certain.
    assert found.tail(20)["stderr"].median() > found.head(20)["stderr"].median()


def test_leaving_out_a_benchmark_equals_a_table_without_it(small):
    variants = without_each_benchmark(small)
    assert variants.columns == ["left_out", "model", "index"]
    assert variants.height == 8 * 12
    kept = prepare(small.table.rows.filter(pl.col("benchmark") != "b05"), fewest_benchmarks=1)
    alone = fit(kept, anchors=ANCHORS).models.select("model", "index").sort("model")
    found = variants.filter(pl.col("left_out") == "b05").sort("model")
    assert found["index"].to_numpy() == pytest.approx(alone["index"].to_numpy(), abs=1e-4)


def test_models_cut_off_from_the_anchors_have_no_index():
    # Two halves that only `bridge` connects; without it the second half hangs in the air.
    frame = simulated(models=10, benchmarks=5)[0]
    renamed = pl.format("n{}", pl.col("model").str.tail(2)).alias("model")
    second = frame.with_columns(renamed, benchmark=pl.format("x{}", "benchmark"))
    bridge = frame.filter(pl.col("benchmark") == "b01").with_columns(benchmark=pl.lit("bridge"))
    both = pl.concat([frame, second, bridge, bridge.with_columns(renamed)])
    within = without_each_benchmark(fit(prepare(both), anchors=ANCHORS)).filter(pl.col("left_out") == "bridge")
    assert within.filter(pl.col("index").is_null())["model"].str.starts_with("n").all()
    assert within["index"].null_count() == 10
    across = without_each_benchmark(fit(prepare(both), anchors={"m00": 1.0, "n01": 2.0}))
    assert across.filter(pl.col("left_out") == "bridge")["index"].null_count() == 20


def test_the_slope_anchor_stays_where_another_benchmark_is_left_out():
    frame = simulated(noise=0.05, share=0.7)[0]
    chosen = fit(prepare(frame), anchors=ANCHORS, slope_anchor_benchmark="b03")
    without = fit(prepare(frame.filter(pl.col("benchmark") != "b05"), 1), anchors=ANCHORS, slope_anchor_benchmark="b03")
    found = dict(without_each_benchmark(chosen).filter(left_out="b05").select("model", "index").iter_rows())
    expected = dict(without.models.select("model", "index").iter_rows())
    assert found == pytest.approx(expected, abs=1e-5)


def test_no_index_where_the_anchors_trade_places_without_a_benchmark():
    # B is above A on one benchmark only, by far; without it A is above B and carries the scale no more.
    scores = {"A": [0.1, 0.55, 0.55, 0.55, 0.55], "B": [0.9, 0.5, 0.5, 0.5, 0.5]}
    scores |= {f"m{place}": [0.2 * place] * 5 for place in range(1, 5)}
    table = pl.DataFrame(
        [(model, f"b{place}", value) for model, values in scores.items() for place, value in enumerate(values)],
        schema=["model", "benchmark", "performance"],
        orient="row",
    )
    found = without_each_benchmark(fit(prepare(table), anchors={"A": 100.0, "B": 120.0}))
    assert found.filter(left_out="b0")["index"].null_count() == 6
    assert found.filter(pl.col("left_out") != "b0")["index"].null_count() == 0


def test_each_slope_anchor_equals_a_fit_with_it(small):
    variants = with_each_slope_anchor(small)
    assert variants["slope_anchor"].n_unique() == 8
    for name in ("b03", "winogrande"):
        alone = fit(small.table, anchors=ANCHORS, slope_anchor_benchmark=name).models.sort("model")
        found = variants.filter(pl.col("slope_anchor") == name).sort("model")
        assert found["index"].to_numpy() == pytest.approx(alone["index"].to_numpy(), abs=1e-4)
    most = with_each_slope_anchor(small, 3)["slope_anchor"].unique(maintain_order=True).to_list()
    # All models have the first four benchmarks; ties go by name.
    assert most == ["b01", "b02", "b03"]


def test_what_todays_gap_owes_to_single_benchmarks():
    fitted = fit(epoch_table())

    def gap(index):
        values = dict(index.select("model", "index").iter_rows())
        return values["GPT-5.6 Sol"] - values["Kimi K3"]

    def changes(variants):
        label = variants.columns[0]
        return {name: gap(part) - gap(fitted.models) for (name,), part in variants.group_by(label)}

    left_out = changes(without_each_benchmark(fitted))
    assert len(left_out) == 57
    assert 0.3 < max(map(abs, left_out.values())) < 1.5
    assert 0.1 < max(map(abs, changes(with_each_slope_anchor(fitted, 10)).values())) < 1.5
