"""Tables that a source publishes as Parquet or CSV, read within bounds and without trusting their types."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from pipeline.sources.quarantine import Unreadable

MAX_ROWS = 20_000_000
MAX_UNPACKED_BYTES = 4 * 2**30


def parquet(content: bytes, needed: Sequence[str], useful: Sequence[str] = ()) -> pl.DataFrame:
    """The needed columns of a Parquet file, and the useful ones that it has.

    Raises:
        Unreadable: it is no Parquet, lacks a needed column, or would unpack to more than the caps.
    """
    try:
        file = pq.ParquetFile(io.BytesIO(content))
        groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
        # What the footer declares is looked at before anything is unpacked.
        if file.metadata.num_rows > MAX_ROWS or sum(group.total_byte_size for group in groups) > MAX_UNPACKED_BYTES:
            raise Unreadable(f"it would unpack to more than {MAX_ROWS:,} rows or {MAX_UNPACKED_BYTES // 2**30} GiB")
        columns = file.schema_arrow.names
        _require(needed, columns)
        found = pl.read_parquet(io.BytesIO(content), columns=[*needed, *(name for name in useful if name in columns)])
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError, ValueError, KeyError) as error:
        raise Unreadable(f"it cannot be read as Parquet ({type(error).__name__})") from error
    return _with(found, useful)


def csv(content: bytes, needed: Sequence[str], useful: Sequence[str] = ()) -> pl.DataFrame:
    """The needed columns of a CSV file as texts, and the useful ones that it has; empty cells are null.

    Raises:
        Unreadable: it is no CSV in UTF-8 or lacks a needed column.
    """
    try:
        found = pl.read_csv(io.BytesIO(content), infer_schema=False)
    except (pl.exceptions.PolarsError, UnicodeError) as error:
        raise Unreadable(f"it cannot be read as CSV ({type(error).__name__})") from error
    _require(needed, found.columns)
    return _with(found, useful)


def number(column: str) -> pl.Expr:
    """A finite number from a column of any type; null where it is none."""
    value = pl.col(column).cast(pl.Float64, strict=False)
    return pl.when(value.is_finite()).then(value)


def day(column: str) -> pl.Expr:
    """A date from a column of dates, times or ISO texts; null where it is none."""
    text = pl.col(column).cast(pl.String, strict=False).str.slice(0, 10)
    return text.str.to_date("%Y-%m-%d", strict=False)


def text(column: str) -> pl.Expr:
    """A text without blanks around it; null where it is empty or no text."""
    stripped = pl.col(column).cast(pl.String, strict=False).str.strip_chars()
    return pl.when(stripped != "").then(stripped)


def truth(column: str) -> pl.Expr:
    """Whether a column of booleans or of texts like TRUE says yes; null where it says neither."""
    word = pl.col(column).cast(pl.String, strict=False).str.to_lowercase()
    return pl.when(word == "true").then(pl.lit(value=True)).when(word == "false").then(pl.lit(value=False))


def tomorrow() -> pl.Expr:
    """The day after today (UTC): what is dated later lies in the future everywhere."""
    return pl.lit(datetime.now(UTC).date() + timedelta(days=1))


def _require(needed: Sequence[str], columns: Sequence[str]) -> None:
    missing = [name for name in needed if name not in columns]
    if missing:
        raise Unreadable(f"columns {', '.join(missing)} are missing")


def _with(found: pl.DataFrame, useful: Sequence[str]) -> pl.DataFrame:
    return found.with_columns(pl.lit(None).alias(name) for name in useful if name not in found.columns)
