from __future__ import annotations

import polars as pl
import pytest
from gap_tables import day, scores

from pipeline.errors import InputError
from pipeline.gap.sides import availability, latest_date, parse_open_definition

END = day("2025-12-31")


def entries(frame: pl.DataFrame, as_of=END, definition="downloadable"):
    rows = availability(frame, as_of, definition).rows
    return sorted(rows.select("model", "side", pl.col("available_on").cast(pl.String), "score").rows())


def counts(frame: pl.DataFrame, as_of=END, definition="downloadable"):
    row = availability(frame, as_of, definition).series.row(0, named=True)
    assert row["models"] == sum(row[n] for n in ("open", "closed", "unknown", "excluded", "undated"))
    return row


def test_each_access_goes_to_its_side_and_unknown_to_neither():
    frame = scores(("o", 1, "2025-01-01", "open"), ("c", 2, "2025-02-01", "closed"), ("u", 3, "2025-03-01", "unknown"))
    assert entries(frame) == [("c", "closed", "2025-02-01", 2.0), ("o", "open", "2025-01-01", 1.0)]
    row = counts(frame)
    assert (row["models"], row["open"], row["closed"], row["unknown"]) == (3, 1, 1, 1)


def test_missing_access_is_unknown():
    frame = scores(("a", 1, "2025-01-01", None), ("o", 1, "2025-01-01", "open"))
    assert [e[0] for e in entries(frame)] == ["o"]
    assert counts(frame)["unknown"] == 1


def test_weights_later_than_release_count_as_closed_until_then():
    frame = scores(("m", 5, "2025-01-01", "open"), weights_on="2025-06-01")
    assert entries(frame) == [("m", "closed", "2025-01-01", 5.0), ("m", "open", "2025-06-01", 5.0)]
    row = counts(frame)
    assert (row["open"], row["closed"], row["closed_first"]) == (1, 0, 1)
    before = counts(frame, day("2025-05-31"))
    assert (before["open"], before["closed"]) == (0, 1)
    assert entries(frame, day("2025-05-31")) == [("m", "closed", "2025-01-01", 5.0)]
    assert len(entries(frame, day("2025-06-01"))) == 2


def test_weights_on_release_day_make_an_open_model_only():
    frame = scores(("m", 5, "2025-01-01", "open"), weights_on="2025-01-01")
    assert entries(frame) == [("m", "open", "2025-01-01", 5.0)]


def test_weights_date_alone_dates_an_open_model_but_not_a_closed_one():
    frame = scores(("o", 1, None, "open"), ("c", 1, None, "closed"), weights_on="2025-03-01")
    assert entries(frame) == [("o", "open", "2025-03-01", 1.0)]
    assert counts(frame)["undated"] == 1


def test_weights_date_of_a_closed_model_means_nothing():
    frame = scores(("c", 1, "2025-01-01", "closed"), weights_on="2025-03-01")
    assert entries(frame) == [("c", "closed", "2025-01-01", 1.0)]


def test_missing_date_is_on_neither_side_and_counted():
    frame = scores(("o", 9, None, "open"), ("c", 1, "2025-01-01", "closed"))
    assert [e[0] for e in entries(frame)] == ["c"]
    assert counts(frame)["undated"] == 1


@pytest.mark.parametrize(
    ("definition", "expected"),
    [("downloadable", "nrux"), ("commercial", "ru"), ("unrestricted", "u")],
)
def test_definition_of_open_selects_by_licence(definition, expected):
    frame = scores(
        *((name, 1, "2025-01-01", "open") for name in "urnx"),
        licence_class=["unrestricted", "restricted", "non_commercial", None],
    )
    assert "".join(e[0] for e in entries(frame, definition=definition)) == expected
    row = counts(frame, definition=definition)
    assert (row["open"], row["excluded"]) == (len(expected), 4 - len(expected))


def test_excluded_model_that_was_closed_first_stays_a_closed_one():
    frame = scores(("m", 5, "2025-01-01", "open"), licence_class="non_commercial", weights_on="2025-06-01")
    assert entries(frame, definition="unrestricted") == [("m", "closed", "2025-01-01", 5.0)]
    row = counts(frame, definition="unrestricted")
    assert (row["closed"], row["excluded"], row["open"]) == (1, 0, 0)


def test_closed_models_are_kept_under_every_definition():
    frame = scores(("c", 5, "2025-01-01", "closed"), licence_class=[None])
    assert len(entries(frame, definition="unrestricted")) == 1


def test_as_of_drops_what_is_dated_later_including_evaluations():
    frame = scores(
        ("a", 1, "2025-01-01", "open"),
        ("b", 2, "2025-02-02", "open"),
        ("c", 3, "2025-01-01", "closed"),
        evaluated_on=["2025-02-01", "2025-02-01", "2025-02-02"],
    )
    assert [e[0] for e in entries(frame, day("2025-02-01"))] == ["a"]
    assert [e[0] for e in entries(frame, day("2025-02-02"))] == ["a", "b", "c"]


