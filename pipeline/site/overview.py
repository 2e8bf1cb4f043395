"""The first page: the answer in one sentence, what it rests on, and the charts that show it."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipeline.report.overview import WINDOWS
from pipeline.report.sentence import movement
from pipeline.site import sensitivity
from pipeline.site.figures import draw
from pipeline.site.overview_figures import changing, shared
from pipeline.site.pages import render
from pipeline.site.published import others

DEFINITIONS = {"downloadable": "any weights", "unrestricted": "free licence"}
"""Definitions of open that the page can switch between, and their words."""
TOLERANCES = {"strict": "strict", "significant": "significant"}
_ANSWERS = """
    SELECT * FROM marts.headline WHERE is_headline ORDER BY open_definition, tolerance DESC"""
_RATES = """
    SELECT period, slope_per_year AS slope, slope_lo AS lo, slope_hi AS hi, p_closing, months FROM marts.closing_rate
    WHERE series = $series AND slice = 'all' AND open_definition = 'downloadable' AND tolerance = 'strict'
        AND measure = 'gap' AND estimator = 'ols' AND slope_per_year IS NOT NULL"""
_DATES = "SELECT * FROM marts.date_sensitivity WHERE series = $series ORDER BY redated, dating"
_MOVED = """
    SELECT DISTINCT d.model, d.used_on, d.stated_on
    FROM marts.date_disputes AS d
    INNER JOIN staging.gap_inputs AS i ON d.model = i.model
    WHERE i.series = $series AND d.evidence = 'epoch' AND d.used_on <> d.stated_on
    ORDER BY ALL"""
_BACKTEST = """
    SELECT measure, horizon, method, n, mae, mae_persistence, skill, skill_lo, skill_hi, coverage80
    FROM marts.backtest
    WHERE series = $series AND origins = 'all' AND method <> 'persistence' AND basis = 'hindsight'
    ORDER BY measure, horizon, mae"""
_LEADERS = """
    SELECT CASE WHEN rank_worst > rank_best THEN rank_best || '-' || rank_worst ELSE rank_best::VARCHAR END AS rank,
        model, organisation, access, released_on, index_value, index_lo, index_hi
    FROM marts.leaderboard WHERE index_value IS NOT NULL ORDER BY index_value DESC, model LIMIT 50"""
_UNSCORED = """
    SELECT model, organisation, released_on, hub_id FROM marts.coverage
    WHERE released_on > $as_of::DATE - INTERVAL 90 DAY ORDER BY released_on DESC, model"""


def write(connection: duckdb.DuckDBPyConnection, site: dict[str, Any], folder: Path) -> None:
    """Write index.html and the files of its charts."""
    answers = {(row["open_definition"], row["tolerance"]): row for row in _rows(connection, _ANSWERS)}
    main = answers.get(("downloadable", "strict"))
    if main is None:
        folder.joinpath("index.html").write_text(render("index.html", site, main=None), encoding="utf-8")
        return
    series = {"series": main["series"]}
    blocks = {
        chosen: {name: draw(one, folder / "charts") for name, one in changing(connection, answers[chosen]).items()}
        for chosen in product(DEFINITIONS, TOLERANCES)
        if chosen in answers
    }
    rates = {row.pop("period"): row for row in _rows(connection, _RATES, **series)}
    windows = [{"window": words} | rates[period] for period, words in WINDOWS.items() if period in rates]
    figures = shared(connection, main)
    figures.append(
        sensitivity.choices(answers, _rows(connection, _DATES, **series), _rows(connection, _MOVED, **series))
    )
    if windows:
        figures.append(sensitivity.windows(pl.DataFrame(windows)))
    drawn = [draw(one, folder / "charts") for one in figures]
    context = {
        "main": main,
        "answers": answers,
        "blocks": blocks,
        "definitions": DEFINITIONS,
        "tolerances": TOLERANCES,
        "shared": {one.figure.name: one for one in drawn},
        "movement": movement(
            main["gap_slope_12m"], main["gap_slope_12m_lo"], main["gap_slope_12m_hi"], "the last 12 months"
        ),
        "parity": next(iter(_rows(connection, "FROM marts.parity WHERE series = $series", **series)), None),
        "backtest": _rows(connection, _BACKTEST, **series),
        "others": others(connection),
        "unscored": _rows(connection, _UNSCORED, as_of=main["as_of"]),
        "leaders": _rows(connection, _LEADERS),
        "scores": _count(connection, "staging.scores WHERE superseded_at IS NULL"),
        "models": _count(connection, "marts.leaderboard"),
    }
    folder.joinpath("index.html").write_text(render("index.html", site, **context), encoding="utf-8")


def _rows(connection: duckdb.DuckDBPyConnection, query: str, **values: Any) -> list[dict[str, Any]]:
    return connection.execute(query, values or None).pl().to_dicts()


def _count(connection: duckdb.DuckDBPyConnection, what: str) -> int:
    [(count,)] = connection.execute(f"SELECT count(*) FROM {what}").fetchall()
    return int(count)
