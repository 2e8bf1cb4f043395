"""Read a scores file that somebody brings: CSV or Parquet, checked row by row.

The only module of this package that touches a disk, and it only reads. Nothing is rescaled.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl

from pipeline.errors import InputError
from pipeline.gap.sides import FULL_MARKS, SCORE_SCHEMA

REQUIRED = ("model", "benchmark", "score", "released_on", "access")
OPTIONAL = (
    "stderr",
    "weights_on",
    "licence_class",
    "params_b",
    "chance",
    "ceiling",
    "evaluated_on",
    "unit",
    "direction",
)
_WORDS = {
    "access": ("open", "closed", "unknown"),
    "unit": ("fraction", "percent", "elo", "points"),
    "direction": ("higher", "lower"),
    "licence_class": ("unrestricted", "restricted", "non_commercial", "unknown"),
}
_NUMBERS = ("score", "stderr", "params_b", "chance", "ceiling")
_DATES = ("released_on", "weights_on", "evaluated_on")
_SHOWN = 5  # rows named in a message


@dataclass(frozen=True)
class ScoresFile:
    """A scores file as read.

    Attributes:
        scores: the good rows, columns of `sides.SCORE_SCHEMA` (`benchmark` became `series`).
        ignored_columns: columns of the file that mean nothing here.
        rows_read: data rows in the file.
        skipped: one reason a row left out, "line 7, column score: ...".
    """

    scores: pl.DataFrame
    ignored_columns: tuple[str, ...]
    rows_read: int
    skipped: tuple[str, ...]

    @property
    def rows_skipped(self) -> int:
        """How many rows were left out."""
        return len(self.skipped)


@dataclass(frozen=True)
class _Table:
    """The cells of the file by column, the line each row starts on, and rows broken in themselves."""

    frame: pl.DataFrame
    lines: list[int]
    broken: list[tuple[int, str, str]]


def read_scores(path: Path, *, skip_bad: bool = False, today: date | None = None) -> ScoresFile:
    """Read a CSV (UTF-8, comma) or Parquet file of scores.

    Blank access means `unknown`; a blank release date stays unknown. Lines count from 1, the header
    being line 1; in Parquet the first row counts as line 2, as it would in a CSV of the same table.

    Args:
        path: the file; Parquet is recognised by its content.
        skip_bad: leave bad rows out and count them instead of stopping at the first.
        today: dates after it are errors; today in UTC where null.

    Raises:
        InputError: the file or a row cannot be used; names file, line, column and reason.
    """
    content = _bytes(path)
    table = _parquet(path, content) if content[:4] == b"PAR1" else _csv(path, content)
    missing = [name for name in REQUIRED if name not in table.frame.columns]
    if missing:
        raise InputError(
            str(path),
            f"lacks the columns {', '.join(missing)} (found: {', '.join(table.frame.columns)})",
            f"Name the columns {', '.join(REQUIRED)} in a comma-separated header",
        )
    if table.frame.is_empty() and not table.broken:
        raise InputError(str(path), "has a header but no rows", "Add at least one score")
    known = [name for name in (*REQUIRED, *OPTIONAL) if name in table.frame.columns]
    ignored = tuple(name for name in table.frame.columns if name not in known)
    texts = table.frame.select(_text(table.frame, name) for name in known)
    typed = _typed(texts)
    bad = sorted([*table.broken, *_bad_cells(texts, typed, today or datetime.now(UTC).date(), table.lines)])
    if bad and not skip_bad:
        line, column, reason = bad[0]
        rows = len({found[0] for found in bad})
        more = f" ({rows} bad rows in all)" if rows > 1 else ""
        raise InputError(
            f"{path}, line {line}, column {column}",
            f"{reason}{more}",
            "Correct the row, or pass --skip-bad to leave such rows out",
        )
    reasons = {line: f"line {line}, column {column}: {reason}" for line, column, reason in reversed(bad)}
    lines = pl.Series("line", table.lines, dtype=pl.Int64)
    good = typed.with_columns(lines).filter(~pl.col("line").is_in(list(reasons)))
    if good.is_empty():
        raise InputError(str(path), f"has no usable row ({len(reasons)} bad)", "Correct the rows")
    _one_meaning(path, good)
    return ScoresFile(
        scores=_finish(good),
        ignored_columns=ignored,
        rows_read=len(table.lines) + len({line for line, _, _ in table.broken}),
        skipped=tuple(reasons[line] for line in sorted(reasons)),
    )


def _bytes(path: Path) -> bytes:
    """The content of a file that is there and not empty."""
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise InputError(str(path), f"cannot be read ({reason})", "Check the path") from error
    if not content.strip():
        raise InputError(str(path), "is empty", "Give a CSV or Parquet file with a header and rows")
    return content


def _parquet(path: Path, content: bytes) -> _Table:
    """The table of a Parquet file."""
    try:
        frame = pl.read_parquet(io.BytesIO(content))
    # A damaged file can fail anywhere inside the reader, whose panics derive from BaseException alone.
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        raise InputError(str(path), "is a damaged Parquet file", "Write it again") from error
    return _Table(frame, list(range(2, frame.height + 2)), [])


def _csv(path: Path, content: bytes) -> _Table:
    """The table of a CSV file, all cells as text; rows with a wrong number of fields set aside."""
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise InputError(str(path), "is UTF-16 text", "Save it as UTF-8")
    if b"\0" in content:
        raise InputError(str(path), "is neither CSV nor Parquet", "Give a CSV or Parquet file")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}, line {line}", "is not UTF-8 text", "Save the file as UTF-8") from error
    if (table := _plain_csv(text)) is not None:
        return table
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    broken: list[tuple[int, str, str]] = []
    header: list[str] | None = None
    start = 1
    try:
        for row in reader:
            line, start = start, reader.line_num + 1
            if not any(cell.strip() for cell in row):
                continue
            if header is None:
                header = [cell.strip() for cell in row]
            elif len(row) != len(header):
                column = header[min(len(row), len(header) - 1)]
                broken.append((line, column, f"{len(row)} fields where the header has {len(header)}"))
            else:
                rows.append(row)
                lines.append(line)
    except csv.Error as error:
        raise InputError(f"{path}, line {start}", f"is not CSV ({error})", "Correct its quotes") from error
    header = header or []
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise InputError(str(path), f"names the column {repeated[0]!r} twice", "Name each column once")
    return _Table(pl.DataFrame(rows, schema=dict.fromkeys(header, pl.String), orient="row"), lines, broken)


def _plain_csv(text: str) -> _Table | None:
    """The table of a file with one row a line: no quotes, no blank rows, as many fields as the header.

    Null for every other file: `_csv` reads those row by row, many times slower, and says what is wrong.
    """
    first, _, body = text.replace("\r\n", "\n").removesuffix("\n").partition("\n")
    header = [name.strip() for name in first.split(",")]
    if not body or '"' in text or "\r" in body or len(header) < 2 or len(set(header)) < len(header):
        return None
    content = np.frombuffer(f"{body}\n".encode(), np.uint8)
    separators = content[(content == ord(",")) | (content == ord("\n"))]
    expected = np.frombuffer(b"," * (len(header) - 1) + b"\n", np.uint8)
    # The reader of polars fills short rows up and overlooks an empty field too many, both in silence.
    if separators.size % expected.size or (separators.reshape(-1, expected.size) != expected).any():
        return None
    frame = pl.read_csv(content.tobytes(), has_header=False, schema=dict.fromkeys(header, pl.String), quote_char=None)
    blank = frame  # narrowed column by column, so that looking for wholly blank rows costs one column
    for name in header:
        blank = blank.filter(pl.col(name).fill_null("").str.strip_chars() == "")
    if blank.height:
        return None
    return _Table(frame, list(range(2, frame.height + 2)), [])


def _text(frame: pl.DataFrame, name: str) -> pl.Expr:
    """A column as trimmed text, blank as null, whatever its type was."""
    column = pl.col(name)
    kind = frame.schema[name]
    if isinstance(kind, pl.Datetime):
        column = column.cast(pl.Date)
    if kind.is_nested() or isinstance(kind, pl.Binary | pl.Object):
        # Such a cell has no text of its own; it is present, and wrong wherever a number or date must be.
        return pl.when(column.is_not_null()).then(pl.lit("(nested or binary value)")).alias(name)
    stripped = column.cast(pl.String).str.strip_chars()
    return pl.when(stripped != "").then(stripped).alias(name)


def _typed(texts: pl.DataFrame) -> pl.DataFrame:
    """The texts as numbers, dates and lower-case words; null where they cannot be."""
    return texts.with_columns(
        *(pl.col(name).cast(pl.Float64, strict=False) for name in _NUMBERS if name in texts.columns),
        *(
            pl.when(pl.col(name).str.contains(r"^\d{4}-\d{2}-\d{2}$"))
            .then(pl.col(name).str.to_date("%Y-%m-%d", strict=False))
            .alias(name)
            for name in _DATES
            if name in texts.columns
        ),
        *(pl.col(name).str.to_lowercase() for name in _WORDS if name in texts.columns),
    )


def _bad_cells(
    texts: pl.DataFrame, typed: pl.DataFrame, today: date, lines: Sequence[int]
) -> list[tuple[int, str, str]]:
    """Every bad cell as (line, column, reason)."""
    found: list[tuple[int, str, str]] = []

    def check(column: str, bad: pl.Expr, reason: str) -> None:
        if column not in typed.columns:
            return
        rows = typed.with_row_index("row").filter(bad.fill_null(value=False))["row"].to_list()
        found.extend((lines[row], column, reason.format(texts[column][row])) for row in rows)

    for name in ("model", "benchmark", "score"):
        check(name, pl.lit(texts[name].is_null()), "is blank")
    for name in _NUMBERS:
        if name in texts.columns:
            check(name, pl.lit(texts[name].is_not_null()) & pl.col(name).is_null(), "{!r} is not a number")
            check(name, ~pl.col(name).is_finite(), "{!r} is not a finite number")
    for name in _DATES:
        if name in texts.columns:
            unread = pl.lit(texts[name].is_not_null()) & pl.col(name).is_null()
            check(name, unread, "{!r} is not a date written YYYY-MM-DD")
            check(name, pl.col(name) > today, f"{{}} is after today ({today})")
    for name, words in _WORDS.items():
        check(name, ~pl.col(name).is_in(words), f"{{!r}} is none of {', '.join(words)}")
    check("stderr", pl.col("stderr") < 0, "{} is below 0")
    if {"chance", "ceiling"} <= set(typed.columns):
        check("ceiling", pl.col("ceiling") == pl.col("chance"), "{} equals chance")
    for unit, maximum in FULL_MARKS.items():
        if "unit" in typed.columns:
            outside = (pl.col("unit") == unit) & ~pl.col("score").is_between(0, maximum)
            check("score", outside & pl.col("score").is_finite(), f"{{}} is no {unit} (0 to {maximum:g})")
    return found


def _one_meaning(path: Path, good: pl.DataFrame) -> None:
    """Refuse a series whose rows name several units or directions: no row says which is wrong."""
    for name in ("unit", "direction"):
        if name not in good.columns:
            continue
        mixed = (
            good.drop_nulls(name)
            .filter(pl.col(name).n_unique().over("benchmark") > 1)
            .sort("benchmark", maintain_order=True)
        )
        if mixed.is_empty():
            continue
        series = mixed["benchmark"][0]
        parts = mixed.filter(pl.col("benchmark") == series).group_by(name, maintain_order=True).agg("line")
        said = "; ".join(
            f"{word} on line{'s' if len(at) > 1 else ''} {', '.join(map(str, at[:_SHOWN]))}"
            + (f" and {len(at) - _SHOWN} more" if len(at) > _SHOWN else "")
            for word, at in parts.iter_rows()
        )
        raise InputError(
            f"{path}, column {name}",
            f"the benchmark {series!r} mixes {said}",
            f"Give the benchmark one {name}; scores are never rescaled",
        )


def _finish(good: pl.DataFrame) -> pl.DataFrame:
    """The columns of SCORE_SCHEMA, blank access as unknown."""
    rows = good.rename({"benchmark": "series"}).with_columns(pl.col("access").fill_null("unknown"))
    return rows.select(
        (pl.col(name) if name in rows.columns else pl.lit(None, dtype=dtype).alias(name)).cast(dtype)
        for name, dtype in SCORE_SCHEMA.items()
    )
