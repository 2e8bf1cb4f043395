"""The state of the boards of scores in the raw schema, folded from their captures in order.

A capture replaces what a board said in the parts it holds, and a whole capture also ends the parts that it lacks. What
could not be read says nothing: it stands as it was. Of numbers that were published rounded, those equal at the coarser
precision are one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
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
    "board_changes": {
        "source": pl.String, "capture_id": pl.String, "observed_on": pl.Date, "series_id": pl.String, "new": pl.Int64,
        "same": pl.Int64, "finer": pl.Int64, "rescored": pl.Int64, "gone": pl.Int64,
    },
}  # fmt: skip
# A fact is what a model scored in a series, with its interval; where it stands does not matter.
_FACT_ID = (
    "md5(concat_ws(chr(31), source, model, series_id, coalesce(variant, ''), value, coalesce(ci_lo, 'NaN'::DOUBLE),"
    " coalesce(ci_hi, 'NaN'::DOUBLE), coalesce(cast(evaluated_on AS VARCHAR), ''), decimals))"
)
_KEY = "concat_ws(chr(31), model, series_id, coalesce(variant, ''), coalesce(cast(evaluated_on AS VARCHAR), ''))"
# More digits than a number of 64 bits has: of a value as it was computed.
_FULL = 99
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
        captures: those to be used, oldest first; of dated snapshots the one observed first is folded first.

    Returns:
        Items and scores read, by id of the captures folded now.

    Raises:
        SourceError: see `folding`.
    """
    raw_tables(connection, STATE_COLUMNS)
    if board.load is not None:
        captures = sorted(captures, key=lambda one: (one.manifest.revision, one.manifest.capture_id))
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
    if _rounded(connection, source):
        _match(connection, source)
        _note_changes(connection, board, capture, ended)
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


def _rounded(connection: duckdb.DuckDBPyConnection, source: str) -> bool:
    """Whether the board rounds what it publishes, now or before."""
    found = connection.execute(
        "SELECT 1 FROM facts WHERE decimals IS NOT NULL"
        " UNION ALL SELECT 1 FROM raw.board_scores WHERE source = ? AND decimals IS NOT NULL LIMIT 1",
        [source],
    )
    return found.fetchone() is not None


def _match(connection: duckdb.DuckDBPyConnection, source: str) -> None:
    """Give facts that are known their fact_id: equal at the coarser of both precisions. The finer value is kept.

    What stands is preferred to what is gone, then the nearest. Leaves the temporary tables known, what the board said
    before, and matched, what of it is said again.
    """
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE known AS SELECT *, {_KEY} AS key, coalesce(decimals, {_FULL}) AS digits"
        " FROM raw.board_scores WHERE source = ?",
        [source],
    )
    # Half a unit of the last digit, and what is lost in writing a number to 15 digits.
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE matched AS WITH stated AS"
        f" (SELECT *, {_KEY} AS key, coalesce(decimals, {_FULL}) AS digits FROM facts)"
        " SELECT stated.fact_id AS stated_id, known.fact_id, known.gone_at IS NULL AS stood,"
        " known.digits < stated.digits AS finer, known.digits > stated.digits AS coarser, known.value, known.decimals"
        " FROM stated INNER JOIN known ON stated.key = known.key"
        " AND (stated.fact_id = known.fact_id OR abs(stated.value - known.value)"
        " <= 0.5 * pow(10, -least(stated.digits, known.digits)) + 1e-9)"
        " QUALIFY row_number() OVER (PARTITION BY stated.fact_id ORDER BY known.gone_at IS NOT NULL,"
        " abs(stated.value - known.value), known.fact_id) = 1"
    )
    connection.execute(
        "UPDATE facts SET fact_id = matched.fact_id,"
        " value = CASE WHEN coarser THEN matched.value ELSE facts.value END,"
        " decimals = CASE WHEN coarser THEN matched.decimals ELSE facts.decimals END"
        " FROM matched WHERE facts.fact_id = stated_id"
    )
    connection.execute(
        "UPDATE raw.board_scores AS old SET value = facts.value, decimals = facts.decimals,"
        " observed_on = facts.observed_on, doubtful = facts.doubtful, note = facts.note"
        " FROM facts WHERE old.fact_id = facts.fact_id"
    )


def _note_changes(connection: duckdb.DuckDBPyConnection, board: Board, capture: Capture, ended: str) -> None:
    """Count by series what a capture changes in what stood before it."""
    day = date.fromisoformat(capture.manifest.revision) if board.load is not None else None
    connection.execute(
        "INSERT INTO raw.board_changes WITH stood AS (SELECT *, key IN"
        f" (SELECT {_KEY} FROM facts) AS stays FROM known WHERE gone_at IS NULL AND {ended}),"
        f" now AS (SELECT f.series_id, coalesce(m.stood, FALSE) AS same, coalesce(m.stood AND m.finer, FALSE) AS finer,"
        f" {_KEY} IN (SELECT key FROM stood) AS listed FROM facts AS f LEFT JOIN matched AS m USING (fact_id)),"
        " either AS (SELECT series_id, same, finer, listed, FALSE AS gone FROM now"
        " UNION ALL SELECT series_id, FALSE, FALSE, FALSE, TRUE FROM stood WHERE NOT stays)"
        " SELECT ?, ?, ?, series_id, count(*) FILTER (NOT same AND NOT listed AND NOT gone), count(*) FILTER (same),"
        " count(*) FILTER (finer), count(*) FILTER (NOT same AND listed), count(*) FILTER (gone)"
        " FROM either GROUP BY series_id",
        [board.source, capture.manifest.capture_id, day],
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
