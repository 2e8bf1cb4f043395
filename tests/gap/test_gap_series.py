from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from gap_tables import day, scores

from pipeline.errors import InputError
from pipeline.gap.lag import parse_tolerance
from pipeline.gap.noise import Draws
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


def moving(**more) -> pl.DataFrame:
    """A closed and an open model each month of a year; open is a year and a half of points behind, then less."""
    months = [f"2025-{month:02}-01" for month in range(1, 13)]
    closed = [(f"c{m}", 20 + 2 * m, on, "closed") for m, on in enumerate(months)]
    opened = [(f"o{m}", 15 + 2.2 * m, on, "open") for m, on in enumerate(months)]
    return scores(*closed, *opened, **more)


def rates(report):
    return {(rate.window, rate.measure): rate for rate in report.closing}


def test_closing_rates_see_the_scale_and_the_tolerance_of_the_report():
    plain = rates(one(moving()))
    bounds = rates(one(moving(chance=0.0, ceiling=100.0)))
    assert plain["whole", "gap_logit"].ols is None
    assert bounds["whole", "gap_logit"].ols.slope_per_year < 0
    # With a tolerance of two points every lag is a month or so shorter.
    near = rates(one(moving(), tolerance=parse_tolerance("points:2")))
    assert near["whole", "lag"].n == plain["whole", "lag"].n
    assert near["whole", "lag"].ols != plain["whole", "lag"].ols


def test_the_two_clocks_are_compared_by_the_report():
    # Closed rises by 24 points a year: a gap of 2.8 points is 1.4 months, and the lag of today is a month or two.
    rate = rates(one(moving()))["whole", "gap"]
    assert rate.closed_per_year == pytest.approx(24, abs=0.5)
    assert rate.diverges is False
    long_ago = scores(("c", 60, "2020-01-01", "closed"))
    assert rates(one(pl.concat([moving(), long_ago])))["whole", "gap"].closed_per_year < 1


def test_nothing_is_fitted_where_the_tolerance_cannot_be_applied():
    found = one(moving(), tolerance=parse_tolerance("significant"))
    assert (found.weibull, found.survival.n, found.backward.months) == (None, None, None)
    assert one(moving()).weibull is not None


def test_the_interval_of_the_lag_is_for_strict_tolerance_and_says_so():
    note = "interval of the lag: at strict tolerance only"
    assert note in one(moving(), tolerance=parse_tolerance("points:1")).notes
    assert note not in one(moving()).notes


def test_saturation_by_noise_needs_three_records_and_counts_from_chance_where_lower_is_better():
    # Allowance 1.645 * sqrt 2 * 1 = 2.33.
    assert one(closed_at(50, 51, 52, stderr=1.0)).saturated is True
    assert one(closed_at(50, 51, 53, stderr=1.0)).saturated is False
    assert one(closed_at(50, 51, stderr=1.0)).saturated is None
    # From 50 at chance down to 10 at best: 11 is 97.5% of the way, 13 is 92.5%.
    assert one(closed_at(11, chance=50.0, ceiling=10.0, direction="lower")).saturated is True
    assert one(closed_at(13, chance=50.0, ceiling=10.0, direction="lower")).saturated is False
    assert "saturation: the ceiling is not known; judged by noise only" in one(closed_at(50, 51, 53, stderr=1.0)).notes
    assert "saturation: the ceiling is not known; judged by noise only" not in one(closed_at(50, ceiling=100.0)).notes


def test_a_ceiling_of_one_is_a_ceiling():
    # 0.955 of the ceiling, though only 0.94 of the way to it from chance.
    assert one(closed_at(0.955, chance=0.25, ceiling=1.0)).saturated is True


def test_an_index_is_never_called_saturated_and_a_fit_that_fails_says_why():
    frame = pl.concat([closed_at(50, 51, 52, stderr=1.0), scores(("o", 49, "2025-06-01", "open"), stderr=1.0)])
    draws = {"s": Draws(tuple(frame["model"]), frame["score"].to_numpy()[:, None] + np.zeros(5))}
    with_draws = one(frame, draws=draws)
    assert (one(frame).saturated, with_draws.saturated) == (True, None)
    assert "saturation: an index over many benchmarks has no ceiling" in " ".join(with_draws.notes)
    assert [note for note in with_draws.notes if note.startswith("weibull: ")]
