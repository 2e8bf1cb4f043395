from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.facts import tables
from pipeline.gap.index import DEFAULT_ANCHORS, fit, parse_anchors
from pipeline.gap.index_design import prepare
from tests.gap.index_tables import ANCHORS, epoch_table, simulated


def indices(fitted) -> dict[str, float]:
    return dict(fitted.models.select("model", "index").iter_rows())


@pytest.fixture(scope="module")
def epoch():
    return fit(epoch_table())


def test_the_published_index_is_reproduced(epoch):
    releases = tables.load("releases").select("model_id", model="name")
    published = tables.load("scores_epoch_eci").join(releases, on="model_id").select("model", "value")
    both = epoch.models.join(published, on="model")
    off = (both["index"] - both["value"]).abs()
    assert both.height == epoch.models.height == published.height == 222
    assert np.corrcoef(both["index"], both["value"])[0, 1] >= 0.9999
    assert off.mean() <= 0.05
    assert off.max() <= 0.25
    assert epoch.cost == pytest.approx(6.520695498, abs=1e-8)
    assert epoch.notes == ()
    assert epoch.left_out.is_empty()


def test_todays_gap_on_our_own_fit(epoch):
    index = indices(epoch)
    assert index["GPT-5.6 Sol"] - index["Kimi K3"] == pytest.approx(4.64, abs=0.05)


def test_anchors_are_met_exactly(epoch):
    assert {name: indices(epoch)[name] for name in DEFAULT_ANCHORS} == DEFAULT_ANCHORS
    assert epoch.slope_anchor == "epoch_winogrande"
    others = fit(epoch_table(), anchors={"Kimi K3": 0.1, "GPT-4o (Nov 2024)": -7.3})
    assert (indices(others)["Kimi K3"], indices(others)["GPT-4o (Nov 2024)"]) == (0.1, -7.3)


def test_frames_say_the_same_as_the_fitted_rows(epoch):
    row = epoch.rows.row(700, named=True)
    model = epoch.models.row(by_predicate=pl.col("model") == row["model"], named=True)
    benchmark = epoch.benchmarks.row(by_predicate=pl.col("benchmark") == row["benchmark"], named=True)
    logit = benchmark["slope"] * (model["index"] - benchmark["difficulty"])
    assert row["fitted"] == pytest.approx(1 / (1 + np.exp(-logit)))
    assert row["residual"] == pytest.approx(row["fitted"] - row["performance"])
    assert epoch.rmse == pytest.approx(0.0754, abs=1e-3)
    assert model["benchmarks"] == epoch.rows.filter(pl.col("model") == row["model"]).height
    assert benchmark["models"] == epoch.rows.filter(pl.col("benchmark") == row["benchmark"]).height
    assert epoch.models.columns == ["model", "index", "benchmarks", "capability"]
    assert epoch.models["index"].is_sorted(descending=True)
    assert epoch.benchmarks["difficulty"].is_sorted(descending=True)
    assert epoch.index.tolist() == [indices(epoch)[name] for name in epoch.table.models]


def test_a_simulated_world_is_recovered():
    # Without noise and almost without a ridge the capabilities come back on the scale of the anchors.
    frame, ability = simulated(models=25, benchmarks=12)
    found = fit(prepare(frame), anchors=ANCHORS, lam=1e-9)
    assert found.index == pytest.approx(140 + 20 * ability, abs=0.05)
    noisy = fit(prepare(simulated(models=40, benchmarks=20, noise=0.03, share=0.6)[0]), "robust", ANCHORS)
    truth = simulated(models=40, benchmarks=20, noise=0.03, share=0.6)[1]
    assert np.corrcoef(noisy.index, truth)[0, 1] > 0.99


def test_robust_mode_pulls_less(epoch):
    robust = fit(epoch_table(), "robust")
    assert {name: indices(robust)[name] for name in DEFAULT_ANCHORS} == DEFAULT_ANCHORS
    assert robust.rmse < epoch.rmse
    assert any("at a bound" in note for note in robust.notes)
    sizes = [float((f.problem.ridge > 0) @ f.solution.parameters**2) for f in (robust, epoch)]
    assert sizes[0] > sizes[1]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.randoms(use_true_random=False))
