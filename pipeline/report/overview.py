"""What `moat report` says: one sentence, then the windows, tolerances and definitions it depends on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from pipeline.errors import InputError
from pipeline.gap_tables import DEFINITIONS, TOLERANCES
from pipeline.report.cells import COLUMNS, cells, span
from pipeline.report.chart import Lag, draw
from pipeline.report.console import harmless
from pipeline.report.fitting import Column, fitted
from pipeline.report.sentence import movement
from pipeline.settings import Settings
from pipeline.vintage_tables import sentence
from pipeline.warehouse import connect_published

Document = dict[str, Any]
WINDOWS = {"12m": "12 months", "24m": "24 months", "since_2025": "since 2025", "whole": "whole history"}
METHODS = {
    "persistence": "no change", "mean_12m": "mean of 12 months", "trend": "trend of 12 months",
    "simulation": "simulation", "lag_line": "line through the lag",
}  # fmt: skip

# The columns of `cells`: the gap and the lag stay at any width.
_ANSWER = [Column(head, drop) for head, drop in zip(COLUMNS, (0, 0, 4, 5, 6), strict=True)]
_WHISKER = 24
_WIDE = 120
"""From this width on a definition of others stands in a column of its own."""

# What the document holds beside the rows of the headline: name, query on the headline's series.
_PARTS = {
    "frontier": "SELECT side, released_on, model_name, score FROM marts.frontier_by_open WHERE series = $series"
    " AND open_definition = $definition ORDER BY side, released_on, score",
    "leaderboard": "FROM marts.leaderboard WHERE index_value IS NOT NULL"
    " ORDER BY index_value DESC, benchmarks DESC, model LIMIT 10",
    "answers": "FROM marts.headline WHERE series = $series AND slice = 'all' ORDER BY tolerance DESC, open_definition",
    "slices": "FROM marts.headline WHERE series = $series AND slice <> 'all' AND tolerance = $tolerance",
    "closing_rate": "FROM marts.closing_rate WHERE series = $series AND slice = 'all'"
    " AND open_definition = $definition AND tolerance = $tolerance",
    "survival": "FROM marts.survival WHERE series = $series AND slice = 'all'",
    "pooled_lag": "FROM marts.pooled_lag ORDER BY with_loose, scope",
    "own_fit": "FROM marts.headline WHERE series = 'capability_index' AND slice = 'all'"
    " AND open_definition = $definition AND tolerance = $tolerance",
    "index_benchmarks": "FROM marts.index_benchmarks WHERE mode = 'eci'"
    " ORDER BY abs(gap_change_without) DESC NULLS LAST",
    "last_change": "FROM marts.vintage_changes WHERE series = $series AND open_definition = $definition"
    " AND $tolerance = 'strict' QUALIFY rank() OVER (ORDER BY built_after DESC) = 1 ORDER BY metric",
    "date_sensitivity": "FROM marts.date_sensitivity WHERE series = $series ORDER BY redated",
    "parity": "FROM marts.parity ORDER BY series",
    "parity_line": "FROM marts.parity_line ORDER BY series, measure DESC, months DESC",
    "backtest": "FROM marts.backtest ORDER BY series, basis, measure, origins, horizon, mae",
    "other_figures": "FROM marts.other_figures ORDER BY published_on DESC, figure_id",
    "series": "FROM marts.headline WHERE NOT is_headline AND slice = 'all' AND open_definition = $definition"
    " AND tolerance = $tolerance ORDER BY series",
}


def report(settings: Settings, definition: str, tolerance: str) -> Document:
    """The headline and all that stands behind it, from the published file or a build of a past state.

    `as_of` is the date of the world that was asked for, `known_at` the time after which nothing captured counts (null:
    everything does), `last_capture` when the last one that counts was finished.

    Raises:
        InputError: a definition or tolerance that is not published.
        WarehouseError: nothing is published yet.
    """
    if definition not in DEFINITIONS:
        raise InputError(f"--open {definition}", "it is no definition of open", f"Use {', '.join(DEFINITIONS)}")
    if tolerance not in TOLERANCES:
        raise InputError(f"--tolerance {tolerance}", "it is not published", f"Use {' or '.join(TOLERANCES)}")
    chosen = {"definition": definition, "tolerance": tolerance}
    with connect_published(settings) as connection:

        def rows(query: str, **more: str) -> list[dict[str, Any]]:
            given = {name: value for name, value in (chosen | more).items() if f"${name}" in query}
            return connection.execute(query, given).pl().to_dicts()

        headline = rows("FROM marts.headline WHERE is_headline AND open_definition = $definition"
                        " AND tolerance = $tolerance")  # fmt: skip
        series = headline[0]["series"] if headline else ""
        parts = {name: rows(query, series=series) for name, query in _PARTS.items()}
        origin = connection.execute("SELECT hub, attribution, as_of FROM ops.schema_version").fetchone()
        coverage = connection.execute("SELECT count(*) FROM marts.coverage").fetchone()
        last = connection.execute("SELECT max(finished_at) FROM ops.captures HAVING count(*) > 0").fetchone()
    document: Document = {"headline": headline[0] if headline else None}
    if headline:
        slope, lo, hi = (headline[0][f"gap_slope_12m{end}"] for end in ("", "_lo", "_hi"))
        document["movement"] = movement(slope, lo, hi, "the last 12 months")
    return document | parts | {
        "hub": origin[0] if origin else None,
        "attribution": origin[1] if origin else None,
        "as_of": origin[2] if origin else None,
        "known_at": settings.known_at.isoformat() if settings.known_at else None,
        "last_capture": last[0].isoformat() if last else None,
        "open_models_without_a_score": coverage[0] if coverage else None,
    }  # fmt: skip


def show_headline(document: Document, console: Console) -> None:
    """The sentence, whether the gap moves, and what both rest on."""
    headline = document["headline"]
    if headline is None:
        console.print("No headline: the series epoch_eci is missing from the published file.")
        return
    numbers = (
        f"series {headline['series']} · as of {headline['as_of']} · {headline['models']} models"
        f" ({headline['open_models']} open, {headline['closed_models']} closed, {headline['unknown_models']} unknown)"
        f" · {headline['records']} closed records, {headline['censored']} unmatched (censored)"
        f" · open = {headline['open_definition']} · tolerance {headline['tolerance']}\n"
        f"data: {document['hub']}; {document['attribution']}"
    )
    answer = (harmless(headline["sentence"]), "bold")
    body = Text.assemble(answer, f"\n{document['movement']}", (f"\n\n{numbers}", "dim"))
    console.print(Panel(body, title="Open against closed", border_style="blue"))


def show(document: Document, console: Console) -> None:
    """The report as text, no line wider than the console: what a narrow one leaves out is named at the end."""
    show_headline(document, console)
    if document["headline"] is None:
        return
    _show_chart(document, console)
    left_out: dict[str, None] = {}
    for table in (_top(document, console), _windows(document), _answers(document), _slices(document),
                  _forecast(document), _others(document, console), _series(document)):  # fmt: skip
        left_out |= dict.fromkeys(_show_table(table, console))
    console.print()
    refitted = [row for row in document["parity"] if row["basis"] == "refit"] or document["parity"]
    for row in refitted[:1]:
        console.print(f"Parity: {row['sentence']}")
    for row in document["parity_line"]:
        if (row["series"], row["measure"], row["period"]) == (document["headline"]["series"], "lag", "whole"):
            console.print(f"A straight line through the lag: {row['note']}.")
    for row in document["date_sensitivity"]:
        if row["redated"] and row["catch_up_median"] is not None:
            console.print(
                f"Dated {row['dating']} ({row['redated']} of other days), the median until a record is matched is"
                f" {row['catch_up_median']:.1f} months, the lag {row['lag_months']:.1f} (open = downloadable, strict;"
                " see marts.date_disputes)."
            )
    changed = sentence(document["last_change"])
    if changed:
        after, before = (document["last_change"][0][f"built_{end}"] for end in ("after", "before"))
        console.print(f"Build of {after:%Y-%m-%d %H:%M} UTC, since that of {before:%Y-%m-%d %H:%M}: {changed}.")
    loose = sum(row["comparability"] == "loose" for row in document["series"])
    known = f"known at {document['known_at']}" if document["known_at"] else "known now"
    console.print(
        f"\n{loose} further series mix evaluators (loose) and stay out of the last table. "
        f"{document['open_models_without_a_score']:,} open models have no usable score yet.\n"
        f"As of {document['as_of']}, {known}: what was captured up to {document['last_capture']}.",
        style="dim",
    )  # fmt: skip
    if left_out:
        console.print(f"Left out at {console.width} columns: {'; '.join(left_out)}. `COLUMNS=160 moat report` or --json"
                      " shows them.", style="dim")  # fmt: skip


@dataclass(frozen=True)
class _Table:
    title: str
    columns: Sequence[Column]
    rows: list[Sequence[str]]
    notes: Sequence[str] = ()


def _show_table(shown: _Table, console: Console) -> list[str]:
    """Print a table under its title; the headings of what does not fit."""
    table, left_out = fitted(shown.columns, shown.rows, console.width)
    console.print(f"\n{shown.title}", style="bold")
    console.print(table)
    for note in shown.notes:
        console.print(f"· {note}", style="dim")
    return left_out


def _show_chart(document: Document, console: Console) -> None:
    headline = document["headline"]
    lag = None
    if headline["lag_months"] is not None:
        lag = Lag(headline["lag_months"], headline["lag_bounded"], clearly=headline["tolerance"] != "strict")
    plain = console.options.ascii_only
    chart = draw(document["frontier"], headline["as_of"], console.width, lag=lag, plain=plain)
    if chart:
        console.print(f"\n{headline['benchmark']}: best score by day of release", style="bold")
        console.print(chart)


def _top(document: Document, console: Console) -> _Table:
    """The best models; of the columns the drawn interval goes first, then benchmarks to the day of release."""
    rows = document["leaderboard"]
    shown = [
        Column("rank"), Column("model", wrap=14), Column("organisation", 5, wrap=9), Column("access"),
        Column("licence class", 6), Column("released", 3), Column("index (90% CI)"), Column("benchmarks", 7),
        Column("90% interval", 8),
    ]  # fmt: skip
    ends = [row[end] for row in rows for end in ("index_lo", "index_hi", "index_value") if row[end] is not None]
    marks = tuple(".[-o#]" if console.options.ascii_only else "·├─●■┤")
    found: list[Sequence[str]] = []
    for row in rows:
        found.append((
            _rank(row), row["model"], row["organisation"] or "-", row["access"], row["licence_class"] or "-",
            str(row["released_on"] or "-"), f"{row['index_value']:.1f}{span(row['index_lo'], row['index_hi'])}",
            str(row["benchmarks"]), _whisker(row, min(ends), max(ends), marks),
        ))  # fmt: skip
    return _Table("Top 10 of the index, with the ranks that its interval allows", shown, found)


def _rank(row: Document) -> str:
    best, worst = row["rank_best"], row["rank_worst"]
    return f"{best}" if worst in {best, None} else f"{best}-{worst}"


def _whisker(row: Document, least: float, most: float, marks: Sequence[str]) -> str:
    """The interval drawn on a scale that all rows share: a circle for open models, a square for others."""
    outside, left, middle, open_mark, other_mark, right = marks
    value, lo, hi = (row[f"index_{end}"] for end in ("value", "lo", "hi"))
    low, at, high = (
        round(((value if one is None else one) - least) / ((most - least) or 1) * (_WHISKER - 1))
        for one in (lo, value, hi)
    )
    drawn = [outside] * low + [middle] * (high - low + 1) + [outside] * (_WHISKER - 1 - high)
    drawn[low], drawn[high] = left, right
    drawn[at] = open_mark if row["access"] == "open" else other_mark
    return "".join(drawn)


def _windows(document: Document) -> _Table:
    table = _Table("The sign depends on the window: change a year (90% CI)", [
        Column("window"), Column("months", 2), Column("gap, points"), Column("gap, Theil-Sen", 4),
        Column("P(closing)", 1), Column("lag, months"), Column("clocks", 3),
    ], [])  # fmt: skip
    found = {(row["period"], row["measure"], row["estimator"]): row for row in document["closing_rate"]}
    for period, words in WINDOWS.items():
        row = found.get((period, "gap", "ols"))
        if row is None:
            continue
        clocks = {True: "disagree", False: "agree", None: "-"}[row["diverges"]]
        closing = "-" if row["p_closing"] is None else f"{row['p_closing']:.2f}"
        theil_sen, lag = found.get((period, "gap", "theil_sen")), found.get((period, "lag", "ols"))
        table.rows.append((words, str(row["months"]), _slope(row), _slope(theil_sen), closing, _slope(lag), clocks))
    return table


def _answers(document: Document) -> _Table:
    return _Table(
        "By definition of open and tolerance",
        [Column("open, tolerance", wrap=13), Column("best open model", 3, wrap=8), *_ANSWER],
        [
            (f"{row['open_definition']}, {row['tolerance']}", row["open_model"] or "-", *cells(row))
            for row in document["answers"]
        ],
    )


def _slices(document: Document) -> _Table:
    return _Table(
        "By part of the open models",
        [Column("part", wrap=16), Column("best open model", 3, wrap=8), *_ANSWER],
        [(row["slice"], row["open_model"] or "-", *cells(row)) for row in sorted(document["slices"], key=_by_kind)],
    )


def _by_kind(row: Document) -> tuple[str, int, str]:
    """Sizes in order of size; the longest name of a kind decides nothing."""
    digits = "".join(filter(str.isdigit, row["slice"]))
    return row["slice"].split()[0], int(digits or 0), row["slice"]


def _forecast(document: Document) -> _Table:
    table = _Table("How far to trust a forecast: error 12 months ahead, points (lag_line: months)", [
        Column("method", wrap=10), Column("basis"), Column("origins", wrap=6), Column("n", 3), Column("error", 1),
        Column("no change", 2), Column("skill (90%)"),
    ], [])  # fmt: skip
    for row in document["backtest"]:
        own = row["basis"] == "refit" or row["series"] == document["headline"]["series"]
        if row["horizon"] == 12 and row["method"] != "persistence" and own:
            skill = "-" if row["skill"] is None else f"{row['skill']:+.2f}"
            table.rows.append((
                METHODS[row["method"]], row["basis"], row["origins"], str(row["n"]), f"{row['mae']:.1f}",
                f"{row['mae_persistence']:.1f}", skill + span(row["skill_lo"], row["skill_hi"]),
            ))  # fmt: skip
    return table


def _others(document: Document, console: Console) -> _Table:
    """What others publish; on a narrow terminal definitions stand below the figures instead of beside them."""
    wide = console.width >= _WIDE
    columns = [Column("who", wrap=12), Column("when"), Column("lag, months"), Column("gap, points"),
               Column("nearest of ours", 1, wrap=9)]  # fmt: skip
    rows: list[Sequence[str]] = []
    notes: dict[str, None] = {}
    for row in document["other_figures"]:
        lag = "-" if row["lag_months"] is None else f"{row['lag_months']:g}"
        if row["lag_months"] is None and row["lag_lo"] is not None:
            lag = f"{row['lag_lo']:g}-{row['lag_hi']:g}"
        if row["parity_on"] is not None:
            lag = f"0 on {row['parity_on']}"
        points = "-" if row["gap_points"] is None else f"{row['gap_points']:g}"
        when = f"{row['published_on']:%Y-%m}"
        rows.append((row["publisher"], when, lag, points, row["comparable_to"] or "-", *[row["definition"]] * wide))
        notes[f"{row['publisher']} {when}: {row['definition']}"] = None
    title = "Published by others, each by its own definition"
    return _Table(title, columns + [Column("definition", wrap=30)] * wide, rows, [] if wide else list(notes))


def _series(document: Document) -> _Table:
    return _Table(
        "Other series",
        [Column("series", wrap=20), *_ANSWER],
        [
            (row["series"] + (" (saturated)" if row["saturated"] else ""), *cells(row))
            for row in document["series"]
            if row["comparability"] != "loose"
        ],
    )


def _slope(row: Document | None) -> str:
    if row is None or row["slope_per_year"] is None:
        return "-"
    return f"{row['slope_per_year']:+.1f}{span(row['slope_lo'], row['slope_hi'])}"
