from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.gap.backtest import backtest, hindsight, verdict
from pipeline.gap.forecast import Parity, blocks, months_later, parity
from pipeline.gap.predictors import PREDICTORS, Prediction, mean_12m, persistence, trend

FIRST = date(2023, 1, 1)
LAGS = {"lag": PREDICTORS["lag"]}


def points(closed, opened, lag=None, bounded=None) -> pl.DataFrame:
    """Monthly points from lists of one value a month."""
    n = len(closed)
    frame = pl.DataFrame(
        {
            "on": [months_later(FIRST, month) for month in range(n)],
            "open": opened,
            "closed": closed,
            "lag": lag or [5.0] * n,
            "bounded": bounded or [False] * n,
        },
        schema_overrides={"open": pl.Float64, "closed": pl.Float64, "lag": pl.Float64},
    )
    return frame.with_columns(gap=pl.col("closed") - pl.col("open"))


def line(level, slope, n):
    return [float(level + slope * month) for month in range(n)]


def run(frame, basis="hindsight", **rest):
    return backtest(hindsight(frame, frame["on"].to_list()), frame, basis, **rest)


def row(table, method, horizon=12, origins="all", measure="gap"):
    return table.row(
        by_predicate=(pl.col("method") == method)
        & (pl.col("horizon") == horizon)
        & (pl.col("origins") == origins)
        & (pl.col("measure") == measure),
        named=True,
    )


@pytest.mark.parametrize("step", [1, 0.1])  # 0.1 leaves rounding errors in the gap
def test_no_change_is_perfect_where_nothing_changes(step):
    table = run(points(line(10, step, 36), line(4, step, 36)))
    for method in PREDICTORS["gap"]:
        found = row(table, method)
        # Origins from the twelfth month on, 12 months before the last.
        assert (found["n"], found["mae_persistence"], found["skill"], found["skill_lo"]) == (13, 0, None, None)
        assert (found["first_origin"], found["last_origin"]) == (date(2023, 12, 1), date(2024, 12, 1))
        assert found["mae"] == pytest.approx(0, abs=1e-9)


def test_a_line_is_perfect_where_the_gap_closes_steadily():
    table = run(points(line(40, 1, 36), line(0, 1.5, 36)))
    found = row(table, "trend")
    assert (found["mae"], found["mae_persistence"]) == (pytest.approx(0), pytest.approx(6))
    assert found["skill"] == found["skill_lo"] == found["skill_hi"] == pytest.approx(1)
    # Half a point a month: the mean of the last twelve months lies 5.5 months back.
    mean = row(table, "mean_12m")
    assert (mean["mae"], mean["bias"], mean["skill"]) == (
        pytest.approx(8.75),
        pytest.approx(8.75),
        pytest.approx(1 - 8.75 / 6),
    )
    assert row(table, "persistence")["bias"] == pytest.approx(6)
    assert row(table, "simulation")["mae"] == pytest.approx(0)


def test_every_method_is_judged_on_the_same_origins():
    rng = np.random.default_rng(5)
    frame = points(60 + rng.random(40).cumsum(), 50 + rng.random(40).cumsum())
    table = run(frame)
    assert table.group_by("measure", "horizon", "origins").agg(pl.col("n").n_unique())["n"].to_list() == [1] * 12
    assert row(table, "trend", 3)["n"] == 40 - 11 - 3
    late = row(table, "trend", 3, "since 2025")
    assert (late["n"], late["first_origin"], late["last_origin"]) == (13, date(2025, 1, 1), date(2026, 1, 1))
    # A method that needs more history takes the others with it.
    slow = {"gap": {"persistence": persistence, "slow": lambda history, h: trend(history.slice(10), h)}}
    assert run(frame, predictors=slow, horizons=(3,))["n"].to_list()[:2] == [16, 16]


def test_figures_by_hand():
    frame = points([10, 12, 11, 15], [0, 0, 0, 0])

    def naive(history, horizon):
        return Prediction(history["gap"][-1])

    def nine(history, horizon):
        return Prediction(9, 8, 10, 5, 11.5)

    table = run(frame, predictors={"gap": {"persistence": naive, "nine": nine}}, horizons=(1,), since=None)
    found = row(table, "nine", 1)
    # Truth 12, 11, 15: errors -3, -2, -6 against no change -2, 1, -4.
    assert (found["n"], found["n_interval"]) == (3, 3)
    assert (found["mae"], found["bias"]) == (pytest.approx(11 / 3), pytest.approx(-11 / 3))
    assert found["mae_persistence"] == pytest.approx(7 / 3)
    assert found["skill"] == pytest.approx(1 - 11 / 7)
    assert (found["coverage80"], found["coverage90"]) == (0, pytest.approx(1 / 3))
    assert (found["skill_lo"], found["skill_hi"]) == (None, None)
    base = row(table, "persistence", 1)
    assert (base["skill"], base["n_interval"], base["coverage80"]) == (0, 0, None)


