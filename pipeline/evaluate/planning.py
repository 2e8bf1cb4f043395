"""Which cells were run, which are missing, and about what those ahead will cost."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.captures import Capture
from pipeline.errors import InputError
from pipeline.evaluate.cells import Cell, Options
from pipeline.evaluate.suites import Suite
from pipeline.raw import captures_of, origin_of
from pipeline.settings import Settings
from pipeline.sources import own_evaluations
from pipeline.sources.harness_eras import REPO
from pipeline.warehouse import connect_published

BYTES_A_PARAMETER = 2
"""As most weights are published (bfloat16, float16)."""


class History:
    """What was run before with models of the Hub that settings name.

    Attributes:
        captures: by the id of its cell the newest capture.
        records: of every capture, oldest first.
        failed: (model, suite) of what failed since it was last run.
    """

    def __init__(self, settings: Settings) -> None:
        found = [(one, own_evaluations.record_of(one)) for one in captures_of(settings, own_evaluations.SOURCE)]
        self.captures: dict[str, Capture] = {record["cell"]: one for one, record in found}
        self.records = [record for _, record in found]
        self.failed = _failed(settings) - {(record["model"], record["suite"]) for record in self.records}

    def seconds(self, cell: Cell) -> float | None:
        """About how long a cell takes, from those run with the same backend; null where none was, or no size."""
        if cell.params_b is None:
            return None
        rates = [
            record["seconds"] / (record["requests"] * record["params_b"])
            for record in self.records
            if record["backend"] == cell.options.backend and record.get("params_b")
        ]
        return statistics.median(rates) * cell.suite.requests * cell.params_b if rates else None

    def estimate(self, cells: Sequence[Cell]) -> dict[str, Any]:
        """What cells cost: requests, gigabytes of weights, hours; null where not known, and for how many it is not."""
        here = [cell for cell in cells if cell.options.backend != "local-completions"]
        sizes = [cell.params_b for cell in here if cell.params_b is not None]
        times = [time for time in map(self.seconds, cells) if time is not None]
        return {
            "cells": len(cells),
            "requests": sum(cell.suite.requests for cell in cells),
            "weights_gb": round(sum(sizes) * BYTES_A_PARAMETER, 1) if sizes or not here else None,
            "of_unknown_size": len(here) - len(sizes),
            "hours": round(sum(times) / 3600, 2) if times else None,
            "of_unknown_time": len(cells) - len(times),
        }


def missing(
    settings: Settings, suite: Suite, options: Options, limit: int, max_params_b: float | None, again: bool
) -> list[Cell]:
    """Cells of open models that have no usable score at all (`marts.coverage`), the most used first.

    Args:
        settings: where the published file and the captures lie.
        suite: what they are to be asked.
        options: how they are to be run.
        limit: at most so many.
        max_params_b: only models of at most so many billions of parameters; what is of unknown size is left out then.
        again: also those that were tried on this suite before.

    Raises:
        InputError: the published file is of another Hub.
        WarehouseError: nothing is published.
    """
    history = History(settings)
    tried = {(record["model"], record["suite"]) for record in history.records} | history.failed
    with connect_published(settings) as connection:
        origins = connection.execute("SELECT origin FROM marts.sources WHERE source = 'hub_models'").fetchall()
        if origins != [(origin_of(settings),)]:
            raise InputError(
                "--missing", f"the published file is of another Hub ({origins[0][0] if origins else 'none'})",
                f"Run `moat run --hub {settings.hub}` first",
            )  # fmt: skip
        rows = connection.execute(
            "SELECT hub_id, params_total / 1e9, gated FROM marts.coverage WHERE hub_id IS NOT NULL"
            " AND (? IS NULL OR params_total / 1e9 <= ?)"
            " ORDER BY downloads DESC NULLS LAST, released_on DESC NULLS LAST, hub_id",
            [max_params_b, max_params_b],
        ).fetchall()
    found = [
        Cell(hub_id, suite, options, "", params_b, gated) for hub_id, params_b, gated in rows if REPO.fullmatch(hub_id)
    ]
    return [cell for cell in found if again or (cell.model, suite.name) not in tried][:limit]


def named(settings: Settings, model: str, revision: str, suite: Suite, options: Options) -> Cell:
    """The cell of a model by the name of its repository, with what the published file knows of it."""
    row = None
    if settings.published_file.exists():
        with connect_published(settings) as connection:
            row = connection.execute(
                "SELECT params_total / 1e9, coalesce(gated NOT IN ('', 'false'), FALSE)"
                " FROM staging.hub_models WHERE id = ?",
                [model],
            ).fetchone()
    params_b, gated = row or (None, None)
    return Cell(model, suite, options, revision, params_b, gated)


def note_failure(settings: Settings, cell: Cell, error: str) -> None:
    """Note that a cell failed, so that `missing` comes to others."""
    file = _failures(settings)
    file.parent.mkdir(parents=True, exist_ok=True)
    note = {"at": datetime.now(UTC).isoformat(), "origin": origin_of(settings), "model": cell.model,
            "suite": cell.suite.name, "error": error}  # fmt: skip
    with file.open("a", encoding="utf-8") as out:
        out.write(json.dumps(note) + "\n")


def _failed(settings: Settings) -> set[tuple[str, str]]:
    try:
        notes = [json.loads(line) for line in _failures(settings).read_text(encoding="utf-8").splitlines()]
    except FileNotFoundError:
        return set()
    return {(note["model"], note["suite"]) for note in notes if note["origin"] == origin_of(settings)}


def _failures(settings: Settings) -> Path:
    return settings.data.resolve() / "evaluations" / "failures.jsonl"
