"""Which release every name and repository stands for: raw tables in, the identity schema out.

A release is one row of the facts. A repository that only packs or copies another one is a variant of it; every other
repository is a model of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import duckdb
import polars as pl

from pipeline.identity.model_names import Written, read_name
from pipeline.identity.resolve import Alias, Release, Resolution, Resolver
from pipeline.warehouse import replace_table

NAME_COLUMNS: dict[str, Any] = {
    "source": pl.String, "name": pl.String, "model_id": pl.String, "method": pl.String, "confidence": pl.Float64,
    "variant": pl.String, "candidates": pl.List(pl.String), "reason": pl.String,
}  # fmt: skip
REPOSITORY_COLUMNS: dict[str, Any] = {
    "id": pl.String, "model_id": pl.String, "method": pl.String, "confidence": pl.Float64, "variant": pl.String,
}  # fmt: skip
SCHEMAS = {"names": NAME_COLUMNS, "repositories": REPOSITORY_COLUMNS}
COPY = "copy"
"""Variant of a repository that declares its base, has its name and its size, and says nothing of another packing."""
_DECLARED = 0.97
_STEPS = 8  # a packing of a packing of a copy ...; longer chains are nobody's release

_NEWEST = "QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1"
_RELEASES = f"""
    WITH releases AS (FROM raw.facts_releases {_NEWEST}),
    overrides AS (FROM raw.facts_overrides {_NEWEST}),
    statements AS (FROM raw.facts_statements {_NEWEST}),
    said AS (
        SELECT
            model_id,
            min(try_cast(value AS DATE)) FILTER (field = 'released_on') AS released_on,
            coalesce(bool_or(value = 'open') FILTER (field = 'access'), FALSE) AS is_open
        FROM statements GROUP BY model_id
    )
    SELECT
        r.model_id, r.name, r.organisation, r.hub_id,
        coalesce(cast(d.value AS DATE), r.released_on, s.released_on) AS released_on,
        coalesce(coalesce(a.value, r.access) = 'open', s.is_open, FALSE) AS is_open
    FROM releases AS r
    LEFT JOIN overrides AS d ON r.model_id = d.model_id AND d.field = 'released_on'
    LEFT JOIN overrides AS a ON r.model_id = a.model_id AND a.field = 'access'
    LEFT JOIN said AS s ON r.model_id = s.model_id
    ORDER BY r.model_id
"""
# Names are compared in Python; here only what may agree is looked for among millions of repositories.
_PLAIN = "regexp_replace(lower(split_part({0}, '/', -1)), '[^a-z0-9]', '', 'g')"
_DECLARED_PAIRS = f"""
    WITH declared AS (
        SELECT child, any_value(parent) AS parent
        FROM raw.lineage_edges
        WHERE relation NOT IN ('merge', 'adapter') AND child <> parent
        GROUP BY child
        HAVING count(*) = 1
    )
    SELECT d.child, d.parent, c.params_total IS NOT DISTINCT FROM p.params_total AND p.params_total > 0 AS same_size,
        p.id IS NOT NULL AS is_listed
    FROM declared AS d
    INNER JOIN raw.hub_models AS c ON d.child = c.id
    LEFT JOIN raw.hub_models AS p ON d.parent = p.id
    WHERE starts_with({_PLAIN.format("d.child")}, {_PLAIN.format("d.parent")})
"""
_RENAMED = """
    SELECT asked, id FROM raw.hub_renames
    WHERE state = 'renamed' AND asked <> id AND id IN (SELECT m.id FROM raw.hub_models AS m)
    QUALIFY row_number() OVER (PARTITION BY asked ORDER BY capture_id DESC) = 1
"""


def fill(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Fill the tables of SCHEMAS.

    `names` has one row a name of a board, resolved or not; `repositories` one row a repository that belongs to a
    release or to another repository.

    Returns:
        Row counts by table.
    """
    resolver = read_resolver(connection)
    names = _names(connection, resolver)
    repositories = _repositories(connection, resolver)
    tables = {"names": names, "repositories": repositories}
    return {table: replace_table(connection, f"identity.{table}", frame) for table, frame in tables.items()}


def read_resolver(connection: duckdb.DuckDBPyConnection) -> Resolver:
    """A resolver of the newest tables of facts in the raw schema."""
    aliases = connection.execute(
        f"SELECT name, source, model_id, method = 'manual' AS manual FROM raw.facts_aliases {_NEWEST}"
    ).pl()
    return make_resolver(connection.execute(_RELEASES).pl(), aliases)


