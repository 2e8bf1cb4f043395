"""Dated snapshots of boards, loaded by hand: captured, folded at once, and told what they change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from pipeline import raw
from pipeline.captures import Capture
from pipeline.errors import InputError
from pipeline.settings import Settings
from pipeline.sources.boards import BOARDS
from pipeline.warehouse import connect_work, run_lock


@dataclass(frozen=True)
class Loaded:
    """What became of a file: its capture, whether that is new, and raw.board_changes of it."""

    capture: Capture
    new: bool
    changes: pl.DataFrame


def load(settings: Settings, source: str, file: Path, observed_on: date) -> Loaded:
    """Capture a dated snapshot of a board and fold it into the work file; the next run publishes it.

    Args:
        settings: folders, and which sources may shrink.
        source: the board.
        file: the snapshot as received.
        observed_on: the day on which the board said this.

    Raises:
        InputError: the board is not loaded by hand; see also `load` of the board.
        SourceError: see `folding`.
        WarehouseError: another run is writing.
    """
    by_hand = {board.source: (board, board.load) for board in BOARDS if board.load is not None}
    if source not in by_hand:
        raise InputError(source, "it is no source that is loaded by hand", f"Use {' or '.join(by_hand)}")
    board, take = by_hand[source]
    with run_lock(settings):
        capture, new = take(settings, file, observed_on)
        with connect_work(settings) as connection:
            raw.load_board(connection, settings, board, board.unasked or None)
            changes = connection.execute(
                "SELECT series_id, new, same, finer, rescored, gone FROM raw.board_changes"
                " WHERE source = ? AND capture_id = ? ORDER BY series_id",
                [source, capture.manifest.capture_id],
            ).pl()
    return Loaded(capture, new, changes)
