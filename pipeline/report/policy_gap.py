"""What `moat gap --policy` says: gaps by benchmark of one score a cell, and what the policy does to the headline."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from pipeline.errors import InputError
from pipeline.gap.lag import Tolerance
from pipeline.gap.policy import COMPARABILITY, POLICIES, Policy
from pipeline.gap.series import SeriesReport
from pipeline.gap.sides import OpenDefinition
from pipeline.policy_tables import PREFIX, Effect, Question, candidates, cell_effects, index_effects
from pipeline.report.numbers import significant
from pipeline.settings import Settings
from pipeline.warehouse import connect_published

Document = dict[str, Any]
_COLUMNS = ("gap", "lag, months", "catch-up median", "unmatched")


def parse_policy(name: str) -> Policy:
    """The policy of a name.

    Raises:
        InputError: there is none.
    """
    if name not in POLICIES:
        raise InputError(f"--policy {name}", "it is no policy", f"Use {', '.join(POLICIES)}")
    return POLICIES[name]


def gap(
    settings: Settings, name: str, series: str, as_of: date | None, tolerance: Tolerance, definition: OpenDefinition
) -> Document:
    """The document of `moat gap --policy`: that of `moat gap` for the series `cell:<benchmark>`.

    Each entry says besides how far the scores of the two frontier holders and of every matched record
    compare; `headline` holds the indices under the default policy and under this one.

    Raises:
        InputError: there is no such policy or series.
        WarehouseError: nothing is published yet.
    """
    policy = parse_policy(name)
    with connect_published(settings) as connection:
        asked = connection.execute("SELECT as_of FROM ops.schema_version").fetchone()
        until = as_of or (asked[0] if asked else datetime.now(UTC).date())
        rows, question = candidates(connection, until), Question(until, tolerance, definition)
        found = cell_effects(connection, rows, policy, question)
        compared = [
            index_effects(connection, rows, each, question) for each in dict.fromkeys((POLICIES["default"], policy))
        ]
    if series:
        found = [effect for effect in found if effect.series in {series, PREFIX + series}]
        if not found:
            raise InputError(f"--series {series}", "it has no open and closed side", "Leave --series out to see all")
    # Each index under both policies, one below the other.
    headline = [effect for both in zip(*compared, strict=True) for effect in both]
    return {
        "as_of": str(until), "tolerance": str(tolerance), "open": definition, "policy": name, "rule": policy.says,
        "headline": [_headline(effect) for effect in headline],
        "series": [_entry(effect, effect.report) for effect in found if effect.report],
    }  # fmt: skip


def show(document: Document, console: Console) -> None:
    """The document as two tables; `--json` carries all of it."""
    console.print(f"as of {document['as_of']} · tolerance {document['tolerance']} · open = {document['open']}")
    console.print(f"policy {document['policy']}: {document['rule']}")
    console.print("\nWhat it does to the headline", style="bold")
    table = Table("series", "policy", *_COLUMNS, "scores used", "left out", box=None, header_style="bold")
    for row in document["headline"]:
        counts = (str(row["scores_picked"]), str(row["scores_left_out"]))
        table.add_row(row["series"], row["policy"], *_cells(row), *counts)
    console.print(table)
    for note in dict.fromkeys(f"{row['series']}: {note}" for row in document["headline"] for note in row["notes"]):
        console.print(f"· {note}", style="dim")
    firm = [entry for entry in document["series"] if not entry["loose"]]
    loose = [entry for entry in document["series"] if entry["loose"]]
    for title, entries in (
        ("Benchmarks whose pairs compare", firm),
        ("Loose: other protocols or evaluators, never in a headline", loose),
    ):
        if not entries:
            continue
        console.print(f"\n{title}", style="bold")
        table = Table("benchmark", "open", "closed", *_COLUMNS, "pairs", box=None, header_style="bold")
        for entry in entries:
            row = _summary(entry)
            names = (row[f"{side}_model"] or "-" for side in ("open", "closed"))
            table.add_row(entry["series"].removeprefix(PREFIX), *names, *_cells(row), _pairs(entry))
        console.print(table)


def _summary(entry: Document) -> Document:
    opened, closed = entry["frontier"]["open"], entry["frontier"]["closed"]
    outcome = entry["survival"]
    return {
        "open_model": opened and opened["model"], "closed_model": closed and closed["model"],
        "gap": entry["gap"]["raw"], "lag_months": entry["lag_months"]["backward"],
        "lag_bounded": entry["lag_months"]["bounded"], "catch_up_median": outcome["median"], "records": outcome["n"],
        "censored": outcome["censored"],
    }  # fmt: skip


def _headline(effect: Effect) -> Document:
    where = {
        "series": effect.series, "policy": effect.policy, "scores_picked": effect.picked,
        "scores_left_out": effect.left_out, "comparability": effect.frontier, "notes": list(effect.notes),
    }  # fmt: skip
    names = ("open_model", "closed_model", "gap", "lag_months", "lag_bounded", "catch_up_median", "records", "censored")
    return where | (_summary(effect.report.to_dict()) if effect.report else dict.fromkeys(names))


def _entry(effect: Effect, report: SeriesReport) -> Document:
    entry = report.to_dict()
    entry["catch_up"] = [
        event | {"comparability": said} for event, said in zip(entry["catch_up"], effect.pairs, strict=True)
    ]
    return entry | {
        "as_of": str(report.as_of), "unit": effect.unit, "comparability": effect.frontier,
        "loose": "loose" in {effect.frontier, *effect.pairs}, "scores_picked": effect.picked,
        "scores_left_out": effect.left_out,
    }  # fmt: skip


def _cells(row: Document) -> tuple[str, ...]:
    """The texts of _COLUMNS."""
    bound = "> " if row["lag_bounded"] else ""
    return (
        "-" if row["gap"] is None else significant(row["gap"]),
        "-" if row["lag_months"] is None else f"{bound}{row['lag_months']:.1f}",
        "-" if row["catch_up_median"] is None else f"{row['catch_up_median']:.1f}",
        "-" if row["records"] is None else f"{row['censored']} of {row['records']}",
    )


def _pairs(entry: Document) -> str:
    """How the pairs compare, counted: the frontier and every matched record."""
    said = [entry["comparability"], *(event["comparability"] for event in entry["catch_up"])]
    counts = ((said.count(name), name.replace("_", " ")) for name in COMPARABILITY)
    return ", ".join(f"{count} {name}" for count, name in counts if count)
