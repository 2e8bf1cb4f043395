"""The charts of the first page: both frontiers, the gap, records until they are matched, sizes, and what may come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any, Literal

import altair as alt
import polars as pl

from pipeline.site.figures import AXIS, CLOSED, CLOSED_TEXT, FAINT, INK, MUTED, OPEN, PAPER, TOLD, Frame

Chart = Any
Build = Callable[[Frame], Chart]
SIDES = ["open", "closed"]
_SCALE = alt.Scale(domain=SIDES, range=[OPEN, CLOSED])
COLOUR = alt.Color("side:N", scale=_SCALE, legend=None)
DASH = alt.StrokeDash("side:N", scale=alt.Scale(domain=SIDES, range=[[1, 0], [6, 4]]), legend=None)
SHAPE = alt.Shape("side:N", scale=alt.Scale(domain=SIDES, range=["circle", "square"]), legend=None)
_DAYS_PER_MONTH = 30.4375


def frontier(records: pl.DataFrame, others: pl.DataFrame, answer: dict[str, Any], unit: str) -> Build:
    """Step lines of both sides, a mark on every record, other models faint, and a black rule as long as the lag.

    Args:
        records: side, released_on, model, score, reported (by the developer alone: a hollow mark).
        others: side, released_on, model, score of models that raised no frontier.
        answer: as_of, lag_months, lag_bounded, open_model, open_score, closed_model, closed_score.
        unit: title of the score axis.
    """
    as_of: date = answer["as_of"]
    sides = records.sort("released_on", "score").group_by("side", maintain_order=True)
    ends = sides.last().with_columns(released_on=pl.lit(as_of))
    lines = pl.concat([records, ends]).sort("side", "released_on", "score")
    scores = records["score"].to_list()
    floor = min(scores) - 0.08 * (max(scores) - min(scores))
    faint = others.filter(pl.col("score") > floor).with_columns(_told(None))
    told = records.with_columns(_told("reported"))
    start: date = min(*records["released_on"].to_list(), as_of)

    def build(frame: Frame) -> Chart:
        room = timedelta(days=round((as_of - start).days * (0.34 if frame.narrow else 0.16)))
        x = years("released_on", alt.Scale(domain=[instant(start), instant(as_of + room)]))
        y = height(
            "score",
            unit.partition(" (")[0] if frame.narrow else unit,
            alt.Scale(domain=[floor, max(scores)], nice=True, zero=False),
        )
        fill = alt.condition("datum.reported", alt.value(PAPER), alt.Fill("side:N", scale=_SCALE, legend=None))
        stroke = alt.Stroke("side:N", scale=_SCALE, legend=None)
        dots = alt.Chart(faint).mark_circle(size=14, opacity=0.45, color=FAINT)
        steps = alt.Chart(lines).mark_line(interpolate="step-after", strokeWidth=2.4)
        marks = alt.Chart(told).mark_point(size=54 if frame.narrow else 66, opacity=1, strokeWidth=2)
        return layered([
            dots.encode(x, y, description=TOLD),
            steps.encode(x, y, COLOUR, strokeDash=DASH),
            marks.encode(x, y, stroke=stroke, shape=SHAPE, fill=fill, description=TOLD),
            *_ends(ends, answer, x, y, frame),
            *_rule(answer, x, y, frame),
        ], frame)  # fmt: skip

    return build


def _ends(ends: pl.DataFrame, answer: dict[str, Any], x: alt.X, y: alt.Y, frame: Frame) -> list[Chart]:
    """Names at the ends of the lines, apart however near these are: above the upper one, below the lower one."""
    above = "closed" if answer["closed_score"] >= answer["open_score"] else "open"
    layers = []
    for side, colour in (("open", OPEN), ("closed", CLOSED_TEXT)):
        named = ends.filter(side=side).with_columns(
            label=pl.concat_str(pl.lit(f"{side.capitalize()} "), pl.col("score").round(1).cast(pl.String)),
            model=pl.col("model").str.slice(0, 18 if frame.narrow else 26),
        )
        base = alt.Chart(named).encode(x, y)
        # The lower one leaves room for the words of the rule.
        first = -22 if side == above else 27
        label = base.mark_text(align="left", dx=8, dy=first, color=colour, fontSize=13, fontWeight="bold")
        model = base.mark_text(align="left", dx=8, dy=first + 15, color=colour, fontSize=12)
        layers += [label.encode(text=alt.Text("label:N")), model.encode(text=alt.Text("model:N"))]
    return layers


def _rule(answer: dict[str, Any], x: alt.X, y: alt.Y, frame: Frame) -> list[Chart]:
    """The lag as a length: from the day closed first passed today's best open score, to today."""
    months = answer["lag_months"]
    if months is None or months <= 0:
        return []
    since = answer["as_of"] - timedelta(days=round(months * _DAYS_PER_MONTH))
    words = f"{'at least ' if answer['lag_bounded'] else ''}{months:.1f} months"
    length = {"released_on": [since], "until": [answer["as_of"]], "score": [answer["open_score"]]}
    base = alt.Chart(pl.DataFrame(length)).encode(x, y)
    # At its end, and so left of the name of the open line, however short it is.
    said = {"released_on": [answer["as_of"]], "score": [answer["open_score"]], "label": [words]}
    label = alt.Chart(pl.DataFrame(said)).encode(x, y, text=alt.Text("label:N"))
    letters: dict[str, Any] = {"align": "right", "dy": 15, "fontSize": 12 if frame.narrow else 13, "fontWeight": "bold"}
    return [
        base.mark_rule(color=INK, strokeWidth=3).encode(x2=alt.X2("until:T")),
        base.mark_tick(color=INK, thickness=3, size=12, orient="vertical"),
        # Lines that pass behind the words do not touch them.
        label.mark_text(stroke=PAPER, strokeWidth=5, strokeJoin="round", **letters),
        label.mark_text(color=INK, **letters),
    ]


