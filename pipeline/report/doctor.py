"""What can be wrong with an installation, looked at one thing at a time."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import version

from pipeline.errors import MoatError
from pipeline.evaluate.cells import lacking
from pipeline.facts import tables
from pipeline.settings import Settings
from pipeline.warehouse import connect_published, logical_hash

NEEDED_BYTES = 2 * 2**30


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `found` says what to do where it is not ok."""

    what: str
    ok: bool
    found: str


def look(settings: Settings) -> list[Finding]:
    """Versions, folders, space, facts and the published file. Never prints a token, only whether one is set."""
    return [
        Finding("Python", (3, 11) <= sys.version_info[:2] <= (3, 13), sys.version.split()[0]),
        *(Finding(name, True, version(name)) for name in ("dagster", "duckdb", "polars", "huggingface-hub")),
        Finding("Hub", True, settings.hub),
        Finding("HF_TOKEN", True, "set" if settings.hub_token else "not set: anonymous rate limits"),
        _evaluating(settings),
        _folder(settings),
        _facts(),
        _published(settings),
    ]


def _evaluating(settings: Settings) -> Finding:
    """What `moat eval` needs is not needed by anything else, so that its absence is no fault."""
    try:
        missing = lacking(settings.worker_python, ("lm_eval", "torch", "transformers"))
    except MoatError as error:
        return Finding("moat eval", False, str(error))
    return Finding("moat eval", True, f"{', '.join(missing)} not installed: make eval" if missing else "installed")


def _folder(settings: Settings) -> Finding:
    folder = settings.data.resolve()
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(nearest, os.W_OK):
        return Finding("data folder", False, f"{folder} cannot be written: set MOAT_DATA")
    free = shutil.disk_usage(nearest).free
    return Finding("data folder", free > NEEDED_BYTES, f"{folder}, {free / 2**30:.1f} GiB free (2 needed)")


def _facts() -> Finding:
    problems = tables.check()
    return Finding(
        "tables of facts", not problems, f"{len(problems)} problems: moat facts check" if problems else "clean"
    )


def _published(settings: Settings) -> Finding:
    try:
        with connect_published(settings) as connection:
            return Finding("published file", True, f"logical hash {logical_hash(connection)[:12]}")
    except MoatError as error:
        return Finding("published file", False, str(error))
