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
from pipeline.index_tables import Indexed, indexed, load
from pipeline.report import policy_gap
from pipeline.report.cells import COLUMNS, cells
from pipeline.settings import Settings
from pipeline.sql_models import load_models
from pipeline.warehouse import connect_as_of, connect_published

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
    policy: str = "",
) -> tuple[Document, list[str]]:
    """The document of `moat gap`, and remarks for stderr.

    Raises:
        InputError: unusable file, option or series name.
        WarehouseError: no file is given and nothing is published yet.
    """
    ruler, meaning = parse_tolerance(tolerance), parse_open_definition(definition)
    if policy and scores is not None:
        raise InputError("--policy", "it chooses among published scores, not those of a file", "Leave one of them out")
    if policy:
        return policy_gap.gap(settings, policy, series, as_of, ruler, meaning), []
    if scores is not None:
        table = read_scores(scores, skip_bad=skip_bad)
        remarks = [f"ignored column: {name}" for name in table.ignored_columns]
        remarks += [f"skipped: {reason}" for reason in table.skipped]
        document = gap_document(_only(table.scores, series), as_of, ruler, meaning)
        return document | {"rows_read": table.rows_read, "rows_skipped": len(table.skipped)}, remarks
    found, until = _published(settings, as_of)
    chosen = _only(found.inputs, series) if series else two_sided(found.inputs)
    parts = [gap_document(part, day, ruler, meaning, found.draws) for day, part in by_date(chosen, until)]
    entries = [entry | {"as_of": part["as_of"]} for part in parts for entry in part["series"]]
    known = settings.known_at.isoformat() if settings.known_at else None
    document = {"as_of": str(until), "known_at": known, "tolerance": tolerance, "open": definition,
                "series": sorted(entries, key=lambda entry: str(entry["series"]))}  # fmt: skip
    return document, []


def _published(settings: Settings, as_of: date | None) -> tuple[Indexed, date]:
    """What the gap functions read as of a date, by default that of the published file."""
    with connect_published(settings) as connection:
        asked = connection.execute("SELECT as_of FROM ops.schema_version").fetchone()
        if as_of is None or (as_of,) == asked:
            return load(connection, settings.cache), as_of or (asked[0] if asked else datetime.now(UTC).date())
    # Of a ranking with editions another one was the newest then.
    (query,) = (model.query for model in load_models() if model.table == "staging.gap_inputs")
    with connect_as_of(settings, as_of) as connection:
        rows = connection.execute("FROM staging.index_inputs").pl()
        return indexed(connection.execute(query).pl(), rows, settings.cache), as_of


def show_gap(document: Document, console: Console) -> None:
    """The gap document as a table; `--json` carries all of it."""
    if "policy" in document:
        policy_gap.show(document, console)
        return
    table = Table("series", "open", "closed", *COLUMNS, box=None, header_style="bold")
    for entry in document["series"]:
        sides = (entry["frontier"][side] for side in ("open", "closed"))
        table.add_row(entry["series"], *(side["model"] if side else "-" for side in sides), *cells(_row(entry)))
    known = f" · known at {document['known_at']}" if document.get("known_at") else ""
    console.print(f"as of {document['as_of']}{known} · tolerance {document['tolerance']} · open = {document['open']}")
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
