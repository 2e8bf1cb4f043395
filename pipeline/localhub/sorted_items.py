"""Items too many for memory: sorted on disk once, then read page by page.

Chunks are sorted one by one into runs, and the runs are merged: memory holds one chunk, then a few rows of each run.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from threading import Lock

import pyarrow as pa  # type: ignore[import-untyped]

CHUNK_ROWS = 10_000
RUN_STEP = 64
PAGE_ROWS = 1000
Row = tuple[float, bytes, bytes]
_WRITE = pa.ipc.IpcWriteOptions(compression="lz4")
_PAGE = pa.schema([("item", pa.binary())])
_ROW = pa.schema([("place", pa.float64()), ("id", pa.binary()), ("item", pa.binary())])


def write_sorted(chunks: Iterable[pa.RecordBatch], folder: Path) -> Path:
    """Sort items into a file for `SortedItems`.

    Args:
        chunks: columns place (number to sort by, ascending), id (text, breaks ties) and item (JSON text).
        folder: where files are written; the runs are removed at the end.
    """
    runs = [_write_run(chunk, folder / f"run-{number}.arrow") for number, chunk in enumerate(chunks)]
    rows = heapq.merge(*(_read_run(run) for run in runs))
    target = folder / "sorted.arrow"
    with pa.OSFile(str(target), "wb") as sink, pa.ipc.new_file(sink, _PAGE, options=_WRITE) as writer:
        while page := [item for _, _, item in islice(rows, PAGE_ROWS)]:
            writer.write_batch(pa.record_batch([pa.array(page, pa.binary())], schema=_PAGE))
    for run in runs:
        run.unlink()
    pa.default_memory_pool().release_unused()
    return target


class SortedItems:
    """Pages of a file of `write_sorted`; `total` items."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = pa.OSFile(str(path))
        self._reader = pa.ipc.open_file(self._file)
        self._lock = Lock()
        self._batch = lru_cache(maxsize=2)(self._read)
        last = self._reader.num_record_batches - 1
        self.total = last * PAGE_ROWS + len(self._batch(last)) if last >= 0 else 0

    def page(self, start: int, stop: int) -> list[bytes]:
        """JSON texts from `start` up to `stop`."""
        stop = min(stop, self.total)
        if start >= stop:
            return []
        with self._lock:
            batches = [self._batch(number) for number in range(start // PAGE_ROWS, (stop - 1) // PAGE_ROWS + 1)]
        before = start // PAGE_ROWS * PAGE_ROWS
        return [item for batch in batches for item in batch][start - before : stop - before]

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()

    def _read(self, number: int) -> list[bytes]:
        return list(self._reader.get_batch(number).column(0).to_pylist())


def _write_run(chunk: pa.RecordBatch, path: Path) -> Path:
    rows = chunk.sort_by([("place", "ascending"), ("id", "ascending")]).cast(_ROW)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, _ROW, options=_WRITE) as writer:
        for start in range(0, rows.num_rows, RUN_STEP):
            writer.write_batch(rows.slice(start, RUN_STEP))
    return path


def _read_run(path: Path) -> Iterator[Row]:
    with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
        for batch in reader:
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
