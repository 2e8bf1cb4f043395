"""The whole site from the published file: pages, charts, data and files, in place at once or not at all."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from pipeline.errors import WarehouseError
from pipeline.progress import report
from pipeline.settings import REAL_HUB, Settings
from pipeline.site import benchmarks, downloads, leaderboard, lineage, method, models, overview, sql_page
from pipeline.site.pages import DASHBOARDS
from pipeline.warehouse import connect_published, logical_hash

STALE = timedelta(days=7)
_ASIDE = ".site-"
_ABANDONED = timedelta(hours=1)
Part = Callable[[duckdb.DuckDBPyConnection, dict[str, Any], Path], None]
"""Writes its pages and files to the folder of the site; reads the published file alone."""
PARTS: dict[str, Part] = {
    "overview": overview.write,
    "leaderboard": leaderboard.write,
    "benchmarks": benchmarks.write,
    "models": models.write,
    "lineage": lineage.write,
    "method": method.write,
    "SQL page": sql_page.write,
    # Last: it lists what the others wrote.
    "downloads": downloads.write,
}


def build(settings: Settings) -> Path:
    """Make the site anew and put it in the place of the last one.

    Returns:
        Its first page.

    Raises:
        WarehouseError: nothing is published, or the site cannot be written; the last one then stays.
    """
    place = settings.published / "site"
    building, old = (settings.published / f"{_ASIDE}{uuid.uuid4().hex}" for _ in range(2))
    _sweep(settings.published)
    try:
        with connect_published(settings) as connection:
            site = about(connection)
            shutil.copytree(DASHBOARDS / "assets", building / "assets")
            for done, (name, part) in enumerate(PARTS.items()):
                report(f"site: {name}", done, len(PARTS))
                part(connection, site, building)
            report("site", len(PARTS), len(PARTS))
        if place.exists():
            place.rename(old)
        building.rename(place)
    except OSError as error:
        raise WarehouseError(str(place), f"it cannot be written ({error.strerror})", "The last site stays") from error
    finally:
        for leftover in (building, old):
            shutil.rmtree(leftover, ignore_errors=True)
    return place / "index.html"


def _sweep(folder: Path) -> None:
    """Remove what builds that were cut off left behind; another one may be at work beside this."""
    long_ago = (datetime.now(UTC) - _ABANDONED).timestamp()
    for leftover in folder.glob(f"{_ASIDE}*"):
        if leftover.stat().st_mtime < long_ago:
            shutil.rmtree(leftover, ignore_errors=True)


def about(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """What every page shows.

    Returns:
        `sentence` (the answer), `as_of`, `built`, `hash`, `hub`, `attribution`, `notices` (kind and text of what a
        reader must know first: a part of the Hub, stale data, a source that failed).
    """
    [(hub, attribution, as_of)] = connection.execute(
        "SELECT hub, attribution, as_of FROM ops.schema_version"
    ).fetchall()
    answer = connection.execute(
        "SELECT sentence FROM marts.headline WHERE is_headline AND open_definition = 'downloadable'"
        " AND tolerance = 'strict'"
    ).fetchone()
    now = datetime.now(UTC)
    return {
        "sentence": answer[0] if answer else "Not enough data to say.",
        "as_of": as_of,
        "built": f"{now:%Y-%m-%d %H:%M} UTC",
        "hash": logical_hash(connection),
        "hub": hub,
        "attribution": attribution,
        "notices": _notices(connection, hub, now),
    }


def _notices(connection: duckdb.DuckDBPyConnection, hub: str, now: datetime) -> list[dict[str, str]]:
    notices = []
    sources = connection.execute(
        "SELECT source, state, captured_at, checked_at FROM marts.sources ORDER BY source"
    ).fetchall()
    asked = [(source, checked) for source, state, _, checked in sources if state == "asked" and checked is not None]
    last = max((checked for _, checked in asked), default=None)
    if hub != REAL_HUB:
        day = f", last asked on {last:%Y-%m-%d}" if last else ""
        notices.append({"kind": "part", "text": f"This is not the whole Hub but a part of it: {hub}{day}."})
    if last is not None and now - last.replace(tzinfo=last.tzinfo or UTC) > STALE:
        notices.append(
            {"kind": "stale", "text": f"No source was asked since {last:%Y-%m-%d}: what follows may be old."}
        )
    for source, checked in asked:
        if last is not None and last - checked > STALE:
            notices.append({"kind": "bad", "text": f"{source} failed since: last good on {checked:%Y-%m-%d}."})
    return notices
