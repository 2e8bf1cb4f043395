from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from pipeline.errors import InputError
from pipeline.gap.index_design import content_key, parts, prepare, slope_anchor, tabulate
from tests.gap.index_tables import ANCHORS, simulated


def rows(*entries, released_on=date(2024, 1, 1)) -> pl.DataFrame:
    return pl.DataFrame(
        [(*entry, released_on) for entry in entries],
        schema={"model": pl.String, "benchmark": pl.String, "performance": pl.Float64, "released_on": pl.Date},
        orient="row",
    )


def full(models: str, benchmarks: str, performance: float = 0.5) -> list[tuple[str, str, float]]:
    return [(model, benchmark, performance) for model in models for benchmark in benchmarks]


def test_best_run_counts_and_is_clipped():
    table = prepare(rows(*full("mn", "abcd"), ("m", "a", 0.9), ("m", "b", 1.2), ("m", "c", 0.2), ("n", "d", -3)))
    found = {(m, b): p for m, b, p in table.rows.iter_rows()}
    assert (found["m", "a"], found["m", "b"], found["m", "c"], found["n", "d"]) == (0.9, 0.999, 0.5, 0.5)
    low = prepare(rows(*full("m", "abc"), ("m", "d", 0.0))).rows
    assert low["performance"].to_list() == [0.5, 0.5, 0.5, 0.001]


def test_models_left_out_are_named_with_the_reason():
    early = rows(*full("e", "abcd"), released_on=date(2022, 12, 31))
    first = rows(*full("f", "abcd"), released_on=date(2023, 1, 1))
    undated = rows(*full("u", "abcd"), released_on=None)
    scarce = rows(*full("v", "ab"), released_on=None)
    table = prepare(pl.concat([early, first, undated, rows(*full("t", "abc"), ("t", "a", 0.7)), scarce]))
    assert table.models == ("f", "u")
    assert table.left_out.rows() == [
        ("e", "released on 2022-12-31, before 2023-01-01"),
        ("t", "3 benchmarks, fewer than 4"),
        ("v", "2 benchmarks, fewer than 4"),
    ]
    assert table.notes == ("1 models without a release date take part: nothing says that they are too early",)
    assert prepare(undated.drop("released_on")).models == ("u",)
    # The earliest date of a model counts, a missing one says nothing.
    assert "e" not in prepare(pl.concat([early, rows(*full("e", "abcd")), first])).models


@pytest.mark.parametrize(
    ("frame", "wrong"),
    [
        (rows(), "holds no scores"),
        (rows(*full("m", "abc")), "no model is left"),
        (rows(*full("m", "abc"), ("m", "d", None)), "score of m on d: it has no name or no finite performance"),
        (rows(*full("m", "abc"), ("m", "d", float("nan"))), "score of m on d"),
        (rows(*full("m", "abc"), ("m", None, 0.5)), "score of m on None"),
        (
            rows(*full("m", "abc"), (None, "d", 0.5), (None, "e", 0.5)),
            "score of None on d: it has no name or no finite",
        ),
        (rows(*full("m", "abcd")).drop("performance"), "no column performance"),
        (rows(*full("m", "abcd")).with_columns(performance=pl.lit("good")), "wrong type"),
        (
            rows(*full("xyz", "abcd"), *full("pq", "efghi")),
            "2 parts that share no benchmark: 3 models on 4 benchmarks (such as x on a); "
            "2 models on 5 benchmarks (such as p on e)",
        ),
    ],
)
def test_refusals(frame, wrong):
    with pytest.raises(InputError) as refused:
        prepare(frame)
    assert wrong in str(refused.value)


def test_one_shared_benchmark_connects():
    table = prepare(rows(*full("xyz", "abcd"), *full("pq", "defg")))
    assert parts(table).tolist() == [0] * 5
    apart = tabulate(table.rows.filter(pl.col("benchmark") != "d"), table.left_out)
    assert parts(apart).tolist() == [0, 0, 1, 1, 1]


def test_slope_anchor_is_winogrande_or_the_benchmark_with_most_models():
    table = prepare(rows(*full("xy", "abcde"), *full("z", "bcde"), ("x", "Wino-Grande (5 shot)", 0.5)))
    assert slope_anchor(table) == (table.benchmarks.index("Wino-Grande (5 shot)"), None)
    place, note = slope_anchor(prepare(rows(*full("xy", "abcde"), *full("z", "bcde"))))
    assert place == 1  # b, c, d and e have three models each
    assert "slope anchor: b, which most models have" in note
    assert slope_anchor(table, "c")[0] == table.benchmarks.index("c")
    with pytest.raises(InputError, match="not in the table"):
        slope_anchor(table, "gone")


def test_content_key_depends_on_content_only():
    frame = simulated()[0]
    key = content_key(frame, "eci", ANCHORS, 500, 1)
    assert len(key) == 64
    assert content_key(frame.sample(fraction=1, shuffle=True, seed=4), "eci", ANCHORS, 500, 1) == key
    assert content_key(frame.with_columns(other=pl.lit(1)), "eci", dict(reversed(ANCHORS.items())), 500, 1) == key
    others = [
        content_key(frame.head(-1), "eci", ANCHORS, 500, 1),
        content_key(frame.with_columns(pl.col("performance") + 1e-15), "eci", ANCHORS, 500, 1),
        content_key(frame.with_columns(released_on=pl.lit(None, dtype=pl.Date)), "eci", ANCHORS, 500, 1),
        content_key(frame, "robust", ANCHORS, 500, 1),
        content_key(frame, "eci", {**ANCHORS, "m01": 151.0}, 500, 1),
        content_key(frame, "eci", ANCHORS, 499, 1),
        content_key(frame, "eci", ANCHORS, 500, 2),
    ]
    assert len({key, *others}) == 8
