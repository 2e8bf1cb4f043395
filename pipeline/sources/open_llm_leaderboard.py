"""The second Open LLM Leaderboard: open models scored by Hugging Face on six benchmarks, frozen in March 2025.

It publishes percent between the score of guessing and the best possible one. Merges and flagged models stand on top:
they are kept and marked, so that they are in no default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

import polars as pl

from pipeline.captures import Capture
from pipeline.identity.benchmarks import Name
from pipeline.settings import Settings
from pipeline.sources import tables
from pipeline.sources.board import Board, Part, Row
from pipeline.sources.hub_client import HubClient
from pipeline.sources.hub_files import capture_files, captured_files
from pipeline.sources.quarantine import Unreadable

SOURCE = "open_llm_v2"
TITLE = "Open LLM Leaderboard v2"
DATASET = "open-llm-leaderboard/contents"
URL = f"https://huggingface.co/datasets/{DATASET}"
MAX_BYTES = 64 * 2**20
BENCHMARKS = {"IFEval": "ifeval", "BBH": "bbh", "MATH Lvl 5": "math_lvl_5", "GPQA": "gpqa", "MUSR": "musr",
              "MMLU-PRO": "mmlu_pro"}  # fmt: skip
NEEDED = ("eval_name", "fullname", *BENCHMARKS)
USEFUL = ("Type", "Merged", "Flagged", "#Params (B)", "Hub License", "Upload To Hub Date")
SERIES: dict[str, Row] = {
    name: {
        "series_id": f"{SOURCE}--{key}", "benchmark_id": f"{SOURCE}_{key}", "benchmark_name": f"{name} ({TITLE})",
        **Name.of("board", TITLE, part=name).columns,
        "protocol": "percent between the score of guessing (0) and the best possible one (100)",
        "evaluator": f"Hugging Face, {TITLE}", "comparability": "same_evaluator", "unit": "percent",
        "direction": "higher", "chance": 0.0, "ceiling": 100.0, "source_name": TITLE, "source_url": URL,
    }
    for name, key in BENCHMARKS.items()
}  # fmt: skip


def fetch(settings: Settings, endpoint: str, origin: str) -> tuple[Capture, bool] | None:
    """Capture the table of contents; see `capture_files`."""
    client = HubClient(settings, endpoint)
    return capture_files(settings, client, origin, SOURCE, DATASET, lambda path: path.endswith(".parquet"), MAX_BYTES)


def parse(capture: Capture) -> Iterator[Part]:
    """One part a file."""
    for document in captured_files(capture):
        part = Part(document.path, SOURCE, capture.manifest.capture_id)
        try:
            table = tables.parquet(document.content or b"", NEEDED, USEFUL)
        except Unreadable as error:
            part.refuse_all(str(error), document.path)
        else:
            read(part, table)
        yield part


def read(
    part: Part,
    table: pl.DataFrame,
    series: Mapping[str, Row] = SERIES,
    observed_on: date | None = None,
    decimals: Mapping[str, int] | None = None,
) -> None:
    """Add the rows of a table to a part.

    Args:
        part: where they go.
        table: with the columns `NEEDED` and `USEFUL`, those of `series` in place of the benchmarks.
        series: the series of each column of percents; one in fractions gets a hundredth of each.
        observed_on: day of a dated snapshot.
        decimals: digits after the point of each column of percents; none where they are as computed.
    """
    part.read = table.height
    merged = tables.truth("Merged").fill_null(value=False) | tables.text("Type").str.contains("(?i)merge").fill_null(
        value=False
    )
    rows = table.select(
        variant=tables.text("eval_name"),
        model=tables.text("fullname"),
        licence=tables.text("Hub License"),
        released_on=tables.day("Upload To Hub Date"),
        params_b=pl.when(tables.number("#Params (B)") > 0).then(tables.number("#Params (B)")),
        note=pl.when(tables.truth("Flagged"))
        .then(pl.lit("flagged by the board"))
        .when(merged)
        .then(pl.lit("merge of other models")),
        **{name: tables.number(name) for name in series},
    ).with_columns(
        reason=pl.when(pl.col("model").is_null() | (pl.col("model").str.len_chars() > 200)).then(
            pl.lit("row without a usable model")
        )
    )
    part.refuse_rows(rows, "model")
    kept = rows.filter(pl.col("reason").is_null())
    for name, about in series.items():
        _add_scores(part, kept.with_columns(observed_on=observed_on), name, about, (decimals or {}).get(name))
    part.add(
        "board_models",
        kept.unique("model", keep="last", maintain_order=True).select(
            "model",
            "licence",
            "params_b",
            "released_on",
            hub_id="model",
            organisation=pl.col("model").str.extract("^([^/]+)/"),
            released_on_source=pl.when(pl.col("released_on").is_not_null()).then(pl.lit("hub_created")),
            access=pl.lit("unknown"),
        ),
    )


def _add_scores(part: Part, kept: pl.DataFrame, name: str, series: Row, decimals: int | None) -> None:
    shift = 2 if series["unit"] == "fraction" else 0
    inside = pl.col(name).is_between(0, 100).fill_null(value=False)
    for row in kept.filter(~inside).select("model", "variant", name).iter_rows(named=True):
        part.refuse("score", row["model"], f"{name} is no percent", row)
    part.add(
        "board_scores",
        kept.filter(inside).select(
            "model",
            "variant",
            "note",
            "observed_on",
            part=pl.lit(part.name),
            series_id=pl.lit(series["series_id"]),
            value=pl.col(name) / 10**shift,
            decimals=None if decimals is None else decimals + shift,
            tier=pl.lit("C"),
            self_reported=pl.lit(value=False),
            doubtful=pl.col("note").is_not_null(),
            source_name=pl.lit(series["source_name"]),
            source_url=pl.lit(series["source_url"]),
        ),
    )
    part.add("board_series", [series])


LICENCE = "not stated by the dataset; facts, attributed to Hugging Face"
BOARD = Board(SOURCE, f"{TITLE} (Hugging Face)", URL, LICENCE, parse, fetch)
