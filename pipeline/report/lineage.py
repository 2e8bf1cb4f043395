"""What `moat lineage` says of a repository: what it was built on, what was built on it, how soon and by what means."""

from __future__ import annotations

from collections import Counter
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table
from rich.tree import Tree

from pipeline.errors import InputError
from pipeline.report.console import harmless
from pipeline.settings import Settings
from pipeline.warehouse import connect_published

Document = dict[str, Any]
DEEPEST = 30
"""Generations that are followed; circles end there too."""
SHOWN = 8
"""Children of one repository that the tree shows, the most downloaded first."""
MOST = 2_000
"""Ancestors or descendants that are returned, the nearest and most downloaded first; counts are of all."""
# A generation a query: joined in one recursive query, the planner reads all names each time.
_STEPS = """
    SELECT {far}, {near}, relation, evidence FROM staging.lineage_steps
    WHERE {near} IN (SELECT unnest($frontier::INTEGER[])) ORDER BY {near}, {far}"""
_NAMES = """
    SELECT key, id, downloads, is_listed FROM staging.lineage_keys
    WHERE key IN (SELECT unnest($keys::INTEGER[]))"""
_CLOCK = """
    SELECT kind, days_to_first, first_child, first_evidence, days_to_first_outside, days_to_first_used, censored,
        observed_days, children, of_them_curated, inferred_children, started_on, started_from, older_children
    FROM marts.derivative_clock WHERE base = $model ORDER BY days_to_first NULLS LAST, kind"""
_FAMILY = "SELECT * FROM marts.family WHERE id = $model"
_KNOWN = (
    "SELECT evidence, sum(repositories)::BIGINT AS repositories FROM marts.lineage_evidence GROUP BY ALL ORDER BY ALL"
)
_KINDS = "SELECT kind, format, rule_id, confidence FROM staging.techniques WHERE id = $model ORDER BY kind"


def lineage(settings: Settings, model: str) -> Document:
    """Ancestors, descendants, clocks and techniques of a repository.

    Returns:
        `model`, `ancestors` and `descendants` (at most `MOST`; each with id, via, relation, evidence, depth, downloads,
        listed), `family` (its row of marts.family), `clock` (rows of marts.derivative_clock), `techniques`, `evidence`
        (descendants by how they are known), `hub` (all repositories by what tells their base).

    Raises:
        InputError: no repository of this name is known.
        WarehouseError: nothing is published.
    """
    with connect_published(settings) as connection:
        asked = {"model": model}
        keys = _rows(connection, "SELECT key FROM staging.lineage_keys WHERE id = $model", asked)
        ancestors, _ = _walk(connection, keys, far="parent", near="child")
        descendants, counted = _walk(connection, keys, far="child", near="parent")
        found: Document = {
            "model": model,
            "ancestors": ancestors,
            "descendants": descendants,
            "clock": _rows(connection, _CLOCK, asked),
            "techniques": _rows(connection, _KINDS, asked),
            "evidence": {name: counted[name] for name in ("tag", "declared", "curated", "inferred")},
        }
        family = _rows(connection, _FAMILY, asked)
        hub = _rows(connection, _KNOWN, {})
        listed = keys or _rows(connection, "SELECT id FROM staging.hub_models WHERE id = $model", asked)
    if not (listed or found["ancestors"] or found["descendants"]):
        raise InputError(
            f"model {model}", "no repository of this name is known", "Write organisation/name as the Hub does"
        )
    found["family"] = family[0] if family else None
    found["hub"] = {row["evidence"]: row["repositories"] for row in hub}
    return found


def show(document: Document, console: Console) -> None:
    """Print it: ancestors in a line, the tree, the clocks."""
    above = [f"{row['id']} ({row['relation']}, {row['evidence']})" for row in document["ancestors"]]
    console.print(f"built on: {', '.join(above) if above else 'nothing that is known'}", soft_wrap=True)
    made = [f"{row['kind']}{' ' + row['format'] if row['format'] else ''}" for row in document["techniques"]]
    console.print(f"itself: {', '.join(made) if made else 'nothing said of how it was made'}")
    console.print(_tree(document))
    console.print(_says(document))
    if document["clock"]:
        console.print(_clocks(document["clock"]))


