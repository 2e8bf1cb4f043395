"""`moat resolve`: names that stand for no known release, what they may mean, and a person's word on one of them."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from pipeline.errors import InputError
from pipeline.facts import tables
from pipeline.report.console import harmless
from pipeline.settings import Settings
from pipeline.warehouse import connect_published

Row = dict[str, Any]
_DOUBTFUL = (
    "SELECT source, name, model_id, method, confidence, variant FROM staging.aliases"
    " WHERE method IN ('normalised', 'variant', 'declared') AND source <> 'hub_models'"
    " ORDER BY confidence, source, name"
)


def unresolved(settings: Settings, source: str = "") -> list[Row]:
    """Rows of marts.unresolved, the most used name first; of one source where it is named.

    Raises:
        WarehouseError: nothing is published yet.
    """
    with connect_published(settings) as connection:
        query = "FROM marts.unresolved WHERE $source IN ('', source) ORDER BY scores DESC, source, name"
        found: list[Row] = connection.execute(query, {"source": source}).pl().to_dicts()
        return found


def doubtful(settings: Settings) -> list[Row]:
    """Names resolved by rule and not by sight, the least sure first: source, name, model_id, method, confidence."""
    with connect_published(settings) as connection:
        found: list[Row] = connection.execute(_DOUBTFUL).pl().to_dicts()
        return found


def decide(name: str, source: str, model_id: str, url: str, folder: Path = tables.FOLDER) -> Row:
    """Write a person's word on a name into the table of aliases; the next run uses it.

    Args:
        name: as the source writes it.
        source: who writes it.
        model_id: release it stands for.
        url: public page that shows it.
        folder: where the tables of facts are.

    Returns:
        The row of the table.

    Raises:
        InputError: the release is not known, the name is decided already, or the address is none.
    """
    releases = tables.load("releases", folder)
    known = set(releases["model_id"])
    if model_id not in known:
        near = sorted(one for one in known if model_id.casefold() in one)[:5]
        said = f"Known are {', '.join(near)}" if near else "See releases.csv"
        raise InputError(f"--as {model_id}", "there is no such release", said)
    if not url.startswith("https://") or " " in url:
        raise InputError(
            f"--url {url!r}", "it is no web address", "Name the public page that shows what the name means"
        )
    path = tables.path("aliases", folder)
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
    if any(row[:2] == [name, source] for row in rows):
        raise InputError(f"{name} of {source}", "it is decided already", f"Change its row in {path}")
    row = [name, source, model_id, "manual", url]
    body = sorted([*rows[1:], row], key=lambda one: (one[1], one[0]))
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows([rows[0], *body])
    path.write_text(written.getvalue(), encoding="utf-8")
    return dict(zip(rows[0], row, strict=True))


def show(rows: list[Row], console: Console, limit: int) -> None:
    """The rows of `unresolved` as a table, and how to go on."""
    table = Table("scores", "source", "name", "may mean", "why", box=None, header_style="bold")
    for row in rows[:limit]:
        may = ", ".join(row["candidates"][:3]) or "-"
        table.add_row(str(row["scores"]), *map(harmless, (row["source"], row["name"], may, row["reason"] or "-")))
    scores = sum(row["scores"] for row in rows)
    console.print(f"{len(rows):,} names stand for no known release; {scores:,} current scores are under them.")
    if rows:
        console.print(table)
        if len(rows) > limit:
            console.print(f"and {len(rows) - limit:,} more: --limit, --source or marts.unresolved", style="dim")
        console.print("To resolve one:\n  " + harmless(rows[0]["command"]), soft_wrap=True)
