"""Captures into the raw schema of the work file: every capture of this run's origins.

Captures are the truth: whatever is in the raw schema can be made from them again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cache
from typing import Any, Literal

import duckdb
import polars as pl

from pipeline import board_state, compaction, folding, hub_state
from pipeline.captures import Capture, checked_at, every
from pipeline.errors import InputError
from pipeline.facts.hub_repositories import bundled_repositories
from pipeline.folding import Counts
from pipeline.localhub.repositories import Repositories
from pipeline.localhub.server import serve
from pipeline.settings import Settings
from pipeline.sources import facts, hub_crawl, hub_models, hub_renames
from pipeline.sources.board import BY_HAND, Board
from pipeline.sources.boards import BOARDS
from pipeline.sources.quarantine import QUARANTINE_COLUMNS
from pipeline.warehouse import replace_table

BUNDLED = "bundled Hub (facts of the project)"
LICENCES = {board.source: (board.title, board.url, board.licence) for board in BOARDS} | {
    hub_crawl.SOURCE: ("Hugging Face Hub", "https://huggingface.co/models", "as each model card states"),
    hub_renames.SOURCE: ("Hugging Face Hub", "https://huggingface.co/models", "facts"),
    facts.SOURCE: (
        "Open Moat tables of facts, composed from the source named on every row; Epoch AI's figures: CC BY 4.0",
        "https://epoch.ai/data",
        "CC BY 4.0",
    ),
}
CAPTURE_COLUMNS: dict[str, Any] = {
    "source": pl.String, "capture_id": pl.String, "origin": pl.String, "revision": pl.String, "kind": pl.String,
    "started_at": pl.Datetime("us", "UTC"), "finished_at": pl.Datetime("us", "UTC"),
    "client": pl.String, "requests": pl.Int64,
    "rows_read": pl.Int64, "rows_kept": pl.Int64, "rows_quarantined": pl.Int64, "rows_duplicate": pl.Int64,
    "metrics_read": pl.Int64, "metrics_kept": pl.Int64, "metrics_quarantined": pl.Int64,
    "bytes": pl.Int64, "sha256": pl.String,
}  # fmt: skip
SOURCE_COLUMNS: dict[str, Any] = {
    "source": pl.String, "state": pl.String, "attribution": pl.String, "url": pl.String, "licence": pl.String,
    "checked_at": pl.Datetime("us", "UTC"),
}  # fmt: skip
State = Literal["asked", "not offered", "not asked", "by hand", "own"]


@contextmanager
def hub_endpoint(settings: Settings) -> Iterator[tuple[str, str]]:
    """Address of the Hub to ask and what captures call it; starts the bundled one where settings say `local`.

    Raises:
        InputError: `hub` is neither `local` nor an http(s) address.
    """
    if settings.hub == "local":
        with serve(_bundled()) as hub:
            yield hub.url, BUNDLED
    elif settings.hub.startswith(("http://", "https://")):
        yield settings.hub.rstrip("/"), settings.hub.rstrip("/")
    else:
        raise InputError(f"--hub {settings.hub}", "it is neither `local` nor an address", "Use https://huggingface.co")


@cache
def _bundled() -> Repositories:
    """The repositories of the bundled Hub; every source asks it, and nobody changes it."""
    return Repositories.from_frame(bundled_repositories())


def origin_of(settings: Settings) -> str:
    """What captures call the Hub that settings name."""
    return BUNDLED if settings.hub == "local" else settings.hub.rstrip("/")


def captures_of(settings: Settings, source: str) -> list[Capture]:
    """Captures of a source that belong to this build, oldest first.

    They are those of the Hub that settings name, of Epoch's own address, of the project's own tables or of files that
    were loaded by hand, and were finished by `known_at`.
    """
    origins = (origin_of(settings), settings.epoch_address, facts.ORIGIN, BY_HAND)
    by = settings.known_at
    return [
        capture
        for capture in every(settings.captures, source)
        if capture.manifest.origin in origins and (by is None or capture.manifest.finished_at <= by)
    ]


def load_run(connection: duckdb.DuckDBPyConnection, settings: Settings, as_of: date) -> None:
    """Note what this build was asked for: one row of raw.run (as_of, hub)."""
    replace_table(connection, "raw.run", pl.DataFrame({"as_of": [as_of], "hub": [origin_of(settings)]}))


def load_hub(connection: duckdb.DuckDBPyConnection, settings: Settings) -> dict[str, int]:
    """Fold the captures of the Hub in use into raw.hub_models, lineage_edges, card_metrics and quarantine.

    Returns:
        Row counts by table.
    """
    captures = captures_of(settings, hub_crawl.SOURCE)
    hub_state.fold(connection, settings, captures)
    _note_captures(connection, settings, hub_crawl.SOURCE, captures, folding.counts(connection, hub_crawl.SOURCE))
    rows = {table: connection.execute(f"SELECT count(*) FROM raw.{table}").fetchone() for table in hub_models.TABLES}
    return {table: int(row[0]) if row else 0 for table, row in rows.items()}


def compact_hub(settings: Settings) -> int:
    """Compact those captures of the Hub in use that lie between two whole lists; how many there were."""
    captures = captures_of(settings, hub_crawl.SOURCE)
    return len(compaction.compact_hub(captures))


def load_board(
    connection: duckdb.DuckDBPyConnection, settings: Settings, board: Board, state: State | None = None
) -> dict[str, int]:
    """Fold the captures of a board, of the origin in use, into raw.board_scores, board_models and board_series.

    Args:
        connection: the work file.
        settings: folders, origin, which sources may shrink.
        board: the board.
        state: what came of asking it just now; in a build from captures alone whether it was ever asked.

    Returns:
        How many of its scores stand, are gone, and were put aside.
    """
    captures = captures_of(settings, board.source)
    board_state.fold(connection, settings, board, captures)
    _note_captures(connection, settings, board.source, captures, folding.counts(connection, board.source), state)
    found = connection.execute(
        "SELECT count(*) FILTER (gone_at IS NULL), count(gone_at) FROM raw.board_scores WHERE source = ?"
        " UNION ALL SELECT count(*), 0 FROM raw.quarantine WHERE source = ?",
        [board.source, board.source],
    ).fetchall()
    return {"scores": found[0][0], "superseded": found[0][1], "quarantine": found[1][0]}


def load_renames(connection: duckdb.DuckDBPyConnection, settings: Settings, state: State | None = None) -> int:
    """What became of repositories that the list lacks into raw.hub_renames, of every capture of this Hub.

    Returns:
        How many of them were renamed.
    """
    captures = captures_of(settings, hub_renames.SOURCE)
    found = pl.concat([pl.DataFrame(schema=hub_renames.COLUMNS), *map(hub_renames.parse, captures)])
    replace_table(connection, "raw.hub_renames", found)
    whole = {m.capture_id: (Counts(m.items, m.items), Counts()) for m in (one.manifest for one in captures)}
    _note_captures(connection, settings, hub_renames.SOURCE, captures, whole, state)
    return found.filter(state="renamed").height


def load_facts(connection: duckdb.DuckDBPyConnection, settings: Settings) -> dict[str, int]:
    """Parse every capture of the tables of facts into raw.facts_<table>.

    Returns:
        Row counts by table.
    """
    captures = captures_of(settings, facts.SOURCE)
    tables = [facts.empty(), *map(facts.parse, captures)]
    counts = {
        name: replace_table(connection, f"raw.facts_{name}", pl.concat([one[name] for one in tables]))
        for name in facts.TABLES
    }
    whole = {m.capture_id: (Counts(m.items, m.items), Counts()) for m in (one.manifest for one in captures)}
    _note_captures(connection, settings, facts.SOURCE, captures, whole)
    return counts


def _note_captures(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    source: str,
    captures: Sequence[Capture],
    counts: Mapping[str, tuple[Counts, Counts]],
    state: State | None = None,
) -> None:
    """One row of raw.captures for each capture of a source, and one of raw.sources for the source itself."""
    rows = [
        {
            "source": source, "capture_id": m.capture_id, "origin": m.origin, "revision": m.revision, "kind": m.kind,
            "started_at": m.started_at, "finished_at": m.finished_at, "client": m.client, "requests": m.requests,
            "rows_read": items.read, "rows_kept": items.kept, "rows_quarantined": items.quarantined,
            "rows_duplicate": items.duplicate, "metrics_read": metrics.read, "metrics_kept": metrics.kept,
            "metrics_quarantined": metrics.quarantined, "bytes": m.bytes, "sha256": m.sha256,
        }
        for m, (items, metrics) in ((one.manifest, counts[one.manifest.capture_id]) for one in captures)
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema=CAPTURE_COLUMNS)
    _ensure_table(connection, "captures", frame.clear())
    _ensure_table(connection, "quarantine", pl.DataFrame(schema=QUARANTINE_COLUMNS))
    connection.execute("DELETE FROM raw.captures WHERE source = ?", [source])
    connection.execute("INSERT INTO raw.captures BY NAME FROM frame")
    attribution, url, licence = LICENCES[source]
    _ensure_table(connection, "sources", pl.DataFrame(schema=SOURCE_COLUMNS))
    connection.execute("DELETE FROM raw.sources WHERE source = ?", [source])
    # What was known by then ends with its last capture; of captures from elsewhere no later look is known either.
    last = max((capture.manifest.finished_at for capture in captures), default=None)
    looked = None if settings.known_at else checked_at(settings.captures, source)
    connection.execute(
        "INSERT INTO raw.sources VALUES (?, ?, ?, ?, ?, ?)",
        [source, state or ("asked" if captures else "not asked"), attribution, url, licence, looked or last],
    )


def _ensure_table(connection: duckdb.DuckDBPyConnection, table: str, empty: pl.DataFrame) -> None:
    connection.execute(f"CREATE TABLE IF NOT EXISTS raw.{table} AS FROM empty")
