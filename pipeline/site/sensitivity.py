"""Figures of what the answer depends on: where a line begins, what counts as open, which days models have."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from pipeline.site.charts import dots, layered, months_told
from pipeline.site.figures import FAINT, INK, MUTED, TOLD, Figure, Frame

_OPEN = {
    "downloadable": "any downloadable weights",
    "commercial": "commercial use allowed",
    "unrestricted": "free licence alone",
}


def windows(rows: pl.DataFrame) -> Figure:
    """The slope of the gap by the window it is taken over: what the anchor of the line does to the answer.

    Args:
        rows: window, slope, lo, hi (points a year), p_closing, months.
    """
    told = pl.format(
        "{}: {} points a year, 90% {} to {}", "window", *(pl.col(name).round(1) for name in ("slope", "lo", "hi"))
    )
    signs = {slope > 0 for slope in rows["slope"].to_list()}
    sure = rows.filter((pl.col("lo") > 0) | (pl.col("hi") < 0)).height
    said = "The sign depends on where the line begins" if len(signs) > 1 else "Every window has the same sign"
    said += "; no interval excludes zero." if not sure else f"; {sure} of {rows.height} intervals exclude zero."

    def build(frame: Frame) -> Any:
        names = alt.Y("window:N", title=None, sort=rows["window"].to_list(),
                      axis=alt.Axis(labelLimit=140 if frame.narrow else 330, labelPadding=6, ticks=False,
                                    domain=False))  # fmt: skip
        base = alt.Chart(rows.with_columns(told=told)).encode(names)
        axis = alt.Axis(tickCount=6, orient="top", grid=True)
        zero = alt.Chart(pl.DataFrame({"slope": [0]})).mark_rule(color=MUTED, strokeDash=[2, 3])
        return layered([
            base.mark_rule(strokeWidth=3, color=FAINT).encode(
                alt.X("lo:Q", title="points a year; below zero the gap closes", axis=axis), x2=alt.X2("hi:Q")),
            zero.encode(alt.X("slope:Q")),
            base.mark_circle(size=80, color=INK, opacity=1).encode(alt.X("slope:Q"), description=TOLD),
        ], Frame(frame.width, 28 * rows.height))  # fmt: skip

    return Figure(
        name="windows",
        title="Which way the gap moves, by where one begins",
        lead=said,
        alt="; ".join(f"{row['window']}: {row['slope']:+.1f}" for row in rows.to_dicts()),
        build=build,
        data=rows,
        source="Least squares on month ends; intervals that allow for what one month says of the next",
        key=(("rule", "change of the gap a year"), ("band", "90% interval")),
        narrow=Frame(330, 200, narrow=True),
    )


def choices(
    answers: dict[tuple[str, str], dict[str, Any]], dates: list[dict[str, Any]], moved: list[dict[str, Any]]
) -> Figure:
    """What other choices would have answered, in months.

    Args:
        answers: rows of marts.headline by definition of open and tolerance.
        dates: rows of marts.date_sensitivity.
        moved: models of the series that Epoch dates otherwise: model, used_on, stated_on.
    """
    lags = [
        (f"lag, {_OPEN[definition]}, {tolerance}", row["lag_months"], row["lag_lo"], row["lag_hi"], row["lag_bounded"])
        for (definition, tolerance), row in answers.items()
    ]
    waits = [
        ("catch-up, days " + row["dating"] + (f" ({row['redated']} moved)" if row["redated"] else ""),
         row["catch_up_median"], row["catch_up_lo"], row["catch_up_hi"], False)
        for row in dates
    ]  # fmt: skip
    schema = {"name": pl.String, "value": pl.Float64, "lo": pl.Float64, "hi": pl.Float64, "bounded": pl.Boolean}
    rows = pl.DataFrame(lags + waits, schema=schema, orient="row").drop_nulls("value")
    spans = [
        f"{what} {min(values):.1f} to {max(values):.1f}"
        for what in ("lag", "catch-up")
        if (values := rows.filter(pl.col("name").str.starts_with(what))["value"].to_list())
    ]
    return Figure(
        name="choices",
        title="What other choices would have answered",
        lead=f"Months, from the same scores: {'; '.join(spans)}.",
        alt="; ".join(rows.select(months_told()).to_series()),
        build=dots(rows.with_columns(told=months_told()), "months"),
        data=rows,
        source="marts.headline and marts.date_sensitivity; whiskers are 90% intervals",
        note="; ".join(f"{row['model']}: {row['used_on']} is used, Epoch has {row['stated_on']}" for row in moved)
        or None,
    )