def gap(rows: pl.DataFrame, as_of: date, unit: str) -> Build:
    """The gap over time with its 90% interval and a rule at zero. Rows: day, gap_raw, gap_lo, gap_hi."""
    last = rows.sort("day").tail(1).with_columns(day=pl.lit(as_of))
    words = [pl.col("day").dt.strftime("%Y-%m-%d: "), _number("gap_raw", 2), pl.lit(" (90% "), _number("gap_lo"),
             pl.lit(" to "), _number("gap_hi"), pl.lit(")")]  # fmt: skip
    shown = pl.concat([rows.sort("day"), last]).with_columns(told=pl.concat_str(words, ignore_nulls=True))

    def build(frame: Frame) -> Chart:
        base, y = alt.Chart(shown).encode(years("day")), height("gap_raw", unit)
        band = base.mark_area(interpolate="step-after", color=FAINT, opacity=0.3)
        zero = alt.Chart(pl.DataFrame({"zero": [0]})).mark_rule(color=MUTED, strokeDash=[2, 3])
        return layered([
            band.encode(y=alt.Y("gap_lo:Q", title=unit), y2=alt.Y2("gap_hi:Q")),
            zero.encode(y=alt.Y("zero:Q")),
            base.mark_line(interpolate="step-after", color=INK, strokeWidth=2).encode(y),
            base.mark_circle(size=30, color=INK, opacity=1).encode(y, description=TOLD),
        ], frame)  # fmt: skip

    return build


