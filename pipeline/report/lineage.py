"""What `moat lineage` says of a repository: what it was built on, what was built on it, how soon and by what means."""

from __future__ import annotations

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
"""Steps of a generation that are followed, and repositories that are returned, the nearest and most downloaded first.
Counts are of all."""
FEW = 64
"""Keys that are looked up each by itself."""
_EVIDENCE = {"tag": "tagged_descendants", "declared": "declared_descendants", "curated": "curated_descendants",
             "inferred": "inferred_descendants"}  # fmt: skip
_FAMILY = """
    SELECT id, key, parents, children, ancestors, descendants, tagged_descendants, declared_descendants,
        curated_descendants, inferred_descendants, depth, height, root, circle, is_cut
    FROM marts.family WHERE id = $model"""
# A generation after the other: a recursive query reads the steps of everybody in each of thirty.
_STEPS = """
    SELECT {far}, {near}, {far}_id, relation, evidence, downloads, is_listed, goes_on
    FROM marts.{steps} WHERE {near} {those}
    ORDER BY downloads DESC NULLS LAST, {far}, {near} LIMIT $most"""
_CLOCK = """
    SELECT kind, days_to_first, first_child, first_evidence, days_to_first_outside, days_to_first_used, censored,
        observed_days, children, of_them_curated, inferred_children, started_on, started_from, older_children
    FROM marts.derivative_clock WHERE base = $model ORDER BY days_to_first NULLS LAST, kind"""
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
        family = next(iter(_rows(connection, _FAMILY, asked)), None)
        if family is None and not _rows(connection, "SELECT id FROM staging.hub_models WHERE id = $model", asked):
            raise InputError(
                f"model {model}", "no repository of this name is known", "Write organisation/name as the Hub does"
            )
        ancestors = descendants = []
        if family and family["ancestors"]:
            ancestors = _walk(connection, family, steps="family_steps_up", far="parent", near="child")
        if family and family["descendants"]:
            descendants = _walk(connection, family, steps="family_steps", far="child", near="parent")
        return {
            "model": model,
            "ancestors": ancestors,
            "descendants": descendants,
            "family": family,
            "clock": _rows(connection, _CLOCK, asked),
            "techniques": _rows(connection, _KINDS, asked),
            "evidence": {name: family[column] if family else 0 for name, column in _EVIDENCE.items()},
            "hub": {row["evidence"]: row["repositories"] for row in _rows(connection, _KNOWN, {})},
        }


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
    connection: duckdb.DuckDBPyConnection, family: Document, *, steps: str, far: str, near: str
) -> list[Document]:
    """Everybody above or below, each by the shortest way; the nearest and most downloaded, at most `MOST`."""
    query = _STEPS.format(steps=steps, far=far, near=near, those="{those}")
    names, found = {family["key"]: family["id"]}, list[Document]()
    generation = list(names)
    for depth in range(1, DEEPEST + 1):
        if not generation or len(found) >= MOST:
            break
        reached, generation = _read(connection, query, generation), []
        # The most downloaded first, as the query has them of one key.
        reached.sort(key=lambda step: (step[5] is None, -(step[5] or 0), *step[:2]))
        for key, via, id_, relation, evidence, downloads, listed, goes_on in reached:
            if key not in names:
                names[key] = id_
                generation += [key] * goes_on
                found.append({
                    "id": id_, "via": names[via], "relation": relation, "evidence": evidence, "depth": depth,
                    "downloads": downloads, "listed": listed,
                })  # fmt: skip
    return found[:MOST]


def _read(connection: duckdb.DuckDBPyConnection, query: str, keys: list[int]) -> list[tuple[Any, ...]]:
    """The rows of these keys; each key by a branch of its own where they are few, as a list of keys reads it all."""
    if len(keys) > FEW:
        values: Document = {"keys": keys}
        text = query.format(those="IN (SELECT unnest($keys::INTEGER[]))")
    else:
        values = {f"k{n}": key for n, key in enumerate(keys)}
        text = " UNION ALL ".join(f"({query.format(those=f'= $k{n}')})" for n in range(len(keys)))
    return connection.execute(text, {**values, "most": MOST}).fetchall()


def _rows(connection: duckdb.DuckDBPyConnection, query: str, values: Document) -> list[Document]:
    found = connection.execute(query, values)
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


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
    family = document["family"] or {"descendants": 0, "height": 0}
    circle = f" It lies on the circle of {family['circle']}, which is not followed." if family.get("circle") else ""
    cut = " The family goes on beyond thirty generations." if family.get("is_cut") else ""
    unnamed = hub.get("unknown", 0) / max(sum(hub.values()), 1)
    return (
        f"{_counted(family['descendants'], 'descendant')} in {_counted(family['height'], 'generation')}:"
        f" {known['tag']} by the Hub's tags,"
        f" {known['declared']} by cards alone, {known['curated']} from public pages where the Hub declares nothing,"
        f" {known['inferred']} by their names. Of all repositories {unnamed:.0%} were made of a model that nobody"
        f" names.{circle}{cut}"
    )


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


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
