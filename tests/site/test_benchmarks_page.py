"""The page of benchmarks: what a small chart shows, how a lag is worded, and that loose series stay apart."""

import re
from datetime import date
from xml.etree import ElementTree as ET

import polars as pl
import pytest

from pipeline.settings import Settings
from pipeline.site.benchmarks import lag_words, titles_of
from pipeline.site.multiples import Mark, Panel, svg
from pipeline.warehouse import connect_published

OPEN = Mark("open", date(2025, 6, 1), "Open One", 0.5)
CLOSED = [Mark("closed", date(2025, 1, 1), "Closed One", 0.6), Mark("closed", date(2025, 9, 1), "Closed Two", 0.8)]


def panel(*records, others=(), lag=12.0, bounded=False, unit="fraction", lower=False):
    return Panel(list(records) or [OPEN, *CLOSED], others, date(2026, 1, 1), 0.5, lag, bounded, unit, lower)


def parsed(drawn):
    return ET.fromstring(drawn)  # noqa: S314 - drawn by this project a moment ago


def found(drawn, tag, side):
    return [one for one in parsed(drawn).iter(tag) if (one.get("class") or "").split()[:1] == [side]]


def test_open_is_a_circle_on_a_solid_line_and_closed_a_square_on_a_dashed_one():
    drawn = svg(panel())
    assert len(found(drawn, "circle", "o")) == 1
    assert len(found(drawn, "rect", "c")) == 2
    assert len(found(drawn, "path", "o")) == len(found(drawn, "path", "c")) == 1


def test_a_mark_that_only_the_developer_reports_is_hollow_and_says_so():
    alone = Mark("open", date(2025, 6, 1), "Open One", 0.5, reported=True)
    [mark] = found(svg(panel(alone, *CLOSED)), "circle", "o")
    assert mark.get("class") == "o h"
    assert mark.get("aria-label") == "Open One (open): 50%, 2025-06-01, reported by its developer alone"


def test_the_rule_is_as_long_as_the_lag_and_absent_without_one():
    [rule] = found(svg(panel(lag=12.0)), "path", "r")
    start, end = re.match(r"M([\d.]+) [\d.]+H([\d.]+)", rule.get("d")).groups()
    assert float(start) == pytest.approx(40, abs=0.5)
    assert float(end) == pytest.approx(332, abs=0.5)
    assert found(svg(panel(lag=None)), "path", "r") == []


def test_a_lag_that_is_only_a_lower_bound_starts_with_an_arrow():
    [bounded], [known] = (found(svg(panel(bounded=each)), "path", "r") for each in (True, False))
    assert bounded.get("d").count("L") == 2
    assert "L" not in known.get("d")


def test_better_is_up_also_where_lower_is_better():
    def height(drawn, name):
        return next(float(one.get("y")) for one in found(drawn, "rect", "c") if name in one.get("aria-label"))

    assert height(svg(panel()), "Closed Two") < height(svg(panel()), "Closed One")
    assert height(svg(panel(lower=True)), "Closed Two") > height(svg(panel(lower=True)), "Closed One")


def test_names_from_the_hub_cannot_leave_their_attribute():
    hostile = Mark("open", date(2025, 6, 1), '"><script>alert(1)</script>', 0.5)
    drawn = svg(panel(hostile, *CLOSED, others=[hostile]))
    assert "<script" not in drawn
    assert {one.tag for one in parsed(drawn).iter()} <= {"svg", "path", "circle", "rect", "text"}


@pytest.mark.parametrize("records", [[OPEN], [OPEN, Mark("closed", OPEN.day, "Same day, same score", 0.5)]])
def test_one_day_and_one_score_are_drawn_too(records):
    assert "nan" not in svg(panel(*records, lag=None)).lower()


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"state": "behind", "lag_months": 4.12, "lag_bounded": False}, "4.1 months behind"),
        ({"state": "behind_at_least", "lag_months": 9.0, "lag_bounded": True}, "at least 9.0 months behind"),
        (
            {"state": "behind", "lag_months": None, "gap_raw": 2.0, "unit": "points"},
            "behind by 2 points, lag undefined",
        ),
        (
            {"state": "open_leads", "lag_months": None, "gap_raw": -0.014, "unit": "fraction"},
            "open leads by 1.4 points",
        ),
        ({"state": "within_error", "lag_months": None, "gap_raw": 0.0, "unit": "fraction"}, "level"),
        ({"state": "within_error", "lag_months": 1.0, "gap_raw": 0.1, "unit": "fraction"}, "within measurement error"),
        ({"state": "not_enough_data", "lag_months": None}, "not enough data"),
    ],
)
def test_a_lag_in_words(row, words):
    assert lag_words(row) == words


def test_series_of_one_benchmark_get_names_of_their_own():
    rows = [
        {"series": "a", "benchmark": "MMLU", "evaluator": "Epoch"},
        {"series": "b", "benchmark": "MMLU", "evaluator": "https://example.org/"},
        {"series": "c", "benchmark": "MMLU", "evaluator": "https://example.org/"},
        {"series": "d", "benchmark": "GPQA", "evaluator": None},
    ]
    assert titles_of(rows) == {
        "a": "MMLU, Epoch", "b": "MMLU, example.org (b)", "c": "MMLU, example.org (c)", "d": "GPQA",
    }  # fmt: skip


def two_sided(built):
    with connect_published(Settings(data=built)) as connection:
        return connection.execute(
            "SELECT series, comparability FROM marts.headline WHERE slice = 'all' AND open_definition = 'downloadable'"
            " AND tolerance = 'strict' AND open_model IS NOT NULL AND closed_model IS NOT NULL"
        ).fetchall()


def test_every_series_with_both_sides_has_a_chart_and_loose_ones_stand_apart(built, site):
    series = two_sided(built)
    comparable, _, loose = (site / "benchmarks.html").read_text().partition('id="loose"')
    charts = [part.count("<article") for part in (comparable, loose)]
    assert charts == [
        sum(kind != "loose" for _, kind in series),
        sum(kind == "loose" for _, kind in series),
    ]


def test_the_chart_of_lags_holds_no_loose_series(built, site):
    loose = {series for series, kind in two_sided(built) if kind == "loose"}
    shown = set(pl.read_parquet(site / "charts" / "lag-by-benchmark.parquet")["series"])
    assert shown
    assert not shown & loose


def test_a_domain_can_be_picked_and_stays_in_the_address(site, page):
    tab = page(site / "benchmarks.html")
    every = tab.locator("article.multiple:visible").count()
    tab.get_by_label("math", exact=True).check()
    some = tab.locator("article.multiple:visible")
    assert 0 < some.count() < every
    assert {one.get_attribute("data-value") for one in some.all()} == {"math"}
    assert "domain=math" in tab.url
    tab.reload()
    assert tab.locator("article.multiple:visible").count() == some.count()
    assert tab.seen.errors == []


def test_all_charts_are_there_without_javascript(site, page):
    tab = page(site / "benchmarks.html", java_script_enabled=False)
    assert tab.locator("article.multiple:visible").count() == tab.locator("article.multiple").count() > 0


@pytest.mark.parametrize("name", ["benchmarks", "method", "data"])
def test_a_phone_needs_no_sideways_scrolling(site, page, name):
    tab = page(site / f"{name}.html", viewport={"width": 390, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
