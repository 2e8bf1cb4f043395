"""Cells with several scores and what policies make of them, on a few literal rows."""

import pytest

from tests.warehouse.literal_rows import URL, rows, score
from tests.warehouse.worlds import build_world


def series(name, benchmark, **more):
    return {"series_id": name, "benchmark_id": benchmark, "protocol": "5-shot", "evaluator": "lab",
            "comparability": "same_evaluator", "unit": "percent", "direction": "higher", "chance": 25.0,
            "ceiling": 100.0, "source_name": "s", "source_url": URL, "capture_id": "f2"} | more  # fmt: skip


def stated(model, value, of, **more):
    return score(model, value, "f2", series_id=of, **more)


@pytest.fixture(scope="module")
def disputed():
    """Closed A: 60 by the vendor, 50 by the lab, which is also 33.3% of the way from chance (25) to the ceiling."""
    benchmark = {"benchmark_id": "exam", "name": "Exam", "unit": "percent", "direction": "higher", "chance": 0.25,
                 "ceiling": 1.0, "source_name": "s", "source_url": URL, "capture_id": "f2"}  # fmt: skip
    scaled = {"unit": "fraction", "chance": 0.0, "ceiling": 1.0, "protocol": "performance between chance (0) and"
              " ceiling (1)", "evaluator": "board"}  # fmt: skip
    scores = [
        stated("a", 60.0, "exam_vendor", tier="A", self_reported=True),
        stated("a", 50.0, "exam_lab", self_reported=False),
        stated("a", 1 / 3, "exam_scaled", tier="E", unit="fraction"),
        stated("o", 40.0, "exam_lab", self_reported=False),
        stated("b", 70.0, "exam_vendor", tier="A", self_reported=True),
        stated("u", 30.0, "exam_lab", self_reported=False),
        stated("d", 99.0, "exam_vendor", tier="A", doubtful=True),
    ]
    more = [series("exam_lab", "exam"), series("exam_scaled", "exam", **scaled),
            series("exam_vendor", "exam", protocol="0-shot", comparability="same_protocol", evaluator="a")]  # fmt: skip
    with build_world(facts_benchmarks=[benchmark], facts_series=more, facts_scores_closed=scores) as connection:
        yield connection


def test_only_cells_with_several_scores_are_there_on_one_scale_with_who_picks_each(disputed):
    query = ("SELECT model, benchmark, value, unit, score, scores, spread, tier, picked_by, reason"
             " FROM marts.score_conflicts ORDER BY score, value")  # fmt: skip
    assert rows(disputed, query) == [
        ("A", "Exam", pytest.approx(1 / 3), "fraction", 0.5, 3, pytest.approx(0.1), "E", [], "tier"),
        ("A", "Exam", 50.0, "percent", 0.5, 3, pytest.approx(0.1), "C",
         ["default", "independent", "lowest", "same_protocol"], None),
        ("A", "Exam", 60.0, "percent", 0.6, 3, pytest.approx(0.1), "A", ["vendor", "highest"], "tier"),
    ]  # fmt: skip


def test_a_policy_moves_the_gap_of_a_benchmark_and_says_how_far_the_pair_compares(disputed):
    query = ("SELECT policy, closed_model, open_model, round(gap, 3), comparability, loose, scores_picked,"
             " scores_left_out FROM marts.policy_effects WHERE series = 'cell:exam' ORDER BY policy")  # fmt: skip
    assert rows(disputed, query) == [
        ("default", "B", "O", 0.3, "loose", True, 4, 3),
        ("highest", "B", "O", 0.3, "loose", True, 4, 3),
        ("independent", "A", "O", 0.1, "same_evaluator", False, 3, 4),
        ("lowest", "B", "O", 0.3, "loose", True, 4, 3),
        ("same_protocol", "A", "O", 0.1, "same_evaluator", False, 3, 4),
    ]


def test_a_policy_that_leaves_no_open_side_has_no_row_of_the_benchmark(disputed):
    assert rows(disputed, "SELECT count(*) FROM marts.policy_effects WHERE policy = 'vendor'") == [(0,)]


def test_the_change_is_against_the_default(disputed):
    query = "SELECT policy, round(gap_change, 3) FROM marts.policy_effects WHERE series = 'cell:exam' ORDER BY 1"
    assert rows(disputed, query) == [
        ("default", 0.0), ("highest", 0.0), ("independent", -0.2), ("lowest", 0.0), ("same_protocol", -0.2),
    ]  # fmt: skip
