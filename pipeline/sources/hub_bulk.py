"""The optional start from a bulk table: one download of all models of the Hub in place of thousands of list pages.

Somebody else's dataset may be stale, gone or of another form. Then it is not used, and why is part of the result;
nothing here fails for it. The capture of a table is never `verified`: what a table lacks is not taken for gone. A
table also knows less than a list: where it has no evalResults, gated or disabled, these stay unknown until a
repository is changed or the next whole crawl is due (`full_crawl_days`).

DuckDB reads the file, because its memory limit bounds what a page of it unpacks to. It does not bound a text that a
dictionary repeats row after row, so where the footer names a dictionary, lengths are looked at first.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from pipeline.captures import Capture, CaptureWriter, Manifest
from pipeline.errors import SourceError
from pipeline.progress import report
from pipeline.settings import Settings
from pipeline.sources.hub_client import CLIENT, MAX_BODY_BYTES, HubClient
from pipeline.sources.hub_files import commit_of, files_of

TABLE = "models.parquet"
MAX_AGE = timedelta(days=3)
"""A table whose newest change is older leaves more to the first increment than it spares."""
BUILD_TIME = timedelta(hours=12)
"""How far before its newest change the first increment begins: a table misses changes made while it was built."""
MAX_FILE_BYTES = 4 * 2**30
MAX_UNPACKED_BYTES = 32 * 2**30
MAX_GROUP_BYTES = 2**30
MAX_ROWS = 20_000_000
MAX_DUPLICATES = 0.01
MAX_DEPTH = 8
"""A header that is deeper is left out: who reads the page later must not run out of stack."""
WINDOW, MAX_WINDOW_BYTES = 2048, 64 * 2**20
"""How many rows DuckDB takes at a time, and how much text they may have."""
DUCKDB_LIMITS: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "512MB",
    "threads": 1,  # with one the rows come in their order and in constant memory
}
REQUIRED = ("id", "createdAt", "lastModified", "tags", "cardData")
_KINDS = {
    "text": "VARCHAR",
    "time": "VARCHAR|TIMESTAMP.*",
    "texts": r"VARCHAR\[\]",
    "count": "U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|DOUBLE",
    "flag": "BOOLEAN|VARCHAR",
    "card": r"VARCHAR|JSON|STRUCT\(.*|MAP\(.*",
    "header": r"VARCHAR|JSON|STRUCT\(.*|MAP\(.*|.*\[\]",
}
COLUMNS = {
    "id": "text", "author": "text", "createdAt": "time", "lastModified": "time", "downloads": "count",
    "downloadsAllTime": "count", "likes": "count", "tags": "texts", "cardData": "card", "safetensors": "header",
    "gguf": "header", "pipeline_tag": "text", "library_name": "text", "gated": "flag", "disabled": "flag",
    "private": "flag", "sha": "text", "evalResults": "header",
}  # fmt: skip
"""What a table may state of a model, in the words of the list, and what kind of value that is."""

CHECK = """
SELECT count(*), count(id), count(DISTINCT hash(id)) FILTER (id IS NOT NULL),
    epoch_ms(max(changed) FILTER (isfinite(changed) AND changed <= to_timestamp(?)))
