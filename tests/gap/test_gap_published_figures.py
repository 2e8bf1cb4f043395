"""The estimators against a published index of capability, where the shared folder holds it."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from pipeline.gap.series import SeriesReport, series_report

TABLE = Path(os.environ.get("MOAT_SHARED", "../shared")) / "data/epoch_eci_2026-08/eci_scores.csv"
pytestmark = pytest.mark.skipif(not TABLE.exists(), reason=f"{TABLE} is not here (MOAT_SHARED)")
ACCESS = {"Closed weights": "closed", "Open weights": "open", "Other": "unknown"}
LICENCES = {
    "Open weights (unrestricted)": "unrestricted",
    "Open weights (restricted use)": "restricted",
    "Open weights (non-commercial)": "non_commercial",
}


def index(*, glm_open: bool = True, o3_on: date | None = None) -> pl.DataFrame:
    frame = pl.read_csv(TABLE).select(
        pl.lit("epoch_eci").alias("series"),
        pl.col("Model").alias("model"),
        pl.col("eci").alias("score"),
        pl.col("date").str.to_date().alias("released_on"),
        pl.col("Accessibility group").replace_strict(ACCESS).alias("access"),
        pl.col("Model accessibility").replace_strict(LICENCES, default=None).alias("licence_class"),
    )
    if glm_open:
        frame = frame.with_columns(
            access=pl.when(pl.col("model") == "GLM-5.1").then(pl.lit("open")).otherwise("access")
        )
    if o3_on:
        frame = frame.with_columns(released_on=pl.when(pl.col("model") == "o3").then(o3_on).otherwise("released_on"))
    return frame


def report(as_of: date = date(2026, 8, 11), definition: str = "downloadable", **options) -> SeriesReport:
    return series_report(index(**options), as_of, open_definition=definition)[0]


def test_gap_and_backward_lag():
    found = report()
    assert (found.frontier_open.model, found.frontier_closed.model) == ("Kimi K3", "GPT-5.6 Sol")
    assert found.gap_raw == pytest.approx(4.64, abs=0.005)
    assert found.backward.months == pytest.approx(5.22, abs=0.005)


def test_gap_and_backward_lag_of_unrestricted_models():
    found = report(definition="unrestricted")
    assert found.frontier_open.model == "DeepSeek V4 Flash 0731"
    assert found.gap_raw == pytest.approx(9.12, abs=0.005)
    assert found.backward.months == pytest.approx(8.74, abs=0.005)


def test_catch_up_with_o3_at_its_public_release():
    found = report(o3_on=date(2025, 4, 16)).survival
    assert (found.n, found.censored) == (19, 4)
    assert (found.median, found.rmst18, found.naive_mean) == pytest.approx((7.10, 7.02, 6.92), abs=0.01)
    assert (found.lo, found.hi) == pytest.approx((5.3, 7.9), abs=0.05)


def test_catch_up_with_o3_at_its_announcement():
    found = report().survival
    assert (found.n, found.censored) == (18, 4)
    assert (found.median, found.rmst18, found.naive_mean) == pytest.approx((7.13, 7.51, 7.40), abs=0.01)


def test_gpt_5_is_matched_by_glm_5_1_only_if_that_is_open():
    def gpt_5(**options):
        return next(event for event in report(**options).catch_up if event.closed == "GPT-5")

    assert gpt_5().open == "GLM-5.1"
    assert gpt_5().lag_months == pytest.approx(7.98, abs=0.005)
    assert gpt_5(glm_open=False).open == "Kimi K2.6"
    before = gpt_5(glm_open=False, as_of=date(2026, 4, 19))
    assert before.censored
