"""What a board of scores says, as rows: the shape that every source of scores but the model cards shares.

A board is a source that names models, series and scores. How its facts are dated and superseded does not belong here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

import polars as pl

from pipeline.captures import Capture
from pipeline.settings import Settings
from pipeline.sources.quarantine import QUARANTINE_COLUMNS, excerpt

SCORE_COLUMNS: dict[str, Any] = {
    "part": pl.String, "model": pl.String, "series_id": pl.String, "variant": pl.String, "value": pl.Float64,
    "ci_lo": pl.Float64, "ci_hi": pl.Float64, "stderr": pl.Float64, "n": pl.Int64, "evaluated_on": pl.Date,
    "observed_on": pl.Date, "tier": pl.String, "self_reported": pl.Boolean, "doubtful": pl.Boolean,
    "source_name": pl.String, "source_url": pl.String, "note": pl.String, "decimals": pl.Int64,
    "model_revision": pl.String, "dataset_revision": pl.String, "settings": pl.String,
}  # fmt: skip
"""`part` is the file or list the row stands in; `variant` tells apart what one model scored in one series.

`decimals` is how many digits after the point were published; null where the value is as computed. A board that states
them states one value for a model, series, variant and day. `model_revision` and `dataset_revision` are commits of what
was evaluated and on what; `settings` is a JSON object that says how, see `staging.evaluations`.
"""
MODEL_COLUMNS: dict[str, Any] = {
    "model": pl.String, "hub_id": pl.String, "organisation": pl.String, "country": pl.String,
    "released_on": pl.Date, "released_on_source": pl.String, "access": pl.String, "licence_class": pl.String,
    "licence": pl.String, "params_b": pl.Float64,
}  # fmt: skip
"""`model` is the name as written; `hub_id` the repository that the board says it is; `licence` as written."""
SERIES_COLUMNS: dict[str, Any] = {
    "series_id": pl.String, "benchmark_id": pl.String, "benchmark_name": pl.String, "name_kind": pl.String,
    "name": pl.String, "title": pl.String, "part": pl.String, "protocol": pl.String,
    "evaluator": pl.String, "comparability": pl.String, "unit": pl.String, "direction": pl.String,
    "chance": pl.Float64, "ceiling": pl.Float64, "edition_of": pl.String, "edition_on": pl.Date,
    "source_name": pl.String, "source_url": pl.String,
}  # fmt: skip
"""`name_kind`, `name`, `title` and `part` are the benchmark as the board names it, see `identity.benchmarks`; null
where its own `benchmark_id` is the only name. `edition_of` names the ranking of which the series is the edition of one
day; null where there is but one."""
TABLES = {
    "board_scores": SCORE_COLUMNS,
    "board_models": MODEL_COLUMNS,
    "board_series": SERIES_COLUMNS,
    "quarantine": QUARANTINE_COLUMNS,
}
Row = dict[str, Any]
Fetch = Callable[[Settings, str, str], tuple[Capture, bool] | None]
Load = Callable[[Settings, Path, date], tuple[Capture, bool]]
BY_HAND = "file loaded by hand"
"""Origin of what `Load` captured: it is used whatever Hub is asked."""


@dataclass
class Part:
    """What one file or list of a board says.

    Attributes:
        name: the part.
        source: the board.
        capture_id: the capture it is read from.
        read: items it holds: rows of a table, entries of a list, documents.
        refused: of these put aside as a whole.
        unreadable: that nothing could be read, so that what it said before still stands.
        scores_refused: scores put aside.
        rows: frames of `TABLES`.
    """

    name: str
    source: str
    capture_id: str
    read: int = 0
    refused: int = 0
    unreadable: bool = False
    scores_refused: int = 0
    rows: dict[str, list[pl.DataFrame]] = field(default_factory=lambda: {name: [] for name in TABLES})

    def add(self, table: str, rows: pl.DataFrame | Sequence[Row]) -> None:
        """Add rows of a table of `TABLES`; columns left out are empty."""
        schema = TABLES[table]
        if not isinstance(rows, pl.DataFrame):
            rows = pl.DataFrame(
                rows, schema={name: schema[name] for name in schema if any(name in row for row in rows)}
            )
        if rows.height:
            missing = [pl.lit(None, kind).alias(name) for name, kind in schema.items() if name not in rows.columns]
            self.rows[table].append(rows.with_columns(missing).select(pl.col(n).cast(k) for n, k in schema.items()))

    def refuse(self, kind: str, key: str, reason: str, payload: object) -> None:
        """Put one thing aside: kind `score` for a single score, anything else for a whole item."""
        self.scores_refused += kind == "score"
        self.refused += kind != "score"
        row = {"source": self.source, "kind": kind, "key": excerpt(key), "reason": reason, "payload": excerpt(payload),
               "capture_id": self.capture_id}  # fmt: skip
        self.add("quarantine", [row])

    def refuse_all(self, reason: str, payload: object = "") -> None:
        """Put the part as a whole aside: what it said before still stands."""
        self.unreadable, self.read = True, 1
        self.refuse("part", self.name, reason, payload)

    def refuse_rows(self, frame: pl.DataFrame, key: str) -> None:
        """Put every row of a table aside whose column `reason` says why."""
        for row in frame.filter(pl.col("reason").is_not_null()).iter_rows(named=True):
            reason = row.pop("reason")
            self.refuse("row", str(row.get(key)), reason, row)

    def frame(self, table: str) -> pl.DataFrame:
        """All rows of a table."""
        return pl.concat([pl.DataFrame(schema=TABLES[table]), *self.rows[table]])


@dataclass(frozen=True)
class Board:
    """A source of scores.

    Attributes:
        source: its name.
        title: whom to name when using it.
        url: where it is public.
        licence: of its data.
        parse: a capture to its parts. Parts that a delta no longer has come without rows.
        fetch: (settings, endpoint, origin) to the capture and whether it is new; None where the Hub asked does not
            offer the source. A board without it must be told what to ask for.
        load: (settings, file, day on which it was observed) to the capture and whether it is new, of a board that
            consists of dated snapshots. The revision of its captures is that day, and they are folded in its order.
        unasked: how a source that nobody is asked for comes about: loaded by hand, or evaluated by the project itself.
    """

    source: str
    title: str
    url: str
    licence: str
    parse: Callable[[Capture], Iterator[Part]]
    fetch: Fetch | None = None
    load: Load | None = None
    unasked: Literal["", "by hand", "own"] = ""