def _walk(
    connection: duckdb.DuckDBPyConnection, keys: list[Document], *, far: str, near: str
) -> tuple[list[Document], Counter[str]]:
    """Everybody above or below, each by the shortest way, the nearest and most downloaded first; and counts of all.

    Returns:
        At most `MOST` of them, and how many there are by evidence.
    """
    found: dict[int, tuple[int, str, str, int]] = {}
    frontier = [row["key"] for row in keys]
    seen = set(frontier)
    for depth in range(1, DEEPEST + 1):
        if not frontier:
            break
        steps = connection.execute(_STEPS.format(far=far, near=near), {"frontier": frontier}).fetchall()
        frontier = []
        for key, via, relation, evidence in steps:
            if key not in seen:
                seen.add(key)
                frontier.append(key)
                found[key] = (via, relation, evidence, depth)
    names = {key: rest for key, *rest in connection.execute(_NAMES, {"keys": list(seen)}).fetchall()}
    rows = [
        {
            "id": names[key][0], "via": names[via][0], "relation": relation, "evidence": evidence, "depth": depth,
            "downloads": names[key][1], "listed": names[key][2],
        }
        for key, (via, relation, evidence, depth) in found.items()
    ]  # fmt: skip
    rows.sort(key=lambda row: (row["depth"], -(row["downloads"] if row["downloads"] is not None else -1), row["id"]))
    return rows[:MOST], Counter(evidence for _, _, evidence, _ in found.values())


def _rows(connection: duckdb.DuckDBPyConnection, query: str, values: Document) -> list[Document]:
    return connection.execute(query, values).pl().to_dicts()


def _tree(document: Document) -> Tree:
    below: dict[str, list[Document]] = {}
    for row in document["descendants"]:
        below.setdefault(row["via"], []).append(row)
    root = Tree(harmless(document["model"]))
    waiting = [(document["model"], root)]
    while waiting:
        name, branch = waiting.pop()
        children = below.get(name, [])
        for row in children[:SHOWN]:
            used = f", {row['downloads']:,} downloads" if row["downloads"] else ""
            said = f"{row['id']}  ({row['relation']}, {row['evidence']}{used})"
            waiting.append((row["id"], branch.add(harmless(said))))
        if len(children) > SHOWN:
            branch.add(f"and {len(children) - SHOWN} more")
    return root


def _says(document: Document) -> str:
    known, hub = document["evidence"], document["hub"]
    total = sum(known.values())
    deepest = max((row["depth"] for row in document["descendants"]), default=0)
    family = document["family"] or {}
    circle = f" It lies on the circle of {family['circle']}, which is not followed." if family.get("circle") else ""
    cut = " The family goes on beyond thirty generations." if family.get("is_cut") else ""
    unnamed = hub.get("unknown", 0) / max(sum(hub.values()), 1)
    return (
        f"{total} descendants in {deepest} generations: {known['tag']} by the Hub's tags, {known['declared']} by cards"
        f" alone, {known['curated']} from public pages where the Hub declares nothing, {known['inferred']} by their"
        f" names. Of all repositories {unnamed:.0%} were made of a model that nobody names.{circle}{cut}"
    )


def _clocks(rows: list[Document]) -> Table:
    first = rows[0]
    title = f"days from {first['started_on']} ({first['started_from']}) to the first derivative of each kind"
    table = Table(
        "kind",
        "days",
        "first",
        "known by",
        "by others",
        "used",
        "in all",
        "by name",
        title=title,
        box=None,
        header_style="bold",
    )
    for row in rows:
        never = f"> {row['observed_days']}"
        days = never if row["censored"] else str(row["days_to_first"])
        others, used = (
            "-" if row[name] is None else str(row[name]) for name in ("days_to_first_outside", "days_to_first_used")
        )
        told = (row["first_child"] or "-", row["first_evidence"] or "-")
        table.add_row(row["kind"], days, *told, others, used, str(row["children"]), str(row["inferred_children"]))
    return table
