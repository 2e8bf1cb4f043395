"""The project's own tables of facts as a source: captured like any other, so that history is kept."""

from __future__ import annotations

import io

import polars as pl

from pipeline.captures import Capture, CaptureWriter
from pipeline.errors import FactsError
from pipeline.facts import tables
from pipeline.facts.schema import TABLES as SCHEMAS
from pipeline.settings import Settings

SOURCE = "facts"
ORIGIN = "project"
# Hub tables feed the bundled Hub only: closed worlds may not leak in beside what the Hub itself states.
TABLES = (
    "releases", "overrides", "statements", "sizes", "aliases", "benchmarks", "benchmark_names", "series", "licences",
    "published_figures", "memo_events", "memo_dates", "memo_claims", "derivatives", "technique_rules",
    "parent_rules", "base_starts", "scores_closed", "scores_epoch_matrix", "scores_epoch_eci",
)  # fmt: skip


def fetch(settings: Settings) -> tuple[Capture, bool]:
    """Capture the tables of facts as they stand in the project.

    Returns:
        The capture and whether it holds anything new.

    Raises:
        FactsError: a table breaks its schema; the first problems are named.
    """
    problems = tables.check()
    if problems:
        raise FactsError(str(problems[0]), f"{len(problems)} problem(s) in the tables of facts", "Run moat facts check")
    rows = 0
    with CaptureWriter(settings.captures, SOURCE, ORIGIN) as writer:
        for name in TABLES:
            writer.add(f"{name}.csv", tables.path(name).read_bytes())
            rows += tables.load(name).height
        return writer.seal(revision="project", client="none", requests=0, items=rows)


def parse(capture: Capture) -> dict[str, pl.DataFrame]:
    """One typed frame per table of facts, with the capture's id.

    Captures outlive the schema: a table or column added since is empty in them.
    """
    pages = dict(capture.pages())
    frames = {
        name: tables.read(name, io.BytesIO(pages[f"{name}.csv"]), older=True)
        if f"{name}.csv" in pages
        else pl.DataFrame(schema=dict(SCHEMAS[name].columns))
        for name in TABLES
    }
    captured = pl.lit(capture.manifest.capture_id)
    return {name: frame.with_columns(capture_id=captured) for name, frame in frames.items()}


def empty() -> dict[str, pl.DataFrame]:
    """What no capture says: the frames of `parse` without rows."""
    return {name: pl.DataFrame(schema=dict(SCHEMAS[name].columns) | {"capture_id": pl.String}) for name in TABLES}
