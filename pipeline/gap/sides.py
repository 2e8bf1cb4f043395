"""Who is on which side, from when: a table of scores becomes rows of availability.

Nothing is guessed here: a model of unknown access or without a date stands on neither side and is
counted. Frontiers and lags do not belong here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

import polars as pl

from pipeline.errors import InputError

OpenDefinition = Literal["downloadable", "commercial", "unrestricted"]
OPEN_DEFINITIONS: tuple[OpenDefinition, ...] = get_args(OpenDefinition)
_LICENCES: dict[OpenDefinition, tuple[str, ...]] = {
    "commercial": ("unrestricted", "restricted"),
    "unrestricted": ("unrestricted",),
}

SCORE_SCHEMA: dict[str, pl.DataType] = {
    "series": pl.String(),
    "model": pl.String(),
    "score": pl.Float64(),
    "stderr": pl.Float64(),
    "released_on": pl.Date(),
    "weights_on": pl.Date(),
    "evaluated_on": pl.Date(),
    "access": pl.String(),
    "licence_class": pl.String(),
    "params_b": pl.Float64(),
    "chance": pl.Float64(),
    "ceiling": pl.Float64(),
    "direction": pl.String(),
    "unit": pl.String(),
}
_REQUIRED = ("series", "model", "score", "released_on", "access")
_FACTS = ("released_on", "weights_on", "access", "licence_class")
_SCALE = ("chance", "ceiling", "direction", "unit")


@dataclass(frozen=True)
class Sides:
    """Availability of the models of many series as of one date.

    Attributes:
        rows: one row a model and side: `series, model, side` (open | closed), `available_on`,
            `released_on`, `score` and `stderr`. Scores are *oriented*: higher is better, so those of
            a series where lower is better are negated (`orient` in `series` restores them).
        series: one row a series: `series`, `orient` (1 or -1), `chance` and `ceiling` (as given, null
            where absent or contradictory), `unit`, `median_stderr`, and the counts `models, open,
            closed, unknown, excluded, undated, closed_first, duplicates, disagreeing,
            scale_conflicts`; `models = open + closed + unknown + excluded + undated`.
        as_of: the date of the world.
    """

    rows: pl.DataFrame
    series: pl.DataFrame
    as_of: date


def parse_open_definition(text: str) -> OpenDefinition:
    """The definition of "open" by its name.

    Raises:
        InputError: the name is none of `downloadable`, `commercial`, `unrestricted`.
    """
    if text not in OPEN_DEFINITIONS:
        raise InputError(f"open definition {text!r}", "is not known", f"Choose one of {', '.join(OPEN_DEFINITIONS)}")
    return text


def conform(scores: pl.DataFrame) -> pl.DataFrame:
    """The scores with every column of SCORE_SCHEMA, absent optional ones as nulls, others dropped.

    Raises:
        InputError: a required column is missing or a column has a type that cannot be used.
    """
    missing = [name for name in _REQUIRED if name not in scores.columns]
    if missing:
        raise InputError("scores", f"lack the columns {', '.join(missing)}", "Add them")
    try:
        return scores.select(
            (pl.col(name) if name in scores.columns else pl.lit(None, dtype=dtype).alias(name)).cast(dtype)
            for name, dtype in SCORE_SCHEMA.items()
        )
    except pl.exceptions.PolarsError as error:
        raise InputError("scores", f"have a column of the wrong type ({error})", "Convert it") from error


def latest_date(scores: pl.DataFrame) -> date:
    """The latest date of any kind in the scores: the default date of the world.

    Raises:
        InputError: the scores hold no date at all.
    """
    columns = [name for name in ("released_on", "weights_on", "evaluated_on") if name in scores.columns]
    found = [latest for name in columns if isinstance(latest := scores[name].max(), date)]
    if not found:
        raise InputError("scores", "hold no date", "Fill released_on or name the date of the world (as_of)")
    return max(found)


def availability(scores: pl.DataFrame, as_of: date, open_definition: OpenDefinition = "downloadable") -> Sides:
    """Put the models of each series on their sides as the world stood on a date.

    An open model enters the open side at `coalesce(weights_on, released_on)`. One whose weights came
    later than its release counts as closed from `released_on`; a closed record it set stays set. Open
    models outside the definition are on neither side (`excluded`), unless they were closed first. The
    best score of a model counts, with the facts (dates, access) of that row.

    Args:
        scores: columns of SCORE_SCHEMA; all but `series, model, score, released_on, access` optional.
        as_of: models and scores dated later do not exist yet; weights published later are unseen.
        open_definition: `downloadable`, `commercial` (unrestricted or restricted) or `unrestricted`.

    Raises:
        InputError: a column is missing or mistyped, a score is not finite, or a series gives two
            directions.
    """
    parse_open_definition(open_definition)
    rows = conform(scores)
    if not rows["score"].is_finite().fill_null(value=False).all():
        raise InputError("scores", "hold a score that is missing or not finite", "Correct or drop it")
    # Weights published before the "release" are the first public availability.
    first_on = pl.min_horizontal("released_on", pl.when(pl.col("access") == "open").then("weights_on"))
    rows = rows.filter(
        first_on.is_null() | (first_on <= as_of),
        pl.col("evaluated_on").is_null() | (pl.col("evaluated_on") <= as_of),
    )
    scale = _scale(rows)
    rows = rows.drop("chance", "ceiling", "unit", "direction", "evaluated_on", "params_b")
    if (scale["orient"] < 0).any():
        rows = rows.join(scale.select("series", "orient"), on="series", maintain_order="left").with_columns(
            score=pl.col("score") * pl.col("orient")
        )
    best, repeats = _best_rows(rows)
    placed = _place(best, as_of, open_definition)
    entries = pl.concat(
        placed.filter(pl.col(f"{side}_on").is_not_null()).select(
            "series",
            "model",
            pl.lit(side).alias("side"),
            pl.col(f"{side}_on").alias("available_on"),
            "released_on",
            "score",
            "stderr",
        )
        for side in ("open", "closed")
    )
    state = {name: (pl.col("state") == name).sum() for name in ("open", "closed", "unknown")}
    counts = placed.group_by("series").agg(
        pl.col("stderr").median().alias("median_stderr"),
        pl.len().alias("models"),
        **state,
        excluded=(pl.col("state") == "excluded").sum(),
        undated=(pl.col("state") == "undated").sum(),
        closed_first=((pl.col("access") == "open") & pl.col("closed_on").is_not_null()).sum(),
    )
    summary = (
        scale.join(counts, on="series")
        .join(repeats, on="series", how="left")
        .with_columns(pl.col("duplicates", "disagreeing").fill_null(0))
        .sort("series")
    )
    return Sides(entries, summary, as_of)


def _place(best: pl.DataFrame, as_of: date, open_definition: OpenDefinition) -> pl.DataFrame:
    """The best rows with `open_on`, `closed_on` and the `state` each model is counted under."""
    is_open = pl.col("access") == "open"
    admitted = pl.lit(value=True)
    if open_definition != "downloadable":
        admitted = pl.col("licence_class").is_in(_LICENCES[open_definition]).fill_null(value=False)
    weights = pl.coalesce("weights_on", "released_on")
    closed_first = is_open & (weights > pl.col("released_on")).fill_null(value=False)
    return (
        best.with_columns(
            open_on=pl.when(is_open & admitted & (weights <= as_of)).then(weights),
            closed_on=pl.when((pl.col("access") == "closed") | closed_first).then("released_on"),
        )
        # Closed models dated only by a weights date that means nothing for them stay undated.
        .with_columns(
            state=pl.when(~pl.col("access").is_in(["open", "closed"]).fill_null(value=False))
            .then(pl.lit("unknown"))
            .when(pl.col("open_on").is_not_null())
            .then(pl.lit("open"))
            .when(pl.col("closed_on").is_not_null())
            .then(pl.lit("closed"))
            .when(weights.is_null() | ~is_open)
            .then(pl.lit("undated"))
            .otherwise(pl.lit("excluded"))
        )
    )


def _scale(rows: pl.DataFrame) -> pl.DataFrame:
    """Direction, chance, ceiling and unit of each series; contradictory ones become null and are counted."""
    found = rows.group_by("series").agg(pl.col(name).drop_nulls().unique() for name in _SCALE)
    clash = found.filter(pl.col("direction").list.len() > 1)
    if clash.height:
        raise InputError(f"series {clash['series'].min()!r}", "gives both directions", "Give one direction a series")
    one = {name: pl.when(pl.col(name).list.len() == 1).then(pl.col(name).list.first()) for name in _SCALE}
    orient = pl.when(one["direction"] == "lower").then(-1).otherwise(1)
    # A ceiling on the wrong side of chance would turn every scaled number upside down.
    inverted = ((one["ceiling"] - one["chance"]) * orient <= 0).fill_null(value=False)
    return found.select(
        "series",
        orient=orient.cast(pl.Float64),
        chance=pl.when(~inverted).then(one["chance"]),
        ceiling=pl.when(~inverted).then(one["ceiling"]),
        unit=one["unit"],
        scale_conflicts=inverted.cast(pl.Int64)
        + sum(((pl.col(name).list.len() > 1).cast(pl.Int64) for name in ("chance", "ceiling", "unit")), pl.lit(0)),
    )


def _best_rows(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The best row of each model in each series, and how many rows were left behind.

    Of rows with equal scores the first dated one counts, then the least stderr: the order of the
    file never decides.
    """
    keys = ["series", "model"]
    tops = rows.group_by(keys).agg(pl.col("score").max().alias("top"), pl.len().alias("n"))
    empty = pl.DataFrame(schema={"series": pl.String, "duplicates": pl.UInt32, "disagreeing": pl.UInt32})
    if tops.height == rows.height:
        return rows, empty
    repeated = rows.join(tops.filter(pl.col("n") > 1), on=keys)
    disagree = repeated.group_by(keys).agg(
        pl.any_horizontal(pl.col(name).n_unique() > 1 for name in _FACTS).alias("disagreeing"),
        (pl.len() - 1).alias("duplicates"),
    )
    chosen = (
        repeated.filter(pl.col("score") == pl.col("top"))
        .sort([*keys, "released_on", "weights_on", "access", "licence_class", "stderr"], nulls_last=True)
        .unique(keys, keep="first", maintain_order=True)
        .select(rows.columns)
    )
    single = rows.join(tops.filter(pl.col("n") == 1), on=keys, how="semi")
    return pl.concat([single, chosen]), disagree.group_by("series").agg(
        pl.col("duplicates").sum().cast(pl.UInt32), pl.col("disagreeing").sum().cast(pl.UInt32)
    )
