"""Reading the tables of facts, and checking them so that each problem names its file, line and column."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from pipeline.errors import FactsError
from pipeline.facts.schema import TABLES, Table

FOLDER = Path(__file__).parent / "tables"


@dataclass(frozen=True)
class Problem:
    """One thing wrong in one table; `line` counts from 1 with the header (0: the whole file)."""

    file: str
    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        """As an editor jumps to it."""
        return f"{self.file}:{self.line}: {self.column}: {self.reason}"


def path(table: str, folder: Path = FOLDER) -> Path:
    """The file of a table."""
    return folder / f"{table}.csv"


def read(table: str, content: io.BytesIO, *, older: bool = False) -> pl.DataFrame:
    """A table from the bytes of its file, typed by its schema.

    `older` reads a file from before some columns were added: those it lacks are empty.

    Raises:
        FactsError: the columns differ from the schema or a cell has the wrong type.
    """
    schema = TABLES[table].columns
    try:
        texts = pl.read_csv(content, infer_schema=False)
        if older and texts.columns == [name for name in schema if name in texts.columns]:
            added = (pl.lit(None, dtype=pl.String).alias(name) for name in schema if name not in texts.columns)
            texts = texts.with_columns(added).select(list(schema))
        if texts.columns != list(schema):
            raise FactsError(f"{table}.csv", f"its columns are {texts.columns}", f"They must be {list(schema)}")
        return texts.select(_typed(name, kind).alias(name) for name, kind in schema.items())
    except pl.exceptions.PolarsError as error:
        raise FactsError(f"{table}.csv", str(error).splitlines()[0], "Run moat facts check") from error


def load(table: str, folder: Path = FOLDER) -> pl.DataFrame:
    """A table of the project, typed by its schema (columns: see `schema.TABLES`)."""
    try:
        return read(table, io.BytesIO(path(table, folder).read_bytes()))
    except OSError as error:
        raise FactsError(str(path(table, folder)), f"it cannot be read ({error.strerror})", "Restore it") from error


def load_all(folder: Path = FOLDER) -> dict[str, pl.DataFrame]:
    """Every table of the project by name."""
    return {table: load(table, folder) for table in TABLES}


def check(folder: Path = FOLDER) -> list[Problem]:
    """Everything wrong in the tables; empty where they are clean."""
    texts: dict[str, pl.DataFrame] = {}
    problems: list[Problem] = []
    for name, table in TABLES.items():
        file = f"{name}.csv"
        try:
            frame = pl.read_csv(path(name, folder), infer_schema=False)
        except (OSError, pl.exceptions.PolarsError) as error:
            problems.append(Problem(file, 0, "-", f"it cannot be read ({str(error).splitlines()[0]})"))
            continue
        if frame.columns != list(table.columns):
            problems.append(Problem(file, 1, "-", f"columns must be {', '.join(table.columns)}"))
            continue
        texts[name] = frame.with_row_index("line", offset=2)
        problems.extend(_cells(file, texts[name], table))
        problems.extend(_keys(file, texts[name], table))
        problems.extend(_proofs(file, texts[name], table))
    for name, frame in texts.items():
        problems.extend(_references(f"{name}.csv", frame, TABLES[name], texts))
    return problems


def _typed(name: str, kind: pl.DataType, strict: bool = True) -> pl.Expr:
    column = pl.col(name)
    if kind == pl.Date:
        return column.str.to_date("%Y-%m-%d", strict=strict)
    if kind == pl.Boolean:
        known = column.replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)
        return pl.when(column.is_null()).then(None).otherwise(known)
    return column.cast(kind, strict=strict)


def _cells(file: str, frame: pl.DataFrame, table: Table) -> Iterator[Problem]:
    for name, kind in table.columns.items():
        typed = frame.select("line", pl.col(name).alias("text"), _typed(name, kind, strict=False).alias("value"))
        if name in table.required:
            yield from _at(file, name, "it is empty: every row needs it", typed.filter(pl.col("text").is_null()))
        if kind != pl.String:
            wrong = typed.filter(pl.col("text").is_not_null() & pl.col("value").is_null())
            yield from _at(file, name, f"it is no {kind}", wrong)
        if kind == pl.Float64:
            yield from _at(file, name, "it is not finite", typed.filter(~pl.col("value").is_finite()))
        if kind == pl.Date and name not in table.ahead:
            today = datetime.now(UTC).date()
            yield from _at(file, name, "it lies in the future", typed.filter(pl.col("value") > today))
        if name in table.allowed:
            allowed = sorted(table.allowed[name])
            yield from _at(file, name, f"use one of {', '.join(allowed)}",
                           typed.filter(pl.col("text").is_not_null() & ~pl.col("text").is_in(allowed)))  # fmt: skip
        if name in table.within:
            low, high = table.within[name]
            yield from _at(file, name, f"it must lie between {low:g} and {high:g}",
                           typed.filter(~pl.col("value").is_between(low, high)))  # fmt: skip
        if name.endswith("_url"):
            yield from _at(
                file, name, "it is no web address", typed.filter(~pl.col("text").str.contains(r"^https?://\S+$"))
            )


def _keys(file: str, frame: pl.DataFrame, table: Table) -> Iterator[Problem]:
    if table.key:
        yield from _at(file, ", ".join(table.key), "the key occurs twice",
                       frame.filter(pl.struct(table.key).is_duplicated()))  # fmt: skip


def _proofs(file: str, frame: pl.DataFrame, table: Table) -> Iterator[Problem]:
    for name, proof in table.proven.items():
        known = pl.col(name).is_not_null() & (pl.col(name) != "unknown")
        yield from _at(file, proof, f"it is empty: a known {name} needs it",
                       frame.filter(known & pl.col(proof).is_null()))  # fmt: skip


def _references(file: str, frame: pl.DataFrame, table: Table, others: dict[str, pl.DataFrame]) -> Iterator[Problem]:
    for name, (other, column) in table.refers.items():
        if other in others:
            missing = frame.filter(~pl.col(name).is_in(others[other][column].implode()))
            yield from _at(file, name, f"{other}.csv has no such {column}", missing)


def _at(file: str, column: str, reason: str, rows: pl.DataFrame) -> Iterator[Problem]:
    for line in rows["line"]:
        yield Problem(file, line, column, reason)
