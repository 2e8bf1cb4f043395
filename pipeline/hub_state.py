"""The state of the Hub in the raw schema, folded from its captures in order; what is folded already is not read again.

A capture replaces what the state says of the repositories it lists. A score that one of them no longer states, and a
repository that a verified whole list lacks, is dated as gone and stays.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipeline.captures import Capture
from pipeline.progress import report
from pipeline.sources import hub_models
from pipeline.sources.card_metrics import METRIC_COLUMNS
from pipeline.sources.quarantine import QUARANTINE_COLUMNS

_TIME = pl.Datetime("us", "UTC")
STATE_COLUMNS: dict[str, dict[str, Any]] = {
    "hub_models": hub_models.MODEL_COLUMNS | {"gone_at": _TIME},
    "lineage_edges": hub_models.EDGE_COLUMNS,
    "card_metrics": METRIC_COLUMNS | {"seen_at": _TIME, "gone_at": _TIME},
}
_PAGES_AT_ONCE = 10
_PLACES = 10_000_000  # more than a page has items
_WORTH_PROCESSES = 10
_AHEAD = 4
Batch = tuple[int, dict[str, pl.DataFrame]]


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


def fold(connection: duckdb.DuckDBPyConnection, captures: Sequence[Capture]) -> dict[str, tuple[Counts, Counts]]:
    """Bring raw.hub_models, lineage_edges and card_metrics up to the last of these captures.

    Captures folded by an earlier run are skipped if they are the first of these and were read by the same code;
    otherwise the state is made anew. Each capture is one transaction.

    Args:
        connection: the work file.
        captures: those of one Hub, oldest first.

    Returns:
        Repositories and card metrics read, by id of the captures folded now.
    """
    known = _folded(connection)
    ids = [capture.manifest.capture_id for capture in captures]
    if known is None or known != ids[: len(known)]:
        known = []
        _start_anew(connection)
    found = {}
    for number, capture in enumerate(captures[len(known) :]):
        report("read captures of the Hub", number, len(captures) - len(known))
        with _transaction(connection):
            found[capture.manifest.capture_id] = _fold_one(connection, capture)
            connection.execute("INSERT INTO raw.hub_folded VALUES (?, ?)", [capture.manifest.capture_id, _code()])
    report("read captures of the Hub", len(captures) - len(known), len(captures) - len(known))
    return found


def _folded(connection: duckdb.DuckDBPyConnection) -> list[str] | None:
    """Captures in the state, in order; null where there is none or other code made it."""
    connection.execute("CREATE TABLE IF NOT EXISTS raw.hub_folded (capture_id VARCHAR, code VARCHAR)")
    rows = connection.execute("SELECT capture_id, code FROM raw.hub_folded ORDER BY capture_id").fetchall()
    return [capture_id for capture_id, _ in rows] if rows and {code for _, code in rows} == {_code()} else None


def _start_anew(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("DELETE FROM raw.hub_folded")
    for table, schema in (STATE_COLUMNS | {"quarantine": QUARANTINE_COLUMNS}).items():
        empty = pl.DataFrame(schema=schema)  # noqa: F841 - DuckDB reads it by its name
        connection.execute(f"CREATE OR REPLACE TABLE raw.{table} AS FROM empty")


def _fold_one(connection: duckdb.DuckDBPyConnection, capture: Capture) -> tuple[Counts, Counts]:
    read = _load(connection, capture)
    duplicates = _keep_one_each(connection)
    manifest = capture.manifest
    for table, owner in (("hub_models", "id"), ("lineage_edges", "child")):
        connection.execute(f"DELETE FROM raw.{table} WHERE {owner} IN (SELECT id FROM new_hub_models)")
        connection.execute(f"INSERT INTO raw.{table} BY NAME SELECT * EXCLUDE (place) FROM new_{table}")
    if manifest.kind == "full" and manifest.verified:
        # One that is listed but cannot be read is not gone.
        connection.execute(
            "UPDATE raw.hub_models SET gone_at = ? WHERE gone_at IS NULL AND id NOT IN (SELECT id FROM new_hub_models)"
            " AND id NOT IN (SELECT key FROM new_quarantine WHERE kind = 'repository')",
            [manifest.finished_at],
        )
    connection.execute(
        "UPDATE raw.card_metrics SET gone_at = ? WHERE gone_at IS NULL"
        " AND (repo_id IN (SELECT id FROM new_hub_models)"
        "      OR repo_id IN (SELECT id FROM raw.hub_models WHERE gone_at IS NOT NULL))"
        " AND fact_id NOT IN (SELECT fact_id FROM new_card_metrics)",
        [manifest.finished_at],
    )
    connection.execute(
        "UPDATE raw.card_metrics AS old SET gone_at = NULL, capture_id = new.capture_id"
        " FROM new_card_metrics AS new WHERE old.fact_id = new.fact_id"
    )
    connection.execute(
        "INSERT INTO raw.card_metrics BY NAME SELECT * EXCLUDE (place), ? AS seen_at FROM new_card_metrics"
        " WHERE fact_id NOT IN (SELECT fact_id FROM raw.card_metrics)",
        [manifest.finished_at],
    )
    connection.execute("INSERT INTO raw.quarantine BY NAME SELECT * EXCLUDE (place) FROM new_quarantine")
    kept, unread, metrics, unproven = (
        int(count)
        for (count,) in connection.execute(
            "SELECT count(*) FROM new_hub_models"
            " UNION ALL SELECT count(*) FROM new_quarantine WHERE kind = 'repository'"
            " UNION ALL SELECT count(*) FROM new_card_metrics"
            " UNION ALL SELECT count(*) FROM new_quarantine WHERE kind IN ('card metric', 'eval result')"
        ).fetchall()
    )
    return Counts(read, kept, unread, duplicates), Counts(metrics + unproven, metrics, unproven)


def _load(connection: duckdb.DuckDBPyConnection, capture: Capture) -> int:
    """Parse the pages into temporary tables new_*, each row with the place of its item; how many items there are."""
    for table, schema in hub_models.TABLES.items():
        empty = pl.DataFrame(schema=schema | {"place": pl.Int64})  # noqa: F841 - as above
        connection.execute(f"CREATE OR REPLACE TEMP TABLE new_{table} AS FROM empty")
    total = 0
    for read, frames in _batches(capture):
        total += read
        for table, frame in frames.items():
            if frame.height:
                connection.execute(f"INSERT INTO new_{table} FROM frame")
    return total


def _batches(capture: Capture) -> Iterator[Batch]:
    """The rows of some pages at a time, in order; of a large capture several processes read a few batches ahead."""
    names = list(capture.manifest.pages)
    jobs = [(capture, names[at : at + _PAGES_AT_ONCE], at * _PLACES) for at in range(0, len(names), _PAGES_AT_ONCE)]
    if len(jobs) < _WORTH_PROCESSES:
        yield from map(_batch, jobs)
        return
    ahead: deque[Future[Batch]] = deque()
    # Spawned, because threads of polars do not survive a fork.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as workers:
        for number, job in enumerate(jobs):
            ahead.append(workers.submit(_batch, job))
            if len(ahead) > _AHEAD:
                report("read a capture of the Hub", number, len(jobs))
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _batch(job: tuple[Capture, Sequence[str], int]) -> Batch:
    parsed = hub_models.parse(*job)
    return parsed.read, parsed.frames()


def _keep_one_each(connection: duckdb.DuckDBPyConnection) -> int:
    """Of items listed twice the last changed one counts, then the later one.

    Returns:
        How many others there were.
    """
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE repeats AS"
        " SELECT place FROM new_hub_models WHERE id IN (SELECT id FROM new_hub_models GROUP BY id HAVING count(*) > 1)"
        " QUALIFY row_number() OVER (PARTITION BY id ORDER BY last_modified DESC NULLS LAST, place DESC) > 1"
    )
    for table in hub_models.TABLES:
        connection.execute(f"DELETE FROM new_{table} WHERE place IN (FROM repeats)")
    found = connection.execute("SELECT count(*) FROM repeats").fetchone()
    return int(found[0]) if found else 0


def _code() -> str:
    """Identity of the code that reads captures: another one may read them otherwise."""
    folder = Path(hub_models.__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted([*(folder / "sources").glob("*.py"), *(folder / "identity").glob("*.py"), Path(__file__)]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    connection.execute("BEGIN")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
