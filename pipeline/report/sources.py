"""What `moat sources` says: one row a source, of the published file."""

from __future__ import annotations

from typing import Any

from pipeline.settings import Settings
from pipeline.warehouse import connect_published

HEADER = ["source", "rows", "scores", "aside", "requests", "asked (UTC)", "due (UTC)"]


def sources(settings: Settings) -> list[dict[str, Any]]:
    """Rows of marts.sources by name.

    Raises:
        WarehouseError: nothing is published yet.
    """
    with connect_published(settings) as connection:
        return connection.sql("FROM marts.sources ORDER BY source").pl().to_dicts()


def cells(row: dict[str, Any]) -> tuple[Any, ...]:
    """A row under `HEADER`."""
    aside = (row["rows_quarantined"] or 0) + (row["metrics_quarantined"] or 0)
    asked = f"{row['checked_at']:%d %b %H:%M}" if row["state"] == "asked" else row["state"]
    due = row["due_at"] and f"{row['due_at']:%d %b %H:%M}"
    return row["source"], row["rows_kept"], row["scores"], aside, row["requests"], asked, due
