"""What others published stands beside our figure by the nearest measure, on two pages, with its source."""

import re
from datetime import date

import pytest

from pipeline.site.published import ours, said

NOTHING = dict.fromkeys((
    "lag_months", "lag_lo", "lag_hi", "gap_points", "gap_points_lo", "gap_points_hi", "parity_on", "ci_level",
))  # fmt: skip
MAIN = {
    "lag_months": 5.22, "lag_lo": 4.1, "lag_hi": 6.7, "lag_bounded": False, "gap_raw": 4.64, "gap_lo": 1.45,
    "gap_hi": 6.35, "catch_up_median": 7.1, "catch_up_calibrated_lo": 4.3, "catch_up_calibrated_hi": None,
    "rmst18_months": 7.02, "rmst18_lo": 5.4, "rmst18_hi": 8.7,
}  # fmt: skip


@pytest.mark.parametrize(
    ("published", "words"),
    [
        ({"lag_months": 8.0}, "8 months"),
        ({"lag_lo": 5.0, "lag_hi": 22.0}, "5 to 22 months"),
        ({"lag_months": 3.5, "lag_lo": 1.1, "lag_hi": 5.3, "gap_points": 7.0, "gap_points_lo": 0.0,
          "gap_points_hi": 14.0, "ci_level": 0.9}, "3.5 (1.1 to 5.3) months; gap 7 (0 to 14) points (90% intervals)"),
        ({"parity_on": date(2026, 12, 3)}, "parity on 3 December 2026"),
        ({}, ""),
    ],
)  # fmt: skip
def test_a_figure_is_told_as_exactly_as_it_was_published(published, words):
    assert said(NOTHING | published) == words


@pytest.mark.parametrize(
    ("measure", "words"),
    [
        ("backward_lag", "lag of today: 5.2 (4.1 to 6.7)"),
        ("catch_up_median", "catch-up median: 7.1 (4.3 to not reached)"),
        ("catch_up_mean", "catch-up mean within 18 months, unmatched records included: 7.0 (5.4 to 8.7)"),
        ("gap", "gap: 4.64 (1.45 to 6.35)"),
        ("parity_by_line", "the same line on our series: it is level or rising"),
        (None, "no like figure"),
    ],
)
def test_ours_is_that_of_the_nearest_measure(measure, words):
    assert ours(measure, MAIN, {"crosses_on": None, "note": "it is level or rising"}) == words
    assert ours("parity_by_line", MAIN, {"crosses_on": "2030-01-01"}).endswith("crosses on 2030-01-01")


def test_a_lower_bound_is_told_as_one_and_nothing_published_gives_nothing():
    assert ours("backward_lag", MAIN | {"lag_bounded": True}, None) == "lag of today: at least 5.2 (4.1 to 6.7)"
    assert ours("gap", None, None) == "\N{EN DASH}"


@pytest.mark.parametrize("page", ["index.html", "method.html"])
def test_every_figure_of_others_links_to_its_source(site, page):
    found = (site / page).read_text(encoding="utf-8")
    table = found.partition('<table class="others">')[2].partition("</table>")[0]
    rows = table.partition("<tbody>")[2].split("<tr>")[1:]
    assert len(rows) == 9
    assert all(re.search(r'<td><a href="https://[^"]+" rel="noopener noreferrer">', row) for row in rows)
    assert any("parity on 3 December 2026" in row and "the same line on our series" in row for row in rows)


def test_a_lag_that_is_only_a_lower_bound_is_drawn_as_an_arrow(site):
    chart = (site / "charts" / "sizes.svg").read_text(encoding="utf-8")
    assert "up to 2B: at least 40.9 months (Qwen2.5-Coder (1.5B))" in chart
    assert "up to 32B: 20.2 months (Gemma 4 31B IT)" in chart
