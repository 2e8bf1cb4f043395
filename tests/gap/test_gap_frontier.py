from __future__ import annotations

import math

import polars as pl
import pytest
from gap_tables import day, scores

from pipeline.gap.frontier import gap_over_time, records, win_probability
from pipeline.gap.sides import availability


def held(frame: pl.DataFrame, side: str = "open"):
    found = records(availability(frame, day("2030-01-01")).rows)
    return found.filter(pl.col("side") == side)["model"].to_list()


def moves(frame: pl.DataFrame) -> pl.DataFrame:
    sides = availability(frame, day("2030-01-01"))
    return gap_over_time(records(sides.rows), sides.series)


def test_only_models_that_raise_the_maximum_are_records():
    frame = scores(
        ("c", 3, "2025-03-01", "open"),
        ("a", 1, "2025-01-01", "open"),
        ("low", 0.5, "2025-02-01", "open"),
        ("x", 9, "2025-01-15", "closed"),
    )
    assert held(frame) == ["a", "c"]
    assert held(frame, "closed") == ["x"]


def test_best_of_a_day_counts_and_its_name_breaks_a_tie():
    frame = scores(("b", 2, "2025-01-01", "open"), ("z", 1, "2025-01-01", "open"), ("a", 2, "2025-01-01", "open"))
    assert held(frame) == held(frame.reverse()) == ["a"]


def test_equal_score_later_does_not_take_the_record():
    frame = scores(("z", 2, "2025-01-01", "open"), ("a", 2, "2025-01-02", "open"))
    assert held(frame) == held(frame.reverse()) == ["z"]


def test_series_do_not_mix():
    frame = pl.concat(
        [
            scores(("a", 5, "2025-01-01", "open")),
            scores(("b", 1, "2025-02-01", "open"), series="t"),
        ]
    )
    assert held(frame) == ["a", "b"]


def test_the_gaps_of_several_series_do_not_mix():
    later = scores(("c", 7, "2025-01-05", "closed"), ("o", 4, "2025-02-05", "open"), series="t")
    earlier = scores(
        ("c1", 5, "2025-01-01", "closed"), ("o1", 1, "2025-02-01", "open"), ("o2", 3, "2025-03-01", "open")
    )
    lone = scores(("x", 9, "2025-01-01", "closed"), series="u")
    found = moves(pl.concat([later, lone, earlier]))
    assert found.select("series", pl.col("on").cast(pl.String), "open_model", "gap_raw").rows() == [
        ("s", "2025-02-01", "o1", 4), ("s", "2025-03-01", "o2", 2), ("t", "2025-02-05", "o", 3),
    ]  # fmt: skip


def test_gap_on_every_day_a_frontier_moves():
    frame = scores(
        ("c1", 0.5, "2025-01-01", "closed"),
        ("o1", 0.4, "2025-02-01", "open"),
        ("o2", 0.6, "2025-03-01", "open"),
        ("dull", 0.1, "2025-03-05", "open"),
        ("c2", 0.8, "2025-04-01", "closed"),
        ("o3", 0.7, "2025-04-01", "open"),
        chance=0.2,
        ceiling=1.0,
    )
    found = moves(frame)
    # 2025-01-01 is missing: no open model yet.
    assert found.select(pl.col("on").cast(pl.String), "open_model", "closed_model").rows() == [
        ("2025-02-01", "o1", "c1"),
        ("2025-03-01", "o2", "c1"),
        ("2025-04-01", "o3", "c2"),
    ]
    assert found["gap_raw"].to_list() == pytest.approx([0.1, -0.1, 0.1])
    # Scaled: 0.25, 0.375, 0.5, 0.625, 0.75; odds 1/3, 3/5, 1, 5/3, 3.
    assert found["gap_logit"].to_list() == pytest.approx([math.log(9 / 5), math.log(3 / 5), math.log(9 / 5)])
    assert found["win_probability"].to_list() == [None] * 3


def test_logit_is_clipped_and_null_without_bounds():
    rows = (("c", 1.0, "2025-01-01", "closed"), ("o", 0.1, "2025-01-01", "open"))
    clipped = moves(scores(*rows, chance=0.25, ceiling=1.0))["gap_logit"].item()
    assert clipped == pytest.approx(2 * math.log(999))
    assert moves(scores(*rows, ceiling=1.0))["gap_logit"].item() is None
    assert moves(scores(*rows, chance=0.25))["gap_logit"].item() is None


def test_elo_gap_as_win_probability():
    frame = scores(("c", 1400, "2025-01-01", "closed"), ("o", 1000, "2025-01-01", "open"), unit="elo")
    assert moves(frame)["win_probability"].item() == pytest.approx(10 / 11)
    even = pl.DataFrame({"d": [0.0]}).select(win_probability(pl.col("d"))).item()
    assert even == pytest.approx(0.5)


def test_lower_is_better_restores_scores_and_keeps_the_sign():
    frame = scores(
        ("c", 0.1, "2025-01-01", "closed"),
        ("o", 0.3, "2025-01-01", "open"),
        direction="lower",
        chance=1.0,
        ceiling=0.0,
    )
    row = moves(frame).row(0, named=True)
    assert (row["open_score"], row["closed_score"]) == (0.3, 0.1)
    assert row["gap_raw"] == pytest.approx(0.2)
    # Scaled 0.9 against 0.7.
    assert row["gap_logit"] == pytest.approx(math.log(9) - math.log(7 / 3))
