"""The columns that every table of series shares: gap, lag and catch-up with their 90% intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.report.numbers import significant

COLUMNS = ("gap", "lag, months", "catch-up median (90%)", "records", "unmatched")


def cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The texts of COLUMNS.

    Args:
        row: names of `marts.headline`: `gap_raw, gap_lo, gap_hi, lag_months, lag_bounded, lag_lo, lag_hi,
            catch_up_median, catch_up_calibrated_lo, catch_up_calibrated_hi, records, censored`.
    """
    gap = "-" if row["gap_raw"] is None else significant(row["gap_raw"])
    lag = "-" if row["lag_months"] is None else f"{'> ' if row['lag_bounded'] else ''}{row['lag_months']:.1f}"
    median = "-" if row["catch_up_median"] is None else f"{row['catch_up_median']:.1f}"
    return (
        gap + span(row["gap_lo"], row["gap_hi"], significant),
        lag + span(row["lag_lo"], row["lag_hi"]),
        median + (span(row["catch_up_calibrated_lo"], row["catch_up_calibrated_hi"]) if median != "-" else ""),
        *("-" if row[name] is None else str(row[name]) for name in ("records", "censored")),
    )


def span(lo: float | None, hi: float | None, number: Callable[[float], str] = "{:.1f}".format) -> str:
    """An interval in brackets; nothing where neither end is known."""
    if lo is None and hi is None:
        return ""
    return f" ({'?' if lo is None else number(lo)} to {'?' if hi is None else number(hi)})"
