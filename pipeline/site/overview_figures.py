"""The figures of the first page, each with its words and its data."""

from __future__ import annotations

from typing import Any

import duckdb
import polars as pl
from lifelines import KaplanMeierFitter

from pipeline.site import charts, over_time
from pipeline.site.figures import Figure, Frame

Answer = dict[str, Any]
NARROW, LOW, LOW_NARROW = Frame(330, 320, narrow=True), Frame(800, 220), Frame(330, 200, narrow=True)
_RECORDS = """
    SELECT f.side, f.released_on, f.model_name AS model, f.score,
        bool_and(coalesce(i.self_reported, FALSE)) AS reported
    FROM marts.frontier_by_open AS f
    LEFT JOIN staging.gap_inputs AS i ON f.series = i.series AND f.model_name = i.model AND f.score = i.score
    WHERE f.series = $series AND f.open_definition = $definition
    GROUP BY ALL ORDER BY f.side, f.released_on, f.score"""
_OTHERS = """
    SELECT i.access AS side, i.released_on, i.model, max(i.score) AS score
    FROM staging.gap_inputs AS i
    WHERE i.series = $series AND i.released_on IS NOT NULL AND i.access IN ('open', 'closed')
        AND i.model NOT IN (
            SELECT f.model_name FROM marts.frontier_by_open AS f
            WHERE f.series = $series AND f.open_definition = $definition
        )
    GROUP BY i.access, i.released_on, i.model
    QUALIFY 12 >= row_number() OVER (
        PARTITION BY date_trunc('month', i.released_on) ORDER BY max(i.score) DESC, i.model
    )
    ORDER BY i.released_on, i.model"""
_GAP = """
    SELECT day, gap_raw, gap_lo, gap_hi, open_score, closed_score FROM marts.gap_by_open
    WHERE series = $series AND open_definition = $definition ORDER BY day"""
_WAITS = """
    SELECT closed_model, closed_on, closed_score, matched_by, matched_on, lag_months, censored, already_reached
    FROM marts.catch_up_by_open
    WHERE series = $series AND slice = 'all' AND open_definition = $definition AND tolerance = $tolerance
    ORDER BY closed_on"""
_SLICES = """
    SELECT slice, lag_months, lag_lo, lag_hi, lag_bounded, gap_raw, open_model, open_models FROM marts.headline
    WHERE series = $series AND slice <> 'all' AND open_definition = 'downloadable' AND tolerance = 'strict'
        AND lag_months IS NOT NULL AND (slice LIKE 'params%' OR slice LIKE 'card%')
    ORDER BY lag_months"""
_FORECAST = "SELECT * FROM marts.forecast WHERE series = $series ORDER BY months_ahead"


def changing(connection: duckdb.DuckDBPyConnection, answer: Answer) -> dict[str, Figure]:
    """The figures that depend on what open means and on the tolerance: frontier, waits; gap and lag (strict).

    Args:
        connection: the published file.
        answer: a row of marts.headline.
    """
    definition, tolerance = answer["open_definition"], answer["tolerance"]
    asked = {"series": answer["series"], "definition": definition}
    suffix = "" if (definition, tolerance) == ("downloadable", "strict") else f"-{definition}-{tolerance}"
    found = {"frontier": _frontier(connection, answer, asked, suffix)}
    if tolerance == "strict":  # these do not depend on it
        found["gap"] = _gap(connection, answer, asked, suffix)
        found["lag"] = over_time.lag(connection, asked, answer["as_of"], suffix)
    return found | {"waits": _waits(connection, answer, asked | {"tolerance": tolerance}, suffix)}


def shared(connection: duckdb.DuckDBPyConnection, main: Answer) -> list[Figure]:
    """The figures of the main answer alone: survival, sizes, forecast, parity; those there is data for."""
    asked = {"series": main["series"]}
    rows = connection.execute(_WAITS, asked | {"definition": "downloadable", "tolerance": "strict"}).pl()
    found = [_survival(rows, main)] if rows.height else []
    slices = connection.execute(_SLICES, asked).pl()
    if slices.height:
        found.append(_sizes(slices, main))
    found += over_time.classes(connection, main["series"], main["as_of"])
    forecast = connection.execute(_FORECAST, asked).pl()
    return [*found, *_forecast(forecast)] if forecast.height else found


def _frontier(connection: duckdb.DuckDBPyConnection, answer: Answer, asked: Answer, suffix: str) -> Figure:
    records, others = connection.execute(_RECORDS, asked).pl(), connection.execute(_OTHERS, asked).pl()
    lag = "" if answer["lag_months"] is None else f" The lag is {answer['lag_months']:.1f} months."
    return Figure(
        name=f"frontier{suffix}",
        title="Best score so far",
        alt=f"Two rising steps up to {answer['as_of']}. The best closed model is {answer['closed_model']} with"
        f" {answer['closed_score']:.1f}, the best open one {answer['open_model']} with"
        f" {answer['open_score']:.1f}.{lag}",
        build=charts.frontier(records, others, answer, "Epoch Capabilities Index (higher is better)"),
        data=records,
        note="The axis does not start at zero.",
        source="Epoch AI (CC BY 4.0); dates of weights and announcements as cited on each row",
        key=(
            ("open", "Open weights"),
            ("closed", "Closed"),
            ("hollow", "reported by its developer alone"),
            ("other", "other models (top 12 a month)"),
            ("rule", "today's lag"),
        ),
        papers=not suffix,
        wide=Frame(800, 380),
        narrow=NARROW,
    )


