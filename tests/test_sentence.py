"""The answer in one sentence: five states, chosen by the interval of the gap."""

from datetime import date

import polars as pl
import pytest

from pipeline.gap.lag import parse_tolerance
from pipeline.gap.series import series_report
from pipeline.report.sentence import answer, movement

AS_OF = date(2025, 12, 31)
STRICT = parse_tolerance("strict")


def said(*rows, unit="points", definition="downloadable", subset="", stderr=None, as_of=AS_OF, tolerance=STRICT):
    """State and sentence of rows (model, access, release, score)."""
    frame = pl.DataFrame(
        {
            "series": "quiz",
            "model": [row[0] for row in rows],
            "access": [row[1] for row in rows],
            "released_on": [date.fromisoformat(row[2]) for row in rows],
            "score": [float(row[3]) for row in rows],
            "stderr": stderr,
        },
        schema_overrides={"stderr": pl.Float64},
    )
    [report] = series_report(frame, as_of, tolerance)
    return answer(report, unit, definition, subset)


OLD = ("Old", "closed", "2024-01-01", 10)
BEST = ("Best", "closed", "2025-07-01", 60)
OPEN = ("Ours", "open", "2025-01-01", 50)


def test_behind_says_how_long_ago_and_by_how_much():
    state, sentence = said(OLD, BEST, OPEN)
    assert state == "behind"
    assert sentence == (
        "As of 2025-12-31, the best open-weight model (Ours) trails the best closed one (Best) by about 6.0 months, or"
        " 10.0 points. A closed record has stayed unmatched for a median of 12.0 months; 1 of 2 records are unmatched"
        " still."
    )


def test_behind_gives_both_intervals_where_the_noise_is_known():
    state, sentence = said(OLD, BEST, OPEN, stderr=3.0)
    assert state == "behind"
    assert "by about 6.0 months (90% CI 0.0 to 6.0), or 10.0 points (90% CI 1.80 to 18.4)." in sentence


def test_a_lag_that_no_draw_moves_has_no_interval_to_show():
    assert "by about 6.0 months, or 10.0 points (90% CI 8.63 to 11.4)." in said(OLD, BEST, OPEN, stderr=0.5)[1]


@pytest.mark.parametrize(
    ("tolerance", "why"),
    [
        ("significant", "the significant tolerance needs standard errors, which this series does not give."),
        ("nats:0.1", "nats need a ceiling (or scores in fraction or percent), which this series does not give."),
        ("points:20", "no closed model is ahead of the best open one."),
    ],
)
def test_a_lag_that_is_undefined_says_why(tolerance, why):
    state, sentence = said(OLD, BEST, OPEN, tolerance=parse_tolerance(tolerance))
    assert state == "behind"
    assert sentence == (
        "As of 2025-12-31, the best open-weight model (Ours) is 10.0 points behind the best closed one (Best); the lag"
        f" in months is undefined: {why}"
    )


@pytest.mark.parametrize(
    ("unit", "times", "words"),
    [
        ("fraction", 0.01, "10.0 percentage points"),
        ("percent", 1, "10.0 percentage points"),
        ("fraction", 0.0001, "0.100 percentage points"),
        ("minutes", 10, "100 minutes"),
        ("minutes", 234, "2,340 minutes"),
        (None, 1, "10.0. A"),
    ],
)
def test_a_gap_of_any_size_is_said_in_its_unit(unit, times, words):
    rows = [(*row[:3], row[3] * times) for row in (OLD, BEST, OPEN)]
    assert f"by about 6.0 months, or {words}" in said(*rows, unit=unit)[1]


def test_behind_for_longer_than_the_series_reaches():
    state, sentence = said(BEST, OPEN)
    assert (state, "trails the best closed one (Best) by more than 6.0 months (10.0 points)." in sentence) == (
        "behind_at_least",
        True,
    )


def test_an_interval_that_reaches_zero_is_within_error_and_says_when_it_was_not():
    state, sentence = said(OLD, BEST, OPEN, ("Rival", "open", "2025-10-01", 59), stderr=2.0)
    assert state == "within_error"
    assert "(Rival) is within measurement error of the best closed one (Best): a gap of 1.00 points (90% CI" in sentence
    assert "it was last clearly behind on 2025-09-30." in sentence
    assert "it was never clearly behind." in said(BEST, ("Ours", "open", "2025-01-01", 59), stderr=2.0)[1]


def test_level_without_a_measure_of_noise():
    assert said(BEST, ("Ours", "open", "2025-01-01", 60)) == (
        "within_error",
        "As of 2025-12-31, the best open-weight model (Ours) is level with the best closed one (Best).",
    )


def test_an_open_lead_has_points_and_no_lag():
    state, sentence = said(BEST, ("Ours", "open", "2025-01-01", 70), unit="elo")
    assert (state, sentence) == (
        "open_leads",
        "As of 2025-12-31, the best open-weight model (Ours) leads the best closed one (Best) by 10.0 Elo.",
    )
    assert "by 10.0 points (90% CI 4.10 to 15.4)" in said(BEST, ("Ours", "open", "2025-01-01", 70), stderr=2.0)[1]


def test_one_side_is_too_little_to_say_and_counts_what_there_is():
    assert said(OLD, BEST) == (
        "not_enough_data",
        "Not enough shared benchmarks to say: 0 open and 2 closed models by 2025-12-31.",
    )


@pytest.mark.parametrize(
    ("definition", "subset", "words"),
    [
        ("commercial", "", "the best commercially usable open-weight model (Ours)"),
        ("unrestricted", "from China", "the best unrestricted open-weight model from China (Ours)"),
    ],
)
def test_the_sentence_names_what_counts_as_open(definition, subset, words):
    assert words in said(OLD, BEST, OPEN, definition=definition, subset=subset)[1]


@pytest.mark.parametrize(
    ("slope", "lo", "hi", "words"),
    [
        (3.5, 1.0, 6.0, "The gap widened over a year: +3.5 points a year (90% CI 1.0 to 6.0)."),
        (-3.5, -6.0, -1.0, "The gap narrowed over a year: -3.5 points a year (90% CI -6.0 to -1.0)."),
        (3.5, -1.0, 6.0, "The gap shows no clear change over a year: +3.5 points a year (90% CI -1.0 to 6.0)."),
        (None, None, None, "The gap over a year: too few months to say."),
    ],
)
def test_how_the_gap_moves(slope, lo, hi, words):
    assert movement(slope, lo, hi, "a year") == words
