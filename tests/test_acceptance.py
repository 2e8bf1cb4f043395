"""Figures recomputed independently on Epoch's published index; the bundled facts must give them too."""

import json

import polars as pl
import pytest

from pipeline.facts import tables
from pipeline.gap.series import series_report
from pipeline.gap.sides import parse_open_definition
from tests.conftest import moat

AS_OF = pl.Series(["2026-08-11"]).str.to_date()[0]


def index(o3_as_published=False, glm_open=True):
    """Epoch's index joined with the releases and overrides of the project."""
    scores = tables.load("scores_epoch_eci").select("model_id", "series_id", "value")
    overrides = {
        (row["model_id"], row["field"]): row["value"] for row in tables.load("overrides").iter_rows(named=True)
    }
    if o3_as_published:
        overrides.pop(("o3", "released_on"))
    if not glm_open:
        overrides.pop(("glm_5_1", "access"))
    releases = tables.load("releases").with_columns(
        pl.struct("model_id", field)
        .map_elements(
            lambda row, f=field: overrides.get((row["model_id"], f), row[f] and str(row[f])), return_dtype=pl.String
        )
        .alias(field)
        for field in ("access", "licence_class", "released_on")
    )
    return scores.join(releases, on="model_id").select(
        series="series_id",
        model="name",
        score="value",
        released_on=pl.col("released_on").str.to_date(),
        access="access",
        licence_class="licence_class",
    )


def report(definition="downloadable", **world):
    return series_report(index(**world), AS_OF, open_definition=parse_open_definition(definition))[0]


def test_downloadable_gap_and_backward_lag():
    found = report()
    assert (found.frontier_open.model, found.frontier_open.score) == ("Kimi K3", 157.01)
    assert (found.frontier_closed.model, found.frontier_closed.score) == ("GPT-5.6 Sol", 161.65)
    assert found.gap_raw == pytest.approx(4.64, abs=0.05)
    assert found.backward.months == pytest.approx(5.22, abs=0.1)


def test_unrestricted_gap_and_backward_lag():
    found = report("unrestricted")
    assert (found.frontier_open.model, found.frontier_open.score) == ("DeepSeek V4 Flash 0731", 152.53)
    assert found.gap_raw == pytest.approx(9.12, abs=0.05)
    assert found.backward.months == pytest.approx(8.74, abs=0.1)


@pytest.mark.parametrize(
    ("o3_as_published", "n", "median", "restricted", "matched"),
    [(False, 19, 7.10, 7.02, 6.92), (True, 18, 7.13, 7.51, 7.40)],
)
def test_catch_up_with_either_date_of_o3(o3_as_published, n, median, restricted, matched):
    found = report(o3_as_published=o3_as_published).survival
    assert (found.n, found.censored) == (n, 4)
    assert found.median == pytest.approx(median, abs=0.15)
    assert found.rmst18 == pytest.approx(restricted, abs=0.15)
    assert found.naive_mean == pytest.approx(matched, abs=0.15)


def test_interval_of_the_median():
    found = report().survival
    assert (found.lo, found.hi) == (pytest.approx(5.3, abs=0.15), pytest.approx(7.9, abs=0.15))


def test_gpt_5_is_matched_by_glm_5_1_and_later_without_its_override():
    def match(**world):
        return next(event for event in report(**world).catch_up if event.closed == "GPT-5")

    assert match().open == "GLM-5.1"
    assert match().lag_months == pytest.approx(7.98, abs=0.05)
    assert match(glm_open=False).open == "Kimi K2.6"


def test_the_published_file_says_the_same(built):
    done = moat("report", "--json", data=built)
    headline = json.loads(done.stdout)["headline"]
    assert headline["gap_raw"] == pytest.approx(4.64, abs=0.05)
    assert headline["lag_months"] == pytest.approx(5.22, abs=0.1)
    assert headline["catch_up_median"] == pytest.approx(7.10, abs=0.15)
    assert (headline["records"], headline["censored"]) == (19, 4)


def test_slope_of_the_gap_since_2025():
    rate = next(r for r in report().closing if (r.window, r.measure) == ("since_2025", "gap"))
    assert rate.ols.slope_per_year == pytest.approx(2.8, abs=0.3)
    assert rate.theil_sen.slope_per_year == pytest.approx(4.0, abs=0.3)