def waits(rows: pl.DataFrame) -> Build:
    """Every closed record: a bar as long as it stayed unmatched, dashed and open-ended where it still is.

    Rows: closed_model, closed_on, months, censored, told.
    """
    order = rows.sort("closed_on", descending=True)["closed_model"].to_list()

    def build(frame: Frame) -> Chart:
        base = alt.Chart(rows).encode(_names("closed_model", order, 190 if frame.narrow else 220), description=TOLD)
        title = f"months until {'matched' if frame.narrow else 'an open model matched it'}"
        x = alt.X("months:Q", title=title, axis=alt.Axis(tickCount=4 if frame.narrow else 6, orient="top"))
        open_ended = base.transform_filter("datum.censored")
        return layered([
            base.transform_filter("!datum.censored").mark_bar(size=11, color=OPEN).encode(x),
            open_ended.mark_bar(size=9, color=PAPER, stroke=CLOSED, strokeWidth=1.5, strokeDash=[4, 3]).encode(x),
            open_ended.mark_point(shape="triangle-right", size=70, filled=True, color=CLOSED, opacity=1).encode(x),
        ], Frame(frame.width, 18 * rows.height))  # fmt: skip

    return build


def dots(rows: pl.DataFrame, title: str) -> Build:
    """A dot with a whisker a row, in the order given; an arrow for a lower bound. On narrow ones names stand above.

    Rows: name, value (months), lo, hi, bounded, told; lo and hi may be null.
    """
    order = rows["name"].to_list()

    def build(frame: Frame) -> Chart:
        names = alt.Y("name:N", sort=order, axis=None) if frame.narrow else _names("name", order, 330)
        base = alt.Chart(rows).encode(names)
        above = base.mark_text(align="left", dy=-13, color=INK, fontSize=11.5, limit=frame.width - 20)
        axis = alt.Axis(tickCount=6, orient="top", grid=True, offset=8 if frame.narrow else 0)
        x = alt.X("value:Q", title=title, axis=axis)
        whisker = base.transform_filter("isValid(datum.lo)").mark_rule(strokeWidth=3, color=AXIS)
        arrow = base.transform_filter("datum.bounded").mark_point(shape="triangle-right", size=95, filled=True)
        return layered([
            whisker.encode(x=alt.X("lo:Q"), x2=alt.X2("hi:Q")),
            base.transform_filter("!datum.bounded").mark_circle(size=80, color=OPEN, opacity=1)
            .encode(x, description=TOLD),
            arrow.encode(x, color=alt.value(OPEN), opacity=alt.value(1), description=TOLD),
            *[above.encode(x=alt.value(0), text=alt.Text("name:N"))] * frame.narrow,
        ], Frame(frame.width, (36 if frame.narrow else 26) * rows.height))  # fmt: skip

    return build


def months_told() -> pl.Expr:
    """A row of `dots` in words: its name and months, at least so many where that is a lower bound."""
    least = pl.when("bounded").then(pl.lit(": at least ")).otherwise(pl.lit(": "))
    return pl.concat_str("name", least, _number("value"), pl.lit(" months"))


def fan(rows: pl.DataFrame, unit: str) -> Build:
    """Both simulated frontiers: medians with 50% and 90% bands. Rows: on, open_q05 ... closed_q95."""

    def build(frame: Frame) -> Chart:
        base, layers = alt.Chart(rows).encode(years("on")), []
        for side, colour, dash in (("closed", CLOSED, [6, 4]), ("open", OPEN, [1, 0])):
            for lo, hi, opacity in (("q05", "q95", 0.14), ("q25", "q75", 0.22)):
                y = height(f"{side}_{lo}", unit, alt.Scale(zero=False))
                layers.append(base.mark_area(color=colour, opacity=opacity).encode(y, y2=alt.Y2(f"{side}_{hi}:Q")))
            layers.append(
                base.mark_line(color=colour, strokeWidth=2.2, strokeDash=dash).encode(y=alt.Y(f"{side}_q50:Q"))
            )
        return layered(layers, frame)

    return build


def parity(rows: pl.DataFrame) -> Build:
    """The probability that open has reached closed by a day. Rows: on, p_parity."""
    percent = (pl.col("p_parity") * 100).round(0).cast(pl.Int64).cast(pl.String)
    told = rows.with_columns(told=pl.concat_str(pl.col("on").dt.strftime("%B %Y: "), percent, pl.lit("%")))

    def build(frame: Frame) -> Chart:
        y = height("p_parity", "probability of parity by then", alt.Scale(domain=[0, 1]), format="%")
        base = alt.Chart(told).encode(years("on"), y)
        mark = base.mark_circle(size=22, color=INK, opacity=1).encode(description=TOLD)
        return layered([base.mark_line(color=INK, strokeWidth=2.2), mark], frame)

    return build


