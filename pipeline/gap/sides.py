"""Who is on which side, from when: a table of scores becomes rows of availability.

Nothing is guessed here: a model of unknown access or without a date stands on neither side and is
counted. Frontiers and lags do not belong here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

import numpy as np
import polars as pl

from pipeline.errors import InputError
from pipeline.gap.codes import codes

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
FULL_MARKS = {"fraction": 1.0, "percent": 100.0}
"""What a perfect score is in the units that say so themselves."""

_REQUIRED = ("series", "model", "score", "released_on", "access")
_FACTS = ("released_on", "weights_on", "access", "licence_class")
_SCALE = ("chance", "ceiling", "direction", "unit")
_STATES = ("open", "closed", "unknown", "excluded", "undated")


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
    rows = rows.with_columns(place=codes(rows["series"]))
    scale = _scale(rows)
    if (scale["orient"] < 0).any():
        rows = rows.join(scale.select("place", "orient"), on="place", maintain_order="left").with_columns(
            score=pl.col("score") * pl.col("orient")
        )
    best, repeats = _best_rows(rows)
    placed = _place(rows, as_of, open_definition)
    entries = pl.concat(
        # Lazy, so that only the columns wanted are filtered.
        placed.lazy()
        .filter(best, pl.col(f"{side}_on").is_not_null())
        .select(
            "series",
            "model",
            pl.lit(side).alias("side"),
            pl.col(f"{side}_on").alias("available_on"),
            "released_on",
            "score",
            "stderr",
        )
        for side in ("open", "closed")
    ).collect()
    summary = (
        scale.join(_counts(placed.select("place", "access", "stderr", "closed_on", "state").filter(best)), on="place")
        .join(repeats, on="place", how="left")
        .with_columns(pl.col("duplicates", "disagreeing").fill_null(0))
        .drop("place")
        .sort("series")
    )
    return Sides(entries, summary, as_of)


def _place(rows: pl.DataFrame, as_of: date, open_definition: OpenDefinition) -> pl.DataFrame:
    """The rows with `open_on`, `closed_on` and the `state` each is counted under, its place in _STATES."""
    is_open, is_closed = ((pl.col("access") == access).fill_null(value=False) for access in ("open", "closed"))
    admitted = pl.lit(value=True)
    if open_definition != "downloadable":
        admitted = pl.col("licence_class").is_in(_LICENCES[open_definition]).fill_null(value=False)
    weights = pl.coalesce("weights_on", "released_on")
    closed_first = is_open & (weights > pl.col("released_on")).fill_null(value=False)
    return (
        rows.with_columns(
            open_on=pl.when(is_open & admitted & (weights <= as_of)).then(weights),
            closed_on=pl.when(is_closed | closed_first).then("released_on"),
        )
        # Closed models dated only by a weights date that means nothing for them stay undated.
        .with_columns(
            state=pl.when(~(is_open | is_closed))
            .then(_state("unknown"))
            .when(pl.col("open_on").is_not_null())
            .then(_state("open"))
            .when(pl.col("closed_on").is_not_null())
            .then(_state("closed"))
            .when(weights.is_null() | ~is_open)
            .then(_state("undated"))
            .otherwise(_state("excluded"))
        )
    )


def _state(name: str) -> pl.Expr:
    """A state as its place in _STATES."""
    return pl.lit(_STATES.index(name), dtype=pl.UInt8)


def _counts(placed: pl.DataFrame) -> pl.DataFrame:
    """Per place the models of each state and the median standard error; one row a model given."""
    # A few thousand kinds of rows first; the sums are then over those.
    kinds = placed.group_by(
        "place", "state", closed_first=(pl.col("access") == "open") & pl.col("closed_on").is_not_null()
    ).len()
    counts = kinds.group_by("place").agg(
        pl.col("len").sum().alias("models"),
        *(pl.col("len").filter(pl.col("state") == _state(name)).sum().alias(name) for name in _STATES),
        pl.col("len").filter("closed_first").sum().alias("closed_first"),
    )
    noise = placed.select("place", "stderr").drop_nulls().group_by("place").agg(median_stderr=pl.col("stderr").median())
    return noise.join(counts, on="place", how="right").select("median_stderr", *counts.columns)


def _scale(rows: pl.DataFrame) -> pl.DataFrame:
    """Direction, chance, ceiling and unit of each series; contradictory ones become null and are counted."""
    # One row a place, whichever comes last: most others say the same, and only those that differ add to it.
    at = np.zeros(rows["place"].n_unique(), dtype=np.int64)
    at[rows["place"].to_numpy()] = np.arange(rows.height)
    rows = rows.select("place", "series", *_SCALE)
    sample = rows[at]
    differs = (pl.col(name).ne_missing(sample[name].gather(rows["place"])) for name in _SCALE)
    said = pl.concat([sample, rows.filter(pl.any_horizontal(differs))])
    found = said.group_by("place", "series").agg(pl.col(name).drop_nulls().unique() for name in _SCALE)
    clash = found.filter(pl.col("direction").list.len() > 1)
    if clash.height:
        raise InputError(f"series {clash['series'].min()!r}", "gives both directions", "Give one direction a series")
    one = {name: pl.when(pl.col(name).list.len() == 1).then(pl.col(name).list.first()) for name in _SCALE}
    orient = pl.when(one["direction"] == "lower").then(-1).otherwise(1)
    # A ceiling on the wrong side of chance would turn every scaled number upside down.
    inverted = ((one["ceiling"] - one["chance"]) * orient <= 0).fill_null(value=False)
    return found.select(
        "place",
        "series",
        orient=orient.cast(pl.Float64),
        chance=pl.when(~inverted).then(one["chance"]),
        ceiling=pl.when(~inverted).then(one["ceiling"]),
        unit=one["unit"],
        scale_conflicts=inverted.cast(pl.Int64)
        + sum(((pl.col(name).list.len() > 1).cast(pl.Int64) for name in ("chance", "ceiling", "unit")), pl.lit(0)),
    )


def _best_rows(rows: pl.DataFrame) -> tuple[pl.Series, pl.DataFrame]:
    """Whether each row is the best of its model in its series, and per place how many are left behind.

    Of rows with equal scores the first dated one counts, then the least stderr: the order of the
    file never decides.
    """
    # One integer a model and series. Sorting integers finds the repeated ones several times faster
    # than grouping on the names, and only their rows need a closer look.
    key = rows["place"].cast(pl.UInt64) * 2**32 + codes(rows["model"])
    ordered = key.sort()
    repeated = key.is_in(ordered.filter(ordered == ordered.shift(1)).unique().implode())
    facts = rows.select("place", "score", "stderr", *_FACTS, key=key).with_row_index("row").filter(repeated).sort("key")
    facts = facts.with_columns(
        again=(pl.col("key") == pl.col("key").shift(1)).fill_null(value=False),
        differs=pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in _FACTS),
    )
    repeats = facts.group_by("place").agg(
        pl.col("again").sum().cast(pl.UInt32).alias("duplicates"),
        pl.col("key").filter(pl.col("again") & pl.col("differs")).n_unique().cast(pl.UInt32).alias("disagreeing"),
    )
    chosen = (
        facts.filter(pl.col("score") == pl.col("score").max().over("key"))
        .sort("key", "released_on", "weights_on", "access", "licence_class", "stderr", nulls_last=True)
        .unique("key", keep="first", maintain_order=True)
    )
    best = (~repeated).to_numpy(writable=True)
    best[chosen["row"].to_numpy()] = True
    return pl.Series("best", best), repeats
