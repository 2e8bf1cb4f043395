"""Small tables of scores for the tests of this folder."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl


def day(text: str) -> date:
    return date.fromisoformat(text)


def scores(*rows: tuple[str, float, str | None, str], series: str = "s", **columns: Any) -> pl.DataFrame:
    """Rows of (model, score, released_on, access); further columns by name, a list or one value."""
    frame = pl.DataFrame(
        {
            "series": [series] * len(rows),
            "model": [row[0] for row in rows],
            "score": [float(row[1]) for row in rows],
            "released_on": [day(row[2]) if row[2] else None for row in rows],
            "access": [row[3] for row in rows],
        },
        schema_overrides={"released_on": pl.Date, "score": pl.Float64},
    )
    for name, values in columns.items():
        filled = values if isinstance(values, list) else [values] * len(rows)
        typed = [day(v) if name.endswith("_on") and isinstance(v, str) else v for v in filled]
        frame = frame.with_columns(pl.Series(name, typed, dtype=pl.Date if name.endswith("_on") else None))
    return frame
