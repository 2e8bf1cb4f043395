"""What `moat memo` says: the memo's claims then and now, its dates against the record, and the pace since."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict
from typing import Any

import polars as pl
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.utils import median_survival_times
from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table

from pipeline.errors import InputError
from pipeline.lineage.claims import Claim, judge
from pipeline.settings import REAL_HUB, Settings
from pipeline.warehouse import connect_published

Document = dict[str, Any]
FEWEST = 5
"""Base models of a half-year for which a median is given."""
KINDS = ("any", "instruct", "preference", "quantised", "adapter", "merge")
LLAMA = "huggyllama/llama-7b"
TIMELINE = "SELECT * FROM marts.memo_timeline ORDER BY coalesce(claimed_day, evidenced_day), event_id"
CLOCKS = """
    WITH clocks AS (
        SELECT base, started_on, observed_days, started_from, kind, days_to_first FROM marts.derivative_clock
        UNION ALL
        SELECT base, started_on, observed_days, started_from, 'any', min(days_to_first) FROM marts.derivative_clock
        GROUP BY ALL
    )
    SELECT base, make_date(year(started_on), CASE WHEN month(started_on) < 7 THEN 1 ELSE 7 END, 1) AS half_year, kind,
        coalesce(days_to_first, observed_days) AS days, days_to_first IS NOT NULL AS happened
    FROM clocks
    WHERE kind = ANY ($kinds) AND observed_days > 0 AND (started_from <> 'repository' OR base = $llama)
    ORDER BY ALL"""
_MARKS = {"yes": "yes", "in part": "in part", "no": "no", "unknown": "?"}


def memo(settings: Settings) -> Document:
    """The claims, judged; the timeline; LLaMA's clocks, and those of base models by the half-year of their release.

    Returns:
        `hub` (which was asked), `answer`, `claims` (see `Claim`), `timeline`, `then` (LLaMA 7B: kind, days_to_first),
        `now` (half_year, kind, bases, happened, median_days, lo, hi: Kaplan-Meier with its 90% interval; null while
        fewer than half were built on), `pace` (how much sooner a base is built on for each half-year that it is
        younger: a hazard ratio with its 90% interval, by Cox), `evidence` (repositories by what tells
        their base), `queries`.

    Raises:
        WarehouseError: nothing is published, or a claim's query fails.
    """
    with connect_published(settings) as connection:
        claims = judge(connection)
        timeline = connection.execute(TIMELINE).pl().to_dicts()
        clocks = connection.execute(CLOCKS, {"kinds": list(KINDS), "llama": LLAMA}).pl()
        evidence = dict(
            connection.execute("SELECT evidence, sum(repositories)::BIGINT FROM marts.lineage_evidence GROUP BY ALL"
                               " ORDER BY ALL").fetchall()
        )  # fmt: skip
        hub = connection.execute("SELECT origin FROM marts.sources WHERE source = 'hub_models'").fetchone()
    origin = hub[0] if hub and hub[0] else "no Hub"
    llama = clocks.filter(base=LLAMA)
    then = [
        {"kind": row["kind"], "days_to_first": row["days"] if row["happened"] else None} for row in llama.to_dicts()
    ]
    cohorts = clocks.filter(pl.col("base") != LLAMA)
    now = [
        {"half_year": half_year, "kind": kind, "bases": group.height, "happened": int(group["happened"].sum())}
        | median(group)
        for (half_year, kind), group in cohorts.group_by("half_year", "kind", maintain_order=True)
        if group.height >= FEWEST
    ]
    speed = pace(cohorts.filter(kind="any"))
    return {
        "hub": origin,
        "answer": answer(claims, speed, whole=origin == REAL_HUB),
        "claims": [asdict(claim) for claim in claims],
        "timeline": timeline,
        "then": then,
        "now": now,
        "pace": speed,
        "evidence": evidence,
        "queries": {"timeline": TIMELINE, "clocks": CLOCKS},
    }


def show(document: Document, console: Console) -> None:
    """Print the answer, the claims and the pace in one screen."""
    console.print(document["answer"], style="bold")
    table = _table(None, "the memo of May 2023", "then", "", "today", "")
    for claim in document["claims"]:
        if not claim["why_not"]:
            said = (claim["at_the_time"] or "-", _MARKS[claim["held"]], claim["today"] or "-", _MARKS[claim["holds"]])
            table.add_row(claim["claim"], *said)
    console.print(table)
    for claim in document["claims"]:
        if claim["why_not"]:
            console.print(f"{claim['claim']}: not measurable from the Hub. {claim['why_not']}")
    table = _table("Days until the first derivative: median (90% interval)", "base models of", *KINDS)
    then = {row["kind"]: row["days_to_first"] for row in document["then"]}
    table.add_row("LLaMA 7B itself", *("-" if then.get(kind) is None else str(then[kind]) for kind in KINDS))
    cells = {(row["half_year"], row["kind"]): row for row in document["now"]}
    for half_year in sorted({half for half, _ in cells}):
        table.add_row(f"from {half_year}", *(_now(cells.get((half_year, kind))) for kind in KINDS))
    console.print(table)
    console.print(f"Of {document['hub']}. {known(document['evidence'])}")
    first = document["claims"][0]["claim_id"]
    console.print(
        "? = too close to say, or not to be told from a part of the Hub. The query of a claim: moat memo"
        f" {first}, and so on (moat memo --help). Dates: moat memo --dates"
    )


def show_claim(document: Document, claim_id: str, console: Console) -> None:
    """Print one claim, what it rests on, and the query.

    Raises:
        InputError: the memo makes no claim of this id.
    """
    claim = next((one for one in document["claims"] if one["claim_id"] == claim_id), None)
    if claim is None:
        known = ", ".join(one["claim_id"] for one in document["claims"])
        raise InputError(f"claim {claim_id}", "the memo makes no claim of this id", f"Use one of {known}")
    console.print(claim["claim"], style="bold")
    if claim["why_not"]:
        console.print(f"Not measurable from the Hub. {claim['why_not']}")
        return
    console.print(f"in 2023  {claim['at_the_time'] or '-'}: {claim['held']}")
    console.print(f"today    {claim['today'] or '-'}: {claim['holds']}")
    for name, meaning in claim["rules"].items():
        console.print(f"{name}: {meaning}")
    console.print(Syntax(claim["query"], "sql", background_color="default"))


def show_dates(document: Document, console: Console) -> None:
    """Print the memo's dates beside those of the record."""
    table = _table(
        "Days from the leak of LLaMA (2023-03-03)", "what", "memo", "record", "weights", "verdict", "on the Hub"
    )
    for row in document["timeline"]:
        days = (
            "-" if row[name] is None else str(row[name]) for name in ("claimed_day", "evidenced_day", "weights_day")
        )
        table.add_row(row["name"], *days, row["verdict"], _hub(row))
    console.print(table)
    dated = [row for row in document["timeline"] if row["memo_early_by"] is not None]
    same = sum(row["memo_early_by"] == 0 for row in dated)
    console.print(f"{same} of the memo's {len(dated)} dates agree with the record to the day.")


