"""Frontier, gap and catch-up as a competent user of polars or pandas would write them, without this project.

They hold on tables whose repeated rows agree on dates and access, where a direction and a scale are
not needed, and count nothing.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from benchmarks.gap_world import AS_OF

DAYS_PER_MONTH = 30.4375


def polars_plain(scores: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Gaps and lags from the best score of each model."""
    facts = ("access", "released_on", "weights_on")
    return _polars(
        scores.lazy()
        .filter(pl.col("access") != "unknown")
        .group_by("series", "model")
        .agg(pl.col("score").max(), pl.col(facts).first())
    )


def polars_direct(scores: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The same from all rows: a running maximum does not mind the repeated ones."""
    return _polars(scores.lazy().filter(pl.col("access") != "unknown"))


def _polars(best: pl.LazyFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Gaps and lags from rows of `series, model, score, access, released_on, weights_on`."""
    best = best.with_columns(opened=pl.coalesce("weights_on", "released_on")).collect().lazy()
    is_open = pl.col("access") == "open"
    opened = _frontier(best.filter(is_open, pl.col("opened") <= AS_OF), "opened")
    closed = _frontier(best.filter(~is_open | (pl.col("opened") > pl.col("released_on"))), "released_on")
    gaps = (
        opened.rename({"model": "open_model", "score": "open_score"})
        .join(
            closed.rename({"model": "closed_model", "score": "closed_score"}),
            on=["series", "on"],
            how="full",
            coalesce=True,
        )
        .sort("series", "on")
        .with_columns(pl.exclude("series", "on").forward_fill().over("series"))
        .drop_nulls()
        .with_columns(gap_raw=pl.col("closed_score") - pl.col("open_score"))
    )
    lags = (
        closed.rename({"model": "closed", "on": "closed_on"})
        .sort("score")
        .join_asof(
            opened.rename({"model": "open", "on": "open_on"}).sort("score"),
            on="score",
            by="series",
            strategy="forward",
            check_sortedness=False,
        )
        .with_columns(
            censored=pl.col("open").is_null(),
            lag_months=(pl.col("open_on").fill_null(AS_OF) - pl.col("closed_on")).dt.total_days() / DAYS_PER_MONTH,
        )
    )
    return gaps, lags


def _frontier(side: pl.LazyFrame, on: str) -> pl.DataFrame:
    """Records of one side: the best of each day, where it is above all before."""
    side = side.select("series", "model", "score", on=on)
    tops = (
        side.group_by("series", "on")
        .agg(pl.col("score").max())
        .sort("series", "on")
        .with_columns(before=pl.col("score").cum_max().shift().over("series"))
        .filter(pl.col("before").is_null() | (pl.col("score") > pl.col("before")))
        .drop("before")
    )
    return (
        side.join(tops, on=["series", "on", "score"])
        .group_by("series", "on", "score")
        .agg(pl.col("model").min())
        .sort("series", "on")
        .collect()
    )


def pandas_plain(scores: Any) -> tuple[Any, Any]:
    """Gaps and lags from the best score of each model, in pandas."""
    import pandas as pd  # noqa: PLC0415 - only this method needs it, and memory is measured

    as_of = pd.Timestamp(AS_OF)
    known = scores[scores["access"] != "unknown"]
    best = known.groupby(["series", "model"], sort=False, as_index=False).agg(
        score=("score", "max"),
        access=("access", "first"),
        released_on=("released_on", "first"),
        weights_on=("weights_on", "first"),
    )
    best["opened"] = best["weights_on"].fillna(best["released_on"])
    is_open = best["access"] == "open"

    def frontier(side: Any, on: str) -> Any:
        side = side[["series", "model", "score", on]].rename(columns={on: "on"})
        tops = side.groupby(["series", "on"], as_index=False)["score"].max()
        before = tops.groupby("series")["score"].cummax().groupby(tops["series"]).shift()
        tops = tops[before.isna() | (tops["score"] > before)]
        found = side.merge(tops, on=["series", "on", "score"])
        return found.groupby(["series", "on", "score"], as_index=False)["model"].min()

    opened = frontier(best[is_open & (best["opened"] <= as_of)], "opened")
    closed = frontier(best[~is_open | (best["opened"] > best["released_on"])], "released_on")
    gaps = opened.merge(closed, on=["series", "on"], how="outer", suffixes=("_open", "_closed"))
    gaps = gaps.sort_values(["series", "on"])
    held = ["model_open", "score_open", "model_closed", "score_closed"]
    gaps[held] = gaps.groupby("series")[held].ffill()
    gaps = gaps.dropna().rename(columns={"model_open": "open_model", "model_closed": "closed_model"})
    gaps["gap_raw"] = gaps["score_closed"] - gaps["score_open"]
    lags = pd.merge_asof(
        closed.rename(columns={"model": "closed", "on": "closed_on"}).sort_values("score"),
        opened.rename(columns={"model": "open", "on": "open_on"}).sort_values("score"),
        on="score",
        by="series",
        direction="forward",
    )
    lags["censored"] = lags["open"].isna()
    lags["lag_months"] = (lags["open_on"].fillna(as_of) - lags["closed_on"]).dt.days / DAYS_PER_MONTH
    return gaps.reset_index(drop=True), lags
