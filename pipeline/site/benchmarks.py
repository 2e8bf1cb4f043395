"""The page of benchmarks: the lag on each of them, and both frontiers of every series that has both sides."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import altair as alt
import duckdb
import polars as pl

from pipeline.site.figures import AXIS, FAINT, INK, MUTED, PAPER, Figure, Frame, draw
from pipeline.site.multiples import Mark, Panel, shown, svg
from pipeline.site.pages import figure, render

Row = dict[str, Any]

_SERIES = """
SELECT h.*, b.domain, s.unit, s.direction, s.evaluator, s.protocol_class, s.source_name, s.source_url
FROM marts.headline AS h
INNER JOIN staging.series AS s ON h.series = s.series_id
INNER JOIN staging.benchmarks AS b ON s.benchmark_id = b.benchmark_id
WHERE
    h.slice = 'all' AND h.open_definition = 'downloadable' AND h.tolerance = 'strict'
    AND h.open_model IS NOT NULL AND h.closed_model IS NOT NULL
ORDER BY h.series
"""
# Our own index is no score that a source states: its models stand in a mart of their own.
_MODELS = """
SELECT series, model, access, released_on, score, coalesce(self_reported, FALSE) AS reported FROM staging.gap_inputs
WHERE released_on IS NOT NULL AND series IN (SELECT series FROM marts.frontier)
UNION ALL
SELECT 'capability_index', model, access, released_on, index_value, FALSE FROM marts.capability_index
WHERE mode = 'eci' AND released_on IS NOT NULL
"""
_RECORDS = "SELECT series, side, released_on, model_name, score FROM marts.frontier ORDER BY series, side, released_on"
_POOLED = "SELECT * FROM marts.pooled_lag WHERE scope = 'all' AND NOT with_loose"
_LOOSE = "loose"
_MONTHS = ("lag_months", "lag_lo", "lag_hi", "catch_up_median", "catch_up_lo", "catch_up_hi")
_KEY = (
    ("lag", "how long ago closed was where open is now"), ("least", "at least that long"), ("whisker", "90% interval"),
    ("median", "median until a closed record is matched"), ("pale", "saturated"),
)  # fmt: skip
_COMPARABILITY = {
    "same_evaluator": "one evaluator, one protocol", "same_protocol": "one protocol", _LOOSE: "mixed evaluators",
}  # fmt: skip


def write(connection: duckdb.DuckDBPyConnection, site: dict[str, Any], folder: Path) -> None:
    """Write benchmarks.html and the files of its first chart."""
    rows = sorted(connection.execute(_SERIES).pl().to_dicts(), key=_by_lag)
    comparable = [row for row in rows if row["comparability"] != _LOOSE]
    loose = [row for row in rows if row["comparability"] == _LOOSE]
    titles = titles_of(comparable) | titles_of(loose)
    # The series of the first sentence comes first, then in the order of the chart above.
    panels = sorted(_panels(connection, rows), key=lambda one: not one[0]["is_headline"])
    cards = [card(row, titles[row["series"]], panel) for row, panel in panels]
    pooled = connection.execute(_POOLED).pl().to_dicts()
    drawn = {
        bool(files): draw(_lags(some, titles, _lead(some, one), loose=not files), folder / "charts")
        for some, one, files in ((comparable, pooled, True), (loose, [], False))
        if some
    }
    page = render(
        "benchmarks.html", site, comparable=[one for one in cards if not one["loose"]],
        loose=[one for one in cards if one["loose"]], lags=drawn.get(True), loose_lags=drawn.get(False),
        domains=sorted({(one["domain_id"], one["domain"]) for one in cards}), key=_KEY,
    )  # fmt: skip
    (folder / "benchmarks.html").write_text(page, encoding="utf-8")


def titles_of(rows: Iterable[Row]) -> dict[str, str]:
    """A name for every series: that of its benchmark, with evaluator or id where several have one name."""
    found = list(rows)
    plain = Counter(row["benchmark"] for row in found)
    longer = {
        row["series"]: row["benchmark"] if plain[row["benchmark"]] == 1 else f"{row['benchmark']}, {_evaluator(row)}"
        for row in found
    }
    often = Counter(longer.values())
    return {series: title if often[title] == 1 else f"{title} ({series})" for series, title in longer.items()}


def lag_words(row: Mapping[str, Any]) -> str:
    """How far open is behind, in a few words: months, at least so many, level or leading."""
    match row["state"]:
        case "open_leads":
            return f"open leads by {_gap(row)}"
        case "within_error":
            return "level" if row["gap_raw"] == 0 else "within measurement error"
        case "behind" | "behind_at_least" if row["lag_months"] is not None:
            least = "at least " if row["lag_bounded"] else ""
            return f"{least}{row['lag_months']:.1f} months behind"
        case "behind" | "behind_at_least":
            return f"behind by {_gap(row)}, lag undefined"
        case _:
            return "not enough data"


def card(row: Row, title: str, panel: Panel) -> Row:
    """What the page shows of a series: words, the chart, the query behind it."""
    domain = row["domain"] or "other"
    literal = row["series"].replace("'", "''")
    interval = None
    if row["lag_lo"] is not None and row["lag_hi"] is not None:
        interval = f"90% CI {row['lag_lo']:.1f} to {row['lag_hi']:.1f}"
    return {
        "id": _slug(row["series"]), "title": title, "loose": row["comparability"] == _LOOSE, "lag": lag_words(row),
        "interval": interval, "saturated": bool(row["saturated"]),
        "comparability": _COMPARABILITY[row["comparability"]],
        "domain": domain, "domain_id": _slug(domain), "evaluator": _evaluator(row), "svg": svg(panel),
        "open": (row["open_model"], shown(row["open_score"], row["unit"])),
        "closed": (row["closed_model"], shown(row["closed_score"], row["unit"])),
        "counts": f"{figure(row['models'])} models: {figure(row['open_models'])} open,"
        f" {figure(row['closed_models'])} closed",
        "records": row["records"], "censored": row["censored"], "median": row["catch_up_median"], "as_of": row["as_of"],
        "lower": row["direction"] == "lower", "source_url": row["source_url"], "source_name": row["source_name"],
        "alt": f"Best open and best closed score on {title} over time; {lag_words(row)}.",
        "sql": f"SELECT released_on, side, model_name, score\nFROM marts.frontier\nWHERE series = '{literal}'\n"
        "ORDER BY released_on;",
    }  # fmt: skip


def _panels(connection: duckdb.DuckDBPyConnection, rows: list[Row]) -> Iterable[tuple[Row, Panel]]:
    records, others, reported = dict[str, list[Mark]](), dict[str, list[Mark]](), set[tuple[str, str]]()
    models = connection.execute(_MODELS).fetchall()
    reported = {(series, model) for series, model, *_, alone in models if alone}
    for series, side, day, model, score in connection.execute(_RECORDS).fetchall():
        alone = (series, model) in reported
        records.setdefault(series, []).append(Mark(side, day, model, score, alone))
    known = {(series, mark.model) for series, marks in records.items() for mark in marks}
    as_of = {row["series"]: row["as_of"] for row in rows}
    for series, model, access, day, score, alone in models:
        if (series, model) not in known and series in as_of and day <= as_of[series]:
            others.setdefault(series, []).append(Mark(access, day, model, score, alone))
    for row in rows:
        series = row["series"]
        yield row, Panel(records[series], others.get(series, []), row["as_of"], row["open_score"], row["lag_months"],
                         bool(row["lag_bounded"]), row["unit"], row["direction"] == "lower")  # fmt: skip


def _by_lag(row: Row) -> tuple[float, float, str]:
    """Leading and level ones first, then by lag; where it is undefined, last."""
    ahead = row["state"] in {"open_leads", "within_error"}
    lag = row["lag_months"] if row["lag_months"] is not None else -1.0 if ahead else float("inf")
    return lag, row["gap_raw"] or 0.0, row["series"]


def _lead(rows: list[Row], pooled: list[Row]) -> str:
    level = sum(row["state"] in {"open_leads", "within_error"} for row in rows)
    lags = [row["lag_months"] for row in rows if row["lag_months"] is not None]
    words = f"On {level} of {len(rows)} series the best open model leads or is level."
    if lags:
        words += (
            f" On {len(lags)} it is behind, by {min(lags):.1f} months at the least and {max(lags):.1f} at the most."
        )
    for row in pooled:
        if row["median_months"] is not None and row["median_lo"] is not None and row["median_hi"] is not None:
            words += (
                f" Pooled over {row['benchmarks']} benchmarks, an open model matches a closed record after a median of"
                f" {row['median_months']:.1f} months (90% CI {row['median_lo']:.1f} to {row['median_hi']:.1f})."
            )
    return words


def _lags(rows: list[Row], titles: dict[str, str], lead: str, *, loose: bool) -> Figure:
    data = pl.DataFrame(
        [
            {
                "benchmark": titles[row["series"]], "lag_months": row["lag_months"],
                "bounded": bool(row["lag_bounded"]),
                "lag_lo": row["lag_lo"], "lag_hi": row["lag_hi"], "catch_up_median": row["catch_up_median"],
                "catch_up_lo": row["catch_up_calibrated_lo"], "catch_up_hi": row["catch_up_calibrated_hi"],
                "state": row["state"], "saturated": bool(row["saturated"]), "models": row["models"],
                "closed_records": row["records"], "unmatched": row["censored"], "series": row["series"],
            }
            for row in rows
        ],
        infer_schema_length=None,
        schema_overrides=dict.fromkeys(_MONTHS, pl.Float64),
    )  # fmt: skip
    newest = max(row["as_of"] for row in rows)
    return Figure(
        name="lag-by-benchmark" + ("-loose" if loose else ""),
        title="How far behind, on mixed evaluators" if loose else "How far behind, benchmark by benchmark",
        lead=lead,
        alt="Lag by benchmark, in months. " + lead,
        build=lambda frame: lag_chart(data, [lag_words(row) for row in rows], frame),
        data=data,
        source=f"Open Moat, data up to {newest}; scores of the evaluators named on each chart below",
        key=_KEY,
        note="Only series whose scores have a standard error have an interval. A series with few models says little,"
        " however long its lag: their number stands beside it. Where open leads or is level there is no lag.",
        files=not loose,
    )


def lag_chart(data: pl.DataFrame, told: list[str], frame: Frame) -> Any:
    """A dot a row for the lag, an arrow where it is only a lower bound, a diamond for the catch-up median.

    Args:
        data: see `_lags`, in the order of the rows.
        told: the lag in words.
        frame: on narrow ones names stand above their rows.
    """
    lags = data["lag_months"].is_not_null()
    # By how much open leads is below; here it would cut names short.
    briefly = pl.Series(told, dtype=pl.String).str.replace(r"^open leads by .*", "open leads")
    rows = data.with_columns(
        told=pl.Series(told, dtype=pl.String),
        place=pl.int_range(pl.len()),
        count=pl.format("{} models", "models"),
        named=pl.when("saturated").then(pl.format("{} (saturated)", "benchmark"))
        .when(lags).then("benchmark").otherwise(pl.format("{} ({})", "benchmark", briefly)),
        median_told=pl.format("{}: half of the closed records matched after {} months", "benchmark",
                              pl.col("catch_up_median").round(1)),
    )  # fmt: skip
    rows = rows.with_columns(
        lag_told=pl.format("{}: {}", "named", "told"), counted=pl.format("{} · {}", "named", "count")
    )
    shown_ends = ("lag_months", "catch_up_median", "lag_hi")
    end = max(6.0, *(float(value) for name in shown_ends for value in data[name].drop_nulls().to_list())) * 1.02
    pitch = 34 if frame.narrow else 21
    width = frame.width - (20 if frame.narrow else 350)
    y = alt.Y(
        "place:O", sort=None, title=None,
        axis=None if frame.narrow else alt.Axis(
            labelExpr=_labels(rows["named"].to_list()), labelLimit=270, ticks=False, domain=False, labelPadding=8),
    )  # fmt: skip
    axis = alt.Axis(
        orient="top", title="months behind", titleAnchor="start", tickCount=6, domain=False, ticks=False,
        offset=8 if frame.narrow else 0,
    )  # fmt: skip
    x = alt.X("lag_months:Q", scale=alt.Scale(domain=[0, end], nice=False), axis=axis)
    tone = alt.condition("datum.saturated", alt.value(FAINT), alt.value(INK))
    base, behind = alt.Chart(rows).encode(y), alt.Chart(rows.filter(lags)).encode(y)
    diamond = alt.Chart(rows.filter(pl.col("catch_up_median").is_not_null())).encode(y)
    layers = [
        base.mark_rule(color=AXIS, strokeDash=[1, 3]).encode(x=alt.XDatum(0), x2=alt.X2Datum(end)),
        behind.transform_filter("isValid(datum.lag_lo)").mark_rule(strokeWidth=2.5, color=INK)
        .encode(x=alt.X("lag_lo:Q"), x2=alt.X2("lag_hi:Q")),
        diamond.mark_point(shape="diamond", size=62, color=MUTED, fill=PAPER, opacity=1, strokeWidth=1.5)
        .encode(x=alt.X("catch_up_median:Q", axis=axis), description=alt.Description("median_told:N")),
        behind.transform_filter("!datum.bounded").mark_circle(size=80, opacity=1)
        .encode(x, color=tone, description=alt.Description("lag_told:N")),
        behind.transform_filter("datum.bounded").mark_point(shape="triangle-right", size=95, filled=True, opacity=1)
        .encode(x, color=tone, description=alt.Description("lag_told:N")),
    ]  # fmt: skip
    if frame.narrow:
        layers.append(base.mark_text(align="left", dy=-13, color=INK, fontSize=11.5, limit=width).encode(
            x=alt.XDatum(0), text=alt.Text("counted:N")))  # fmt: skip
    else:
        layers.append(base.mark_text(align="left", dx=10, color=MUTED, fontSize=11).encode(
            x=alt.XDatum(end), text=alt.Text("count:N")))  # fmt: skip
    return alt.layer(*layers).properties(
        width=width, height=alt.Step(pitch), padding={"top": 4, "left": 2, "right": 4, "bottom": 4}
    )


def _labels(names: list[str]) -> str:
    """An expression that shows a name for the place of its row: names of the Hub may not meet as keys."""
    return f"{json.dumps(names)}[datum.value]"


def _evaluator(row: Row) -> str:
    match row["evaluator"]:
        case "mixed":
            return "several evaluators"
        case None | "not stated":
            return "evaluator not stated"
        case named:
            return re.sub(r"^https://|/$", "", named)


def _gap(row: Mapping[str, Any]) -> str:
    gap = abs(row["gap_raw"] or 0.0)
    if row["unit"] in {"fraction", "percent"}:
        return f"{figure(gap * (100 if row['unit'] == 'fraction' else 1), 1)} points"
    return f"{figure(gap, 1)} {row['unit'] or 'points'}"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "none"
