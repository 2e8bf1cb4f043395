"""Frontiers: the running maximum of each side, the models that raise it, and the gap between them."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipeline.gap.codes import codes

CLIP = 0.001
"""Scaled scores are kept within [CLIP, 1 - CLIP] before the logit, which has no value at the ends."""

_PLACE = ["series", "side"]
_SPANS = 64  # equal stretches of time in which hopeless rows are looked for


def records(rows: pl.DataFrame) -> pl.DataFrame:
    """The models that raise the running maximum of their side, one row a record.

    Several models on one day: the best counts. On equal scores the earlier keeps the record; on one
    day the first by name. Rows below an earlier stretch of time are dropped first and the maximum of
    each day is taken before the running one, so little of the cost depends on the number of scores.

    Args:
        rows: `series, model, side, available_on, released_on, score, stderr`, higher better
            (`Sides.rows`).

    Returns:
        The same columns, ordered by series, side and day; within a side scores strictly increase.
    """
    rows = rows.filter(_hopeful(rows)) if rows.height else rows
    daily = (
        rows.group_by([*_PLACE, "available_on"])
        .agg(pl.col("score").max())
        .sort([*_PLACE, "available_on"])
        .with_columns(before=pl.col("score").cum_max().shift(1).over(_PLACE))
        .filter(pl.col("before").is_null() | (pl.col("score") > pl.col("before")))
    )
    return (
        rows.join(daily.drop("before"), on=[*_PLACE, "available_on", "score"], how="semi")
        .sort([*_PLACE, "available_on", "model"])
        .unique([*_PLACE, "available_on"], keep="first", maintain_order=True)
    )


def _hopeful(rows: pl.DataFrame) -> pl.Series:
    """Whether a row is above everything its side had in earlier stretches of time: no record fails this.

    Of millions of rows few pass, so that only those few need exact days and names.
    """
    day = rows["available_on"].to_physical().to_numpy().astype(np.int64)
    span = (day - day.min()) * _SPANS // (int(day.max()) - int(day.min()) + 1)
    place = codes(rows["series"]).to_numpy().astype(np.int64) * 2 + (rows["side"] == "open").to_numpy()
    score = rows["score"].to_numpy()
    # One flat number a place and span; one column more than spans, so that `cell` is the time *before* it.
    cell = place * (_SPANS + 1) + span
    tops = np.full((int(place.max()) + 1, _SPANS + 1), -np.inf)
    np.maximum.at(tops.ravel(), cell + 1, score)
    return pl.Series(score > np.maximum.accumulate(tops, axis=1).ravel()[cell])


def scaled(score: pl.Expr, chance: pl.Expr, ceiling: pl.Expr) -> pl.Expr:
    """`(score - chance) / (ceiling - chance)`: 0 at chance, 1 at the ceiling, null where either is."""
    return (score - chance) / (ceiling - chance)


def logit(score: pl.Expr, chance: pl.Expr, ceiling: pl.Expr) -> pl.Expr:
    """Logit of the scaled score clipped to [0.001, 0.999]; null where chance or ceiling is null."""
    p = scaled(score, chance, ceiling).clip(CLIP, 1 - CLIP)
    return (p / (1 - p)).log()


def win_probability(difference: pl.Expr) -> pl.Expr:
    """Probability that the better of two Elo ratings wins: `1 / (1 + 10^(-d / 400))`."""
    return 1 / (1 + pl.lit(10.0).pow(-difference / 400))


def gap_over_time(frontiers: pl.DataFrame, series: pl.DataFrame) -> pl.DataFrame:
    """The vertical gap on every day on which a frontier moves, where both sides have a model.

    Args:
        frontiers: records as `records` gives them (oriented: higher is better).
        series: `series, orient, chance, ceiling, unit` (`Sides.series`).

    Returns:
        `series, on, open_model, open_score, closed_model, closed_score` (scores as published),
        `gap_raw` (positive: closed leads, also where lower scores are better), `gap_logit` (null
        without chance and ceiling) and `win_probability` of the closed side (Elo only), ordered by
        series and day.
    """
    sides = {
        side: frontiers.filter(pl.col("side") == side).select(
            "series",
            pl.col("available_on").alias("on"),
            pl.col("model").alias(f"{side}_model"),
            pl.col("score").alias(f"{side}_score"),
        )
        for side in ("open", "closed")
    }
    held = ["open_model", "open_score", "closed_model", "closed_score"]
    moves = (
        sides["open"]
        .join(sides["closed"], on=["series", "on"], how="full", coalesce=True)
        .sort("series", "on")
        .with_columns(pl.col(held).forward_fill().over("series"))
        .drop_nulls(["open_score", "closed_score"])
        .join(series.select("series", "orient", "chance", "ceiling", "unit"), on="series", maintain_order="left")
    )
    difference = pl.col("closed_score") - pl.col("open_score")
    published = {name: pl.col(name) * pl.col("orient") for name in ("open_score", "closed_score")}
    bounds = pl.col("chance"), pl.col("ceiling")
    return moves.select(
        "series",
        "on",
        "open_model",
        published["open_score"],
        "closed_model",
        published["closed_score"],
        gap_raw=difference,
        gap_logit=logit(published["closed_score"], *bounds) - logit(published["open_score"], *bounds),
        win_probability=pl.when(pl.col("unit") == "elo").then(win_probability(difference)),
    )
