"""Figures of the first page that follow the answer through time: the lag, and the best model of each class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import altair as alt
import duckdb
import polars as pl

from pipeline.gap.frontier import records
from pipeline.gap.lag import DAYS_PER_MONTH, Scale, Tolerance, backward_lag
from pipeline.gap.sides import availability
from pipeline.gap.slices import EVERYTHING, LICENCES, Slice, restrict, slices
from pipeline.site.charts import height, instant, layered, years
from pipeline.site.figures import CLOSED, FAINT, INK, OPEN, TOLD, Figure, Frame

SIZES = ("params <= 2B", "params <= 8B", "params <= 32B", "params <= 70B")
"""Of the slices by size, those that are drawn: more lines cannot be told apart."""
_HATCH = timedelta(days=12)
_ROW = 17
"""Pixels that a label needs."""
_FRONTIERS = """
    SELECT f.side, f.released_on AS available_on, f.model_name AS model, f.score FROM marts.frontier_by_open AS f
    WHERE f.series = $series AND f.open_definition = $definition ORDER BY f.side, f.released_on, f.score"""


def lag(connection: duckdb.DuckDBPyConnection, asked: dict[str, Any], as_of: date, suffix: str) -> Figure:
    """The lag on every day, by the same function as today's; where it is only a lower bound, hatched.

    Args:
        connection: the published file.
        asked: series, definition.
        as_of: date of the world.
        suffix: of the figure's name.
    """
    frontiers = connection.execute(_FRONTIERS, asked).pl()
    rows = _lags(frontiers, as_of)
    bounded, undefined = rows.filter("bounded"), rows.filter(pl.col("lag_from").is_null())
    said = "Months since a closed model was first better than the best open one of that day."
    if bounded.height:
        first, until = frontiers.filter(side="closed")["model"][0], max(bounded["until"].to_list())
        said += (
            f" Until {until:%B %Y} open models were behind even the first closed one on record, {first}: the lag was"
            " at least that long."
        )
    if undefined.height:
        said += " Where open led there is no lag, and no line."
    return Figure(
        name=f"lag{suffix}",
        title="How long is the lag?",
        lead=said,
        alt=said + "".join(f" {row['day']}: {row['lag_from']:.1f} months." for row in rows.tail(1).to_dicts()),
        build=_lag_chart(rows),
        data=rows,
        source="From the same records; it grows day by day, and falls when an open model comes out",
        key=(("rule", "lag"), ("hatch", "at least so long")),
        papers=not suffix,
        wide=Frame(800, 220),
        narrow=Frame(330, 200, narrow=True),
    )


def _lags(frontiers: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Stretches of time with one closed model to count from: day, until, lag_from, lag_until, bounded.

    Args:
        frontiers: side, available_on, model, score; the records of both sides in order.
        as_of: date of the world, where the last stretch ends.
    """
    closed, opened = (frontiers.filter(side=side) for side in ("closed", "open"))
    days = sorted({day for day in frontiers["available_on"].to_list() if day <= as_of})
    start = max(closed["available_on"][0], opened["available_on"][0])
    found = []
    for day, until in zip(days, [*days[1:], as_of], strict=True):
        then = backward_lag(closed, opened, day, Tolerance("strict"), Scale())
        if day >= start and until > day:
            found.append((day, until, then.months, then.bounded))
    rows = pl.DataFrame(
        found,
        schema={"day": pl.Date, "until": pl.Date, "lag_from": pl.Float64, "bounded": pl.Boolean},
        orient="row",
    )
    passed = (pl.col("until") - pl.col("day")).dt.total_days() / DAYS_PER_MONTH
    return rows.select("day", "until", "lag_from", lag_until=pl.col("lag_from") + passed, bounded="bounded")


def _lag_chart(rows: pl.DataFrame) -> Callable[[Frame], Any]:
    known = rows.drop_nulls("lag_from").with_row_index("stretch")
    ends = pl.concat([
        known.select("stretch", day=pl.col(day), months=pl.col(months))
        for day, months in (("day", "lag_from"), ("until", "lag_until"))
    ]).sort("stretch", "day").with_columns(
        told=pl.concat_str(pl.col("day").cast(pl.String), pl.lit(": "), pl.col("months").round(1), pl.lit(" months"))
    )  # fmt: skip
    hatched = pl.DataFrame(
        [(day, months) for row in known.filter("bounded").to_dicts() for day, months in _hatch(row)],
        schema={"day": pl.Date, "months": pl.Float64}, orient="row",
    )  # fmt: skip

    def build(frame: Frame) -> Any:
        x, y = years("day"), height("months", "months behind", alt.Scale(domainMin=0))
        base = alt.Chart(ends).encode(x, y)
        return layered([
            alt.Chart(hatched).mark_rule(color=FAINT, strokeWidth=1.5, opacity=0.7).encode(x, y, y2=alt.Y2Datum(0)),
            base.mark_line(color=INK, strokeWidth=2, strokeJoin="bevel"),
            base.mark_circle(size=24, color=INK, opacity=1).encode(description=TOLD),
        ], frame)  # fmt: skip

    return build


