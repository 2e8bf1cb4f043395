"""The state of the Hub in the raw schema, folded from its captures in order; what is folded already is not read again.

A capture replaces what the state says of the repositories it lists. A score that one of them no longer states, and a
repository that a verified whole list or two in a row lack, is dated as gone and stays.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import duckdb
import polars as pl

from pipeline.captures import Capture
from pipeline.compaction import ABSENT
from pipeline.folding import Counts, count, folding, insert, new_captures, raw_tables, temporary_tables, update_scores
from pipeline.progress import report
from pipeline.settings import Settings
from pipeline.sources import hub_models
from pipeline.sources.card_metrics import METRIC_COLUMNS
from pipeline.sources.hub_crawl import SOURCE
from pipeline.sources.quarantine import QUARANTINE_COLUMNS

_TIME = pl.Datetime("us", "UTC")
STATE_COLUMNS: dict[str, dict[str, Any]] = {
    "hub_models": hub_models.MODEL_COLUMNS | {"missing_at": _TIME, "gone_at": _TIME},
    "hub_former": hub_models.MODEL_COLUMNS | {"ended_at": _TIME},
    "lineage_edges": hub_models.EDGE_COLUMNS,
    "card_metrics": METRIC_COLUMNS | {"seen_at": _TIME, "gone_at": _TIME},
}
_STANDING = "SELECT count(*) FROM raw.hub_models WHERE gone_at IS NULL"
_PAGES_AT_ONCE = 10
_PLACES = 10_000_000  # more than a page has items
_WORTH_PROCESSES = 10
_AHEAD = 4
Batch = tuple[int, dict[str, pl.DataFrame]]


def fold(
    connection: duckdb.DuckDBPyConnection, settings: Settings, captures: Sequence[Capture]
) -> dict[str, tuple[Counts, Counts]]:
    """Bring raw.hub_models, lineage_edges and card_metrics up to the last of these captures.

    Args:
        connection: the work file.
        settings: which sources may shrink.
        captures: those of one Hub, oldest first.

    Returns:
        Repositories and card metrics read, by id of the captures folded now.

    Raises:
        SourceError: see `folding`.
    """
    raw_tables(connection, STATE_COLUMNS | {"quarantine": QUARANTINE_COLUMNS})
    before = count(connection, _STANDING)
    wanted, anew = new_captures(connection, SOURCE, captures)
    if anew:
        for table in STATE_COLUMNS:
            connection.execute(f"DELETE FROM raw.{table}")
        connection.execute("DELETE FROM raw.quarantine WHERE source = ?", [SOURCE])
    found = {}
    report("read captures of the Hub", 0, len(wanted))
    for number, capture in enumerate(wanted):
        proven = anew and capture is not wanted[-1]
        with folding(connection, settings, capture, _STANDING, 0 if proven else before) as note:
            items, scores = _fold_one(connection, capture)
            note(items, scores)
        found[capture.manifest.capture_id] = (items, scores)
        report("read captures of the Hub", number + 1, len(wanted))
    return found


def _fold_one(connection: duckdb.DuckDBPyConnection, capture: Capture) -> tuple[Counts, Counts]:
    read = _load(connection, capture)
    duplicates = _keep_one_each(connection)
    manifest = capture.manifest
    # One id, another time of creation: the repository was deleted and made anew.
    connection.execute(
        "INSERT INTO raw.hub_former BY NAME"
        " SELECT old.* EXCLUDE (missing_at, gone_at), coalesce(old.gone_at, ?) AS ended_at"
        " FROM raw.hub_models AS old INNER JOIN new_hub_models AS new USING (id)"
        " WHERE old.created_at <> new.created_at",
        [manifest.finished_at],
    )
    for table, owner in (("hub_models", "id"), ("lineage_edges", "child")):
        connection.execute(f"DELETE FROM raw.{table} WHERE {owner} IN (SELECT id FROM new_hub_models)")
        connection.execute(f"INSERT INTO raw.{table} BY NAME SELECT * EXCLUDE (place) FROM new_{table}")
    if manifest.kind == "full":
        _note_absent(connection, capture)
    connection.execute("CREATE OR REPLACE TEMP VIEW card_facts AS SELECT * EXCLUDE (place) FROM new_card_metrics")
    gone = "SELECT id FROM raw.hub_models WHERE gone_at IS NOT NULL"
    owner = f"repo_id IN (SELECT id FROM new_hub_models) OR repo_id IN ({gone})"
    update_scores(connection, "raw.card_metrics", "card_facts", owner, capture)
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


def _note_absent(connection: duckdb.DuckDBPyConnection, capture: Capture) -> None:
    """Repositories that a whole list lacks are gone if it is verified, or if the whole list before lacked them too."""
    connection.execute("CREATE OR REPLACE TEMP TABLE absent (id VARCHAR)")
    if capture.manifest.compacted:
        ids = pl.DataFrame({"id": json.loads(capture.page(ABSENT))}, schema={"id": pl.String})  # noqa: F841 - as above
        connection.execute("INSERT INTO absent FROM ids")
    else:
        # One that is listed but cannot be read is there.
        connection.execute(
            "INSERT INTO absent SELECT id FROM raw.hub_models WHERE id NOT IN (SELECT id FROM new_hub_models)"
            " AND id NOT IN (SELECT key FROM new_quarantine WHERE kind = 'repository')"
        )
    manifest = capture.manifest
    connection.execute(
        "UPDATE raw.hub_models SET missing_at = NULL"
        " WHERE missing_at IS NOT NULL AND gone_at IS NULL AND id NOT IN (FROM absent)"
    )
    connection.execute(
        "UPDATE raw.hub_models SET gone_at = coalesce(missing_at, CASE WHEN ? THEN cast(? AS TIMESTAMPTZ) END),"
        " missing_at = coalesce(missing_at, ?) WHERE gone_at IS NULL AND id IN (FROM absent)",
        [manifest.verified, manifest.finished_at, manifest.finished_at],
    )


def _load(connection: duckdb.DuckDBPyConnection, capture: Capture) -> int:
    """Parse the pages into temporary tables new_*, each row with the place of its item; how many items there are."""
    temporary_tables(connection, {table: schema | {"place": pl.Int64} for table, schema in hub_models.TABLES.items()})
    total = 0
    for read, frames in _batches(capture):
        total += read
        for table, frame in frames.items():
            if frame.height:
                insert(connection, table, frame)
    return total


def _batches(capture: Capture) -> Iterator[Batch]:
    """The rows of some pages at a time, in order; of a large capture several processes read a few batches ahead."""
    names = [name for name in capture.manifest.pages if name != ABSENT]
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
