"""Assets that capture the sources and read their captures into the raw schema."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg

from pipeline import raw
from pipeline.captures import note_check
from pipeline.defs.resources import Warehouse
from pipeline.progress import report
from pipeline.sources import facts as facts_source
from pipeline.sources import hub_crawl
from pipeline.sources.board import Board
from pipeline.sources.boards import BOARDS
from pipeline.warehouse import connect_work

GROUP = "1_sources"
# The daily schedule asks every source; one that missed it by half a day is late.
FRESH = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36), warn_window=timedelta(hours=25))


@dg.asset(
    group_name=GROUP,
    kinds={"python", "huggingface"},
    owners=["team:openmoat"],
    freshness_policy=FRESH,
    description="Models and cards of the Hugging Face Hub, captured as received and read item by item.",
    metadata={"licence": raw.LICENCES[hub_crawl.SOURCE][2]},
)
def hub_models(warehouse: Warehouse) -> dg.MaterializeResult[None]:
    """Crawl the Hub into a capture, then parse every capture of this Hub into raw tables."""
    settings = warehouse.settings
    with raw.hub_endpoint(settings) as (endpoint, origin):
        capture, new = hub_crawl.fetch(settings, endpoint, origin)
    with connect_work(settings) as connection:
        raw.load_run(connection, settings, warehouse.date)
        counts = raw.load_hub(connection, settings)
    report("hub_models", 1)
    manifest = capture.manifest
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": counts["hub_models"],
            "hub": origin,
            "new_capture": new,
            "capture_id": manifest.capture_id,
            "requests": manifest.requests,
            "quarantined_rows": counts["quarantine"],
            "card_metrics": counts["card_metrics"],
            "lineage_edges": counts["lineage_edges"],
        }
    )


@dg.asset(
    group_name=GROUP,
    kinds={"python", "csv"},
    owners=["team:openmoat"],
    freshness_policy=FRESH,
    description="The project's own tables of facts: releases, series, closed baselines, Epoch's matrix and index.",
    metadata={"licence": raw.LICENCES[facts_source.SOURCE][2]},
)
def facts(warehouse: Warehouse) -> dg.MaterializeResult[None]:
    """Check the tables of facts, capture them, and read every capture into raw tables."""
    settings = warehouse.settings
    capture, new = facts_source.fetch(settings)
    with connect_work(settings) as connection:
        counts = raw.load_facts(connection, settings)
    report("facts", 1)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(counts.values()),
            "new_capture": new,
            "capture_id": capture.manifest.capture_id,
            **{f"rows/{name}": rows for name, rows in counts.items()},
        }
    )


def board_asset(board: Board) -> dg.AssetsDefinition:
    """One board of scores as an asset."""

    @dg.asset(
        name=board.source,
        group_name=GROUP,
        kinds={"python", "huggingface"},
        owners=["team:openmoat"],
        freshness_policy=FRESH,
        description=f"{board.title}: captured as received, every score with its source.",
        metadata={"licence": board.licence, "url": dg.MetadataValue.url(board.url)},
    )
    def scores(warehouse: Warehouse) -> dg.MaterializeResult[None]:
        settings = warehouse.settings
        state: raw.State = "not asked"
        capture, new = None, False
        if board.source not in settings.skipped:
            with raw.hub_endpoint(settings) as (endpoint, origin):
                asked = board.fetch(settings, endpoint, origin)
            if asked is None:
                state = "not offered"
                note_check(settings.captures, board.source)
            else:
                state, (capture, new) = "asked", asked
        with connect_work(settings) as connection:
            counts = raw.load_board(connection, settings, board, state)
        report(board.source, 1)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": counts["scores"],
                "superseded_rows": counts["superseded"],
                "quarantined_rows": counts["quarantine"],
                "requests": capture.manifest.requests if capture and new else 0,
                "new_capture": new,
                "state": state,
            }
        )

    return scores


boards = [board_asset(board) for board in BOARDS]