def test_order_and_names_do_not_matter(seed, random):
    frame = simulated(models=7, benchmarks=6, seed=seed, noise=0.1)[0]
    whole = indices(fit(prepare(frame), anchors=ANCHORS))
    order = list(range(frame.height))
    random.shuffle(order)
    assert indices(fit(prepare(frame[order]), anchors=ANCHORS)) == whole
    names = {name: f"{random.random()} {name}" for name in whole}
    benchmarks = {name: f"{random.random()} {name}" for name in frame["benchmark"].unique()}
    renamed = frame.with_columns(pl.col("model").replace(names), pl.col("benchmark").replace(benchmarks))
    found = indices(fit(prepare(renamed), anchors={names[name]: value for name, value in ANCHORS.items()}))
    assert {name: found[names[name]] for name in whole} == pytest.approx(whole, abs=1e-5)


def test_doubling_the_scale_of_the_anchors_doubles_distances():
    table = prepare(simulated(noise=0.05)[0])
    once, twice = fit(table, anchors=ANCHORS), fit(table, anchors={"m00": 0.0, "m01": 40.0})
    assert twice.index == pytest.approx(2 * (once.index - 130), abs=1e-9)
    assert twice.benchmarks["slope"].to_numpy() == pytest.approx(once.benchmarks["slope"].to_numpy() / 2)


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"lam": 0.0}, "lambda 0.0: it must be above 0"),
        ({"lam": -1.0}, "above 0"),
        ({"lam": float("nan")}, "above 0"),
        ({"mode": "best"}, "mode 'best': is not known"),
        ({"anchors": None}, "anchor 'Claude 3.5 Sonnet': the table has no such model"),
        ({"anchors": None}, "--anchor"),
        ({"anchors": {}}, "0 models, not two"),
        ({"anchors": {"m00": 1.0}}, "1 models, not two"),
        ({"anchors": {"m00": 1.0, "m01": 2.0, "m02": 3.0}}, "3 models, not two"),
        ({"anchors": {"m00": 1.0, "m01": 1.0}}, "not two different numbers"),
        ({"anchors": {"m00": 1.0, "m1": 2.0}}, "close names: m"),
        ({"anchors": {"m00": 1.0, "old": 2.0}}, "it is left out of the index (released on 2021-05-01"),
        ({"anchors": {"m00": 150.0, "m01": 130.0}}, "does not put the one with the higher value clearly above"),
        ({"slope_anchor_benchmark": "gone"}, "benchmark 'gone'"),
    ],
)
def test_refusals(options, wrong):
    frame = simulated(noise=0.05)[0]
    old = frame.filter(pl.col("model") == "m05").with_columns(model=pl.lit("old"), released_on=date(2021, 5, 1))
    with pytest.raises(InputError) as refused:
        fit(prepare(pl.concat([frame, old])), **{"anchors": ANCHORS, **options})
    assert wrong in str(refused.value)


def test_a_name_like_no_other_gets_no_suggestion():
    with pytest.raises(InputError) as refused:
        fit(prepare(simulated(noise=0.05)[0]), anchors={"m00": 1.0, "zzzzzzzz": 2.0})
    assert "close names" not in str(refused.value)


def test_a_fit_says_what_it_is_and_begins_where_it_is_told():
    table = prepare(simulated(noise=0.05)[0])
    once = fit(table, "robust", ANCHORS, slope_anchor_benchmark="b03")
    assert (once.mode, once.slope_anchor, once.anchors) == ("robust", "b03", ANCHORS)
    assert "slope anchor: b03, as asked for" in once.notes
    again = fit(table, "robust", ANCHORS, slope_anchor_benchmark="b03", start=once.solution.parameters)
    assert again.iterations < once.iterations
    assert again.index == pytest.approx(once.index, abs=1e-6)
    assert fit(table, anchors=ANCHORS).notes == ()


def test_anchors_that_come_out_level_are_refused():
    frame = simulated(noise=0.05)[0]
    twin = frame.filter(pl.col("model") == "m00").with_columns(model=pl.lit("twin"))
    with pytest.raises(InputError, match="no scale"):
        fit(prepare(pl.concat([frame, twin])), anchors={"m00": 1.0, "twin": 2.0})


def test_anchors_from_the_command_line():
    assert parse_anchors([]) == DEFAULT_ANCHORS
    assert parse_anchors(["A = B=130", " GPT-5=1.5e2"]) == {"A = B": 130.0, "GPT-5": 150.0}
    for texts in (["GPT-5"], ["=3"], ["GPT-5=high"], ["GPT-5=nan"], ["A=1", "A=2"]):
        with pytest.raises(InputError, match="--anchor"):
            parse_anchors(texts)
