"""DuckDB connections, always closed, and publishing by atomic replace.

A run writes one private work file; people open only the published file, read-only. What a table
means does not belong here: see sql/.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from pipeline.errors import WarehouseError
from pipeline.progress import report
from pipeline.settings import Settings

# Any DuckDB from 1.0 on, and DuckDB-Wasm, can open files of this storage version.
STORAGE_VERSION = "v1.0.0"
HASHED_SCHEMAS = ("staging", "marts")
PUBLISHED_SCHEMAS = ("staging", "marts", "ops")
# Columns that differ between two builds of the same facts, such as run times and capture ids: the logical hash leaves
# them out.
NOT_HASHED = (
    "capture_id",
    "seen_at",
    "superseded_at",
    "deleted_seen_at",
    "checked_at",
    "captured_at",
    "due_at",
    "requests",
    # What came of asking is the run's: a rebuild asks nobody.
    "sources.state",
)
# What is compared with the builds made here before is not in the captures: a rebuild elsewhere knows none of them.
NOT_HASHED_TABLES = ("marts.vintage_changes",)


@contextmanager
def run_lock(settings: Settings) -> Iterator[None]:
    """Hold the one writer's lock; a second run exits at once.

    Raises:
        WarehouseError: another run holds it, or the data folder cannot be written.
    """
    path = settings.work_file.with_name("run.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("w")
    except OSError as error:
        raise WarehouseError(str(path.parent), f"it cannot be written ({error.strerror})", "Set MOAT_DATA") from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise WarehouseError(str(settings.data), "another run is writing it", "Wait until it ends") from error
        yield


@contextmanager
def connect_work(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The private work file, opened for writing and always closed.

    Raises:
        WarehouseError: the file is locked, damaged or in a folder that cannot be written.
    """
    path = settings.work_file
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = duckdb.connect(str(path), config={"threads": os.cpu_count() or 1, "memory_limit": settings.memory})
    except (OSError, duckdb.Error) as error:
        raise WarehouseError(
            str(path), f"it cannot be opened ({_first_line(error)})", "End other runs, or delete it: it is rebuilt"
        ) from error
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = false")
        for schema in ("raw", "identity", "lineage", "gap", *PUBLISHED_SCHEMAS):
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        yield connection
    finally:
        connection.close()


@contextmanager
def connect_published(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published file, read-only and unable to reach any other file or host.

    Raises:
        WarehouseError: nothing is published yet, the file cannot be read, or it lacks what is asked of it.
    """
    path = settings.published_file
    if not path.exists():
        raise WarehouseError(str(path), "nothing is published yet", "Run `moat run` (or `make run`) first")
    try:
        connection = duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        raise WarehouseError(str(path), f"it cannot be read ({_first_line(error)})", "Run `moat run` again") from error
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        # Whoever writes queries of their own has caught it before.
        lacking = f"it is of another version of the project ({_first_line(error)})"
        raise WarehouseError(str(path), lacking, "Run `moat run` again") from error
    finally:
        connection.close()


@contextmanager
def connect_as_of(settings: Settings, as_of: date) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published file beside a `raw.run` of another date: the queries of sql/ over it tell what held then.

    Raises:
        WarehouseError: see `connect_published`.
    """
    with connect_published(settings):  # for its errors
        pass
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"ATTACH '{_quoted(settings.published_file)}' AS published (READ_ONLY)")
        connection.execute("SET enable_external_access = false")
        connection.execute("ATTACH ':memory:' AS raw")
        connection.execute("CREATE TABLE raw.run AS SELECT cast(? AS DATE) AS as_of", [as_of])
        connection.execute("USE published")
        yield connection


def replace_table(connection: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> int:
    """Put a frame in the place of a table of our own naming; how many rows it has."""
    connection.execute(f"CREATE OR REPLACE TABLE {table} AS FROM frame")
    return frame.height


def tables_of(connection: duckdb.DuckDBPyConnection, schema: str) -> list[str]:
    """Names of the tables of a schema of the connection's own database, sorted."""
    rows = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE schema_name = ?"
        " AND database_name = current_database() ORDER BY 1",
        [schema],
    ).fetchall()
    return [name for (name,) in rows]


def logical_hash(connection: duckdb.DuckDBPyConnection) -> str:
    """Identity of the content of staging and marts, whatever machine or run built it.

    sha256 over the sorted rows of every table; floats at 6 significant digits; run times and capture
    ids left out, and the tables of NOT_HASHED_TABLES.
    """
    digest = hashlib.sha256()
    for schema in HASHED_SCHEMAS:
        for table in tables_of(connection, schema):
            if f"{schema}.{table}" in NOT_HASHED_TABLES:
                continue
            columns = connection.execute(
                "SELECT column_name, data_type FROM duckdb_columns()"
                " WHERE schema_name = ? AND table_name = ? AND database_name = current_database() ORDER BY column_name",
                [schema, table],
            ).fetchall()
            hashed = [one for one in columns if not {one[0], f"{table}.{one[0]}"} & {*NOT_HASHED}]
            parts = [_hashed_text(name, kind) for name, kind in hashed]
            row = f"concat_ws(chr(31), {', '.join(parts)})"
            found = connection.execute(
                f"SELECT coalesce(sha256(string_agg({row}, chr(10) ORDER BY {row})), '') FROM {schema}.\"{table}\""
            ).fetchone()
            digest.update(f"{schema}.{table}={found[0] if found else ''}\n".encode())
    return digest.hexdigest()


