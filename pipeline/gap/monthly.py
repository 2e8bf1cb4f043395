"""Both frontiers of one series on the first of each month: what trends and forecasts are made from."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from pipeline.gap.frontier import logit
from pipeline.gap.lag import DAYS_PER_MONTH, Floats, Ruler, Scale, Tolerance

_STRICT = Tolerance("strict")
_SCHEMA: dict[str, type[pl.DataType]] = {
    "on": pl.Date, "open": pl.Float64, "closed": pl.Float64, "lag": pl.Float64, "bounded": pl.Boolean,
}  # fmt: skip


def month_starts(first: date, last: date) -> list[date]:
    """The first of every month from `first` to `last`, both included where they are one."""
    months = range(first.year * 12 + first.month - 1 + (first.day > 1), last.year * 12 + last.month)
    return [date(month // 12, month % 12 + 1, 1) for month in months]


def monthly(
    closed: pl.DataFrame, opened: pl.DataFrame, as_of: date, scale: Scale | None = None, tolerance: Tolerance = _STRICT
) -> pl.DataFrame:
    """Gap and backward lag as they stood on the first of each month, from the first with both sides on.

    Args:
        closed: closed records in order: `available_on, score` (oriented: higher is better).
        opened: open records in order, the same columns.
        as_of: the last date looked at.
        scale: of the series; without it only the raw scale.
        tolerance: of the backward lag.

    Returns:
        `on, open, closed` (frontiers, oriented), `gap` (closed minus open), `gap_logit` (null without
        chance and ceiling), `lag` (months; null where no closed model was ahead by more than the
        tolerance) and `bounded` (the lag is at least this).
    """
    scale = scale or Scale()
    ruler = Ruler(tolerance, scale)
    days = {name: side["available_on"].to_numpy().astype("datetime64[D]") for name, side in _named(closed, opened)}
    tops = {name: side["score"].to_numpy() for name, side in _named(closed, opened)}
    both = not closed.is_empty() and not opened.is_empty()
    starts = month_starts(max(closed["available_on"][0], opened["available_on"][0]), as_of) if both else []
    on = np.array(starts, dtype="datetime64[D]")
    held = {name: tops[name][np.searchsorted(days[name], on, side="right") - 1] if starts else on for name in tops}
    lag, bounded = np.full(len(on), np.nan), np.zeros(len(on), dtype=bool)
    if starts and ruler.note is None:
        mine = ruler.measure(held["open"])
        first = _first_above(ruler.measure(tops["closed"]), mine + ruler.slack(mine))
        since = np.append(days["closed"], np.datetime64("9999-12-31"))[first]
        ahead = since <= on
        lag = np.where(ahead, (on - since).astype(np.float64) / DAYS_PER_MONTH, np.nan)
        bounded = ahead & (first == 0)
    frame = pl.DataFrame(
        {"on": on, "open": held["open"], "closed": held["closed"], "lag": lag, "bounded": bounded}, schema=_SCHEMA
    )
    bounds = pl.lit(scale.chance, dtype=pl.Float64), pl.lit(scale.ceiling, dtype=pl.Float64)
    return frame.select(
        "on",
        "open",
        "closed",
        gap=pl.col("closed") - pl.col("open"),
        gap_logit=logit(pl.col("closed") * scale.orient, *bounds) - logit(pl.col("open") * scale.orient, *bounds),
        lag=pl.col("lag").fill_nan(None),
        bounded="bounded",
    )


def _named(closed: pl.DataFrame, opened: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    return [("closed", closed), ("open", opened)]


def _first_above(reached: Floats, thresholds: Floats) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Place of the first record strictly above each threshold; records only rise."""
    return np.searchsorted(np.maximum.accumulate(reached), thresholds, side="right")