def test_best_score_of_a_model_counts_and_repeats_are_counted():
    frame = scores(
        ("m", 1, "2025-01-01", "open"),
        ("m", 3, "2025-01-01", "open"),
        ("m", 2, "2025-01-01", "open"),
        ("n", 1, "2025-01-01", "open"),
    )
    assert entries(frame) == [("m", "open", "2025-01-01", 3.0), ("n", "open", "2025-01-01", 1.0)]
    row = counts(frame)
    assert (row["duplicates"], row["models"], row["disagreeing"]) == (2, 2, 0)


def test_rows_that_disagree_on_dates_are_counted_and_ties_go_to_the_earlier():
    frame = scores(("m", 3, "2025-03-01", "open"), ("m", 3, "2025-01-01", "open"))
    for table in (frame, frame.reverse()):
        assert entries(table) == [("m", "open", "2025-01-01", 3.0)]
        assert counts(table)["disagreeing"] == 1


def test_lower_is_better_negates_and_keeps_the_least():
    frame = scores(("m", 4, "2025-01-01", "open"), ("m", 3, "2025-01-01", "open"), direction="lower")
    assert entries(frame) == [("m", "open", "2025-01-01", -3.0)]
    assert counts(frame)["orient"] == -1


def test_chance_and_ceiling_are_kept_only_without_contradiction():
    rows = (("a", 1, "2025-01-01", "open"), ("b", 2, "2025-01-01", "open"))
    one = counts(scores(*rows, chance=[0.25, None], ceiling=[1.0, 1.0]))
    assert (one["chance"], one["ceiling"], one["scale_conflicts"]) == (0.25, 1.0, 0)
    two = counts(scores(*rows, chance=[0.25, 0.2], ceiling=1.0))
    assert (two["chance"], two["ceiling"], two["scale_conflicts"]) == (None, 1.0, 1)
    inverted = counts(scores(*rows, chance=1.0, ceiling=0.0))
    assert (inverted["chance"], inverted["ceiling"], inverted["scale_conflicts"]) == (None, None, 1)
    lower = counts(scores(*rows, chance=1.0, ceiling=0.0, direction="lower"))
    assert (lower["chance"], lower["ceiling"]) == (1.0, 0.0)


def test_unusable_scores_are_refused():
    good = scores(("a", 1, "2025-01-01", "open"), ("b", 1, "2025-01-01", "open"))
    with pytest.raises(InputError, match="access"):
        availability(good.drop("access"), END)
    with pytest.raises(InputError, match="finite"):
        availability(good.with_columns(score=pl.lit(float("nan"))), END)
    with pytest.raises(InputError, match="both directions"):
        availability(good.with_columns(direction=pl.Series(["higher", "lower"])), END)
    with pytest.raises(InputError, match="wrong type"):
        availability(good.with_columns(score=pl.lit("x")), END)
    with pytest.raises(InputError, match="libre"):
        parse_open_definition("libre")


def test_latest_date_looks_at_every_kind():
    frame = scores(("a", 1, "2025-01-01", "open"), evaluated_on="2025-04-01", weights_on="2025-03-01")
    assert latest_date(frame) == day("2025-04-01")
    assert latest_date(frame.drop("evaluated_on")) == day("2025-03-01")
    with pytest.raises(InputError, match="no date"):
        latest_date(scores(("a", 1, None, "open")))


def test_weights_before_the_release_are_the_first_availability_of_open_models_only():
    frame = scores(
        ("open early", 1, "2025-06-01", "open"),
        ("closed", 2, "2025-06-01", "closed"),
        weights_on="2025-03-01",
    )
    assert [entry[0] for entry in entries(frame, day("2025-04-01"))] == ["open early"]
    assert counts(frame, day("2025-04-01"))["models"] == 1
    assert availability(frame, day("2025-04-01")).as_of == day("2025-04-01")


def test_a_missing_score_is_refused():
    frame = scores(("a", 1, "2025-06-01", "open"), ("b", 2, "2025-06-01", "open")).with_columns(
        score=pl.when(pl.col("model") == "a").then("score")
    )
    with pytest.raises(InputError, match="missing or not finite"):
        availability(frame, END)


@pytest.mark.parametrize(
    ("column", "first", "second"),
    [
        ("weights_on", day("2025-02-01"), day("2025-03-01")),
        ("weights_on", day("2025-02-01"), None),
        ("access", "closed", "open"),
        ("licence_class", "restricted", "unrestricted"),
        ("stderr", 0.1, 0.2),
    ],
)
def test_rows_that_tie_are_chosen_by_what_they_say_not_by_their_place(column, first, second):
    base = scores(
        ("m", 5, "2025-01-01", "open"), ("m", 5, "2025-01-01", "open"), stderr=1.0, licence_class="restricted"
    )
    tied = base.with_columns(pl.Series(column, [first, second], strict=False))
    one, other = availability(tied, END), availability(tied.reverse(), END)
    assert one.rows.equals(other.rows)
    assert one.series.equals(other.series)
    assert one.rows.equals(availability(tied.head(1), END).rows)
