"""The short ways taken for large tables give what the plain definitions give."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import polars.testing
import pytest
from gap_tables import day, scores
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.gap_speed import METHODS, comparable
from benchmarks.gap_world import world
from pipeline.gap.codes import codes
from pipeline.gap.frontier import records
from pipeline.gap.sides import availability

START = date(2020, 1, 1)
END = date(2030, 1, 1)
ROW = st.tuples(
    st.sampled_from("st"),
    st.integers(0, 4),  # model
    st.integers(0, 12),  # score
    st.integers(0, 2000) | st.just(7),  # day
    st.sampled_from(["open", "closed"]),
    st.none() | st.integers(1, 3),  # stderr
)


def table(rows) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "series": [row[0] for row in rows],
            "model": [f"m{row[1]}" for row in rows],
            "score": [float(row[2]) for row in rows],
            "released_on": [START + timedelta(days=row[3]) for row in rows],
            "access": [row[4] for row in rows],
            "stderr": [row[5] for row in rows],
        },
        schema_overrides={"stderr": pl.Float64},
    )


def plainly(rows):
    """Best rows, counts and records by loops over the definitions."""
    models: dict[tuple[str, int], list] = {}
    for row in rows:
        models.setdefault(row[:2], []).append(row)
    best = {
        key: min(found, key=lambda r: (-r[2], r[3], r[4], r[5] is None, r[5] or 0)) for key, found in models.items()
    }
    counts = {
        name: (
            sum(len(found) - 1 for (series, _), found in models.items() if series == name),
            sum(len({row[3:5] for row in found}) > 1 for (series, _), found in models.items() if series == name),
        )
        for name in {row[0] for row in rows}
    }
    kept = []
    for place in {(row[0], row[4]) for row in best.values()}:
        top = float("-inf")
        for row in sorted((r for r in best.values() if (r[0], r[4]) == place), key=lambda r: (r[3], -r[2], r[1])):
            if row[2] > top:
                top = row[2]
                kept.append((row[0], f"m{row[1]}", row[4], START + timedelta(days=row[3]), float(row[2]), row[5]))
    return sorted(best.values(), key=str), counts, sorted(kept, key=str)


@settings(max_examples=150, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=40))
def test_best_rows_counts_and_records_against_loops(rows):
    sides = availability(table(rows), END)
    best, counts, kept = plainly(rows)
    found = sides.rows.select("series", "model", "score", "available_on", "side", "stderr").rows()
    expected = [(r[0], f"m{r[1]}", float(r[2]), START + timedelta(days=r[3]), r[4], r[5]) for r in best]
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert {row[0]: row[1:] for row in sides.series.select("series", "duplicates", "disagreeing").rows()} == counts
    raised = records(sides.rows)
    columns = ["series", "model", "side", "available_on", "score", "stderr"]
    assert sorted(raised.select(columns).rows(), key=str) == kept
    assert raised.equals(raised.sort("series", "side", "available_on"))


def test_what_most_rows_of_a_series_say_does_not_hide_a_contradiction():
    rows = [(f"m{i}", 1, "2025-01-01", "open") for i in range(5)]
    for chances in ([0.2, 0.2, 0.1, 0.2, 0.2], [0.1, 0.2, 0.2, None, 0.2], [None, None, 0.2, None, 0.1]):
        found = availability(scores(*rows, chance=chances), END).series
        assert found.select("chance", "scale_conflicts").row(0) == (None, 1)
    agreed = availability(scores(*rows, chance=[None, 0.2, None, 0.2, None]), END).series
    assert agreed.select("chance", "scale_conflicts").row(0) == (0.2, 0)


def test_a_record_on_the_first_and_on_the_last_day_of_decades():
    frame = scores(("a", 1, "1990-01-01", "open"), ("b", 2, "2025-01-01", "open"), ("c", 2, "2025-01-02", "open"))
    assert records(availability(frame, day("2025-12-31")).rows)["model"].to_list() == ["a", "b"]


@pytest.mark.parametrize("names", [[], ["b"], ["b", "a", "b", "c"], [None, "a", None], [None]])
def test_codes_are_dense_and_tell_names_apart(names):
    found = codes(pl.Series(names, dtype=pl.String))
    assert sorted(set(found.to_list())) == list(range(len(set(names))))
    assert len(set(zip(names, found, strict=True))) == len(set(names))


def test_every_method_of_the_speed_comparison_gives_the_same():
    table = world(20_000, 7)
    expected = comparable(METHODS["ours"][1](table))
    for name, (_, method) in METHODS.items():
        given = table.to_pandas() if name == "pandas" else table
        for found, wanted in zip(comparable(method(given)), expected, strict=True):
            assert found.height > 0
            pl.testing.assert_frame_equal(found, wanted, abs_tol=1e-12)
