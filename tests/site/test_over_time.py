"""The lag through time, the best model of each class, and what other choices would answer."""

import json
from datetime import date

import duckdb
import polars as pl
import pytest

from pipeline.site.over_time import _lags, apart

MONTH = 30.4375


def frontiers(*rows):
    return pl.DataFrame(rows, schema=["side", "available_on", "model", "score"], orient="row")


def test_the_lag_grows_by_the_day_and_falls_when_an_open_model_comes_out():
    found = _lags(
        frontiers(
            ("closed", date(2023, 1, 1), "C1", 50.0), ("closed", date(2023, 3, 1), "C2", 60.0),
            ("open", date(2023, 2, 1), "O1", 40.0), ("open", date(2023, 5, 1), "O2", 55.0),
            ("open", date(2023, 7, 1), "O3", 70.0),
        ), date(2023, 8, 1),
    ).rows()  # fmt: skip
    days = [(row[0], row[1], row[4]) for row in found]
    # Behind even the first closed model the lag is a lower bound; ahead there is none.
    assert days == [
        (date(2023, 2, 1), date(2023, 3, 1), True), (date(2023, 3, 1), date(2023, 5, 1), True),
        (date(2023, 5, 1), date(2023, 7, 1), False), (date(2023, 7, 1), date(2023, 8, 1), False),
    ]  # fmt: skip
    assert found[0][2:4] == pytest.approx((31 / MONTH, 59 / MONTH))
    assert found[2][2:4] == pytest.approx((61 / MONTH, 122 / MONTH))
    assert found[3][2] is None


def test_labels_stand_apart_and_in_order():
    placed = apart(pl.DataFrame({"class": ["a", "b", "c"], "score": [10.0, 10.5, 30.0]}), 2.0)
    assert placed.rows() == [("a", 10.0), ("b", 12.0), ("c", 30.0)]


def test_the_last_lag_is_the_headline_s_and_the_whole_class_ends_at_its_best_models(site, built):
    with duckdb.connect(str(built / "published" / "openmoat.duckdb"), read_only=True) as here:
        [(lag, open_score, closed_score)] = here.execute(
            "SELECT lag_months, open_score, closed_score FROM marts.headline"
            " WHERE is_headline AND open_definition = 'downloadable' AND tolerance = 'strict'"
        ).fetchall()
    assert pl.read_parquet(site / "charts" / "lag.parquet")["lag_until"][-1] == pytest.approx(lag)
    ends = dict(
        pl.read_parquet(site / "charts" / "sizes-over-time.parquet")
        .group_by("class", maintain_order=True).last().select("class", "score").iter_rows()
    )  # fmt: skip
    assert (ends["any size"], ends["closed"]) == (open_score, closed_score)
    assert ends["up to 2B"] <= ends["up to 8B"] <= ends["up to 32B"] <= ends["up to 70B"] <= ends["any size"]


def test_the_page_switches_between_gap_and_lag_and_keeps_it_in_the_address(served, page):
    tab = page(f"{served}index.html")
    assert tab.locator("#gap").is_visible()
    assert not tab.locator("#lag").is_visible()
    tab.get_by_label("the lag, in months").check()
    assert tab.locator("#lag").is_visible()
    assert "measure=lag" in tab.url
    tab.reload()
    assert tab.locator("#lag").is_visible()
    assert not tab.locator("#gap").is_visible()
    assert not tab.seen.errors


def test_another_tolerance_shows_the_same_gap_and_no_identifier_stands_twice(served, page):
    tab = page(f"{served}index.html?answer=downloadable-significant")
    assert tab.locator("#gap").is_visible()
    assert not tab.locator("#frontier").is_visible()
    ids = tab.evaluate("[...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(ids) == len(set(ids))


def test_without_a_server_it_switches_too(site, page):
    tab = page(site / "index.html")
    tab.get_by_label("the lag, in months").check()
    assert tab.locator("#lag").is_visible()
    assert not tab.seen.errors


def test_other_choices_stand_beside_the_headline(site):
    rows = {row["name"]: row["value"] for row in pl.read_parquet(site / "charts" / "choices.parquet").to_dicts()}
    latest = json.loads((site / "latest.json").read_text())
    assert rows["lag, any downloadable weights, strict"] == pytest.approx(latest["headline"]["lag_months"], abs=0.05)
    assert "catch-up, days as used" in rows
    assert pl.read_parquet(site / "charts" / "windows.parquet")["window"].to_list()[0] == "12 months"
