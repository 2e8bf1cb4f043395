"""The Lineage page: the memo's claims and dates, waits for derivatives, how they are made, and any family there is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipeline.lineage.claims import judge
from pipeline.report import memo as report
from pipeline.settings import REAL_HUB
from pipeline.site import lineage_charts as charts
from pipeline.site.figures import Figure, Frame, draw
from pipeline.site.lineage_data import families
from pipeline.site.pages import day, render
from pipeline.site.text import script_json

Document = dict[str, Any]
OLDEST = -30
"""Events that long before the leak are told in words: they would push all others to the edge of the drawing."""
_EVIDENCE = "SELECT half_year, evidence, repositories, of_all, share FROM marts.lineage_evidence"
_ADOPTION = "SELECT half_year, kind, derivatives, of_all, share, authors FROM marts.technique_adoption"
_LARGEST = """
    SELECT f.id, f.descendants, f.inferred_descendants, f.children, f.height, c.started_on, c.days
    FROM marts.family AS f
    LEFT JOIN (SELECT base, any_value(started_on) AS started_on, min(days_to_first) AS days FROM marts.derivative_clock
               GROUP BY base) AS c ON f.id = c.base
    WHERE f.parents = 0 ORDER BY f.descendants DESC, f.id LIMIT 20"""
_SOURCE = "marts.{} of {}; what each was built on as the Hub, public pages or names tell it"


def write(connection: duckdb.DuckDBPyConnection, site: Document, folder: Path) -> None:
    """Write lineage.html, its charts and data/lineage.js."""
    told = _memo(connection, site["hub"])
    found = families(connection)
    drawn = {figure.name: draw(figure, folder / "charts") for figure in _figures(connection, told, site)}
    largest = connection.execute(_LARGEST).pl().to_dicts()
    (folder / "data").mkdir(parents=True, exist_ok=True)
    script = f"window.moat=window.moat||{{}};window.moat.lineage={script_json(found)};\n"
    (folder / "data" / "lineage.js").write_text(script, encoding="utf-8")
    page = render(
        "lineage.html",
        site,
        told=told,
        figures=drawn,
        largest=largest,
        part=found["part"],
        picks=_picks(found, largest),
        whole=site["hub"] == REAL_HUB,
        first=largest[0]["id"] if largest else None,
    )
    (folder / "lineage.html").write_text(page, encoding="utf-8")


def _memo(connection: duckdb.DuckDBPyConnection, hub: str) -> Document:
    """What `moat memo` says, and its verdicts counted."""
    claims = judge(connection)
    clocks = connection.execute(report.CLOCKS, {"kinds": list(report.KINDS), "llama": report.LLAMA}).pl()
    cohorts = clocks.filter(pl.col("base") != report.LLAMA)
    measured = [claim for claim in claims if claim.why_not is None]
    return {
        "answer": report.answer(claims, report.pace(cohorts.filter(kind="any")), whole=hub == REAL_HUB),
        "claims": claims,
        "tally": [
            (name, Counter(getattr(claim, column) for claim in measured))
            for name, column in (("2023", "held"), ("Today", "holds"))
        ],
        "timeline": connection.execute(report.TIMELINE).pl(),
        "clocks": _waits(clocks, cohorts),
    }


def _waits(clocks: pl.DataFrame, cohorts: pl.DataFrame) -> pl.DataFrame:
    """Rows of the clocks: LLaMA 7B's own first, then the median of each half-year, of every kind."""
    rows: list[Document] = []
    empty = {"bases": None, "happened": None, "lo": None, "hi": None}
    for kind in report.KINDS:
        own = [one["days"] for one in clocks.filter(base=report.LLAMA, kind=kind).to_dicts() if one["happened"]]
        rows.append(
            {"kind": kind, "bases_of": "LLaMA 7B", "is_memo": True, "median_days": min(own, default=None), **empty}
        )
        for (half_year,), group in (
            cohorts.filter(kind=kind).sort("half_year").group_by("half_year", maintain_order=True)
        ):
            if group.height < report.FEWEST:
                continue
            counts = {"bases": group.height, "happened": int(group["happened"].sum())}
            rows.append(
                {"kind": kind, "bases_of": charts.half(half_year), "is_memo": False} | counts | report.median(group)
            )
    numbers: dict[str, Any] = {
        "bases": pl.Int64,
        "happened": pl.Int64,
        "median_days": pl.Float64,
        "lo": pl.Float64,
        "hi": pl.Float64,
    }
    frame: pl.DataFrame = pl.DataFrame(rows, infer_schema_length=None)
    return frame.with_columns(pl.col(name).cast(kind) for name, kind in numbers.items())


