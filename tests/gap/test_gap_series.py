from __future__ import annotations

import json

import polars as pl
import pytest
from gap_tables import day, scores

from pipeline.errors import InputError
from pipeline.gap.series import gap_document, series_report

AS_OF = day("2025-12-31")


def one(frame: pl.DataFrame, **options):
    return series_report(frame, AS_OF, **options)[0]


def closed_at(*tops: float, **more) -> pl.DataFrame:
    return scores(*((f"c{i}", s, f"2025-0{i + 1}-01", "closed") for i, s in enumerate(tops)), **more)


def test_a_series_with_one_side_is_nulls_and_notes():
    entry = gap_document(scores(("c", 5, "2025-01-01", "closed")), AS_OF)["series"][0]
    assert entry["frontier"]["open"] is None
    assert entry["gap"] == {"raw": None, "logit": None, "on": "2025-12-31", "bias": None, "lo": None, "hi": None}
    assert entry["lag_months"] == {"backward": None, "bounded": False, "lo": None, "hi": None}
    assert entry["catch_up"][0]["open"] is None
    assert entry["catch_up"][0]["censored"] is True
    assert entry["survival"]["median"] is None
    notes = " ".join(entry["notes"])
    for words in ("gap: needs", "backward lag: no open", "survival median", "saturation", "closing rate: fewer"):
        assert words in notes


def test_a_series_of_unknown_models_only():
    entry = gap_document(scores(("u", 5, None, "unknown")), AS_OF)["series"][0]
    assert (entry["models"], entry["unknown"], entry["catch_up"]) == (1, 1, [])
    assert entry["saturated"] is None


def test_series_come_in_order_and_default_to_the_latest_date():
    frame = pl.concat(
        [
            scores(("c", 5, "2025-01-01", "closed"), series="z"),
            scores(("o", 5, "2025-03-01", "open"), series="a"),
        ]
    )
    document = gap_document(frame)
    assert document["as_of"] == "2025-03-01"
    assert [entry["series"] for entry in document["series"]] == ["a", "z"]
    json.dumps(document, allow_nan=False)


def test_empty_scores_need_a_date():
    empty = scores(("c", 5, "2025-01-01", "closed")).clear()
    assert series_report(empty, AS_OF) == []
    with pytest.raises(InputError, match="no date"):
        series_report(empty)


@pytest.mark.parametrize(("top", "saturated"), [(95, False), (95.1, True)])
def test_saturated_above_95_percent_of_the_ceiling(top, saturated):
    assert one(closed_at(top, ceiling=100.0)).saturated is saturated


@pytest.mark.parametrize(("last", "saturated"), [(52.32, True), (52.33, False)])
def test_saturated_when_the_last_three_records_lie_within_noise(last, saturated):
    # 1.645 * sqrt 2 = 2.3264
    found = one(closed_at(10, 50, 51, last, stderr=1.0))
    assert found.saturated is saturated
    two = one(closed_at(50, 51, stderr=1.0))
    assert two.saturated is None


def test_saturation_where_lower_is_better_is_measured_from_chance():
    near = closed_at(0.5, 0.04, chance=1.0, ceiling=0.0, direction="lower")
    far = closed_at(0.5, 0.06, chance=1.0, ceiling=0.0, direction="lower")
    assert (one(near).saturated, one(far).saturated) == (True, False)


def test_lower_is_better_is_restored_everywhere():
    frame = scores(("c", 3, "2025-01-01", "closed"), ("o", 4, "2025-02-01", "open"), direction="lower")
    found = one(frame)
    assert (found.frontier_open.score, found.frontier_closed.score, found.gap_raw) == (4, 3, 1)
    assert found.catch_up[0].closed_score == 3
    assert found.backward.months is not None


def test_elo_gap_is_told_as_a_win_probability():
    frame = scores(("c", 1400, "2025-01-01", "closed"), ("o", 1000, "2025-01-01", "open"), unit="elo")
    assert any("p = 0.909" in note for note in one(frame).notes)


def test_counts_become_notes():
    frame = scores(
        ("a", 1, "2025-01-01", "open"),
        ("a", 2, "2025-01-01", "open"),
        ("b", 1, None, "closed"),
        ("r", 1, "2025-01-01", "open"),
        licence_class=["unrestricted", "unrestricted", None, "restricted"],
    )
    notes = " ".join(one(frame, open_definition="unrestricted").notes)
    assert "1 open-weights models are outside" in notes
    assert "1 models without a release date" in notes
    assert "1 rows repeat a model" in notes
