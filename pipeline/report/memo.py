"""What `moat memo` says: the memo of May 2023 against the record, and how soon base models are built on since."""

from __future__ import annotations

import math
from typing import Any

from lifelines import KaplanMeierFitter
from lifelines.utils import median_survival_times
from rich.console import Console
from rich.table import Table

from pipeline.settings import Settings
from pipeline.warehouse import connect_published

Document = dict[str, Any]
FEWEST = 5
"""Base models of a half-year for which a median is given."""
KINDS = ("instruct", "preference", "quantised", "adapter", "merge")
LLAMA = "huggyllama/llama-7b"
TIMELINE = """
    SELECT event_id, name, named_in, technique, claimed_on, claimed_day, evidenced_on, evidenced_day, weights_on,
        weights_day, memo_early_by, repository, on_the_hub, hub_declares_base, cost_usd, note, claim_url, evidence_url
    FROM marts.memo_timeline ORDER BY coalesce(claimed_day, evidenced_day), event_id"""
THEN = f"SELECT kind, days_to_first, first_child, first_evidence FROM marts.derivative_clock WHERE base = '{LLAMA}'"
NOW = """
    SELECT make_date(year(started_on), CASE WHEN month(started_on) < 7 THEN 1 ELSE 7 END, 1) AS half_year, kind,
        coalesce(days_to_first, observed_days) AS days, NOT censored AS happened
    FROM marts.derivative_clock
    WHERE kind = ANY ($kinds) AND observed_days > 0 AND started_from <> 'repository'
    ORDER BY ALL"""


def memo(settings: Settings) -> Document:
    """The timeline, LLaMA's clocks, and the clocks of base models by the half-year of their release.

    Returns:
        `hub` (which was asked), `timeline`, `then` (LLaMA 7B by kind), `now` (half_year, kind, bases, happened,
        median_days, lo, hi: Kaplan-Meier with its 90% interval; null while fewer than half were built on), `queries`.

    Raises:
        WarehouseError: nothing is published.
    """
    with connect_published(settings) as connection:
        timeline = connection.execute(TIMELINE).pl().to_dicts()
        then = connection.execute(THEN).pl().to_dicts()
        clocks = connection.execute(NOW, {"kinds": list(KINDS)}).pl()
        hub = connection.execute("SELECT origin FROM marts.sources WHERE source = 'hub_models'").fetchone()
    now = []
    for (half_year, kind), group in clocks.group_by("half_year", "kind", maintain_order=True):
        if group.height >= FEWEST:
            median, lo, hi = _median(group["days"].to_list(), group["happened"].to_list())
            counts = {"bases": group.height, "happened": int(group["happened"].sum())}
            now.append({"half_year": half_year, "kind": kind, **counts, "median_days": median, "lo": lo, "hi": hi})
    origin = hub[0] if hub and hub[0] else "no Hub"
    return {
        "hub": origin,
        "timeline": timeline,
        "then": then,
        "now": now,
        "queries": {"timeline": TIMELINE, "then": THEN, "now": NOW},
    }


def show(document: Document, console: Console) -> None:
    """Print it in one screen."""
    timeline = _table("Days from the leak of LLaMA (2023-03-03)", "what", "memo", "record", "weights", "on the Hub")
    for row in document["timeline"]:
        days = (_day(row[name]) for name in ("claimed_day", "evidenced_day", "weights_day"))
        timeline.add_row(row["name"], *days, _hub(row))
    console.print(timeline)
    console.print(_headline(document["timeline"]))
    table = _table("Days until the first derivative: median (90% interval)", "base models of", *KINDS)
    then = {row["kind"]: row for row in document["then"]}
    table.add_row("LLaMA 7B itself", *(_then(then.get(kind)) for kind in KINDS))
    cells = {(row["half_year"], row["kind"]): row for row in document["now"]}
    for half_year in sorted({half for half, _ in cells}):
        table.add_row(f"from {half_year}", *(_now(cells.get((half_year, kind))) for kind in KINDS))
    console.print(table)
    console.print(
        f"Of {document['hub']}. - (1 of 8): fewer than half were built on so far. LLaMA's are from public pages: the"
        " Hub declares no derivative of it. Others are what the Hub declares; models that nobody declares to be"
        " derived are not counted, so that days can only be too many."
    )


def _table(title: str, *columns: str) -> Table:
    return Table(*columns, title=title, box=None, header_style="bold")


def _median(days: list[int], happened: list[bool]) -> tuple[float | None, float | None, float | None]:
    fitted = KaplanMeierFitter(alpha=0.10).fit(days, happened)
    ends = median_survival_times(fitted.confidence_interval_).iloc[0].tolist()
    median, lo, hi = (None if math.isinf(value) or math.isnan(value) else float(value)
                      for value in (fitted.median_survival_time_, *ends))  # fmt: skip
    return median, lo, hi


def _headline(timeline: list[Document]) -> str:
    dated = [row for row in timeline if row["claimed_day"] is not None and row["evidenced_day"] is not None]
    same = sum(row["memo_early_by"] == 0 for row in dated)
    worst = max(dated, key=lambda row: abs(row["memo_early_by"]))
    late = abs(worst["memo_early_by"])
    return (
        f"{same} of the memo's {len(dated)} dates agree with the record to the day; the furthest off is"
        f" {worst['name']}, {late} days {'early' if worst['memo_early_by'] > 0 else 'late'} in the memo."
    )


def _day(day: int | None) -> str:
    return "-" if day is None else str(day)


def _hub(row: Document) -> str:
    if row["repository"] is None:
        return "no repository"
    if not row["on_the_hub"]:
        return "not listed"
    return "listed" if row["hub_declares_base"] is not False else "listed, base not declared"


def _then(row: Document | None) -> str:
    return "-" if row is None or row["days_to_first"] is None else str(row["days_to_first"])


def _now(row: Document | None) -> str:
    if row is None:
        return "-"
    if row["median_days"] is None:
        return f"- ({row['happened']} of {row['bases']})"
    ends = (
        "" if row["lo"] is None else f" ({row['lo']:.0f} to {'?' if row['hi'] is None else format(row['hi'], '.0f')})"
    )
    return f"{row['median_days']:.0f}{ends}"
