"""What `moat gap` says: one document for scripts, the same document as text for people."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

from pipeline.errors import InputError
from pipeline.gap.lag import parse_tolerance
from pipeline.gap.scores_file import read_scores
from pipeline.gap.series import gap_document
from pipeline.gap.sides import parse_open_definition
from pipeline.gap_tables import by_date, two_sided
from pipeline.index_tables import Indexed, load
from pipeline.report.cells import COLUMNS, cells
from pipeline.settings import Settings
from pipeline.warehouse import connect_published

Document = dict[str, Any]


def gap(
    settings: Settings,
    *,
    scores: Path | None,
    series: str,
    as_of: date | None,
    tolerance: str,
    definition: str,
    skip_bad: bool,
) -> tuple[Document, list[str]]:
    """The document of `moat gap`, and remarks for stderr.

    Raises:
        InputError: unusable file, option or series name.
        WarehouseError: no file is given and nothing is published yet.
    """
    ruler, meaning = parse_tolerance(tolerance), parse_open_definition(definition)
    if scores is not None:
        table = read_scores(scores, skip_bad=skip_bad)
        remarks = [f"ignored column: {name}" for name in table.ignored_columns]
        remarks += [f"skipped: {reason}" for reason in table.skipped]
        document = gap_document(_only(table.scores, series), as_of, ruler, meaning)
        return document | {"rows_read": table.rows_read, "rows_skipped": len(table.skipped)}, remarks
    with connect_published(settings) as connection:
        found: Indexed = load(connection, settings.cache)
        asked = connection.execute("SELECT as_of FROM ops.schema_version").fetchone()
    chosen = _only(found.inputs, series) if series else two_sided(found.inputs)
    until = as_of or (asked[0] if asked else datetime.now(UTC).date())
    parts = [gap_document(part, day, ruler, meaning, found.draws) for day, part in by_date(chosen, until)]
    entries = [entry | {"as_of": part["as_of"]} for part in parts for entry in part["series"]]
    document = {"as_of": str(until), "tolerance": tolerance, "open": definition,
                "series": sorted(entries, key=lambda entry: str(entry["series"]))}  # fmt: skip
    return document, []


def show_gap(document: Document, console: Console) -> None:
    """The gap document as a table; `--json` carries all of it."""
    table = Table("series", "open", "closed", *COLUMNS, box=None, header_style="bold")
    for entry in document["series"]:
        sides = (entry["frontier"][side] for side in ("open", "closed"))
        table.add_row(entry["series"], *(side["model"] if side else "-" for side in sides), *cells(_row(entry)))
    console.print(f"as of {document['as_of']} · tolerance {document['tolerance']} · open = {document['open']}")
    console.print(table)
    for entry in document["series"] if len(document["series"]) == 1 else []:
        for note in entry["notes"]:
            console.print(f"· {note}", style="dim")


def _only(scores: pl.DataFrame, series: str) -> pl.DataFrame:
    if not series:
        return scores
    found = scores.filter(scores["series"] == series)
    if found.is_empty():
        raise InputError(f"--series {series}", "there is no such series", "Leave --series out to see all")
    return found


def _row(entry: Document) -> Document:
    """What `cells` takes, from an entry of the document."""
    gap, lag, outcome = entry["gap"], entry["lag_months"], entry["survival"]
    return {
        "gap_raw": gap["raw"], "gap_lo": gap["lo"], "gap_hi": gap["hi"],
        "lag_months": lag["backward"], "lag_bounded": lag["bounded"], "lag_lo": lag["lo"], "lag_hi": lag["hi"],
        "catch_up_median": outcome["median"], "records": outcome["n"], "censored": outcome["censored"],
        "catch_up_calibrated_lo": outcome["calibrated_lo"], "catch_up_calibrated_hi": outcome["calibrated_hi"],
    }  # fmt: skip
