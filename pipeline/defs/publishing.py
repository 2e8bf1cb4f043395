"""The asset that puts a verified build in place for everybody to read."""

from __future__ import annotations

import dagster as dg

from pipeline import warehouse as files
from pipeline.defs.resources import Warehouse
from pipeline.defs.tables import last_tables
from pipeline.progress import report


@dg.asset(
    deps=last_tables(),
    group_name="6_publish",
    kinds={"duckdb", "parquet"},
    owners=["team:openmoat"],
    description="openmoat.duckdb, marts.duckdb and Parquet, verified and replaced atomically.",
)
def published(warehouse: Warehouse) -> dg.MaterializeResult[None]:
    """Copy staging, marts and ops out of the work file, verify the copy, replace the published one."""
    digest = files.publish(warehouse.settings)
    report("publish", 1)
    return dg.MaterializeResult(
        metadata={"logical_hash": digest, "file": dg.MetadataValue.path(str(warehouse.settings.published_file))}
    )
