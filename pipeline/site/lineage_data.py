"""The families for the browser: names once, edges as integers; of a large Hub the largest families, each in part."""

from __future__ import annotations

import heapq
from collections import defaultdict
from typing import Any

import duckdb

Document = dict[str, Any]
ByPlace = dict[int, Any]
"""By the number of a repository."""
EDGES = 20_000
"""Edges that a page may hold; a Hub with more is given by its largest families."""
FAMILIES, MEMBERS, TOGETHER = 300, 500, 40_000
"""Families of a large Hub, members of each and of all: so many weigh about 700 kB, compressed as servers do."""
RETAINED = 40
"""Rows of retention of one base that the page holds; the published file has all."""
RELATIONS = ("finetune", "adapter", "quantized", "merge", "distilled", "unknown")
EVIDENCE = ("tag", "declared", "curated", "inferred")
KINDS = ("instruct", "preference", "quantised", "adapter", "merge", "distilled", "multimodal")
STARTS = ("weights", "release", "repository")
_EDGES = "SELECT parent, child, relation, evidence FROM staging.lineage_edges WHERE parent <> child ORDER BY ALL"
_NODES = """
    SELECT f.id, f.children, f.descendants, f.parents, f.ancestors, f.inferred_descendants, f.height, f.circle,
        h.downloads, h.id IS NOT NULL AND h.deleted_seen_at IS NULL AS listed
    FROM marts.family AS f LEFT JOIN staging.hub_models AS h ON f.id = h.id ORDER BY f.id"""
_KINDS = "SELECT DISTINCT id, kind FROM staging.techniques WHERE confidence >= 0.9 ORDER BY ALL"
_CLOCK = """
    SELECT base, kind, started_on, started_from, observed_days, older_children, days_to_first, first_child,
        first_evidence, days_to_first_outside, days_to_first_used, children, inferred_children
    FROM marts.derivative_clock ORDER BY base, days_to_first NULLS LAST, kind"""
_GROWTH = """
    SELECT base, days, derivatives, authors, outside_authors, of_them_inferred, complete
    FROM marts.derivatives_over_time ORDER BY base, days"""
_RETAINED = """
    SELECT r.base, r.child, coalesce(b.name, r.benchmark_id) AS benchmark, r.unit, r.base_score, r.child_score,
        r.retention, count(*) OVER (PARTITION BY r.base) AS of_all
    FROM marts.retention AS r
    LEFT JOIN staging.benchmarks AS b ON r.benchmark_id = b.benchmark_id
    LEFT JOIN staging.hub_models AS h ON r.child = h.id
    QUALIFY row_number() OVER (PARTITION BY r.base ORDER BY h.downloads DESC NULLS LAST, r.child, r.series_id) <= $rows
    ORDER BY r.base, h.downloads DESC NULLS LAST, r.child, benchmark, r.series_id"""


def families(connection: duckdb.DuckDBPyConnection, edges_at_most: int = EDGES) -> Document:
    """What the explorer knows, for `window.moat.lineage`.

    Args:
        connection: the published file.
        edges_at_most: with more edges than these, the largest families are given, the most downloaded members first.

    Returns:
        `names` in order (a repository's place is its number), `nodes` (a column each: children, descendants, parents,
        ancestors, inferred_descendants, height, downloads, kinds, a bit a kind; `unlisted` as places, `circle` by
        place), `edges` (parent, child, relation * 8 + evidence, and so on), `clock`, `growth` and `retained` by place
        of the base, the words behind the numbers, and `part` (families, members, known; null = everything is here).
    """
    nodes = {row["id"]: row for row in connection.execute(_NODES).pl().to_dicts()}
    edges = connection.execute(_EDGES).fetchall()
    part = None
    if len(edges) > edges_at_most:
        roots = sorted((row for row in nodes.values() if not row["parents"]), key=lambda row: -row["descendants"])[
            :FAMILIES
        ]
        members = _fitting([row["descendants"] for row in roots])
        kept = _largest([row["id"] for row in roots], members, nodes, edges)
        part = {"families": len(roots), "members": members, "known": len(nodes)}
        edges = [edge for edge in edges if edge[0] in kept and edge[1] in kept]
        nodes = {name: nodes[name] for name in sorted(kept)}
    place = {name: number for number, name in enumerate(nodes)}
    kinds = dict.fromkeys(nodes, 0)
    for name, kind in connection.execute(_KINDS).fetchall():
        if name in kinds and kind in KINDS:
            kinds[name] |= 1 << KINDS.index(kind)
    rows = list(nodes.values())
    columns = ("children", "descendants", "parents", "ancestors", "inferred_descendants", "height", "downloads")
    return {
        "names": list(nodes),
        "nodes": {column: [row[column] for row in rows] for column in columns}
        | {"kinds": [kinds[name] for name in nodes]}
        | {"unlisted": [place[row["id"]] for row in rows if not row["listed"]]}
        | {"circle": {place[row["id"]]: row["circle"] for row in rows if row["circle"]}},
        "edges": [
            number
            for parent, child, relation, evidence in edges
            for number in (place[parent], place[child], _at(RELATIONS, relation) * 8 + EVIDENCE.index(evidence))
        ],
        "clock": _clock(connection, place),
        "growth": _growth(connection, place),
        "retained": _retained(connection, place),
        "relations": RELATIONS,
        "evidence": EVIDENCE,
        "kinds": KINDS,
        "starts": STARTS,
        "part": part,
    }


