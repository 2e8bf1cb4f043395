"""The state of the boards of scores in the raw schema, folded from their captures in order.

A capture replaces what a board said in the parts it holds, and a whole capture also ends the parts that it lacks. What
could not be read says nothing: it stands as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import duckdb
import polars as pl

from pipeline.captures import Capture
from pipeline.folding import Counts, count, folding, insert, new_captures, raw_tables, temporary_tables, update_scores
from pipeline.progress import report
from pipeline.settings import Settings
from pipeline.sources.board import MODEL_COLUMNS, SCORE_COLUMNS, SERIES_COLUMNS, TABLES, Board
from pipeline.sources.quarantine import QUARANTINE_COLUMNS

_TIME = pl.Datetime("us", "UTC")
_NAMES = {"fact_id": pl.String, "source": pl.String}
STATE_COLUMNS = {
    "board_scores": _NAMES | SCORE_COLUMNS | {"capture_id": pl.String, "seen_at": _TIME, "gone_at": _TIME},
    "board_models": {"source": pl.String} | MODEL_COLUMNS,
    "board_series": {"source": pl.String} | SERIES_COLUMNS,
    "quarantine": QUARANTINE_COLUMNS,
}
# A fact is what a model scored in a series, with its interval; where it stands does not matter.
_FACT_ID = (
    "md5(concat_ws(chr(31), source, model, series_id, coalesce(variant, ''), value, coalesce(ci_lo, 'NaN'::DOUBLE),"
    " coalesce(ci_hi, 'NaN'::DOUBLE), coalesce(cast(evaluated_on AS VARCHAR), '')))"
)
_PARTS_AT_ONCE = 500
_KEYS = {"board_models": "model", "board_series": "series_id"}


def fold(
    connection: duckdb.DuckDBPyConnection, settings: Settings, board: Board, captures: Sequence[Capture]
) -> dict[str, tuple[Counts, Counts]]:
    """Bring raw.board_scores, board_models, board_series and quarantine up to the last of these captures.

    Args:
        connection: the work file.
        settings: which sources may shrink.
        board: the board.
        captures: those of one origin, oldest first.

    Returns:
        Items and scores read, by id of the captures folded now.

    Raises:
        SourceError: see `folding`.
    """
    raw_tables(connection, STATE_COLUMNS)
    standing = f"SELECT count(*) FROM raw.board_scores WHERE source = '{board.source}' AND gone_at IS NULL"
    before = count(connection, standing)
    wanted, anew = new_captures(connection, board.source, captures)
    if anew:
        for table in STATE_COLUMNS:
            connection.execute(f"DELETE FROM raw.{table} WHERE source = ?", [board.source])
    found = {}
    for number, capture in enumerate(wanted):
        proven = anew and capture is not wanted[-1]
        with folding(connection, settings, capture, standing, 0 if proven else before) as note:
            items, scores = _fold_one(connection, board, capture)
            note(items, scores)
        found[capture.manifest.capture_id] = (items, scores)
        report(f"read captures of {board.source}", number + 1, len(wanted))
    return found


def _fold_one(connection: duckdb.DuckDBPyConnection, board: Board, capture: Capture) -> tuple[Counts, Counts]:
    read, refused, scores_refused = _load(connection, board, capture)
    source, whole = board.source, capture.manifest.kind == "full"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE facts AS SELECT {_FACT_ID} AS fact_id, * FROM"
        " (SELECT ? AS source, *, ? AS capture_id FROM new_board_scores)"
        " QUALIFY row_number() OVER (PARTITION BY fact_id ORDER BY part) = 1",
        [source, capture.manifest.capture_id],
    )
    ended = "part NOT IN (SELECT part FROM parts WHERE unreadable)" if whole else "part IN (FROM readable)"
    update_scores(connection, "raw.board_scores", "facts", f"source = '{source}' AND {ended}", capture)
    for table, key in _KEYS.items():
        connection.execute(
            f"DELETE FROM raw.{table} WHERE source = ? AND {key} IN (SELECT {key} FROM new_{table})", [source]
        )
        # What a capture says first of a model or series counts.
        connection.execute(
            f"INSERT INTO raw.{table} BY NAME SELECT ? AS source, * EXCLUDE (place) FROM new_{table}"
            f" QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY place) = 1",
            [source],
        )
    connection.execute("INSERT INTO raw.quarantine BY NAME SELECT * FROM new_quarantine")
    scores, facts = (
        int(count)
        for (count,) in connection.execute(
            "SELECT count(*) FROM new_board_scores UNION ALL SELECT count(*) FROM facts"
        ).fetchall()
    )
    return (
        Counts(read, read - refused, refused),
        Counts(scores + scores_refused, facts, scores_refused, scores - facts),
    )


def _load(connection: duckdb.DuckDBPyConnection, board: Board, capture: Capture) -> tuple[int, int, int]:
    """Parse a capture into temporary tables new_* and parts; items read, refused, and scores refused."""
    placed = {table: schema | ({"place": pl.Int64} if table in _KEYS else {}) for table, schema in TABLES.items()}
    temporary_tables(connection, placed)
    connection.execute("CREATE OR REPLACE TEMP TABLE parts (part VARCHAR, unreadable BOOLEAN)")
    connection.execute("CREATE OR REPLACE TEMP VIEW readable AS SELECT part FROM parts WHERE NOT unreadable")
    read = refused = scores_refused = place = 0
    parsed = board.parse(capture)
    # A board may have tens of thousands of small parts: they go in together.
    while some := list(islice(parsed, _PARTS_AT_ONCE)):
        read += sum(part.read for part in some)
        refused += sum(part.refused for part in some)
        scores_refused += sum(part.scores_refused for part in some)
        connection.executemany("INSERT INTO parts VALUES (?, ?)", [(part.name, part.unreadable) for part in some])
        for table in TABLES:
            frame = pl.concat([part.frame(table) for part in some])
            if table in _KEYS:
                frame = frame.with_row_index("place", place)
                place += frame.height
            if frame.height:
                insert(connection, table, frame)
    return read, refused, scores_refused