def _gap(connection: duckdb.DuckDBPyConnection, answer: Answer, asked: Answer, suffix: str) -> Figure:
    rows = connection.execute(_GAP, asked).pl()
    return Figure(
        name=f"gap{suffix}",
        title="Is the gap closing?",
        lead="Closed minus open, in points of the index. Above zero, closed is ahead.",
        alt=f"The gap on {rows.height} days up to {answer['as_of']}; today {answer['gap_raw']:.1f} points.",
        build=charts.gap(rows, answer["as_of"], "points"),
        data=rows,
        source="From the same scores; a point on every day on which a frontier moved",
        key=(("rule", "gap"), ("band", "90% interval")),
        papers=not suffix,
        wide=LOW,
        narrow=LOW_NARROW,
    )


def _waits(connection: duckdb.DuckDBPyConnection, answer: Answer, asked: Answer, suffix: str) -> Figure:
    rows = connection.execute(_WAITS, asked).pl()
    months = pl.col("lag_months").round(1).cast(pl.String)
    waiting = pl.concat_str("closed_model", pl.lit(": unmatched for "), months, pl.lit(" months so far"))
    matched = pl.concat_str(
        "closed_model", pl.lit(": matched by "), "matched_by", pl.lit(" after "), months, pl.lit(" months"),
        ignore_nulls=True,
    )  # fmt: skip
    told = pl.when("censored").then(waiting).otherwise(matched)
    median, open_ended = answer["catch_up_median"], int(rows["censored"].sum())
    said = "not half of them were matched" if median is None else f"half were matched after {median:.1f} months"
    return Figure(
        name=f"catch-up{suffix}",
        title="How long until a closed record was matched",
        lead=f"Of {rows.height} closed records, {said}; {open_ended} stand unmatched and count as waiting, not as"
        " absent.",
        alt=f"A bar for each of {rows.height} closed records, as long as it stayed unmatched; {open_ended} still are.",
        build=charts.waits(rows.with_columns(months=pl.col("lag_months").clip(0), told=told)),
        data=rows,
        source="Median by Kaplan and Meier, with unmatched records censored",
        key=(("open", "matched by an open model"), ("closed", "unmatched so far")),
        papers=not suffix,
        narrow=NARROW,
    )


def _survival(rows: pl.DataFrame, main: Answer) -> Figure:
    fitted = KaplanMeierFitter(alpha=0.10).fit(rows["lag_months"].clip(0).to_list(), (~rows["censored"]).to_list())
    curve, ends = fitted.survival_function_, fitted.confidence_interval_
    months = [float(month) for month in curve.index]
    columns = {"share": curve.iloc[:, 0], "lo": ends.iloc[:, 0], "hi": ends.iloc[:, 1]}
    steps = pl.DataFrame({"months": months} | {name: list(map(float, values)) for name, values in columns.items()})
    median = main["catch_up_median"]
    return Figure(
        name="survival",
        title="The share of closed records that stand, by age",
        alt="A falling step curve." + ("" if median is None else f" It meets a half at {median:.1f} months."),
        build=charts.survival(steps, median),
        data=steps,
        source="Kaplan and Meier; interval by Greenwood, point by point",
        key=(("rule", "unmatched"), ("band", "90% interval")),
        wide=LOW,
        narrow=LOW_NARROW,
    )


def _sizes(slices: pl.DataFrame, main: Answer) -> Figure:
    named = pl.col("slice").str.replace("params <= ", "up to ").str.replace("card", "fits a card of")
    lag = {"value": "lag_months", "lo": "lag_lo", "hi": "lag_hi", "bounded": "lag_bounded"}
    whole = {"name": "any size", "open_model": main["open_model"]} | {
        name: main[column] for name, column in lag.items()
    }
    parts = slices.select(named.alias("name"), "open_model", **lag)
    largest_first = pl.col("name").str.extract(r"(\d+)").cast(pl.Int64)
    rows = pl.concat([parts, pl.DataFrame([whole])], how="diagonal_relaxed").drop_nulls("value")
    rows = rows.sort("value", largest_first, descending=[False, True], nulls_last=True)
    return Figure(
        name="sizes",
        title="How far behind, by the size of the open model",
        lead="Months since a closed model first reached what the best open model of that size reaches today.",
        alt="; ".join(rows.select(charts.months_told()).to_series()),
        build=charts.dots(
            rows.with_columns(told=pl.format("{} ({})", charts.months_told(), "open_model")), "months behind"
        ),
        data=rows,
        note="An arrow: no closed model is old enough to say more than “at least”." if rows["bounded"].any() else None,
        source="Sizes as the Hub's headers or the developers state them; models of unknown size are left out",
    )


def _forecast(rows: pl.DataFrame) -> list[Figure]:
    last = rows.tail(1).to_dicts()[0]
    return [
        Figure(
            name="forecast",
            title="If releases go on as in the last 24 months",
            lead="Both frontiers, simulated: the lines are medians, the bands hold half and nine tenths of the runs.",
            alt=f"In {last['on']:%B %Y} the median open frontier is at {last['open_q50']:.0f}, the closed one at"
            f" {last['closed_q50']:.0f}.",
            build=charts.fan(rows, "points of the index"),
            data=rows,
            source="Simulation by the releases of 24 months; the table below says how far to trust it",
            key=(("open", "Open weights"), ("closed", "Closed"), ("band", "50% and 90% of the runs")),
            wide=Frame(800, 260),
            narrow=Frame(330, 240, narrow=True),
        ),
        Figure(
            name="parity",
            title="When will open have reached closed?",
            alt=f"The probability rises to {last['p_parity']:.0%} by {last['on']:%B %Y}.",
            build=charts.parity(rows),
            data=rows.select("on", "months_ahead", "p_parity"),
            source="From the same simulation",
            wide=LOW,
            narrow=LOW_NARROW,
        ),
    ]