FROM (SELECT id, try_cast("lastModified" AS TIMESTAMPTZ) AS changed FROM read_parquet(?))
"""


class _NotUsed(Exception):
    """The table is not used, and why."""


@dataclass(frozen=True)
class _Checked:
    """A table that can be used: its columns with their types, and what it holds."""

    columns: Mapping[str, str]
    rows: int
    items: int
    newest: datetime


def capture_table(settings: Settings, client: HubClient, origin: str, source: str) -> tuple[Capture, bool] | str:
    """Capture all models from the table of the dataset that `bulk_start` names.

    A download that a crash cut off is continued by the next call, as long as the dataset is at the same commit.

    Args:
        settings: the dataset, page size, folders.
        client: the Hub to ask.
        origin: what the capture calls this Hub.
        source: what the capture belongs to.

    Returns:
        The capture, whose pages have the form of list pages, and whether it is new; or why the table is not used.
    """
    made: tuple[Capture, bool] | str
    folder = settings.cache / "hub_bulk"
    try:
        made = _capture(settings, client, origin, source, folder)
    except _NotUsed as error:
        made = str(error)
    except SourceError as error:
        made = error.wrong
    except OSError as error:
        made = f"it cannot be kept ({error.strerror})"
    shutil.rmtree(folder, ignore_errors=True)
    return made


def is_bulk(manifest: Manifest) -> bool:
    """Whether a capture of the Hub was made from a table."""
    return re.fullmatch(r"[^\s@]+@[0-9a-f]{40}", manifest.revision) is not None


def _capture(settings: Settings, client: HubClient, origin: str, source: str, folder: Path) -> tuple[Capture, bool]:
    started = datetime.now(UTC)
    commit = commit_of(client, settings.bulk_start)
    if commit is None:
        raise _NotUsed("the Hub does not offer it")
    path = _download(client, settings.bulk_start, commit, folder)
    with _unpacking(path) as connection, CaptureWriter(settings.captures, source, origin) as writer:
        checked = _check(connection, path, started)
        # Pages are packed and written while the next one is made, one at a time.
        with ThreadPoolExecutor(1) as thread:
            writing: Future[None] | None = None
            for number, page in enumerate(_pages(connection, path, checked, settings.page_size)):
                report(f"convert {TABLE}", number * settings.page_size, checked.rows)
                if writing is not None:
                    writing.result()
                writing = thread.submit(writer.add, f"{number:06d}.json", page)
            if writing is not None:
                writing.result()
        return writer.seal(
            revision=f"{settings.bulk_start}@{commit}",
            client=CLIENT,
            requests=client.requests,
            items=checked.items,
            watermark=(checked.newest - BUILD_TIME).isoformat(timespec="milliseconds"),
        )


def _download(client: HubClient, dataset: str, commit: str, folder: Path) -> Path:
    """The table at a commit; what is left of another one is removed."""
    size = next((file.size for file in files_of(client, dataset, commit) if file.path == TABLE), None)
    if size is None:
        raise _NotUsed(f"it has no {TABLE}")
    if size > MAX_FILE_BYTES:
        raise _NotUsed(f"its {TABLE} has {size:,} bytes")
    path = folder / commit / TABLE
    path.parent.mkdir(parents=True, exist_ok=True)
    for other in folder.iterdir():
        if other.name != commit:
            shutil.rmtree(other, ignore_errors=True)
    client.download(client.url(f"datasets/{quote(dataset)}/resolve/{commit}/{TABLE}"), path, size)
    return path


@contextmanager
def _unpacking(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A bounded connection to read a table with; whatever is wrong with the file is a reason not to use it."""
    try:
        _check_footer(path)
        with (
            tempfile.TemporaryDirectory(dir=path.parent) as spill,
            duckdb.connect(config=DUCKDB_LIMITS | {"temp_directory": spill}) as connection,
        ):
            connection.execute("SET TimeZone = 'UTC'")
            yield connection
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        if "Out of Memory" in str(error):  # the exception's type is another one while rows are fetched
            raise _NotUsed("it unpacks to more than fits into memory") from error
        raise _NotUsed(f"it cannot be read as Parquet ({type(error).__name__})") from error


def _check_footer(path: Path) -> None:
    """What the footer declares is looked at before anything is unpacked."""
    footer = pq.read_metadata(path)
    groups = [footer.row_group(number).total_byte_size for number in range(footer.num_row_groups)]
    unpacked = sum(groups)
    if footer.num_rows > MAX_ROWS or unpacked > MAX_UNPACKED_BYTES or max(groups, default=0) > MAX_GROUP_BYTES:
        raise _NotUsed(f"it would unpack to {footer.num_rows:,} rows of {unpacked:,} bytes in {len(groups):,} groups")


def _check(connection: duckdb.DuckDBPyConnection, path: Path, started: datetime) -> _Checked:
    told = connection.execute("DESCRIBE FROM read_parquet(?)", [str(path)]).fetchall()
    columns = {str(name): str(kind) for name, kind, *_ in told if name in COLUMNS}
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise _NotUsed(f"columns {', '.join(missing)} are missing")
    for name, kind in columns.items():
        if not re.fullmatch(_KINDS[COLUMNS[name]], kind, re.DOTALL):
            raise _NotUsed(f"its column {name} is {' '.join(kind.split())[:100]}")
    _check_lengths(path, [name for name, kind in columns.items() if kind in {"VARCHAR", "JSON"}])
    found = connection.execute(CHECK, [started.timestamp(), str(path)]).fetchone()
    rows, named, items, changed = found or (0, 0, 0, None)
    if not items:
        raise _NotUsed("it holds no repository")
    if named - items > MAX_DUPLICATES * rows:
        raise _NotUsed(f"{named - items:,} of its {rows:,} rows repeat an id")
    if changed is None:
        raise _NotUsed("it dates no change")
    newest = datetime.fromtimestamp(changed / 1000, UTC)
    if started - newest > MAX_AGE:
        raise _NotUsed(f"its newest change is of {newest:%Y-%m-%d}")
    return _Checked(columns, rows, items, newest)