def test_forecasts_from_other_histories_are_held_against_the_same_truth():
    truth = points(line(40, 1, 36), line(0, 1.5, 36))
    # What was known then lay a point lower on the closed side.
    then = truth.with_columns(closed=pl.col("closed") - 1, gap=pl.col("gap") - 1)
    origins = [date(2024, 6, 1), date(2024, 7, 1), date(2030, 1, 1)]
    table = backtest(dict.fromkeys(origins, then), truth, "refit", horizons=(3,), since=None)
    assert set(table["basis"]) == {"refit"}
    found = row(table, "trend", 3)
    # 2030 is not reached by what was known, and is left out.
    assert (found["n"], found["bias"], found["mae_persistence"]) == (2, pytest.approx(-1), pytest.approx(0.5))


def test_lags_that_are_missing_or_lower_bounds_are_not_foretold():
    lag = [*line(1, 1, 10), *line(12, -0.25, 20)]
    bounded = [True] * 10 + [False] * 20
    frame = points(line(10, 1, 30), line(0, 1, 30), lag=lag, bounded=bounded)
    found = row(run(frame, predictors=LAGS), "lag_line", 6, measure="lag")
    assert (found["n"], found["first_origin"]) == (30 - 15 - 6, months_later(FIRST, 15))
    assert (found["mae"], found["mae_persistence"]) == (pytest.approx(0, abs=1e-9), pytest.approx(1.5))
    gone = frame.with_columns(lag=pl.when(pl.col("on") != months_later(FIRST, 21)).then("lag"))
    again = row(run(gone, predictors=LAGS), "lag_line", 6, measure="lag")
    assert again["n"] == found["n"] - 2  # one origin without a lag, one target


def test_nothing_to_judge():
    short = points(line(10, 1, 12), line(0, 1, 12))
    table = run(short)
    assert set(table["measure"]) == {"lag"}
    assert run(short.clear()).is_empty()
    assert run(short.clear()).columns == table.columns


def test_the_baseline_and_sound_horizons_are_asked_for():
    frame = points(line(10, 1, 30), line(0, 1, 30))
    with pytest.raises(InputError):
        run(frame, predictors={"gap": {"trend": trend}})
    with pytest.raises(InputError):
        run(frame, horizons=(0,))


@settings(max_examples=5, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=20, max_size=34), st.integers(1, 5))
def test_errors_scale_with_the_points_and_skill_does_not(steps, factor):
    moves = np.array(steps, dtype=float).cumsum(axis=0)
    quick = {"gap": {"persistence": persistence, "mean_12m": mean_12m, "trend": trend}}
    once = run(points(9 + moves[:, 0], moves[:, 1]), predictors=quick)
    more = run(points(factor * (9 + moves[:, 0]), factor * moves[:, 1]), predictors=quick)
    assert more["mae"].to_list() == pytest.approx((once["mae"] * factor).to_list())
    for name in ("skill", "skill_lo", "skill_hi"):
        assert more[name].to_list() == pytest.approx(once[name].to_list())
    known = once.drop_nulls("skill_lo")
    assert (known["skill_lo"] <= known["skill_hi"]).all()


def foretold(truth, said, horizon=1):
    """The figures of a method that says `said` at every origin, beside "no change" saying 0, where the gap is `truth`.

    The first `horizon` months only serve as origins.
    """
    frame = points([0.0] * horizon + truth, [0.0] * (horizon + len(truth)))
    origins = frame["on"].to_list()
    place = {origin: place for place, origin in enumerate(origins)}

    def mine(history, _):
        at = place[history["on"][-1]]
        return said(at) if at < len(truth) else None

    methods = {"persistence": lambda history, _: Prediction(0.0), "mine": mine}
    return row(run(frame, horizons=[horizon], since=None, predictors={"gap": methods}), "mine", horizon)


def test_an_origin_whose_points_do_not_reach_it_is_left_out():
    frame = points(line(10, 1, 36), line(4, 1, 36))
    whole = hindsight(frame, frame["on"].to_list())
    origin = frame["on"][20]
    late = backtest(whole | {origin: whole[frame["on"][19]]}, frame, "hindsight")
    assert row(late, "trend")["n"] == row(run(frame), "trend")["n"] - 1


def test_no_change_has_no_interval_of_a_skill_over_itself():
    table = run(points(line(10, 1.5, 40), line(4, 1, 40)))
    found = row(table, "persistence")
    assert (found["skill"], found["skill_lo"], found["skill_hi"]) == (0, None, None)
    assert row(table, "trend")["skill_lo"] is not None


def test_bias_and_coverage_by_hand():
    # The gap is 0, 1, 2, 3, 4, 5; the ends of an interval belong to it.
    found = foretold([0.0, 1, 2, 3, 4, 5], lambda _: Prediction(2.0, 1.0, 2.0, 1.0, 4.0))
    assert (found["n"], found["n_interval"]) == (6, 6)
    assert (found["coverage80"], found["coverage90"]) == (pytest.approx(2 / 6), pytest.approx(4 / 6))
    assert found["mae"] == pytest.approx((2 + 1 + 0 + 1 + 2 + 3) / 6)
    assert found["mae_persistence"] == pytest.approx(15 / 6)
    assert found["bias"] == pytest.approx(2 - 15 / 6)
    assert found["skill"] == pytest.approx(1 - 9 / 15)