def _figures(connection: duckdb.DuckDBPyConnection, told: Document, site: Document) -> list[Figure]:
    hub = site["hub"]
    evidence = connection.execute(f"{_EVIDENCE} ORDER BY half_year NULLS LAST, evidence").pl()
    adoption = connection.execute(f"{_ADOPTION} ORDER BY half_year, kind").pl()
    figures = [_timeline(told["timeline"], hub), _clocks(told["clocks"], hub)]
    if adoption.height:
        figures.append(_adoption(adoption, hub))
    if evidence.height:
        figures.append(_known(evidence, hub))
    return figures


def _timeline(rows: pl.DataFrame, hub: str) -> Figure:
    drawn = rows.filter(pl.col("evidenced_day") >= OLDEST).sort(pl.coalesce("evidenced_day", "claimed_day"), "event_id")
    dated = rows.drop_nulls("memo_early_by")
    wrong = dated.filter(pl.col("memo_early_by") != 0).sort(pl.col("memo_early_by").abs(), descending=True).to_dicts()
    said = f"{dated.height - len(wrong)} of the memo's {dated.height} dates agree with the record to the day."
    if wrong:
        most = wrong[0]
        word = "after" if most["memo_early_by"] > 0 else "before"
        said += (
            f" The furthest off: {most['name']}, {abs(most['memo_early_by'])} days {word} the day that the memo gives."
        )
    older = rows.filter(pl.col("evidenced_day") < OLDEST).to_dicts()
    note = "Day 0 is the leak of LLaMA's weights. The day of an announcement is not that of its weights."
    for row in older:
        note += f" Not drawn: {row['name']}, {day(row['evidenced_on'])}."
    columns = (
        "name",
        "claimed_on",
        "claimed_day",
        "evidenced_on",
        "evidenced_day",
        "weights_on",
        "weights_day",
        "memo_early_by",
        "verdict",
        "repository",
        "evidence_url",
    )
    listed = "; ".join(f"{row['name']}: {row['verdict']}" for row in dated.to_dicts())
    return Figure(
        "memo-timeline",
        "The memo's dates beside the record",
        f"Day of every event of the memo. {listed}.",
        charts.timeline(drawn),
        rows.select(columns),
        f"marts.memo_timeline of {hub}; each day with its public source",
        said,
        (
            ("ring", "day by the memo"),
            ("dot", "day by the record"),
            ("diamond", "weights public, where that day is stated"),
        ),
        note,
        wide=Frame(800, 420),
        narrow=Frame(330, 600, narrow=True),
    )


def _clocks(rows: pl.DataFrame, hub: str) -> Figure:
    own = {
        row["kind"]: row["median_days"] for row in rows.filter("is_memo").to_dicts() if row["median_days"] is not None
    }
    cohorts = rows.filter(~pl.col("is_memo"), kind="any").to_dicts()
    said = "; ".join(
        f"{kind} on day {days:.0f}" for kind, days in sorted(own.items(), key=lambda item: item[1]) if kind != "any"
    )
    lead = f"LLaMA 7B, counted from the leak: first {said}." if said else "Nothing is known to be built on LLaMA 7B."
    reached = [row for row in cohorts if row["median_days"] is not None]
    if reached:
        row = reached[-1]
        days = f"{row['median_days']:.0f} days"
        lead += f" Of the base models of {row['bases_of']} half had their first derivative within {days}."
    if len(reached) < len(cohorts):
        lead += f" In {len(cohorts) - len(reached)} of {len(cohorts)} half-years fewer than half were built on so far."
    part = (
        ""
        if hub == REAL_HUB
        else " This is a part of the Hub: what it does not list was built on without being counted."
    )
    listed = "; ".join(f"{row['bases_of']}: {row['happened']} of {row['bases']} built on" for row in cohorts)
    return Figure(
        "memo-clocks",
        "How long until somebody builds on a base model",
        f"{lead} {listed}.",
        charts.clocks(rows),
        rows,
        f"marts.derivative_clock of {hub}; Kaplan-Meier medians with 90% intervals",
        lead,
        (
            ("diamond-full", "LLaMA 7B itself"),
            ("dot", "median of the base models of a half-year"),
            ("whisker", "90% interval"),
            ("arrow", "not reached, or no upper end"),
        ),
        "Days on a scale that gives the first weeks more room. At the right: how many of how many were built on."
        f" A half-year is shown with at least {report.FEWEST} base models. Names alone start no clock.{part}",
        wide=Frame(800, 360),
        narrow=Frame(330, 900, narrow=True),
    )