def _hatch(row: dict[str, Any]) -> list[tuple[date, float]]:
    """A rule every few days under a stretch, in step over all of them."""
    first = date.fromordinal(-(-row["day"].toordinal() // _HATCH.days) * _HATCH.days)
    days = [first + place * _HATCH for place in range((row["until"] - first) // _HATCH + 1)]
    return [(day, row["lag_from"] + (day - row["day"]).days / DAYS_PER_MONTH) for day in days]


def classes(connection: duckdb.DuckDBPyConnection, series: str, as_of: date) -> list[Figure]:
    """The best open model of each size and of each class of licence through time, beside the closed frontier."""
    inputs = connection.execute("FROM staging.gap_inputs WHERE series = $series", {"series": series}).pl()
    if inputs.is_empty():
        return []
    known = {piece.name: piece for piece in slices(inputs)}
    groups: dict[str, tuple[str, str, Sequence[tuple[Slice, str]]]] = {
        "sizes-over-time": (
            "The best open model of each size", "params_b",
            [(known[name], name.replace("params <= ", "up to ")) for name in SIZES] + [(EVERYTHING, "any size")],
        ),
        "licences-over-time": (
            "The best open model under each kind of licence", "licence_class",
            [(known[f"licence {name}"], name.replace("_", "-")) for name in LICENCES],
        ),
    }  # fmt: skip
    return [_classes(name, *group, inputs, as_of) for name, group in groups.items()]


def _classes(
    name: str, title: str, column: str, pieces: Sequence[tuple[Slice, str]], inputs: pl.DataFrame, as_of: date
) -> Figure:
    def best(side: str, words: str, piece: Slice) -> pl.DataFrame:
        held = records(availability(restrict(inputs, piece)[0], as_of).rows).filter(side=side)
        return held.select(pl.lit(words).alias("class"), "available_on", "model", "score")

    rows = pl.concat([*(best("open", words, piece) for piece, words in pieces), best("closed", "closed", EVERYTHING)])
    ends = rows.group_by("class", maintain_order=True).last().sort("score", descending=True).to_dicts()
    order = [words for _, words in pieces]
    unknown = inputs.filter(pl.col("access") == "open", pl.col(column).is_null())["model"].n_unique()
    left_out = f" {unknown} open models of unknown class are in none of these lines." if unknown else ""
    return Figure(
        name=name,
        title=title,
        lead="; ".join(f"{row['class']} {row['score']:.1f} ({row['model']})" for row in ends) + ".",
        alt="Best score so far, by class, at the end: "
        + "; ".join(f"{row['class']} {row['score']:.1f}" for row in ends),
        build=_classes_chart(rows, [word for word in order if word in rows["class"].to_list()], as_of),
        data=rows,
        source="Epoch AI (CC BY 4.0); sizes and licences as the Hub or the developers state them",
        key=(("open", "Open weights, by class"), ("closed", "Closed")),
        note=f"The axis does not start at zero.{left_out}",
        wide=Frame(800, 320),
        narrow=Frame(330, 320, narrow=True),
    )


def _classes_chart(rows: pl.DataFrame, order: list[str], as_of: date) -> Callable[[Frame], Any]:
    ends = rows.group_by("class", maintain_order=True).last().with_columns(available_on=pl.lit(as_of))
    told = rows.with_columns(
        told=pl.format("{}: {} {}, {}", "class", "model", pl.col("score").round(1), "available_on")
    )
    lines = pl.concat([rows, ends]).sort("class", "available_on", "score")
    scores = rows["score"].to_list()
    low, high = min(scores), max(scores)
    start = min(*rows["available_on"].to_list(), as_of)
    # The wider a class, the stronger its line.
    strength = [0.35 + 0.65 * (place + 1) / len(order) for place in range(len(order))]

    def build(frame: Frame) -> Any:
        room = timedelta(days=round((as_of - start).days * (0.42 if frame.narrow else 0.2)))
        x = years("available_on", alt.Scale(domain=[instant(start), instant(as_of + room)]))
        y = height("score", "points of the index", alt.Scale(domain=[low, high], nice=True, zero=False))
        names = [*order, "closed"]
        tone = alt.Color("class:N", legend=None, scale=alt.Scale(domain=names, range=[*[OPEN] * len(order), CLOSED]))
        opacity = alt.Opacity(
            "class:N", legend=None, scale=alt.Scale(type="ordinal", domain=names, range=[*strength, 1])
        )
        dashes = alt.StrokeDash(
            "class:N", legend=None, scale=alt.Scale(domain=names, range=[*[[1, 0]] * len(order), [6, 4]])
        )
        placed = apart(ends, (high - low) * _ROW / frame.height)
        return layered([
            alt.Chart(lines).mark_line(interpolate="step-after", strokeWidth=2).encode(
                x, y, tone, opacity=opacity, strokeDash=dashes),
            alt.Chart(told).mark_circle(size=30).encode(x, y, tone, opacity=opacity, description=TOLD),
            alt.Chart(placed).mark_text(align="left", dx=8, fontSize=12, color=INK).encode(
                x, y, text=alt.Text("class:N")),
        ], frame)  # fmt: skip

    return build


def apart(ends: pl.DataFrame, least: float) -> pl.DataFrame:
    """Move labels up until no two are nearer than so much. Columns: score and whatever else."""
    rows = ends.sort("score")
    places: list[float] = []
    for score in rows["score"].to_list():
        places.append(max(score, places[-1] + least) if places else score)
    return rows.with_columns(score=pl.Series(places, dtype=pl.Float64))