def _table(title: str | None, *columns: str) -> Table:
    return Table(*columns, title=title, box=None, header_style="bold", padding=(0, 1))


def answer(claims: list[Claim], speed: Document | None, *, whole: bool) -> str:
    """How many claims held and hold, and whether base models are built on sooner; in two sentences."""
    measured = [claim for claim in claims if claim.why_not is None]
    held, holds = Counter(claim.held for claim in measured), Counter(claim.holds for claim in measured)
    said = (
        f"Of the memo's {len(claims)} claims {len(measured)} can be measured. In 2023 {held['yes']} held and"
        f" {held['in part']} in part. Today {holds['yes']} hold{'s' * (holds['yes'] == 1)}, {holds['no']} do not,"
        f" {holds['unknown']} stay open."
    )
    if not whole:
        return f"{said} What open models do today, a part of the Hub cannot tell: ask the whole of it for that."
    if speed is None:
        return said
    word = "is getting faster" if speed["lo"] > 1 else "is getting slower" if speed["hi"] < 1 else "may be no faster"
    return (
        f"{said} Since LLaMA the community {word}: with each half-year, a base waits for its first derivative at"
        f" {speed['ratio']:.2f} times the rate (90% {speed['lo']:.2f} to {speed['hi']:.2f}, {speed['bases']} bases)."
    )


def median(group: pl.DataFrame) -> Document:
    """Kaplan-Meier median of the clocks of some bases (days, happened) with its 90% interval; null = not reached."""
    fitted = KaplanMeierFitter(alpha=0.10).fit(group["days"].to_list(), group["happened"].to_list())
    ends = median_survival_times(fitted.confidence_interval_).iloc[0].tolist()
    found = (fitted.median_survival_time_, *ends)
    values = (None if math.isinf(value) or math.isnan(value) else float(value) for value in found)
    return dict(zip(("median_days", "lo", "hi"), values, strict=True))


def pace(clocks: pl.DataFrame) -> Document | None:
    """How the rate of first derivatives changes with the half-year of a base, by Cox's proportional hazards."""
    half_years = (clocks["half_year"].dt.year() * 2 + clocks["half_year"].dt.month() // 7).cast(pl.Float64)
    if clocks["happened"].sum() < 2 * FEWEST or half_years.n_unique() < 2:
        return None
    frame = clocks.select(days=pl.col("days") + 0.5, happened="happened").with_columns(half_year=half_years).to_pandas()
    fitted = CoxPHFitter(alpha=0.10).fit(frame, "days", "happened").summary.loc["half_year"]
    names = {"ratio": "exp(coef)", "lo": "exp(coef) lower 90%", "hi": "exp(coef) upper 90%"}
    return {"bases": clocks.height} | {name: float(fitted[column]) for name, column in names.items()}


def known(evidence: dict[str, int]) -> str:
    """How much of the family tree is known, in a sentence."""
    total = sum(evidence.values())
    share = {name: f"{count / total:.0%}" for name, count in evidence.items()}
    return (
        f"Of {total:,} repositories {share.get('declared', '0%')} declare what they were built on,"
        f" {share.get('inferred', '0%')} tell it by name, {share.get('unknown', '0%')} were made of something that"
        " nobody names."
    )


def _hub(row: Document) -> str:
    if row["repository"] is None:
        return "no repository"
    if not row["on_the_hub"]:
        return "not listed"
    return "listed" if row["hub_declares_base"] is not False else "listed, base not declared"


def _now(row: Document | None) -> str:
    if row is None:
        return "-"
    if row["median_days"] is None:
        return f"- ({row['happened']} of {row['bases']})"
    ends = "" if row["lo"] is None else f" ({row['lo']:.0f}-{'?' if row['hi'] is None else format(row['hi'], '.0f')})"
    return f"{row['median_days']:.0f}{ends}"
