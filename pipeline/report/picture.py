"""The picture of the answer: both frontiers over time, and the lag drawn as a rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import altair as alt
import polars as pl
import vl_convert

from pipeline.errors import InputError
from pipeline.settings import Settings
from pipeline.warehouse import connect_published

OPEN, CLOSED, MUTED = "#0072B2", "#D55E00", "#57606a"
SCALE = 2.0


def draw(settings: Settings, file: Path) -> None:
    """Write the picture of the headline series of the published file.

    Raises:
        InputError: the file is neither .png nor .svg, or its folder does not exist.
        WarehouseError: nothing is published yet.
    """
    if file.suffix not in {".png", ".svg"} or not file.parent.is_dir():
        raise InputError(str(file), "it is no .png or .svg in a folder that exists", "Give such a path")
    spec = chart(settings).to_json()
    if file.suffix == ".svg":
        file.write_text(vl_convert.vegalite_to_svg(spec), encoding="utf-8")
    else:
        file.write_bytes(vl_convert.vegalite_to_png(spec, scale=SCALE))


def chart(settings: Settings) -> Any:
    """Step lines of both sides, a mark on every record, a black rule for today's lag."""
    with connect_published(settings) as connection:
        records = connection.sql(
            "SELECT side, released_on, model_name, score FROM marts.frontier WHERE series = 'epoch_eci'"
        ).pl()
        answer = connection.sql(
            "SELECT as_of, sentence, lag_months, open_score FROM marts.headline"
            " WHERE is_headline AND open_definition = 'downloadable' AND tolerance = 'strict'"
        ).pl()
    as_of, score = answer["as_of"][0], answer["open_score"][0]
    ends = (
        records.sort("released_on").group_by("side", maintain_order=True).last().with_columns(released_on=pl.lit(as_of))
    )
    lines = pl.concat([records, ends])
    sides = alt.Scale(domain=["open", "closed"], range=[OPEN, CLOSED])
    x = alt.X("released_on:T", title=None, axis=alt.Axis(format="%Y", tickCount="year", grid=False))
    y = alt.Y(
        "score:Q", title="Epoch Capabilities Index (the axis does not start at zero)", scale=alt.Scale(zero=False)
    )
    color = alt.Color("side:N", scale=sides, legend=None)
    dash = alt.StrokeDash("side:N", scale=alt.Scale(domain=["open", "closed"], range=[[1, 0], [6, 3]]), legend=None)
    shape = alt.Shape("side:N", scale=alt.Scale(domain=["open", "closed"], range=["circle", "square"]), legend=None)
    steps = alt.Chart(lines).mark_line(interpolate="step-after", strokeWidth=2.2).encode(x, y, color, strokeDash=dash)
    marks = alt.Chart(records).mark_point(filled=True, size=55, opacity=1).encode(x, y, color, shape)
    layers = [steps, marks, _end_labels(ends, x, y, color)]
    if answer["lag_months"][0] is not None:
        layers.append(_lag_rule(records, as_of, score, answer["lag_months"][0]))
    return (
        alt.layer(*layers)
        .properties(
            width=760,
            height=360,
            title=alt.Title(
                "How far behind is the best open-weight model?",
                subtitle=[*_wrapped(answer["sentence"][0], 135), "Data: Epoch AI (CC BY 4.0), as published 2026-08-11"],
                anchor="start",
                fontSize=18,
                subtitleColor=MUTED,
                subtitlePadding=6,
            ),
            padding={"left": 10, "top": 10, "right": 110, "bottom": 10},
        )
        .configure_view(stroke=None)
        .configure_axis(gridColor="#e6e8eb", domainColor="#c8ccd0", labelColor=MUTED, titleColor=MUTED)
    )


def _end_labels(ends: pl.DataFrame, x: alt.X, y: alt.Y, color: alt.Color) -> Any:
    """Labels at the ends of the lines, on the outer side of each so that they part when the gap closes."""
    ordered = ends.sort("score").with_columns(label=pl.col("side") + " " + pl.col("score").round(2).cast(pl.String))
    return (
        alt.Chart(ordered)
        .transform_window(place="row_number()", sort=[alt.SortField("score")])
        .mark_text(align="left", dx=8, fontWeight="bold", fontSize=13)
        .encode(x, y, color, text="label:N", yOffset=alt.YOffset("place:O", scale=alt.Scale(range=[6, -6])))
    )


def _lag_rule(records: pl.DataFrame, as_of: object, score: float, months: float) -> Any:
    passed = records.filter((pl.col("side") == "closed") & (pl.col("score") > score))["released_on"].min()
    rule = pl.DataFrame({"start": [passed], "end": [as_of], "score": [score], "label": [f"{months:.1f} months"]})
    base = alt.Chart(rule).encode(y="score:Q")
    line = base.mark_rule(color="black", strokeWidth=2).encode(x="start:T", x2="end:T")
    text = base.mark_text(align="right", dx=-8, dy=-10, color="black", fontWeight="bold", fontSize=13).encode(
        x="start:T", text="label:N"
    )
    return alt.layer(line, text)


def _wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) + 1 > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
