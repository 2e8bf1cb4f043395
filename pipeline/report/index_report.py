"""What `moat index` says: the capability index of the warehouse or of a table that somebody brings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

from pipeline.errors import InputError
from pipeline.gap.frontier import scaled
from pipeline.gap.index import Mode, fit, parse_anchors
from pipeline.gap.index_bootstrap import DRAWS, intervals
from pipeline.gap.index_design import prepare
from pipeline.gap.scores_file import read_scores
from pipeline.gap.sides import FULL_MARKS
from pipeline.index_tables import cached_draws
from pipeline.settings import Settings
from pipeline.warehouse import connect_published

Document = dict[str, Any]
_SHOWN = 20


def index(
    settings: Settings,
    *,
    scores: Path | None,
    mode: Mode,
    anchors: Sequence[str],
    draws: int = DRAWS,
    skip_bad: bool = False,
) -> tuple[Document, list[str]]:
    """The document of `moat index`, and remarks for stderr.

    Args:
        settings: where the published file and the cache are.
        scores: a table of scores; the published one where null.
        mode: `eci` or `robust`.
        anchors: `NAME=VALUE` twice, or nothing for the defaults.
        draws: of the bootstrap.
        skip_bad: leave bad rows of the table out.

    Raises:
        InputError: the table cannot be used or cannot carry the index.
        WarehouseError: no table is given and nothing is published yet.
    """
    chosen = parse_anchors(anchors)
    if scores is None:
        with connect_published(settings) as connection:
            rows, remarks = connection.execute("FROM staging.index_inputs").pl(), []
    else:
        table = read_scores(scores, skip_bad=skip_bad)
        remarks = [f"ignored column: {name}" for name in table.ignored_columns]
        remarks += [f"skipped: {reason}" for reason in table.skipped]
        rows, said = performance(table.scores)
        remarks += said
    fitted = fit(prepare(rows), mode, chosen)
    drawn = cached_draws(fitted, rows, draws, settings.cache if scores is None else None)
    models = intervals(fitted, drawn)
    remarks += [f"left out: {model} ({reason})" for model, reason in fitted.left_out.iter_rows()]
    return {
        "known_at": settings.known_at.isoformat() if settings.known_at else None,
        "mode": mode,
        "anchors": chosen,
        "slope_anchor": fitted.slope_anchor,
        "draws": drawn.index.shape[1],
        "rmse": fitted.rmse,
        "models": models.to_dicts(),
        "benchmarks": fitted.benchmarks.to_dicts(),
        "left_out": fitted.left_out.to_dicts(),
        "notes": [*fitted.notes, *drawn.notes, *(remark for remark in remarks if not remark.startswith("left out"))],
    }, remarks


def performance(scores: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Scores between chance and ceiling, and what was assumed or left out, benchmark by benchmark.

    Without a stated chance the score of a fraction or percentage counts from 0, without a ceiling to 1
    or 100. A benchmark with neither ends nor unit whose scores all lie between -1 and 1 is taken as
    performance already, as Epoch publishes it (below 0 is worse than chance); any other is left out.

    Args:
        scores: `sides.SCORE_SCHEMA`.

    Raises:
        InputError: no benchmark can be scaled, or one names two different ends.
    """
    ends = scores.group_by("series").agg(
        *(pl.col(name).drop_nulls().n_unique().alias(f"{name}s") for name in ("chance", "ceiling")),
        *(pl.col(name).drop_nulls().first() for name in ("chance", "ceiling", "unit")),
        lower=(pl.col("direction") == "lower").any(),
        share=pl.col("score").is_between(-1, 1).all(),
    ).sort("series")  # fmt: skip
    torn = ends.filter((pl.col("chances") > 1) | (pl.col("ceilings") > 1))
    if torn.height:
        raise InputError(
            f"benchmark {torn['series'][0]!r}", "it gives two values of chance or ceiling", "Give each benchmark one"
        )
    plain = pl.col("chance").is_null() & pl.col("ceiling").is_null() & pl.col("unit").is_null() & pl.col("share")
    full = pl.col("unit").replace_strict(FULL_MARKS, default=None, return_dtype=pl.Float64)
    known = ends.with_columns(
        chance=pl.coalesce("chance", pl.when((full.is_not_null() | plain) & ~pl.col("lower")).then(0.0)),
        ceiling=pl.coalesce("ceiling", pl.when(~pl.col("lower")).then(pl.coalesce(full, pl.when(plain).then(1.0)))),
        plain=plain & ~pl.col("lower"),
    )
    usable = known.drop_nulls(["chance", "ceiling"])
    if usable.is_empty():
        raise InputError("index", "no benchmark can be scaled", "Give each benchmark its chance and ceiling")
    remarks = []
    taken = usable.filter("plain")["series"].to_list()
    if taken:
        remarks.append(f"{len(taken)} benchmarks without chance, ceiling and unit: scores taken as scaled already")
    for name in known.filter(pl.col("chance").is_null() | pl.col("ceiling").is_null())["series"]:
        remarks.append(f"left out: benchmark {name} (chance or ceiling is not known)")
    rows = scores.drop("chance", "ceiling").join(usable.select("series", "chance", "ceiling"), on="series")
    return rows.select(
        "model",
        pl.col("series").alias("benchmark"),
        scaled(pl.col("score"), pl.col("chance"), pl.col("ceiling")).alias("performance"),
        "released_on",
    ), remarks


def write_csv(document: Document, file: Path) -> None:
    """`model, index, lo, hi, benchmarks`, best first.

    Raises:
        InputError: the file cannot be written.
    """
    frame = pl.DataFrame(document["models"]).select("model", "index", "lo", "hi", "benchmarks")
    # A spreadsheet would run a name that begins like a formula.
    safe = pl.when(pl.col("model").str.contains(r"^[=+\-@]")).then(pl.lit("'") + pl.col("model")).otherwise("model")
    try:
        frame.with_columns(safe.alias("model")).write_csv(file)
    except OSError as error:
        raise InputError(str(file), f"it cannot be written ({error.strerror})", "Name another file") from error


def show(document: Document, console: Console) -> None:
    """The best models with their intervals; `--json` and `--out` carry all of them."""
    anchors = ", ".join(f"{name} = {value:g}" for name, value in document["anchors"].items())
    console.print(
        f"{len(document['models'])} models on {len(document['benchmarks'])} benchmarks · {document['mode']} · "
        f"{anchors} · {document['draws']} draws"
        + (f" · known at {document['known_at']}" if document["known_at"] else "")
    )
    table = Table("model", "index", "90%", "benchmarks", box=None, header_style="bold")
    for row in document["models"][:_SHOWN]:
        name = f"{row['model']}{' *' if row['spread'] == 'neighbours' else ''}"
        table.add_row(name, f"{row['index']:.2f}", f"{row['lo']:.1f}-{row['hi']:.1f}", str(row["benchmarks"]))
    console.print(table)
    console.print("* anchor: it does not move between draws; the interval is that of its neighbours", style="dim")
    for note in document["notes"]:
        console.print(f"· {note}", style="dim")