def _hashed_text(name: str, kind: str) -> str:
    # A file may keep -0 as 0, which is equal to it.
    value = f"format('{{:.6g}}', \"{name}\" + 0)" if kind in {"DOUBLE", "FLOAT"} else f'CAST("{name}" AS VARCHAR)'
    return f"coalesce({value}, chr(30))"


def publish(settings: Settings) -> str:
    """Copy what is public out of the work file, verify the copy and put it in place atomically.

    Writes openmoat.duckdb (staging, marts, ops), marts.duckdb (marts only) and parquet/<mart>.parquet.

    Returns:
        The logical hash of what is now published.

    Raises:
        WarehouseError: the copy cannot be written or differs from the work file; the last published
            file then stays as it is.
    """
    with connect_work(settings) as work:
        expected = logical_hash(work)
        try:
            settings.published.joinpath("parquet").mkdir(parents=True, exist_ok=True)
            report("write published files", 0, 3)
            full = _copy(work, settings.published, PUBLISHED_SCHEMAS)
            small = _copy(work, settings.published, ("marts",))
            _verify(full, expected)
            report("write published files", 1, 3)
            _replace(small, settings.published / "marts.duckdb")
            for table in tables_of(work, "marts"):
                _export(work, table, settings.published / "parquet" / f"{table}.parquet")
            report("write published files", 2, 3)
            _replace(full, settings.published_file)
            report("write published files", 3, 3)
        except (OSError, duckdb.Error) as error:
            raise WarehouseError(
                str(settings.published), f"it cannot be written ({_first_line(error)})", "The last published file stays"
            ) from error
        finally:
            for leftover in settings.published.glob(".new-*"):
                leftover.unlink(missing_ok=True)
    return expected


def _copy(work: duckdb.DuckDBPyConnection, folder: Path, schemas: tuple[str, ...]) -> Path:
    path = folder / f".new-{uuid.uuid4().hex}.duckdb"
    work.execute(f"ATTACH '{_quoted(path)}' AS target (STORAGE_VERSION '{STORAGE_VERSION}')")
    try:
        for schema in schemas:
            work.execute(f"CREATE SCHEMA target.{schema}")
            for table in tables_of(work, schema):
                work.execute(f'CREATE TABLE target.{schema}."{table}" AS FROM {schema}."{table}"')
        # One transaction: each waits for the disk.
        work.begin()
        for schema in schemas:
            for table in tables_of(work, schema):
                _copy_comments(work, schema, table)
        work.commit()
        work.execute("CHECKPOINT target")
    finally:
        work.execute("DETACH target")
    if path.with_name(path.name + ".wal").exists():
        raise WarehouseError(str(path), "the copy was not checkpointed", "Run again")
    return path


def _copy_comments(work: duckdb.DuckDBPyConnection, schema: str, table: str) -> None:
    described = work.execute(
        "SELECT 'TABLE', NULL, comment FROM duckdb_tables() WHERE schema_name = $s AND table_name = $t"
        " AND database_name = current_database() UNION ALL "
        "SELECT 'COLUMN', column_name, comment FROM duckdb_columns() WHERE schema_name = $s AND table_name = $t"
        " AND database_name = current_database()",
        {"s": schema, "t": table},
    ).fetchall()
    for kind, column, comment in described:
        if comment is not None:
            target = f'target.{schema}."{table}"' + (f'."{column}"' if column else "")
            work.execute(f"COMMENT ON {kind} {target} IS '{_quoted(comment)}'")


def _verify(path: Path, expected: str) -> None:
    copy = duckdb.connect(str(path), read_only=True)
    try:
        found = logical_hash(copy)
    finally:
        copy.close()
    if found != expected:
        raise WarehouseError(str(path), "the copy differs from the work file", "Check the disk, then run again")


def _export(work: duckdb.DuckDBPyConnection, table: str, target: Path) -> None:
    temporary = target.with_name(f".new-{uuid.uuid4().hex}.parquet")
    work.execute(f"COPY marts.\"{table}\" TO '{_quoted(temporary)}' (FORMAT parquet, COMPRESSION zstd)")
    _replace(temporary, target)


def _replace(source: Path, target: Path) -> None:
    sync(source)
    source.replace(target)
    sync(source.parent)


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk before anything else happens."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _quoted(text: object) -> str:
    """A text for a place that takes no bound parameter (ATTACH, COPY, COMMENT)."""
    return re.sub("'", "''", str(text))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
