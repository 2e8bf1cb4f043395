"""Millions of repositories from a Parquet file in hub-stats form, in constant memory.

The first request for a list (a sort, a filter, a set of properties) lets DuckDB make the JSON text of every item and
sorts these on disk; its pages are read from there. Minutes for millions of rows, then milliseconds a page.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from pipeline.errors import InputError
from pipeline.localhub.items import JSON_COLUMNS, PLAIN_COLUMNS, Query, from_row
from pipeline.localhub.repositories import Repositories, Source, require_columns
from pipeline.localhub.repository import Repository
from pipeline.localhub.sorted_items import CHUNK_ROWS, SortedItems, write_sorted

IN_MEMORY_ROWS = 50_000
LISTS_KEPT = 8
DUCKDB_LIMITS: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "128MB",
    "threads": 1,  # a second one holds as much again and is hardly faster: the merge is not its work
    "preserve_insertion_order": False,
}
FOUND = """
FROM read_parquet(getvariable('path'))
WHERE (getvariable('author') IS NULL OR author = getvariable('author'))
    AND len(list_filter(getvariable('search'), lambda part: NOT contains(lower(id), lower(part)))) = 0
    AND len(list_filter(getvariable('filters'), lambda tag: NOT coalesce(list_contains({marks}, tag), false))) = 0
"""


def open_parquet(path: Path, in_memory: int = IN_MEMORY_ROWS) -> Source:
    """Serve a Parquet file in hub-stats form: from memory where it has up to `in_memory` rows, else from disk.

    Raises:
        InputError: no such file, no Parquet, or columns of that form are missing.
    """
    try:
        rows = pq.read_metadata(path).num_rows
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(str(path), "it is no readable Parquet file", "Give a file in hub-stats form") from error
    return Repositories.from_parquet(path) if rows <= in_memory else ParquetRepositories(path)


class ParquetRepositories:
    """Models, or datasets, in a Parquet file in hub-stats form that stays as it is.

    Raises:
        InputError: columns of that form are missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.renamed: dict[str, str] = {}
        with _connection() as connection:
            told = connection.execute("DESCRIBE FROM read_parquet(?)", [str(path)]).fetchall()
        self.columns = {str(name): str(kind) for name, kind, *_ in told}
        require_columns(path, list(self.columns))
        self._lists: dict[Query, SortedItems] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._made = 0
        self._lock = Lock()

    def page(self, query: Query, start: int, stop: int) -> tuple[list[bytes], int]:
        """JSON texts of the items from `start` up to `stop` of a query, and how many it has in all."""
        with self._lock:  # whoever asks while a list is made waits for it
            if query not in self._lists:
                if len(self._lists) >= LISTS_KEPT:
                    oldest = self._lists.pop(next(iter(self._lists)))
                    oldest.close()
                    oldest.path.unlink()
                self._lists[query] = self._make(query)
            found = self._lists[query]
            return found.page(start, stop), found.total

    def get(self, repo: str) -> Repository | None:
        """The repository of that id, None where there is none."""
        with _connection() as connection:
            found = connection.execute("FROM read_parquet(?) WHERE id = ? LIMIT 1", [str(self.path), repo]).pl()
        return Repository.of(from_row(found.row(0, named=True))) if found.height else None

    def close(self) -> None:
        """Remove what was written; lists are made anew when somebody asks again."""
        with self._lock:
            for found in self._lists.values():
                found.close()
            self._lists = {}
            if self._folder is not None:
                self._folder.cleanup()
                self._folder = None

    def _make(self, query: Query) -> SortedItems:
        self._folder = self._folder or tempfile.TemporaryDirectory(prefix="local-hub-")
        self._made += 1
        folder = Path(self._folder.name) / str(self._made)
        folder.mkdir()
        with _connection() as connection:
            for name, value in (
                ("path", str(self.path)),
                ("author", query.author),
                ("search", list(query.search)),
                ("filters", list(query.filters)),
            ):
                connection.execute(
                    f"SET VARIABLE {name} = ?::VARCHAR{'[]' if isinstance(value, list) else ''}", [value]
                )
            marks = [name for name in ("pipeline_tag", "library_name") if name in self.columns]
            found = FOUND.format(marks=f"list_concat(coalesce(tags, []), [{', '.join(marks)}]::VARCHAR[])")
            select = f"SELECT {self._place(query)} AS place, id, {self._item(query)} AS item {found}"
            return SortedItems(write_sorted(connection.execute(select).to_arrow_reader(CHUNK_ROWS), folder))

    def _place(self, query: Query) -> str:
        """What a list is sorted by, as a number that ascends; unknown comes last."""
        sign = "-" if query.descending else ""
        if query.sort not in self.columns:
            return "0::DOUBLE"
        timed = query.sort in {"createdAt", "lastModified"}
        number = f"epoch_ms(try_cast({query.sort} AS TIMESTAMP))" if timed else query.sort
        return f"coalesce({sign}({number})::DOUBLE, 'inf'::DOUBLE)"

    def _item(self, query: Query) -> str:
        """JSON text of an item; a property that is null or not in the file is left out."""
        stated = [(name, self._json(name)) for name in query.properties]
        pieces = [f"""',"{name}":' || {text}""" for name, text in stated if text]
        ids = ["""'{"_id":"'""", "substr(sha256(id), 1, 24)", """'","id":'""", "to_json(id)::VARCHAR"]
        texts = ", ".join([*ids, *pieces, "'}'"])
        item = f"concat({texts})"  # passes over nulls
        return f"coalesce(raw, {item})" if "raw" in self.columns else item

    def _json(self, name: str) -> str:
        """SQL for the JSON text of a property, empty for one that no file states. Names are those listed here."""
        text = f"{name}::VARCHAR"
        match name:
            case "modelId":
                return "to_json(id)::VARCHAR"
            case "private" | "gated" | "disabled":
                return "'false'"
            case "siblings":
                return """'[{"rfilename":"README.md"}]'"""
            case "sha":
                stated = "concat(id, ' ', coalesce(lastModified::VARCHAR, 'None'), ' ', coalesce(cardData, 'None'))"
                return f"""'"' || substr(sha256({stated}), 1, 40) || '"'"""
            case "createdAt" | "lastModified":
                time = f"strftime(try_cast({name} AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%gZ')"
                return f"to_json(coalesce({time}, {text}))::VARCHAR"
            case "tags":
                return "to_json(coalesce(tags, []))::VARCHAR"
            case _ if name not in self.columns:
                return ""
            case _ if name in JSON_COLUMNS and self.columns[name] == "VARCHAR":
                return f"nullif(nullif({text}, ''), 'null')"
            case _ if name in JSON_COLUMNS:  # a struct has a null for each field that others have
                return f"json_merge_patch('{{}}', to_json({name}))::VARCHAR"
            case _ if name in PLAIN_COLUMNS or name == "author":
                return f"to_json({name})::VARCHAR"
            case _:
                return ""


@contextmanager
def _connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with (
        tempfile.TemporaryDirectory(prefix="local-hub-") as folder,
        duckdb.connect(config=DUCKDB_LIMITS | {"temp_directory": folder}) as connection,
    ):
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
