"""The one Dagster entry point: everything in defs/, with the resource and the in-process executor."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from pipeline.defs.resources import Warehouse


def build_defs(warehouse: Warehouse | None = None) -> dg.Definitions:
    """All definitions; tests and the command line pass a resource of their own.

    One writer: the work file locks out every other process, so steps run in process, one after another.
    """
    return dg.Definitions.merge(
        dg.load_from_defs_folder(path_within_project=Path(__file__).parent / "defs"),
        dg.Definitions(resources={"warehouse": warehouse or Warehouse()}, executor=dg.in_process_executor),
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What `dg` and the web server load."""
    return build_defs()
