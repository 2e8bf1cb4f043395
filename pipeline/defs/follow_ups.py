"""Assets that ask the Hub about single repositories, after everything that says which ones matter."""

from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg

from pipeline import follow_ups, raw
from pipeline.captures import Capture, note_check
from pipeline.defs.days import DAILY, is_asked
from pipeline.defs.resources import Warehouse
from pipeline.defs.sources import FRESH, GROUP, row_counts
from pipeline.progress import report
from pipeline.settings import Settings
from pipeline.sources import hub_cards as cards
from pipeline.sources import hub_renames as renames
from pipeline.sources.boards import BOARDS
from pipeline.warehouse import connect_work

BEFORE = ["hub_models", "facts", *(board.source for board in BOARDS if board is not cards.BOARD)]
Ask = Callable[[Settings, str, str, list[Any]], tuple[Capture, bool] | None]


def _ask(
    context: dg.AssetExecutionContext, settings: Settings, source: str, wanted: Sequence[Any], fetch: Ask
) -> tuple[raw.State, dict[str, Any]]:
    """Ask for what is wanted; what to say of it."""
    if source in settings.skipped or not is_asked(context, settings, source):
        return "not asked", {"requests": 0, "new_capture": False}
    found = None
    if not wanted:
        note_check(settings.captures, source)
    else:
        with raw.hub_endpoint(settings) as (endpoint, origin):
            found = fetch(settings, endpoint, origin, list(wanted))
    new = found is not None and found[1]
    return "asked", {"requests": found[0].manifest.requests if found else 0, "new_capture": new}


@dg.asset(
    group_name=GROUP,
    owners=["team:openmoat"],
    partitions_def=DAILY,
    freshness_policy=FRESH,
    deps=BEFORE,
    kinds={"python", "huggingface"},
    description="README files of repositories whose card the Hub's list does not state: the scores in them.",
    metadata={"licence": cards.BOARD.licence},
)
def hub_cards(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult[None]:
    """Fetch some README files through the resolver, those that matter most first, and read their cards."""
    settings = warehouse.settings
    asked = cards.asked(raw.captures_of(settings, cards.SOURCE))
    with connect_work(settings) as connection:
        wanted = follow_ups.cards(connection, asked, settings.follow_ups)
    state, said = _ask(context, settings, cards.SOURCE, wanted, cards.fetch)
    with connect_work(settings) as connection:
        counts = raw.load_board(connection, settings, cards.BOARD, state)
    report(cards.SOURCE, 1)
    return dg.MaterializeResult(
        metadata={
            **row_counts(counts),
            "repositories": len(wanted),
            **said,
        }
    )


@dg.asset(
    group_name=GROUP,
    owners=["team:openmoat"],
    partitions_def=DAILY,
    freshness_policy=FRESH,
    deps=BEFORE,
    kinds={"python", "huggingface"},
    description="Where the Hub sends those who ask for a repository that its list no longer has.",
    metadata={"licence": raw.LICENCES[renames.SOURCE][2]},
)
def hub_renames(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult[None]:
    """Ask for some repositories that are gone, those with scores first."""
    settings = warehouse.settings
    asked = renames.asked(raw.captures_of(settings, renames.SOURCE))
    with connect_work(settings) as connection:
        wanted = follow_ups.renames(connection, asked, settings.follow_ups)
    state, said = _ask(context, settings, renames.SOURCE, wanted, renames.fetch)
    with connect_work(settings) as connection:
        renamed = raw.load_renames(connection, settings, state)
    report(renames.SOURCE, 1)
    return dg.MaterializeResult(metadata={"dagster/row_count": renamed, "repositories": len(wanted), **said})