def test_a_skill_that_never_varies_has_an_interval_without_width():
    truth = [2.0, 4, 6, 8, 1, 3]
    half = foretold(truth, lambda at: Prediction(truth[at] / 2))
    assert [half[name] for name in ("skill", "skill_lo", "skill_hi")] == pytest.approx([0.5] * 3)
    # With five origins nothing is said.
    short = foretold(truth[:5], lambda at: Prediction(truth[at] / 2))
    assert (short["skill"], short["skill_lo"]) == (pytest.approx(0.5), None)


def test_the_interval_of_the_skill_draws_blocks_of_a_third_of_the_origins():
    truth = [float(3 + place % 5) for place in range(18)]
    found = foretold(truth, lambda at: Prediction(1.0), horizon=12)
    drawn = blocks(np.random.default_rng(20240301), 18, 2000, 18, 6)
    base, size = np.array(truth), np.array(truth) - 1
    expected = np.quantile(1 - size[drawn].mean(axis=1) / base[drawn].mean(axis=1), [0.05, 0.95])
    assert [found["skill_lo"], found["skill_hi"]] == pytest.approx(expected.tolist())


TODAY = Parity(date(2026, 1, 1), 3.0, 24, (0.2,) * 4 + (0.6,), 0.4, date(2029, 3, 1), pl.DataFrame(), None)


def judged(mae, base, low, basis="hindsight"):
    return pl.DataFrame(
        [
            {"basis": basis, "method": "simulation", "measure": "gap", "horizon": 12, "origins": "all", "n": 18,
             "mae": mae, "mae_persistence": base, "skill_lo": low},
        ],
        schema_overrides={"skill_lo": pl.Float64},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("mae", "low", "shown", "said"),
    [
        (1.5, 0.1, True, "as likely as not by 2029-03"),
        (1.5, 0.0, False, "not proven better"),
        (1.5, None, False, "not proven better"),
        (4.0, -0.9, False, '"no change" predicts the gap at least as well'),
        (3.0, -0.1, False, '"no change" predicts the gap at least as well'),
    ],
)
def test_a_date_is_shown_only_where_the_simulation_is_proven(mae, low, shown, said):
    found = verdict(judged(mae, 3.0, low), TODAY)
    assert found.shown is shown
    assert found.parity_on == (TODAY.likely_on if shown else None)
    assert said in found.sentence
    assert f"mean error {mae:.1f} against 3.0 points" in found.sentence


def test_the_refitted_backtest_decides_where_there_is_one():
    both = pl.concat([judged(1.0, 3.0, 0.2), judged(5.0, 3.0, -1.0, "refit")])
    assert (verdict(both, TODAY).shown, verdict(both, TODAY).basis) == (False, "refit")


def test_only_the_gap_a_year_ahead_from_all_origins_decides():
    proven = judged(1.0, 3.0, 0.2)
    others = [
        proven.with_columns(measure=pl.lit("lag")),
        proven.with_columns(horizon=pl.lit(6, dtype=pl.Int64)),
        proven.with_columns(origins=pl.lit("since 2025")),
        proven.with_columns(method=pl.lit("trend")),
    ]
    for other in others:
        found = verdict(other, TODAY)
        assert (found.shown, found.parity_on, found.basis) == (False, None, None)
        assert "too short" in found.sentence
    assert verdict(pl.concat([*others, judged(5.0, 3.0, -1.0)]), TODAY).shown is False


def test_a_verdict_in_full():
    found = verdict(judged(1.5, 3.0, 0.1), TODAY)
    assert found.basis == "hindsight"
    assert found.sentence == (
        'Parity is as likely as not by 2029-03; the simulation predicts better than "no change" '
        "(mean error 1.5 against 3.0 points, 12 months ahead, 18 origins, hindsight)."
    )
    late = verdict(judged(1.5, 3.0, 0.1), replace(TODAY, likely_on=None))
    assert late.sentence.startswith("Parity is as likely as not only after more than 5 years; ")
    assert (late.shown, late.parity_on) == (True, None)
    # A gap of half a point is still a gap.
    assert verdict(judged(1.5, 3.0, 0.1), replace(TODAY, gap_today=0.5)).shown is True
    level = verdict(judged(1.5, 3.0, 0.1), replace(TODAY, gap_today=0.0))
    assert (level.shown, level.parity_on, level.basis) == (False, None, None)


def test_verdicts_without_a_backtest_or_a_gap():
    frame = points(line(10, 1, 36), line(0, 1.2, 36))
    assert "too short" in verdict(run(frame).clear(), TODAY).sentence
    reached = parity(frame.with_columns(closed="open"), frame["on"][-1], paths=10)
    assert verdict(run(frame), reached).sentence == "Open has reached closed already."
    # The gap narrows by 0.2 a month from 10: proven at once, 15 months are left of it.
    steady = verdict(run(frame), parity(frame, frame["on"][-1], paths=50))
    assert (steady.shown, steady.parity_on) == (True, date(2027, 3, 1))