def _check_lengths(path: Path, texts: list[str]) -> None:
    """A text that a dictionary repeats is counted as often as it is repeated, before anything repeats it in memory."""
    with pq.ParquetFile(path, read_dictionary=texts, pre_buffer=False, buffer_size=2**20) as file:
        for group in range(file.metadata.num_row_groups):  # what was read of one is held until its end
            about = file.metadata.row_group(group)
            chunks = [about.column(number) for number in range(about.num_columns)]
            repeated = {chunk.path_in_schema for chunk in chunks if any("DICT" in used for used in chunk.encodings)}
            columns = [name for name in texts if name in repeated]
            for batch in file.iter_batches(8 * WINDOW, row_groups=[group], columns=columns) if columns else ():
                lengths = sum(map(_lengths, batch.columns), np.zeros(batch.num_rows, np.int64))
                most = max(int(lengths[at : at + WINDOW].sum()) for at in range(0, len(lengths), WINDOW))
                if most > MAX_WINDOW_BYTES:
                    raise _NotUsed(f"{WINDOW:,} of its rows have {most:,} bytes of text")


def _lengths(column: pa.Array) -> npt.NDArray[np.int64]:
    if isinstance(column, pa.DictionaryArray):
        found = pc.take(pc.binary_length(column.dictionary), column.indices)
    else:
        found = pc.binary_length(column)
    lengths: npt.NDArray[np.int64] = pc.fill_null(found, 0).to_numpy(zero_copy_only=False).astype(np.int64)
    return lengths


def _pages(connection: duckdb.DuckDBPyConnection, path: Path, checked: _Checked, size: int) -> Iterator[bytes]:
    """Pages as the list would send them, in the order of the table."""
    plain = [_plain(name, kind) for name, kind in checked.columns.items() if COLUMNS[name] != "header"]
    headers = [name for name in checked.columns if COLUMNS[name] == "header"]
    texts = "".join(f", {_json_text(name, checked.columns[name])}" for name in headers)
    item = f"concat_ws(',', {', '.join(plain)})"  # passes over what is null
    rows = connection.execute(f"SELECT {item}{texts} FROM read_parquet(?)", [str(path)])
    made = 0
    while batch := rows.fetchmany(size):
        items = (_item(stated, headers, texts) for stated, *texts in batch)
        page = b"[" + b",\n".join(items) + b"]"
        made += len(page)
        if len(page) > MAX_BODY_BYTES or made > MAX_UNPACKED_BYTES:
            raise _NotUsed(f"{len(batch):,} of its rows have {len(page):,} bytes, all so far {made:,}")
        yield page


def _plain(name: str, kind: str) -> str:
    """SQL for a property and its value as JSON; null where that is null. Names are those of `COLUMNS`."""
    value = f'"{name}"'
    match COLUMNS[name]:
        case "time":  # a text that is no time stays as it is: who reads the page puts it aside
            written = f"strftime(try_cast({value} AS TIMESTAMPTZ), '%Y-%m-%dT%H:%M:%S.%gZ')"
            value = f"coalesce({written}, {value}::VARCHAR)"
        case "count" if kind in {"FLOAT", "DOUBLE"}:  # as some write whole numbers among which some are missing
            value = f"try_cast({value} AS BIGINT)"
        case "card":
            value = _json_text(name, kind)
    return f"""'"{name}":' || to_json({value})"""


def _json_text(name: str, kind: str) -> str:
    """SQL for a property as JSON text; a struct has a null for each field that others have."""
    if kind in {"VARCHAR", "JSON"}:
        return f'"{name}"::VARCHAR'
    return f"""json_merge_patch('{{}}', to_json("{name}"))::VARCHAR"""


def _item(stated: str, headers: list[str], texts: list[str | None]) -> bytes:
    pieces = [stated] if stated else []
    for name, text in zip(headers, texts, strict=True):
        header = _header(text) if text else None
        if header is not None:
            pieces.append(f'"{name}":{header}')
    return f"{{{','.join(pieces)}}}".encode()


def _header(text: str) -> str | None:
    """JSON text that any reader of the page can read; null where it is no object or list, or none can be read."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return json.dumps(value) if isinstance(value, dict | list) and not _deeper(value, MAX_DEPTH) else None


def _deeper(value: object, levels: int) -> bool:
    """Whether objects and lists lie deeper in each other than so many levels."""
    if not isinstance(value, dict | list):
        return False
    children = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_deeper(child, levels - 1) for child in children)
