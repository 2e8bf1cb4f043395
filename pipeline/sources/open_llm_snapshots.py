"""Dated snapshots of the Open LLM Leaderboard, first and second, loaded by hand as CSV files.

They tell what the boards said before they were captured live, in the series of the live boards. Three layouts are
known.

In the two older ones `merged`, `not_merged` and `flagged` are TRUE for models that are *not* merges and *not* flagged:

- `flagged` is TRUE in 7,060 of 7,169 rows of June 2024, and FALSE for Contamination/contaminated_proof_7b_v1.0;
- `merged` is FALSE in 732 of the 1,009 rows of type "base merges and moerges", and TRUE in 5,563 of the other 6,160;
- of the 1,061 evaluations of September 2024 that are in the table of March 2025, too, that one says the opposite of
  `flagged` in all, and of `not_merged` in 1,048.

In the layout of March 2025 `features_is_merged` and `features_is_flagged` are TRUE for those that are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from pipeline.captures import Capture, CaptureWriter, every
from pipeline.errors import InputError
from pipeline.settings import Settings
from pipeline.sources import open_llm_leaderboard as v2
from pipeline.sources import open_llm_leaderboard_v1 as v1
from pipeline.sources import tables
from pipeline.sources.board import BY_HAND, Board, Part, Row
from pipeline.sources.quarantine import Unreadable

SOURCE = "open_llm_csv"
TITLE = "Open LLM Leaderboard, dated snapshots"
URL = "https://huggingface.co/open-llm-leaderboard"
LICENCE = "not stated by the datasets; facts, attributed to Hugging Face"
MAX_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Layout:
    """Columns of a snapshot.

    Attributes:
        part: which of the two boards it is of.
        variant: columns that together tell evaluations apart, in the order of the live board's name for one.
        scores: series by column of percents.
        useful: columns by their name at the live board; those TRUE for what is not so have a `!` before them.
    """

    part: str
    variant: tuple[str, ...]
    scores: dict[str, Row]
    useful: dict[str, str]

    @property
    def needed(self) -> list[str]:
        """Every column by which the layout is known."""
        return [*self.variant, *self.scores, *(name.removeprefix("!") for name in self.useful.values())]


_OLDER = {"fullname": "fullname", "Type": "type", "Flagged": "!flagged", "#Params (B)": "params_b",
          "Hub License": "hub_license"}  # fmt: skip
LAYOUTS = (
    Layout(
        "v1",
        ("fullname", "precision", "model_sha"),
        {task.key: v1.SERIES[f"{v1.SOURCE}--{task.key}"] for task in v1.TASKS},
        _OLDER | {"Merged": "!merged"},
    ),
    Layout(
        "v2",
        ("fullname", "precision", "model_sha", "chat_template"),
        {{"mmlu_pro": "mmlupro"}.get(key, key): v2.SERIES[name] for name, key in v2.BENCHMARKS.items()},
        _OLDER | {"Merged": "!not_merged", "Upload To Hub Date": "upload_to_hub_date"},
    ),
    Layout(
        "v2",
        ("model_name", "model_precision", "model_sha", "model_has_chat_template"),
        {
            f"evaluations_{'math' if key == 'math_lvl_5' else key}_normalized_score": v2.SERIES[name]
            for name, key in v2.BENCHMARKS.items()
        },
        {"fullname": "model_name", "Type": "model_type", "Flagged": "features_is_flagged",
         "Merged": "features_is_merged", "#Params (B)": "metadata_params_billions",
         "Hub License": "metadata_hub_license", "Upload To Hub Date": "metadata_upload_date"},
    ),
)  # fmt: skip


def load(settings: Settings, file: Path, observed_on: date) -> tuple[Capture, bool]:
    """Capture a snapshot as it is.

    Args:
        settings: where captures lie.
        file: the CSV file.
        observed_on: the day on which the board said this.

    Returns:
        The capture, and whether it is new: the same file of the same day is captured once.

    Raises:
        InputError: the file cannot be read, is too large, of no known layout or without rows, or the day is to come.
    """
    if observed_on > datetime.now(UTC).date():
        raise InputError(f"--observed-on {observed_on}", "that day is to come", "Give the day of the snapshot")
    try:
        with file.open("rb") as handle:
            content = handle.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(str(file), f"it cannot be read ({error.strerror})", "Give the path of a CSV file") from error
    if len(content) > MAX_BYTES:
        raise InputError(str(file), f"it is over {MAX_BYTES // 2**20} MiB", "A snapshot has about 3")
    try:
        _, table = _read(content)
    except Unreadable as error:
        raise InputError(str(file), str(error), "Give a snapshot of the Open LLM Leaderboard as CSV") from error
    name = f"{observed_on}.csv"
    for capture in every(settings.captures, SOURCE):
        if capture.manifest.pages == {name: hashlib.sha256(content).hexdigest()}:
            return capture, False
    with CaptureWriter(settings.captures, SOURCE, BY_HAND) as writer:
        writer.add(name, content)
        return writer.seal(
            revision=observed_on.isoformat(), client="none", requests=0, items=table.height, kind="delta"
        )


def parse(capture: Capture) -> Iterator[Part]:
    """One part: the first or the second board as it stood on the day of the snapshot."""
    observed_on = date.fromisoformat(capture.manifest.revision)
    [(name, content)] = capture.pages()
    try:
        layout, table = _read(content)
    except Unreadable as error:
        part = Part(name, SOURCE, capture.manifest.capture_id)
        part.refuse_all(str(error))
    else:
        part = Part(layout.part, SOURCE, capture.manifest.capture_id)
        first = pl.col("eval_name").is_first_distinct()
        for row in table.filter(~first).iter_rows(named=True):
            part.refuse("row", str(row["fullname"]), "evaluation that a row above states", row)
        digits = {column: _digits(table[column]) for column in layout.scores}
        v2.read(part, table.filter(first), layout.scores, observed_on, digits)
        part.read = table.height
    yield part


def _read(content: bytes) -> tuple[Layout, pl.DataFrame]:
    """The layout of a snapshot and its rows, as texts under the live board's names.

    Raises:
        Unreadable: it is no CSV, of no known layout, or without rows.
    """
    found = tables.csv(content, ())
    layout = next((layout for layout in LAYOUTS if set(layout.needed) <= set(found.columns)), None)
    if layout is None:
        raise Unreadable("its columns are those of no known layout")
    if found.is_empty():
        raise Unreadable("it has no rows")
    if found.height > tables.MAX_ROWS:
        raise Unreadable(f"it has over {tables.MAX_ROWS:,} rows")
    named = [pl.coalesce(tables.text(column), pl.lit("")) for column in layout.variant]
    if layout.part == "v2":
        named[-1] = named[-1].str.to_titlecase()
    return layout, found.select(
        *layout.scores,
        eval_name=pl.concat_str(named, separator="_"),
        **{name: _stated(column) for name, column in layout.useful.items()},
        **{name: pl.lit(None) for name in v2.USEFUL if name not in layout.useful},
    )


def _stated(column: str) -> pl.Expr:
    return ~tables.truth(column[1:]) if column.startswith("!") else pl.col(column)


def _digits(column: pl.Series) -> int:
    """Digits after the point in a column: 80 among numbers with two of them is 80.00."""
    lengths: list[int] = column.str.extract(r"\.(\d+)\s*$").str.len_chars().drop_nulls().to_list()
    return max(lengths, default=0)


BOARD = Board(SOURCE, f"{TITLE} (Hugging Face)", URL, LICENCE, parse, load=load, unasked="by hand")
