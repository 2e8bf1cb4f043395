"""Every board of scores there is."""

from __future__ import annotations

from pipeline.sources import (
    epoch,
    every_eval_ever,
    harness_results,
    hub_cards,
    hub_leaderboards,
    lmarena,
    open_llm_leaderboard,
    open_llm_leaderboard_v1,
    open_llm_snapshots,
    own_evaluations,
)
from pipeline.sources.board import Board

BOARDS: tuple[Board, ...] = (
    hub_leaderboards.BOARD,
    open_llm_leaderboard.BOARD,
    open_llm_leaderboard_v1.BOARD,
    open_llm_snapshots.BOARD,
    lmarena.BOARD,
    every_eval_ever.BOARD,
    harness_results.BOARD,
    own_evaluations.BOARD,
    epoch.BOARD,
    hub_cards.BOARD,
)
