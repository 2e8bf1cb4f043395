"""Captures folded into the raw schema one after the other: what both the Hub's models and the boards need for it.

A capture is folded once, in one transaction. Facts that it no longer states are dated as gone and stay.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipeline.captures import Capture, put_aside
from pipeline.errors import SourceError, WarehouseError
from pipeline.settings import Settings

SMALLEST_SHARE = 0.8
_PACKAGE = Path(__file__).parent
_READ_BY = ("sources/*.py", "identity/*.py", "facts/tables/benchmark*.csv", "*_state.py", "folding.py")


@dataclass(frozen=True)
class Counts:
    """How many items of a capture were read and what became of them: read = kept + quarantined + duplicate."""

    read: int = 0
    kept: int = 0
    quarantined: int = 0
    duplicate: int = 0

    @property
    def add_up(self) -> bool:
        """Whether every item read is accounted for exactly once."""
        return self.read == self.kept + self.quarantined + self.duplicate


_FOLDED = (
    "source VARCHAR", "capture_id VARCHAR", "code VARCHAR",
    *(f"{what}_{field.name} BIGINT" for what in ("items", "scores") for field in fields(Counts)),
)  # fmt: skip


def new_captures(
    connection: duckdb.DuckDBPyConnection, source: str, captures: Sequence[Capture]
) -> tuple[Sequence[Capture], bool]:
    """Which captures are to be folded, and whether the state must be made anew before.

    Those folded by an earlier run are left out if they are the first of these and were read by the same code.
    """
    rows = connection.execute("SELECT capture_id, code FROM raw.folded WHERE source = ?", [source]).fetchall()
    done = [capture_id for capture_id, _ in rows]
    ids = [capture.manifest.capture_id for capture in captures]
    # What comes before something folded already, though it was captured later, makes all of it be folded in order.
    if done and set(done) == set(ids[: len(done)]) and {code for _, code in rows} == {code_hash()}:
        return captures[len(done) :], False
    connection.execute("DELETE FROM raw.folded WHERE source = ?", [source])
    return captures, True


def counts(connection: duckdb.DuckDBPyConnection, source: str) -> dict[str, tuple[Counts, Counts]]:
    """Items and scores of every capture in the state of a source, by its id."""
    rows = connection.execute("SELECT * EXCLUDE (source, code) FROM raw.folded WHERE source = ?", [source]).fetchall()
    return {row[0]: (Counts(*row[1:5]), Counts(*row[5:9])) for row in rows}


@cache
def code_hash() -> str:
    """Identity of the code that reads captures: another one may read them otherwise."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in _READ_BY for path in _PACKAGE.glob(pattern)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def temporary_tables(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Mapping[str, Any]]) -> None:
    """Create empty temporary tables, `new_` before each name, for what one capture says."""
    for name, schema in tables.items():
        empty = pl.DataFrame(schema=dict(schema))  # noqa: F841 - DuckDB reads it by its name
        # WITH NO DATA: in a table made of no rows, DuckDB 1.5.5 loses what the same transaction inserts at length.
        connection.execute(f"CREATE OR REPLACE TEMP TABLE new_{name} AS FROM empty WITH NO DATA")


def insert(connection: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame) -> None:
    """Insert a frame into a temporary table of `temporary_tables`, column by column of the same name.

    Raises:
        WarehouseError: the table does not hold as many rows more as the frame has.
    """
    before = count(connection, f"SELECT count(*) FROM new_{name}")
    connection.execute(f"INSERT INTO new_{name} BY NAME FROM frame")
    gained = count(connection, f"SELECT count(*) FROM new_{name}") - before
    if gained != frame.height:
        raise WarehouseError(
            f"table new_{name}",
            f"{frame.height:,} rows went in and {gained:,} are there",
            "Report it: DuckDB lost rows",
        )


def raw_tables(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Mapping[str, Any]]) -> None:
    """Create tables of the raw schema that are not there yet; one with other columns is made anew, and so is all."""
    connection.execute(f"CREATE TABLE IF NOT EXISTS raw.folded ({', '.join(_FOLDED)})")
    for name, schema in tables.items():
        there = connection.execute(
            "SELECT column_name FROM duckdb_columns() WHERE schema_name = 'raw' AND table_name = ?"
            " ORDER BY column_index",
            [name],
        ).fetchall()
        if [column for (column,) in there] == list(schema):
            continue
        empty = pl.DataFrame(schema=dict(schema))  # noqa: F841 - as above
        connection.execute(f"CREATE OR REPLACE TABLE raw.{name} AS FROM empty WITH NO DATA")
        if there:
            connection.execute("DELETE FROM raw.folded")


def update_scores(connection: duckdb.DuckDBPyConnection, table: str, new: str, gone: str, capture: Capture) -> None:
    """Bring a table of scores up to a capture by their `fact_id`.

    A capture may be of an older state than one made before it: what only it states is seen with it, not earlier,
    and gone at once.

    Args:
        connection: the work file.
        table: with fact_id, capture_id, seen_at and gone_at.
        new: the scores that the capture states, in the same columns but seen_at and gone_at.
        gone: condition on `table` for the scores that the capture would state if they still stood.
        capture: the capture.
    """
    manifest = capture.manifest
    connection.execute(
        f"UPDATE {table} SET gone_at = greatest(seen_at, ?) WHERE gone_at IS NULL AND ({gone})"
        f" AND fact_id NOT IN (SELECT fact_id FROM {new})",
        [manifest.finished_at],
    )
    connection.execute(
        f"UPDATE {table} AS old SET gone_at = NULL, capture_id = ?, seen_at = least(seen_at, ?) FROM {new} AS new"
        " WHERE old.fact_id = new.fact_id",
        [manifest.capture_id, manifest.finished_at],
    )
    connection.execute(
        f"INSERT INTO {table} BY NAME SELECT *, ? AS seen_at FROM {new}"
        f" WHERE fact_id NOT IN (SELECT fact_id FROM {table})",
        [manifest.finished_at],
    )


@contextmanager
def folding(
    connection: duckdb.DuckDBPyConnection, settings: Settings, capture: Capture, standing: str, before: int
) -> Iterator[Callable[[Counts, Counts], None]]:
    """One transaction for one capture, undone where it leaves much less than there was.

    The block calls what it is given with the items and the scores that it read.

    Args:
        connection: the work file.
        settings: which sources may shrink.
        capture: the capture.
        standing: a query for how many facts of its source stand.
        before: how many there were; 0 for a capture that proved itself when it was new.

    Raises:
        SourceError: over a fifth of the facts would be gone; the capture is put aside.
    """
    connection.execute("BEGIN")
    try:
        read: list[int | str] = []
        yield lambda items, scores: read.extend([*astuple(items), *astuple(scores)])
        after = count(connection, standing)
        if after < SMALLEST_SHARE * before and capture.manifest.source not in settings.may_shrink:
            raise _TooSmall(before, after)
        named = [capture.manifest.source, capture.manifest.capture_id, code_hash(), *read]
        connection.execute(f"INSERT INTO raw.folded VALUES ({', '.join('?' * len(_FOLDED))})", named)
    except _TooSmall as error:
        connection.execute("ROLLBACK")
        put_aside(capture)
        source = capture.manifest.source
        raise SourceError(
            f"{source}, capture {capture.manifest.capture_id}",
            f"it would leave {error.after:,} of {error.before:,} facts",
            f"The last good capture stays in use; MOAT_ACCEPT_SMALLER={source} takes this one",
        ) from error
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


class _TooSmall(Exception):
    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.before, self.after = before, after


def count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """The number that a query gives."""
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0
