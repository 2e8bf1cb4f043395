"""Assets that capture the sources and read their captures into the raw schema."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import dagster as dg

from pipeline import raw
from pipeline.captures import note_check
from pipeline.defs.days import DAILY, is_asked
from pipeline.defs.resources import Warehouse
from pipeline.progress import report
from pipeline.sources import facts as facts_source
from pipeline.sources import hub_crawl
from pipeline.sources.board import Board, Fetch
from pipeline.sources.boards import BOARDS
from pipeline.warehouse import connect_work

GROUP = "1_sources"
# The daily schedule asks every source; one that missed it by half a day is late.
FRESH = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36), warn_window=timedelta(hours=25))


@dg.asset(
    group_name=GROUP,
    owners=["team:openmoat"],
    partitions_def=DAILY,
    freshness_policy=FRESH,
    kinds={"python", "huggingface"},
    description="Models and cards of the Hugging Face Hub, captured as received and read item by item.",
    metadata={"licence": raw.LICENCES[hub_crawl.SOURCE][2]},
)
def hub_models(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult[None]:
    """Crawl the Hub into a capture, then parse every capture of this Hub into raw tables."""
    settings = warehouse.settings
    asked: dict[str, Any] = {"new_capture": False, "requests": 0}
    if is_asked(context, settings, hub_crawl.SOURCE):
        with raw.hub_endpoint(settings) as (endpoint, origin):
            capture, new = hub_crawl.fetch(settings, endpoint, origin)
        manifest = capture.manifest
        asked = {"new_capture": new, "requests": manifest.requests, "capture_id": manifest.capture_id,
                 "hub": origin, "revision": manifest.revision, "verified": manifest.verified}  # fmt: skip
    with connect_work(settings) as connection:
        raw.load_run(connection, settings, warehouse.date)
        counts = raw.load_hub(connection, settings)
    compacted = raw.compact_hub(settings)
    report("hub_models", 1)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": counts["hub_models"],
            "quarantined_rows": counts["quarantine"],
            "card_metrics": counts["card_metrics"],
            "lineage_edges": counts["lineage_edges"],
            "compacted_captures": compacted,
            **asked,
        }
    )


@dg.asset(
    group_name=GROUP,
    owners=["team:openmoat"],
    partitions_def=DAILY,
    freshness_policy=FRESH,
    kinds={"python", "csv"},
    description="The project's own tables of facts: releases, series, closed baselines, Epoch's matrix and index.",
    metadata={"licence": raw.LICENCES[facts_source.SOURCE][2]},
)
def facts(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult[None]:
    """Check the tables of facts, capture them, and read every capture into raw tables."""
    settings = warehouse.settings
    asked: dict[str, Any] = {"new_capture": False}
    if is_asked(context, settings, facts_source.SOURCE):
        capture, new = facts_source.fetch(settings)
        asked = {"new_capture": new, "capture_id": capture.manifest.capture_id}
    with connect_work(settings) as connection:
        counts = raw.load_facts(connection, settings)
    report("facts", 1)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(counts.values()),
            **{f"rows/{name}": rows for name, rows in counts.items()},
            **asked,
        }
    )


def row_counts(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts of a board, as Dagster plots them."""
    return {
        "dagster/row_count": counts["scores"],
        "superseded_rows": counts["superseded"],
        "quarantined_rows": counts["quarantine"],
    }


def board_asset(board: Board, fetch: Fetch) -> dg.AssetsDefinition:
    """One board of scores as an asset."""

    @dg.asset(
        group_name=GROUP,
        owners=["team:openmoat"],
        partitions_def=DAILY,
        freshness_policy=FRESH,
        name=board.source,
        kinds={"python", "huggingface"},
        description=f"{board.title}: captured as received, every score with its source.",
        metadata={"licence": board.licence, "url": dg.MetadataValue.url(board.url)},
    )
    def scores(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult[None]:
        settings = warehouse.settings
        state: raw.State = "not asked"
        asked: dict[str, Any] = {"new_capture": False, "requests": 0}
        if board.source not in settings.skipped and is_asked(context, settings, board.source):
            with raw.hub_endpoint(settings) as (endpoint, origin):
                found = fetch(settings, endpoint, origin)
            if found is None:
                state = "not offered"
                note_check(settings.captures, board.source)
            else:
                state, (capture, new) = "asked", found
                asked = {"new_capture": new, "requests": capture.manifest.requests if new else 0,
                         "capture_id": capture.manifest.capture_id}  # fmt: skip
        with connect_work(settings) as connection:
            counts = raw.load_board(connection, settings, board, state)
        report(board.source, 1)
        return dg.MaterializeResult(
            metadata={
                **row_counts(counts),
                "state": state,
                **asked,
            }
        )

    return scores


def loaded_asset(board: Board) -> dg.AssetsDefinition:
    """One board of dated snapshots that are loaded by hand as an asset: it asks nobody and is never late."""

    @dg.asset(
        group_name=GROUP,
        owners=["team:openmoat"],
        name=board.source,
        kinds={"python", "csv"},
        description=f"{board.title}: loaded by hand with `moat load`, every score with its day.",
        metadata={"licence": board.licence, "url": dg.MetadataValue.url(board.url)},
    )
    def scores(warehouse: Warehouse) -> dg.MaterializeResult[None]:
        with connect_work(warehouse.settings) as connection:
            counts = raw.load_board(connection, warehouse.settings, board, board.unasked or None)
        report(board.source, 1)
        return dg.MaterializeResult(metadata=row_counts(counts))

    return scores


boards = [board_asset(board, board.fetch) for board in BOARDS if board.fetch is not None]
loaded = [loaded_asset(board) for board in BOARDS if board.load is not None]