def _at(words: tuple[str, ...], word: str) -> int:
    return words.index(word) if word in words else len(words) - 1


def _fitting(sizes: list[int]) -> int:
    """Members that each family may have, so that all of them together are few enough."""
    members = MEMBERS
    while members > 1 and sum(min(size, members) for size in sizes) > TOGETHER:
        members -= 1
    return members


def _largest(roots: list[str], members: int, nodes: Document, edges: list[tuple[str, str, str, str]]) -> set[str]:
    """Members of the largest families: from each root on, always the most downloaded one that a kept one leads to."""
    below: dict[str, list[str]] = defaultdict(list)
    for parent, child, _, _ in edges:
        below[parent].append(child)
    kept: set[str] = set()
    for root in roots:
        own, waiting = set[str](), [(0, root)]
        while waiting and len(own) <= members:
            _, name = heapq.heappop(waiting)
            if name in own:
                continue
            own.add(name)
            for child in below[name]:
                heapq.heappush(waiting, (-(nodes[child]["downloads"] or 0), child))
        kept |= own
    return kept


def _clock(connection: duckdb.DuckDBPyConnection, place: dict[str, int]) -> ByPlace:
    """By base: start, what it rests on, days observed, older children, and a row for every kind that there is."""
    found: ByPlace = {}
    for base, kind, started_on, started_from, observed, older, *row in connection.execute(_CLOCK).fetchall():
        if base not in place or kind not in KINDS:
            continue
        clock = found.setdefault(place[base], [str(started_on), STARTS.index(started_from), observed, older, []])
        days, first, evidence, *rest = row
        # A first derivative that this page does not hold is told by its name.
        told = None if first is None else place.get(first, first)
        if days is not None or rest[-1]:
            known = None if evidence is None else EVIDENCE.index(evidence)
            clock[-1].append([KINDS.index(kind), days, told, known, *rest])
    return found


def _growth(connection: duckdb.DuckDBPyConnection, place: dict[str, int]) -> ByPlace:
    found: ByPlace = {}
    for base, *row in connection.execute(_GROWTH).fetchall():
        if base in place:
            found.setdefault(place[base], []).append([int(value) for value in row])
    return found


def _retained(connection: duckdb.DuckDBPyConnection, place: dict[str, int]) -> Document:
    """By base: how many rows there are; of those held the derivative, its series, both scores and the share kept."""
    found: ByPlace = {}
    series: dict[tuple[str, str], int] = {}
    for base, child, benchmark, unit, *scores, of_all in connection.execute(_RETAINED, {"rows": RETAINED}).fetchall():
        if base in place and child in place:
            number = series.setdefault((benchmark, unit), len(series))
            rounded = [None if score is None else round(score, 4) for score in scores]
            of_base = found.setdefault(place[base], {"of_all": of_all, "rows": []})
            of_base["rows"].append([place[child], number, *rounded])
    return {"series": list(series), "by_base": found}