def survival(steps: pl.DataFrame, median: float | None) -> Build:
    """The share of closed records that no open model has matched, by months. Rows: months, share, lo, hi."""

    def build(frame: Frame) -> Chart:
        axis = alt.Axis(grid=False, tickCount=5 if frame.narrow else 10)
        base = alt.Chart(steps).encode(alt.X("months:Q", title="months after a record", axis=axis))
        y = height("share", "share still unmatched", alt.Scale(domain=[0, 1]), format="%")
        layers = [
            base.mark_area(interpolate="step-after", color=FAINT, opacity=0.3).encode(
                y=alt.Y("lo:Q"), y2=alt.Y2("hi:Q")
            ),
            base.mark_line(interpolate="step-after", color=INK, strokeWidth=2.2).encode(y),
        ]
        if median is not None:
            words = f"half {'' if frame.narrow else 'matched '}after {median:.1f} months"
            side: Literal["left", "right"] = "left" if median < steps["months"].to_list()[-1] / 2 else "right"
            half = pl.DataFrame({"months": [median], "share": [0.5], "label": [words]})
            point = alt.Chart(half).encode(alt.X("months:Q"), y)
            label = point.mark_text(
                align=side, dx=10 if side == "left" else -10, dy=-8, color=INK, fontWeight="bold", fontSize=12
            )
            mark = point.mark_point(shape="diamond", size=90, filled=True, color=INK, opacity=1)
            layers += [mark, label.encode(text=alt.Text("label:N"))]
        return layered(layers, frame)

    return build


def layered(layers: Sequence[Chart], frame: Frame) -> Chart:
    """Layers over one another, as wide as the frame with axes and all."""
    padding = {"top": 18, "right": 8, "left": 2, "bottom": 4}
    # The width is that of the whole drawing, so that long names leave letters as large as elsewhere.
    fitted = alt.AutoSizeParams(type="fit-x", contains="padding")
    return alt.layer(*layers, width=frame.width, height=frame.height, padding=padding, autosize=fitted)


def years(field: str, scale: alt.Scale | None = None) -> alt.X:
    """The horizontal axis of days, labelled by years."""
    axis = alt.Axis(format="%Y", tickCount="year", grid=False)
    return alt.X(f"{field}:T", title=None, axis=axis, scale=scale or alt.Scale())


def height(field: str, title: str, scale: alt.Scale | None = None, **axis: Any) -> alt.Y:
    """The vertical axis, its title lying above it."""
    above = alt.Axis(tickCount=6, titleAngle=0, titleAlign="left", titleY=-10, titleX=0, **axis)
    return alt.Y(f"{field}:Q", title=title, scale=scale or alt.Scale(), axis=above)


def _names(field: str, order: list[str], limit: int) -> alt.Y:
    return alt.Y(
        f"{field}:N", title=None, sort=order, axis=alt.Axis(labelLimit=limit, labelPadding=6, ticks=False, domain=False)
    )


def instant(day: date) -> alt.DateTime:
    """A day where a scale wants one."""
    return alt.DateTime(year=day.year, month=day.month, date=day.day)


def _number(name: str, digits: int = 1) -> pl.Expr:
    return pl.col(name).round(digits).cast(pl.String)


def _told(reported: str | None) -> pl.Expr:
    words = [pl.col("model"), pl.lit(" ("), pl.col("side"), pl.lit("): "), _number("score", 2),
             pl.col("released_on").dt.strftime(", %Y-%m-%d")]  # fmt: skip
    if reported:
        words.append(pl.when(reported).then(pl.lit(", reported by its developer alone")).otherwise(pl.lit("")))
    return pl.concat_str(words).alias("told")
