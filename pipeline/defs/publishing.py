"""The asset that puts a verified build in place for everybody to read."""

from __future__ import annotations

import dagster as dg

from pipeline import vintages
from pipeline import warehouse as files
from pipeline.defs.resources import Warehouse
from pipeline.defs.tables import last_tables
from pipeline.errors import MoatError
from pipeline.progress import report


@dg.asset(
    deps=last_tables(),
    group_name="6_publish",
    kinds={"duckdb", "parquet"},
    owners=["team:openmoat"],
    description="openmoat.duckdb, marts.duckdb and Parquet, verified and replaced atomically.",
)
def published(warehouse: Warehouse) -> dg.MaterializeResult[None]:
    """Copy staging, marts and ops out of the work file, verify and replace the published file, keep its vintage."""
    settings = warehouse.settings
    digest = files.publish(settings)
    try:
        vintage = vintages.record(settings, digest)
        kept = vintage.vintage_id if vintage else "that of the build before"
    except MoatError as error:
        # What is published stands, and the next run looks after its vintage.
        dg.AssetExecutionContext.get().log.warning(str(error))
        kept = f"none: {error}"
    report("publish", 1)
    return dg.MaterializeResult(
        metadata={"logical_hash": digest, "vintage": kept, "file": dg.MetadataValue.path(str(settings.published_file))}
    )
