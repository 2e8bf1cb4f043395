"""What cannot be read is put aside with a reason and counted; this is its shape."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

QUARANTINE_COLUMNS: dict[str, Any] = {
    "source": pl.String, "kind": pl.String, "key": pl.String, "reason": pl.String, "payload": pl.String,
    "capture_id": pl.String,
}  # fmt: skip
EXCERPT = 300
Refused = tuple[str, str, object]
"""Kind, reason and payload of something put aside."""


class Unreadable(Exception):
    """One item cannot be read; the message is the reason its quarantine row carries."""


def excerpt(payload: object) -> str:
    """At most 300 characters of a hostile payload, control characters escaped, never interpreted."""
    try:
        text = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=True, default=str)
    except (ValueError, RecursionError):
        text = f"<{type(payload).__name__} that cannot be written out>"
    return text[:EXCERPT].encode("unicode_escape", "surrogatepass").decode("ascii")[:EXCERPT]
