"""The Atom feed: what the data say now, and what changed the answer from build to build."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

from pipeline.report.console import harmless
from pipeline.vintage_tables import sentence

ATOM = "http://www.w3.org/2005/Atom"
_NEVER = datetime(2023, 5, 4, tzinfo=UTC)  # the day of the memo: for a file without a single capture
# What no XML document may hold, escaped or not.
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

Change = dict[str, Any]


def changes_of(rows: Iterable[Mapping[str, Any]]) -> list[Change]:
    """What changed the answer, newest build first: one entry a build, series and definition of open.

    Args:
        rows: those of marts.vintage_changes.

    Returns:
        `built_before, built_after, series, open_definition, words`; changes too small to show are left out.
    """
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        key = tuple(row[name] for name in ("built_after", "series", "open_definition", "built_before"))
        groups.setdefault(key, []).append(row)
    found = [
        {"built_after": after, "series": series, "open_definition": definition, "built_before": before, "words": told}
        for (after, series, definition, before), parts in groups.items()
        if (told := sentence(parts))
    ]
    found.sort(key=lambda one: (one["series"], one["open_definition"]))
    found.sort(key=lambda one: one["built_after"], reverse=True)
    return found


def atom(site: Mapping[str, Any], seen: datetime | None, changes: Iterable[Change]) -> bytes:
    """The feed as XML.

    Args:
        site: what every page shows.
        seen: when the newest data came in: two builds of the same data then have the same entry.
        changes: of `changes_of`.
    """
    updated = max([_utc(seen or _NEVER), *(_utc(one["built_after"]) for one in changes)])
    feed = ET.Element("feed", {"xmlns": ATOM, "xml:lang": "en"})
    _add(feed, "id", _id("feed"))
    _add(feed, "title", "Open Moat: how far open models are behind")
    _add(feed, "subtitle", "The answer, and what changed it from build to build.")
    _add(feed, "updated", updated.isoformat())
    _add(ET.SubElement(feed, "author"), "name", "Open Moat contributors")
    _add(feed, "rights", site["attribution"])
    ET.SubElement(feed, "link", {"rel": "self", "type": "application/atom+xml", "href": "changes.xml"})
    ET.SubElement(feed, "link", {"rel": "alternate", "type": "text/html", "href": "index.html"})
    _entry(
        feed,
        f"build {site['hash']}",
        f"Build {site['hash'][:12]}",
        _utc(seen or _NEVER),
        site["sentence"],
        "index.html",
    )
    for one in changes:
        key = f"change {one['built_before']} {one['built_after']} {one['series']} {one['open_definition']}"
        title = f"What changed: {one['series']}, open = {one['open_definition']}"
        _entry(feed, key, title, _utc(one["built_after"]), one["words"], "data.html#changes")
    ET.indent(feed)
    return bytes(ET.tostring(feed, encoding="utf-8", xml_declaration=True))


def _entry(feed: ET.Element, key: str, title: str, updated: datetime, words: str, address: str) -> None:
    entry = ET.SubElement(feed, "entry")
    _add(entry, "id", _id(key))
    _add(entry, "title", title)
    _add(entry, "updated", updated.isoformat())
    ET.SubElement(entry, "link", {"rel": "alternate", "type": "text/html", "href": address})
    _add(entry, "content", words).set("type", "text")


def _add(parent: ET.Element, name: str, text: str) -> ET.Element:
    child = ET.SubElement(parent, name)
    child.text = _NO_XML.sub("\N{REPLACEMENT CHARACTER}", harmless(text))
    return child


def _id(key: str) -> str:
    """An id that stays the same wherever the site is put."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"openmoat {key}").urn


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