def _adoption(rows: pl.DataFrame, hub: str) -> Figure:
    totals = rows.unique("half_year").select("half_year", "of_all")
    kinds = (
        rows.filter(pl.col("kind") != "none")
        .group_by("kind")
        .agg(pl.sum("derivatives"))
        .sort("derivatives", "kind", descending=[True, False])
    )
    names = [*kinds["kind"].to_list(), *(["none"] if "none" in rows["kind"].to_list() else [])]
    every = (
        totals.join(pl.DataFrame({"kind": names}), how="cross")
        .join(rows.select("half_year", "kind", "derivatives", "share"), on=["half_year", "kind"], how="left")
        .with_columns(pl.col("derivatives", "share").fill_null(0))
        .sort(pl.col("kind").cast(pl.Enum(names)), "half_year")
    )
    drawn = every.with_columns(half_year=pl.col("half_year").map_elements(charts.half, pl.String))
    solid = totals.filter(pl.col("of_all") >= charts.FEW).sort("half_year").to_dicts()
    lead = "No half-year has enough new derivatives for shares."
    if solid:
        last = solid[-1]
        of_it = (
            rows.filter(pl.col("kind") != "none", half_year=last["half_year"]).sort("share", descending=True).to_dicts()
        )
        parts = ", ".join(f"{row['share']:.0%} {row['kind']}" for row in of_it[:3])
        lead = f"Of the {last['of_all']} new derivatives of {charts.half(last['half_year'])}: {parts}."
    part = (
        ""
        if hub == REAL_HUB
        else (
            " This part of the Hub lists repositories that state their parameters. Adapters and quantised files rarely"
            " do: their shares here say little."
        )
    )
    return Figure(
        "technique-adoption",
        "How new derivatives are made",
        lead,
        charts.adoption(drawn),
        rows,
        _SOURCE.format("technique_adoption", hub),
        lead,
        (
            ("bar", "share of the new derivatives of a half-year"),
            ("bar-few", f"fewer than {charts.FEW} of them: their number instead"),
        ),
        "Under each half-year: how many new derivatives it has. One may be of several kinds, so shares may add up to"
        f" more than 100%.{part}",
        wide=Frame(800, 520),
        narrow=Frame(310, 520, narrow=True),
    )


def _known(rows: pl.DataFrame, hub: str) -> Figure:
    sums = dict(rows.group_by("evidence").agg(pl.sum("repositories")).iter_rows())
    drawn = rows.with_columns(half_year=pl.col("half_year").map_elements(charts.half, pl.String, skip_nulls=False))
    said = report.known(sums)
    return Figure(
        "lineage-known",
        "How much of all this is known",
        said,
        charts.known(drawn),
        rows,
        _SOURCE.format("lineage_evidence", hub),
        said,
        (
            ("declared", "declared on the Hub"),
            ("curated", "a public page says it"),
            ("inferred", "its name tells it"),
            ("unknown", "made of a model that nobody names"),
            ("none", "nothing says it was made of another"),
        ),
        "Repositories by the half-year of their creation; at the right their number. From the left as in the key.",
        wide=Frame(800, 320),
        narrow=Frame(330, 320, narrow=True),
    )


def _picks(found: Document, largest: list[Document]) -> list[str]:
    """Families to begin with: the largest, and the one that the memo is about."""
    names = [row["id"] for row in largest[:4]]
    return [*names, report.LLAMA] if report.LLAMA in found["names"] and report.LLAMA not in names else names
