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
"""Ancestors or descendants that are returned, the nearest and most downloaded first; counts are of all."""
# On numbers: a walk on two million names would take a second.
_WALK = """
    WITH RECURSIVE walk AS (
        SELECT {far} AS key, {near} AS via, relation, evidence, 1 AS depth
        FROM staging.lineage_steps WHERE {near} = $key
        UNION
        SELECT e.{far}, e.{near}, e.relation, e.evidence, w.depth + 1
        FROM walk AS w INNER JOIN staging.lineage_steps AS e ON w.key = e.{near}
        WHERE w.depth < $deepest
    ),
    nearest AS (
        SELECT key, min(depth) AS depth,
            arg_min({{via: via, relation: relation, evidence: evidence}}, (depth, via)) AS step
        FROM walk WHERE key <> $key GROUP BY key
    ),
    told AS (SELECT count(*) AS counted, map_from_entries(list((evidence, n))) AS evidence FROM (
        SELECT step.evidence AS evidence, count(*) AS n FROM nearest GROUP BY ALL ORDER BY ALL)),
    shown AS (
        SELECT k.id, n.step, n.depth, k.downloads, k.is_listed AS listed
        FROM nearest AS n INNER JOIN staging.lineage_keys AS k ON n.key = k.key
        ORDER BY n.depth, k.downloads DESC NULLS LAST, k.id LIMIT $most
    )
    SELECT s.id, v.id AS via, s.step.relation AS relation, s.step.evidence AS evidence, s.depth, s.downloads, s.listed,
        (SELECT t.evidence FROM told AS t) AS of_all
    FROM shown AS s INNER JOIN staging.lineage_keys AS v ON s.step.via = v.key
    ORDER BY s.depth, s.downloads DESC NULLS LAST, s.id"""
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
        found: Document = {
            "model": model,
            "ancestors": _walk(connection, keys, far="parent", near="child"),
            "descendants": _walk(connection, keys, far="child", near="parent"),
            "clock": _rows(connection, _CLOCK, asked),
            "techniques": _rows(connection, _KINDS, asked),
        }
        family = _rows(connection, _FAMILY, asked)
        hub = _rows(connection, _KNOWN, {})
        listed = keys or _rows(connection, "SELECT id FROM staging.hub_models WHERE id = $model", asked)
    if not (listed or found["ancestors"] or found["descendants"]):
        raise InputError(
            f"model {model}", "no repository of this name is known", "Write organisation/name as the Hub does"
        )
    of_all = found["descendants"][0]["of_all"] if found["descendants"] else {}
    found["evidence"] = {name: of_all.get(name, 0) for name in ("tag", "declared", "curated", "inferred")}
    for row in found["ancestors"] + found["descendants"]:
        del row["of_all"]
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


def _walk(connection: duckdb.DuckDBPyConnection, keys: list[Document], **ways: str) -> list[Document]:
    if not keys:
        return []
    values = {"key": keys[0]["key"], "deepest": DEEPEST, "most": MOST}
    names = connection.execute(_WALK.format(**ways), values)
    columns = [column[0] for column in names.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in names.fetchall()]


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
