"""Ids made from names: short, stable, safe as file names and in SQL."""

from __future__ import annotations

import hashlib
import re


def slug(text: str, limit: int = 48) -> str:
    """Lower-case ASCII letters, digits and single underscores; `unknown` for nothing readable."""
    plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return plain[:limit].rstrip("_") or "unknown"


def fingerprint(*parts: object, length: int = 16) -> str:
    """First hex digits of the sha256 of the parts, separated so that no two lists collide."""
    text = "\x1f".join("" if part is None else str(part) for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]
