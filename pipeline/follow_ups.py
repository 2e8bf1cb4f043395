"""Which single repositories to ask the Hub about, within a budget: a list states all but a few of them.

Those that boards or releases name come first, then those with the most downloads. Nothing is asked twice.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb
import polars as pl

_NAMED = (
    "(id IN (SELECT hub_id FROM raw.board_models WHERE hub_id IS NOT NULL)"
    " OR id IN (SELECT hub_id FROM raw.facts_releases WHERE hub_id IS NOT NULL)"
    " OR id IN (SELECT repo_id FROM raw.card_metrics))"
)


def cards(connection: duckdb.DuckDBPyConnection, asked: dict[str, str], most: int) -> list[tuple[str, str]]:
    """Repositories whose card the list does not state, each with its commit: its README may hold one.

    Args:
        connection: the work file.
        asked: commit asked for last, by repository.
        most: how many at the most.
    """
    before = pl.DataFrame(  # noqa: F841 - DuckDB reads it by its name
        {"id": list(asked), "sha": list(asked.values())}, schema={"id": pl.String, "sha": pl.String}
    )
    return connection.execute(
        "SELECT id, sha FROM raw.hub_models ANTI JOIN before USING (id, sha)"
        " WHERE gone_at IS NULL AND NOT has_card AND sha IS NOT NULL AND coalesce(gated, 'false') = 'false'"
        f" ORDER BY {_NAMED} DESC, downloads DESC NULLS LAST, id LIMIT ?",
        [most],
    ).fetchall()


def renames(connection: duckdb.DuckDBPyConnection, asked: Iterable[str], most: int) -> list[str]:
    """Repositories that are gone from the list and mattered: they may be there under another name.

    Args:
        connection: the work file.
        asked: repositories asked for before.
        most: how many at the most.
    """
    before = pl.DataFrame({"id": list(asked)}, schema={"id": pl.String})  # noqa: F841 - as above
    found = connection.execute(
        "SELECT id FROM raw.hub_models ANTI JOIN before USING (id)"
        f" WHERE gone_at IS NOT NULL AND {_NAMED} ORDER BY downloads DESC NULLS LAST, id LIMIT ?",
        [most],
    ).fetchall()
    return [repo for (repo,) in found]
