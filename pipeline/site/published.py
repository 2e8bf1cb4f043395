"""What others published about the gap, each beside our figure by the nearest measure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb

from pipeline.site.pages import NONE, day, figure, ranged

Row = dict[str, Any]
_OTHERS = "FROM marts.other_figures ORDER BY published_on DESC, publisher, figure_id"
_MAIN = """
SELECT h.*, s.rmst18_months, s.rmst18_lo, s.rmst18_hi
FROM marts.headline AS h
LEFT JOIN marts.survival AS s
    ON h.series = s.series AND h.slice = s.slice AND h.open_definition = s.open_definition
    AND h.tolerance = s.tolerance
WHERE h.is_headline AND h.open_definition = 'downloadable' AND h.tolerance = 'strict'
"""
_LINE = "SELECT * FROM marts.parity_line WHERE series = $series AND measure = 'lag' AND period = 'whole'"


def others(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Rows of marts.other_figures, the newest first, with `said` and `ours` in words and the day as `when`."""
    main = next(iter(connection.execute(_MAIN).pl().to_dicts()), None)
    asked = {"series": main["series"] if main else ""}
    line = next(iter(connection.execute(_LINE, asked).pl().to_dicts()), None)
    return [
        row | {"said": said(row), "ours": ours(row["comparable_to"], main, line), "when": _when(row)}
        for row in connection.execute(_OTHERS).pl().to_dicts()
    ]


def _when(row: Row) -> str:
    return str(row["published_on"])[: len("2026-08") if row["published_precision"] == "month" else None]


def ours(metric: str | None, main: Mapping[str, Any] | None, line: Mapping[str, Any] | None) -> str:
    """Our own figure that is nearest to one of others, in words.

    Args:
        metric: `comparable_to` of marts.other_figures.
        main: the headline with its restricted mean; null = there is none.
        line: the straight line through our lag.
    """
    if main is None:
        return NONE
    match metric:
        case "backward_lag":
            least = "at least " if main["lag_bounded"] else ""
            return f"lag of today: {least}{ranged(main['lag_months'], main['lag_lo'], main['lag_hi'])}"
        case "catch_up_median":
            ends = (main["catch_up_calibrated_lo"], main["catch_up_calibrated_hi"])
            return f"catch-up median: {ranged(main['catch_up_median'], *ends)}"
        case "catch_up_mean":
            mean = ranged(main["rmst18_months"], main["rmst18_lo"], main["rmst18_hi"])
            return f"catch-up mean within 18 months, unmatched records included: {mean}"
        case "gap":
            return f"gap: {ranged(main['gap_raw'], main['gap_lo'], main['gap_hi'], 2)}"
        case "parity_by_line" if line is not None:
            crossed = line["crosses_on"]
            return f"the same line on our series: {f'crosses on {crossed}' if crossed else line['note']}"
        case _:
            return "no like figure"


def said(other: Mapping[str, Any]) -> str:
    """What others published, as far and as exactly as they did: lag or its range, gap, day of parity."""
    parts = []
    if other["lag_months"] is not None:
        parts.append(f"{_with_ends(other['lag_months'], other['lag_lo'], other['lag_hi'])} months")
    elif other["lag_lo"] is not None and other["lag_hi"] is not None:
        parts.append(f"{figure(other['lag_lo'], 1)} to {figure(other['lag_hi'], 1)} months")
    if other["gap_points"] is not None:
        parts.append(f"gap {_with_ends(other['gap_points'], other['gap_points_lo'], other['gap_points_hi'])} points")
    if other["parity_on"] is not None:
        parts.append(f"parity on {day(other['parity_on'])}")
    interval = other["ci_level"] is not None and parts
    return "; ".join(parts) + (f" ({other['ci_level']:.0%} intervals)" if interval else "")


def _with_ends(value: float, lo: float | None, hi: float | None) -> str:
    ends = "" if lo is None or hi is None else f" ({figure(lo, 1)} to {figure(hi, 1)})"
    return figure(value, 1) + ends
