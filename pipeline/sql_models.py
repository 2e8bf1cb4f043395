"""sql/ as a contract: one SELECT a file, path = table name, the header says what each column means.

Dependencies are read from the SQL itself. How a table is scheduled does not belong here: see defs/.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb
import sqlglot
from sqlglot import exp

from pipeline.errors import WarehouseError
from pipeline.settings import ROOT

SQL = ROOT / "sql"
SCHEMAS = ("staging", "marts", "ops")


@dataclass(frozen=True)
class SqlModel:
    """One table: its name, its contract (description, columns in order with meaning), its SELECT."""

    schema: str
    name: str
    description: str
    columns: dict[str, str]
    query: str
    upstream: tuple[str, ...]

    @property
    def table(self) -> str:
        """Schema and name, as SQL writes it."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class SqlCheck:
    """A rule on one table: a SELECT that returns the failing rows.

    Attributes:
        others: the other tables that it reads.
        blocking: nothing is published where a row fails; else it is a warning.
    """

    table: str
    rule: str
    description: str
    query: str
    others: tuple[str, ...]
    blocking: bool = True


def load_models(root: Path = SQL) -> list[SqlModel]:
    """Every model under root, upstream before downstream.

    Raises:
        WarehouseError: a file has no contract, is not one SELECT, or models depend on one another in a circle.
    """
    models = {
        model.table: model
        for schema in SCHEMAS
        for path in sorted((root / schema).glob("*.sql"))
        for model in [_read_model(schema, path)]
    }
    graph = {table: [up for up in model.upstream if up in models] for table, model in models.items()}
    return [models[table] for table in TopologicalSorter(graph).static_order()]


def load_checks(root: Path = SQL) -> list[SqlCheck]:
    """Every check under root/checks, and every warning under root/warnings, named <schema>.<table>.<rule>.sql."""
    found = []
    for folder, blocking in (("checks", True), ("warnings", False)):
        for path in sorted((root / folder).glob("*.sql")):
            schema, table, rule = path.stem.split(".")
            description, _, query = split_header(path)
            others = tuple(sorted(_tables(path, query) - {f"{schema}.{table}"}))
            found.append(SqlCheck(f"{schema}.{table}", rule, description, query, others, blocking))
    return found


def build(connection: duckdb.DuckDBPyConnection, model: SqlModel) -> int:
    """Rebuild one table whole and write its contract into the database.

    Returns:
        The number of rows.

    Raises:
        WarehouseError: the query fails, or the built columns are not those of the contract.
    """
    try:
        connection.execute(f"CREATE OR REPLACE TABLE {model.table} AS {model.query}")
    except duckdb.OutOfMemoryException as error:
        raise WarehouseError(
            model.table, str(error).splitlines()[0], "Raise MOAT_MEMORY, or free space where MOAT_DATA lies"
        ) from error
    except duckdb.Error as error:
        raise WarehouseError(
            model.table, str(error).splitlines()[0], f"Mend sql/{model.schema}/{model.name}.sql"
        ) from error
    built = [row[0] for row in connection.execute(f"DESCRIBE {model.table}").fetchall()]
    if built != list(model.columns):
        raise WarehouseError(
            model.table,
            f"built with {built}, its header documents {list(model.columns)}",
            f"Make the header and the SELECT of sql/{model.schema}/{model.name}.sql agree",
        )
    describe(connection, model.table, model.description, model.columns)
    counted = connection.execute(f"SELECT count(*) FROM {model.table}").fetchone()
    return int(counted[0]) if counted else 0


def describe(connection: duckdb.DuckDBPyConnection, table: str, description: str, columns: dict[str, str]) -> None:
    """Write a description of a table and its columns into the database."""
    # One transaction: each waits for the disk.
    connection.begin()
    connection.execute(f"COMMENT ON TABLE {table} IS {_literal(description)}")
    for column, meaning in columns.items():
        connection.execute(f'COMMENT ON COLUMN {table}."{column}" IS {_literal(meaning)}')
    connection.commit()


def failing_rows(connection: duckdb.DuckDBPyConnection, check: SqlCheck, limit: int = 5) -> tuple[int, list[str]]:
    """How many rows break the rule, and the first few as text."""
    counted = connection.execute(f"SELECT count(*) FROM ({check.query})").fetchone()
    rows = connection.execute(f"SELECT * FROM ({check.query}) LIMIT {limit}").fetchall()
    return (int(counted[0]) if counted else 0), [str(row)[:300] for row in rows]


def broken(table: str, rule: str, failing: object, examples: object) -> WarehouseError:
    """The error of a build in which rows break a rule."""
    return WarehouseError(
        f"check {rule} of {table}",
        f"{failing} rows break it, such as {examples}",
        "Nothing was published; mend the source or the query",
    )


def _read_model(schema: str, path: Path) -> SqlModel:
    description, columns, query = split_header(path)
    if not description or not columns:
        raise WarehouseError(
            str(path), "it has no contract", "Begin with -- <description> and -- column | meaning lines"
        )
    return SqlModel(schema, path.stem, description, columns, query, tuple(sorted(_tables(path, query))))


def split_header(path: Path) -> tuple[str, dict[str, str], str]:
    """Description, meaning of each column, and query of a file of sql/."""
    lines = path.read_text(encoding="utf-8").splitlines()
    header = [line.removeprefix("--").strip() for line in _leading_comments(lines)]
    described = [line for line in header if " | " not in line]
    columns = dict(_column(line) for line in header if " | " in line)
    return " ".join(described).strip(), columns, "\n".join(lines[len(header) :]).strip()


def _column(line: str) -> tuple[str, str]:
    name, _, meaning = line.partition(" | ")
    return name.strip(), meaning.strip()


def _leading_comments(lines: list[str]) -> Iterable[str]:
    for line in lines:
        if not line.startswith("--"):
            return
        yield line


@cache  # a process reads the same hundred queries several times, and parsing them takes a second
def _tables(path: Path, query: str) -> frozenset[str]:
    try:
        parsed = sqlglot.parse(query, dialect="duckdb")
    except sqlglot.ParseError as error:
        raise WarehouseError(str(path), "it cannot be parsed", str(error).splitlines()[0]) from error
    if len(parsed) != 1 or not isinstance(parsed[0], exp.Query):
        raise WarehouseError(str(path), "it is not one SELECT", "Keep one SELECT a file")
    return frozenset(f"{table.db}.{table.name}" for table in parsed[0].find_all(exp.Table) if table.db)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