def make_resolver(releases: pl.DataFrame, aliases: pl.DataFrame) -> Resolver:
    """A resolver of releases (model_id, name, organisation, hub_id, released_on, is_open) and aliases.

    The aliases have name, source, model_id and manual.
    """
    known = [
        Release(hub_ids=(row["hub_id"],) if row["hub_id"] else (), **{k: v for k, v in row.items() if k != "hub_id"})
        for row in releases.to_dicts()
    ]
    rows = aliases.sort("source", "name").select("name", "source", "model_id", "manual").to_dicts()
    return Resolver(known, (Alias(**row) for row in rows))


def _names(connection: duckdb.DuckDBPyConnection, resolver: Resolver) -> pl.DataFrame:
    asked = connection.execute(
        "SELECT DISTINCT source, model, hub_id FROM raw.board_models ORDER BY source, model"
    ).fetchall()
    # Epoch's own file and the facts taken from it write the same names.
    found = [
        (source, name, resolver.resolve(name, "epoch_eci" if source == "epoch" else source, hub_id))
        for source, name, hub_id in asked
    ]
    rows = [{"source": source, "name": name} | _row(one) for source, name, one in found]
    return pl.DataFrame(rows, schema=NAME_COLUMNS)


def _row(one: Resolution) -> dict[str, Any]:
    return {
        "model_id": one.model_id, "method": one.method, "confidence": one.confidence,
        "variant": ", ".join(one.variants) or None, "candidates": list(one.candidates), "reason": one.reason or None,
    }  # fmt: skip


def _repositories(connection: duckdb.DuckDBPyConnection, resolver: Resolver) -> pl.DataFrame:
    """Repositories of releases by id or maker, then packings and copies of others by what they declare."""
    listed = connection.execute(
        "SELECT id FROM raw.hub_models WHERE list_contains(?, lower(split_part(id, '/', 1))) ORDER BY id",
        [sorted(resolver.accounts)],
    ).fetchall()
    found: dict[str, dict[str, Any]] = {}
    for (repository,) in listed:
        one = resolver.resolve_repository(repository)
        if one.model_id is not None:
            found[repository] = {"id": repository} | _row(one)
    renamed = dict(connection.execute(_RENAMED).fetchall())
    pairs = connection.execute(_DECLARED_PAIRS).fetchall()
    parents = {child: parent for child, parent, _, _ in pairs if child not in found}
    is_listed = {parent for _, parent, _, there in pairs if there}
    variants = {
        child: variant
        for child, parent, same_size, _ in pairs
        if child in parents and (variant := _variant(read_name(child), read_name(parent), same_size)) is not None
    }
    known = {repository: row["model_id"] for repository, row in found.items()}
    moved = {old: new for old, new in renamed.items() if old not in known}
    chain = {child: parents[child] for child in variants} | moved
    for end in chain.values():
        # A base that the Hub does not list may still be that of a release.
        if end not in known and (model_id := resolver.resolve_repository(end).model_id) is not None:
            known[end] = model_id
    there = is_listed | set(moved.values())
    for repository in chain:
        target = _target(repository, chain, known, there)
        if target is not None:
            said = {"method": "renamed", "confidence": 1.0} if repository in moved else {
                "method": "declared", "confidence": _DECLARED, "variant": variants[repository]}  # fmt: skip
            found[repository] = {"id": repository, "model_id": target} | said
    rows = [{name: row.get(name) for name in REPOSITORY_COLUMNS} for row in found.values()]
    return pl.DataFrame(rows, schema=REPOSITORY_COLUMNS).sort("id")


def _variant(child: Written, parent: Written, same_size: bool) -> str | None:
    """How a repository packs the one it declares as its base; null where its name or size says it is another model."""
    if (child.tokens, child.dated) != (parent.tokens, parent.dated):
        return None
    packed = [one for one in child.variants if one not in parent.variants]
    if packed:
        return ", ".join(packed)
    return COPY if same_size and child.account != parent.account else None


def _target(child: str, parents: Mapping[str, str], known: Mapping[str, str], is_listed: Collection[str]) -> str | None:
    """The model at the end of a chain of packings, copies or renames; null where it leads in a circle or nowhere."""
    seen, at = {child}, parents[child]
    for _ in range(_STEPS):
        if at in known:
            return known[at]
        if at not in parents:
            return f"hub:{at}" if at in is_listed else None
        if at in seen:
            return None
        seen.add(at)
        at = parents[at]
    return None
