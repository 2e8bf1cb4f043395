"""Foreign text on its way into files: what a spreadsheet would run, a page would execute or a link would follow."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
from markupsafe import Markup

from pipeline.report.console import harmless

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(frame: pl.DataFrame) -> str:
    """The frame as CSV; a text that a spreadsheet would take for a formula gets an apostrophe in front."""
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    lists = [name for name, kind in frame.schema.items() if isinstance(kind, pl.List)]
    return _guarded(frame, texts, lists).write_csv()


def _guarded(frame: pl.DataFrame, texts: list[str], lists: list[str]) -> pl.DataFrame:
    joined = frame.with_columns(pl.col(name).cast(pl.List(pl.String)).list.join(" ") for name in lists)
    starts = {
        name: pl.any_horizontal(pl.col(name).str.starts_with(mark) for mark in _FORMULA) for name in texts + lists
    }
    return joined.with_columns(
        pl.when(starts[name]).then("'" + pl.col(name)).otherwise(pl.col(name)).alias(name) for name in starts
    )


def script_json(document: Any) -> Markup:
    """JSON that may stand in a script: nothing in it ends the script or opens a comment."""
    text = json.dumps(document, ensure_ascii=False, default=str, separators=(",", ":"), allow_nan=False)
    for mark, escape in (
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("&", "\\u0026"),
        ("\u2028", "\\u2028"),
        ("\u2029", "\\u2029"),
    ):
        text = text.replace(mark, escape)
    return Markup(text)  # noqa: S704 - every mark that could end the script is escaped above


def link(address: str | None) -> str | None:
    """The address if a page may link to it: https alone, no characters that play with the reader."""
    if address is None or not address.startswith("https://") or harmless(address) != address or " " in address:
        return None
    return address
