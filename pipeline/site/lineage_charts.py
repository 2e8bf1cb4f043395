"""The charts of the Lineage page: the memo's dates, waits for derivatives, how they are made, how much is known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import altair as alt
import polars as pl

from pipeline.site.figures import AXIS, FAINT, GRID, INK, MUTED, OPEN, PAPER, TOLD, Frame

Chart = Any
Style = dict[str, Any]
FEW = 30
"""Below so many repositories a share says little, and its bar is faded."""
KNOWN = ("declared", "curated", "inferred", "unknown", "none")
_FILLS = {
    "declared": (OPEN, 1.0),
    "curated": (OPEN, 0.62),
    "inferred": (OPEN, 0.3),
    "unknown": (FAINT, 0.75),
    "none": (GRID, 1.0),
}
_EDGE = 1300
"""Days at the right end of the clocks, where what was not reached points to."""
_ROOM = {"top": 6, "right": 8, "left": 2, "bottom": 4}


def half(day: date | None) -> str:
    """A half-year as people write it: H1 2024."""
    return "unknown" if day is None else f"H{1 if day.month < 7 else 2} {day.year}"


def timeline(rows: pl.DataFrame) -> Callable[[Frame], Chart]:
    """One row an event: its claimed, evidenced and weights day on one axis, joined by a thin line.

    Args:
        rows: name, claimed_day, evidenced_day, weights_day, memo_early_by, in the order of their rows.
    """
    days = ("claimed_day", "evidenced_day", "weights_day")
    words = {
        "claimed_day": "the memo says day",
        "evidenced_day": "the record says day",
        "weights_day": "weights on day",
    }
    placed = rows.with_columns(
        lo=pl.min_horizontal(days),
        hi=pl.max_horizontal(days),
        early=pl.col("memo_early_by").map_elements(_early, pl.String),
        place=pl.int_range(pl.len()),
    )
    marks = placed.unpivot(days, index=["name", "place"], variable_name="what", value_name="day").drop_nulls("day")
    marks = marks.with_columns(
        told=pl.concat_str("name", pl.lit(": "), pl.col("what").replace(words), pl.lit(" "), "day")
    )
    lowest, highest = (min(placed["lo"].to_list(), default=0), max(placed["hi"].to_list(), default=0))
    ends = [min(-8, lowest), max(70, highest + 4)]

    def build(frame: Frame) -> Chart:
        step = 40 if frame.narrow else 27
        x = alt.X(
            "day:Q",
            title="Days from the leak of LLaMA's weights, 3 March 2023",
            scale=alt.Scale(domain=ends, nice=False),
            axis=alt.Axis(values=list(range(0, ends[1], 10)), tickCount=40, orient="top", titlePadding=8, tickSize=0),
        )
        y = alt.Y("place:O", title=None, axis=None, scale=alt.Scale(paddingInner=0, paddingOuter=0.1))
        lift = 0 if not frame.narrow else 8
        leak = alt.Chart(pl.DataFrame({"day": [0]})).mark_rule(color=AXIS, strokeWidth=2).encode(x)
        line = (
            alt.Chart(placed)
            .mark_rule(color=MUTED, strokeWidth=1.3, yOffset=lift)
            .encode(x=alt.X("lo:Q"), x2=alt.X2("hi:Q"), y=y)
        )
        shapes: dict[str, Style] = {
            "weights_day": {"shape": "diamond", "size": 110, "stroke": INK, "fill": PAPER, "strokeWidth": 2},
            "claimed_day": {"shape": "circle", "size": 190, "stroke": MUTED, "fill": PAPER, "strokeWidth": 2},
            "evidenced_day": {"shape": "circle", "size": 70, "stroke": OPEN, "fill": OPEN, "strokeWidth": 1},
        }
        points = [
            alt.Chart(marks.filter(what=what))
            .mark_point(opacity=1, yOffset=lift, **style)
            .encode(x, y, description=TOLD)
            for what, style in shapes.items()
        ]
        late = (
            alt.Chart(placed.drop_nulls("early"))
            .mark_text(align="left", dx=14, dy=lift, color=INK, fontWeight=600, fontSize=12)
            .encode(x=alt.X("hi:Q"), y=y, text=alt.Text("early:N"))
        )
        where: Style = {"align": "left", "dy": -9} if frame.narrow else {"align": "right", "dx": -12}
        names = (
            alt.Chart(placed)
            .mark_text(color=INK, fontSize=12, **where)
            .encode(x=alt.value(0), y=y, text=alt.Text("name:N"))
        )
        width = frame.width if frame.narrow else frame.width - 130
        chart = alt.layer(leak, line, *points, names, late)
        return chart.properties(width=width, height=step * placed.height, padding=_ROOM)

    return build


def _early(days: int) -> str | None:
    if days == 0:
        return None
    return f"memo {abs(days)} day{'s' * (abs(days) != 1)} {'early' if days > 0 else 'late'}"


def clocks(rows: pl.DataFrame) -> Callable[[Frame], Chart]:
    """A panel a kind, a row a half-year: the median wait with its interval, or an arrow where it was not reached.

    Args:
        rows: kind, bases_of (words), is_memo, bases, happened, median_days, lo, hi, place.
    """
    kinds = list(dict.fromkeys(rows["kind"].to_list()))
    placed = rows.with_columns(
        left=pl.coalesce("lo", "median_days"),
        right=pl.coalesce("hi", pl.lit(float(_EDGE))),
        counted=pl.when("is_memo")
        .then(pl.when(pl.col("median_days").is_null()).then(pl.lit("none yet")))
        .otherwise(pl.concat_str("happened", pl.lit(" of "), "bases")),
        told=pl.struct(rows.columns).map_elements(_wait, pl.String),
    )
    heights = rows["bases_of"].n_unique()

    def build(frame: Frame) -> Chart:
        columns = 1 if frame.narrow else 3
        width = frame.width - 118 if frame.narrow else (frame.width - 270) // 3
        panels = [
            _panel(placed.filter(kind=kind), kind, width, heights * 19, named=not index % columns)
            for index, kind in enumerate(kinds)
        ]
        return alt.concat(*panels, columns=columns, bounds="flush", spacing={"column": 78, "row": 62}).properties(
            padding=_ROOM
        )

    return build


def _panel(rows: pl.DataFrame, kind: str, width: int, height: int, *, named: bool) -> Chart:
    scale = alt.Scale(type="symlog", constant=12, domain=[0, _EDGE], nice=False)
    axis = alt.Axis(values=[0, 7, 30, 90, 365, 1000], tickCount=20, tickSize=3, labelFontSize=11, labelOverlap=False)
    x = alt.X("left:Q", title=None, scale=scale, axis=axis)
    labels = alt.Axis(tickSize=0, domain=False, labelColor=INK, labelFontSize=12) if named else None
    y = alt.Y("bases_of:N", title=None, sort=rows["bases_of"].to_list(), axis=labels)
    base = alt.Chart(rows)
    reached, never = "isValid(datum.median_days)", "!isValid(datum.hi) && !datum.is_memo"
    whisker = (
        base.transform_filter("isValid(datum.left) && !datum.is_memo")
        .mark_rule(color=MUTED, strokeWidth=1.6)
        .encode(x, y, x2=alt.X2("right:Q"), description=TOLD)
    )
    arrow = (
        base.transform_filter(f"{never} || (datum.is_memo && !{reached})")
        .mark_point(shape="triangle-right", size=60, filled=True, color=MUTED, opacity=1)
        .encode(x=alt.X("right:Q"), y=y, description=TOLD)
    )
    kinds_of_mark: tuple[tuple[str, Style, Style], ...] = (
        ("!datum.is_memo", {"shape": "circle", "size": 75, "color": OPEN}, {"dy": -9}),
        ("datum.is_memo", {"shape": "diamond", "size": 95, "color": INK}, {"dx": 9, "align": "left"}),
    )
    middle = alt.X("median_days:Q")
    dots = [
        base.transform_filter(f"{reached} && {mine}")
        .mark_point(filled=True, opacity=1, **style)
        .encode(x=middle, y=y, description=TOLD)
        for mine, style, _ in kinds_of_mark
    ]
    values = [
        base.transform_filter(f"{reached} && {mine}")
        .mark_text(fontSize=11, color=INK, **style)
        .encode(x=middle, y=y, text=alt.Text("median_days:Q", format=".0f"))
        for mine, _, style in kinds_of_mark
    ]
    counts = (
        base.transform_filter("isValid(datum.counted)")
        .mark_text(align="left", dx=10, fontSize=11, color=MUTED)
        .encode(x=alt.value(width), y=y, text=alt.Text("counted:N"))
    )
    title = {"any": "Anything at all"}.get(kind, kind.capitalize())
    return alt.layer(whisker, arrow, *dots, *values, counts).properties(
        width=width, height=height, title=alt.TitleParams(title, offset=12)
    )


def _wait(row: dict[str, Any]) -> str:
    if row["is_memo"]:
        return f"LLaMA 7B, {row['kind']}: " + (
            "none" if row["median_days"] is None else f"day {row['median_days']:.0f}"
        )
    said = f"{row['kind']}, base models of {row['bases_of']}: {row['happened']} of {row['bases']} built on"
    if row["median_days"] is None:
        return f"{said}; median not reached"
    ends = f"{row['lo'] or 0:.0f} to {'open' if row['hi'] is None else format(row['hi'], '.0f')}"
    return f"{said}; median {row['median_days']:.0f} days (90% {ends})"


def adoption(rows: pl.DataFrame) -> Callable[[Frame], Chart]:
    """A panel a technique: its share of the new derivatives of each half-year; few derivatives are faded and counted.

    Args:
        rows: half_year (words), kind, derivatives, of_all, share; every pair of both once.
    """
    kinds = list(dict.fromkeys(rows["kind"].to_list()))
    halves = list(dict.fromkeys(rows["half_year"].to_list()))
    placed = rows.with_columns(
        when=pl.concat_str(pl.col("half_year").str.replace(" ", "|"), pl.lit("|"), "of_all"),
        few=pl.col("of_all") < FEW,
        label=pl.when(pl.col("derivatives") == 0)
        .then(pl.lit(""))
        .when(pl.col("of_all") < FEW)
        .then(pl.col("derivatives").cast(pl.String))
        .when(pl.col("share") < 0.005)
        .then(pl.lit("<1%"))
        .otherwise(pl.concat_str((100 * pl.col("share")).round(0).cast(pl.Int64), pl.lit("%"))),
        told=pl.concat_str(
            "half_year", pl.lit(": "), "derivatives", pl.lit(" of "), "of_all", pl.lit(" new derivatives: "), "kind"
        ),
    )
    top = max(0.5, float(placed["share"].max() or 0))  # type: ignore[arg-type]
    order = [next(iter(placed.filter(half_year=one)["when"])) for one in halves]

    def build(frame: Frame) -> Chart:
        panels = []
        for kind in kinds:
            last = kind == kinds[-1]
            ticks = (
                alt.Axis(labelExpr="split(datum.label, '|')", labelAngle=0, tickSize=0, labelFontSize=11)
                if last
                else None
            )
            x = alt.X("when:O", title=None, sort=order, axis=ticks, scale=alt.Scale(paddingInner=0.25))
            y = alt.Y("share:Q", title=None, scale=alt.Scale(domain=[0, top]), axis=None)
            base = alt.Chart(placed.filter(kind=kind)).encode(x, y)
            bars = base.mark_bar(color=OPEN if kind != "none" else FAINT).encode(
                opacity=alt.condition("datum.few", alt.value(0.35), alt.value(1)), description=TOLD
            )
            labels = base.mark_text(dy=-7, fontSize=11, color=INK).encode(text=alt.Text("label:N"))
            floor = alt.Chart(pl.DataFrame({"share": [0]})).mark_rule(color=AXIS).encode(y=alt.Y("share:Q", axis=None))
            title = alt.TitleParams("nothing is said" if kind == "none" else kind, fontSize=12, offset=2)
            panels.append(alt.layer(floor, bars, labels).properties(width=frame.width, height=46, title=title))
        return alt.vconcat(*panels, spacing=6).properties(padding=_ROOM)

    return build


def known(rows: pl.DataFrame) -> Callable[[Frame], Chart]:
    """A bar a half-year, split by what tells what its repositories were built on.

    Args:
        rows: half_year (words), evidence, repositories, of_all, share; in the order of the rows.
    """
    halves = list(dict.fromkeys(rows["half_year"].to_list()))
    placed = (
        rows.with_columns(
            place=pl.col("evidence").replace_strict(
                {name: place for place, name in enumerate(KNOWN)}, return_dtype=pl.Int32
            )
        )
        .sort(pl.col("half_year").cast(pl.Enum(halves)), "place")
        .with_columns(
            stop=pl.col("share").cum_sum().over("half_year"),
            told=pl.concat_str(
                "half_year", pl.lit(", "), "evidence", pl.lit(": "), "repositories", pl.lit(" of "), "of_all"
            ),
        )
        .with_columns(
            start=pl.col("stop") - pl.col("share"),
            label=pl.concat_str((100 * pl.col("share")).round(0).cast(pl.Int64), pl.lit("%")),
        )
    )
    placed = placed.with_columns(middle=(pl.col("start") + pl.col("stop")) / 2)
    totals = placed.unique("half_year", maintain_order=True).with_columns(end=pl.lit(1.0))
    names = list(_FILLS)

    def build(frame: Frame) -> Chart:
        y = alt.Y(
            "half_year:N",
            title=None,
            sort=halves,
            axis=alt.Axis(tickSize=0, domain=False, labelColor=INK),
            scale=alt.Scale(paddingInner=0.22),
        )
        x = alt.X(
            "start:Q",
            title=None,
            scale=alt.Scale(domain=[0, 1], nice=False),
            axis=alt.Axis(format="%", tickCount=2 if frame.narrow else 5, grid=False),
        )
        bars = (
            alt.Chart(placed)
            .mark_bar(stroke=PAPER, strokeWidth=1)
            .encode(
                x,
                y,
                x2=alt.X2("stop:Q"),
                description=TOLD,
                fill=alt.Fill(
                    "evidence:N", legend=None, scale=alt.Scale(domain=names, range=[_FILLS[name][0] for name in names])
                ),
                fillOpacity=alt.FillOpacity(
                    "evidence:N",
                    legend=None,
                    scale=alt.Scale(type="ordinal", domain=names, range=[_FILLS[name][1] for name in names]),
                ),
            )
        )
        wide_enough = placed.filter(pl.col("share") >= (0.13 if frame.narrow else 0.06))
        texts = [
            alt.Chart(wide_enough.filter(pl.col("evidence").is_in(group)))
            .mark_text(fontSize=11, color=colour)
            .encode(x=alt.X("middle:Q"), y=y, text=alt.Text("label:N"))
            for group, colour in ((["declared"], PAPER), (["curated", "inferred", "unknown", "none"], INK))
        ]
        counts = (
            alt.Chart(totals)
            .mark_text(align="left", dx=8, color=MUTED, fontSize=11)
            .encode(x=alt.X("end:Q"), y=y, text=alt.Text("of_all:Q"))
        )
        width = frame.width - (110 if frame.narrow else 60)
        return alt.layer(bars, *texts, counts).properties(width=width, height=28 * len(halves), padding=_ROOM)

    return build
