"""What must hold on any table of scores."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.gap.series import SeriesReport, series_report

START = date(2024, 1, 1)
END = START + timedelta(days=400)
ROW = st.tuples(
    st.integers(0, 20), st.integers(0, 400), st.sampled_from(["open", "closed", "unknown"]), st.integers(-90, 90)
)
TABLES = st.lists(ROW, min_size=1, max_size=14)
few = settings(max_examples=40, deadline=None)


def table(rows) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "series": ["s"] * len(rows),
            "model": [f"m{i:02}" for i in range(len(rows))],
            "score": [float(row[0]) for row in rows],
            "released_on": [START + timedelta(days=row[1]) for row in rows],
            "access": [row[2] for row in rows],
            # Weights may come later than the release; a negative delay means none is recorded.
            "weights_on": [
                START + timedelta(days=row[1] + row[3]) if row[3] > 0 and row[2] == "open" else None for row in rows
            ],
        },
        schema_overrides={"weights_on": pl.Date},
    )


def report(frame: pl.DataFrame, as_of: date = END) -> SeriesReport:
    return series_report(frame, as_of)[0]


def lags(found: SeriesReport):
    return (
        found.backward,
        [(e.closed, e.open, e.closed_on, e.open_on, e.lag_months, e.censored) for e in found.catch_up],
        found.survival,
    )


@few
@given(TABLES, st.sampled_from(["open", "closed"]), st.data())
def test_a_dominated_model_changes_nothing(rows, side, data):
    mine = [row for row in rows if row[2] == side and row[3] <= 0]
    if not mine:
        return
    better = data.draw(st.sampled_from(mine))
    worse = (better[0] - data.draw(st.integers(1, 5)), min(400, better[1] + data.draw(st.integers(0, 90))), side, 0)
    before, after = report(table(rows)), report(table([*rows, worse]))
    assert after.models == before.models + 1
    assert lags(after) == lags(before)
    assert (after.gap_raw, after.frontier_open, after.frontier_closed) == (
        before.gap_raw,
        before.frontier_open,
        before.frontier_closed,
    )


@few
@given(TABLES)
def test_a_monotone_transform_keeps_the_lags_at_strict(rows):
    frame = table(rows)
    bent = frame.with_columns(score=(pl.col("score") / 7).exp() - 3)
    assert lags(report(bent)) == lags(report(frame))


@few
@given(TABLES, st.integers(-700, 700))
def test_shifting_all_dates_shifts_only_dates(rows, days):
    by = pl.duration(days=days)
    frame = table(rows)
    moved = report(
        frame.with_columns(pl.col("released_on") + by, pl.col("weights_on") + by), END + timedelta(days=days)
    )
    back = timedelta(days=days)

    def home(model):
        return model and replace(model, released_on=model.released_on - back)

    # Months begin on the first, so only what is sampled monthly may change.
    still = report(frame)
    restored = replace(
        moved,
        closing=still.closing,
        notes=still.notes,
        as_of=moved.as_of - back,
        frontier_open=home(moved.frontier_open),
        frontier_closed=home(moved.frontier_closed),
        catch_up=tuple(
            replace(e, closed_on=e.closed_on - back, open_on=e.open_on and e.open_on - back) for e in moved.catch_up
        ),
    )
    assert restored == still


@few
@given(TABLES)
def test_swapping_the_sides_mirrors_the_gap(rows):
    frame = table([(*row[:3], 0) for row in rows])
    swapped = frame.with_columns(
        access=pl.col("access").replace({"open": "closed", "closed": "open"}),
    )
    there, back = report(frame), report(swapped)
    assert (there.open, there.closed) == (back.closed, back.open)
    assert (there.frontier_open, there.frontier_closed) == (back.frontier_closed, back.frontier_open)
    assert (there.gap_raw is None) == (back.gap_raw is None)
    if there.gap_raw is not None:
        assert there.gap_raw == -back.gap_raw
        # At most one side can have been strictly ahead.
        assert there.backward.months is None or back.backward.months is None


@few
@given(TABLES, st.integers(0, 400))
def test_as_of_equals_leaving_out_what_came_later(rows, days):
    as_of = START + timedelta(days=days)
    frame = table(rows)
    seen = frame.filter(pl.col("released_on") <= as_of).with_columns(
        # Weights not yet published: the model is closed as far as anyone can tell.
        access=pl.when(pl.col("weights_on") > as_of).then(pl.lit("closed")).otherwise("access"),
        weights_on=pl.when(pl.col("weights_on") <= as_of).then("weights_on"),
    )
    expected = series_report(seen, as_of)
    found = series_report(frame, as_of)
    # Only the note about models whose weights came later may differ: it knows of them already.
    drop = "models were closed before their weights came"
    assert [replace(r, notes=tuple(n for n in r.notes if drop not in n)) for r in found] == [
        replace(r, notes=tuple(n for n in r.notes if drop not in n)) for r in expected
    ]


@few
@given(TABLES)
def test_against_a_plain_loop(rows):
    frame = table(rows)
    opened, closed = [], []
    for row in frame.iter_rows(named=True):
        if row["access"] == "closed":
            closed.append((row["released_on"], row["score"]))
        if row["access"] == "open":
            weights = row["weights_on"] or row["released_on"]
            if weights > row["released_on"]:
                closed.append((row["released_on"], row["score"]))
            if weights <= END:
                opened.append((weights, row["score"]))
    top, expected = float("-inf"), []
    for day, score in sorted(closed, key=lambda entry: (entry[0], -entry[1])):
        if score > top:
            top = score
            matching = [when for when, reached in opened if reached >= score]
            until = min(matching) if matching else END
            expected.append((day, score, (until - day).days / 30.4375, not matching))
    found = [(e.closed_on, e.closed_score, e.lag_months, e.censored) for e in report(frame).catch_up]
    assert found == expected
