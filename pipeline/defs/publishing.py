"""The assets that put a verified build in place for everybody to read: files, and the site made from them."""

from __future__ import annotations

import base64

import dagster as dg

from pipeline import vintages
from pipeline import warehouse as files
from pipeline.defs.resources import Warehouse
from pipeline.defs.tables import last_tables
from pipeline.errors import MoatError
from pipeline.progress import report
from pipeline.site import build


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


@dg.asset(
    deps=[published],
    group_name="6_publish",
    kinds={"html", "vegalite"},
    owners=["team:openmoat"],
    description="The static site: pages, charts and downloads, from the published file alone.",
)
def site(warehouse: Warehouse) -> dg.MaterializeResult[None]:
    """Make the site anew and put it in the place of the last one."""
    first = build.build(warehouse.settings)
    files = [path for path in first.parent.rglob("*") if path.is_file()]
    metadata: dict[str, dg.MetadataValue | int] = {
        "pages": len([path for path in files if path.suffix == ".html"]),
        "files": len(files),
        "bytes": sum(path.stat().st_size for path in files),
        "first_page": dg.MetadataValue.path(str(first)),
    }
    picture = first.parent / "charts" / "frontier.png"
    if picture.exists():
        encoded = base64.b64encode(picture.read_bytes()).decode()
        metadata["picture"] = dg.MetadataValue.md(f"![Best score so far](data:image/png;base64,{encoded})")
    return dg.MaterializeResult(metadata=metadata)
