"""Why the headline differs from build to build: the kept vintages and the build at hand in, gap.vintage_changes out.

How a difference is split is a pure function: see gap/vintages.py. What a vintage is and where it lies: see vintages.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import duckdb
import polars as pl

from pipeline.gap.frontier import records
from pipeline.gap.lag import Scale, Tolerance, backward_lag
from pipeline.gap.sides import OPEN_DEFINITIONS, OpenDefinition, availability
from pipeline.gap.vintages import ELAPSED, decompose
from pipeline.gap_tables import COMPOSITES, by_date
from pipeline.index_tables import PUBLISHED, Indexed
from pipeline.settings import Settings
from pipeline.vintages import CHANGE_COLUMNS, Vintage, inputs_of, kept, repair
from pipeline.warehouse import replace_table

NOTHING = 1e-6
"""An amount below this, in points or months, is none: refitting the same table gives as much."""
SHOWN = 0.005
"""Less than this does not show at the two digits of a sentence."""
_STRICT = Tolerance("strict")
_WORDS = {"new_models": "new models", "removed_models": "removed models"}


def fill(connection: duckdb.DuckDBPyConnection, found: Indexed, settings: Settings) -> list[str]:
    """Fill gap.vintage_changes: all kept changes, and those from the newest vintage of this Hub to this build.

    Builds of past states are no vintages and are compared with none: the table is then empty.

    Args:
        connection: the work file.
        found: the inputs of the gap functions, with the index.
        settings: where the vintages are.

    Returns:
        What is wrong with vintages that had to be left out.
    """
    frames, problems = list[pl.DataFrame](), list[str]()
    if not settings.history:
        problems = repair(settings)
        vintages, damaged = kept(settings)
        problems += damaged
        as_of, hub = connection.execute("SELECT as_of, hub FROM raw.run").fetchall()[0]
        earlier = [one for one in vintages if one.hub == hub]
        frames += [one.changes for one in earlier]
        for newest in earlier[-1:]:
            changed = compare(newest.inputs, newest.as_of, inputs_of(connection, found), as_of)
            built = {"built_before": newest.built_at, "built_after": datetime.now(UTC)}
            frames.append(pl.DataFrame([built | row for row in changed], schema=CHANGE_COLUMNS))
    write(connection, frames)
    return problems


def write(connection: duckdb.DuckDBPyConnection, frames: Iterable[pl.DataFrame]) -> None:
    """Put changes of CHANGE_COLUMNS into gap.vintage_changes; none on the first build."""
    replace_table(connection, "gap.vintage_changes", pl.concat([pl.DataFrame(schema=CHANGE_COLUMNS), *frames]))


def compare(before: pl.DataFrame, on_before: date, after: pl.DataFrame, on_after: date) -> list[dict[str, Any]]:
    """Why gap and lag of the indices differ between two builds, in each definition of open.

    Args:
        before: inputs of the earlier build.
        on_before: date of the world it was asked for.
        after: inputs of the later build.
        on_after: date of the world it was asked for.

    Returns:
        CHANGE_COLUMNS without the times of the builds. What changed nothing has no row.
    """
    earlier, later = _of_indices(before, on_before), _of_indices(after, on_after)
    return [
        row
        for series in COMPOSITES
        if series in earlier or series in later
        for definition in OPEN_DEFINITIONS
        for metric, function in (("gap", gap_points), ("lag", lag_months))
        for row in _rows(
            {"series": series, "open_definition": definition, "metric": metric},
            earlier.get(series, (on_before, before.clear())),
            later.get(series, (on_after, after.clear())),
            partial(function, definition=definition),
        )
    ]


def gap_points(scores: pl.DataFrame, as_of: date, definition: OpenDefinition) -> float | None:
    """Closed minus open frontier of one series; null where a side is empty."""
    closed, opened = _frontiers(scores, as_of, definition)
    if closed.is_empty() or opened.is_empty():
        return None
    return float(closed["score"][-1] - opened["score"][-1])


def lag_months(scores: pl.DataFrame, as_of: date, definition: OpenDefinition) -> float | None:
    """Backward lag of one series at strict tolerance; null where there is none."""
    closed, opened = _frontiers(scores, as_of, definition)
    return backward_lag(closed, opened, as_of, _STRICT, Scale()).months


def sentence(changes: Iterable[Mapping[str, Any]]) -> str:
    """The changes of one series and definition between two builds in words; empty where nothing shows at two digits."""
    by_metric: dict[str, list[Mapping[str, Any]]] = {}
    for row in changes:
        if row["amount"] is None or abs(row["amount"]) >= SHOWN:
            by_metric.setdefault(row["metric"], []).append(row)
    return "; ".join(
        f"{metric} {number(rows[0]['before'])} -> {number(rows[0]['after'])}: "
        + (rows[0]["note"] or ", ".join(_part(row) for row in rows))
        for metric, rows in by_metric.items()
    )


def listing(settings: Settings) -> list[dict[str, Any]]:
    """Every vintage, newest first, with what changed in its headline since the one before."""
    rows, before = [], dict[str, Vintage]()
    for vintage in kept(settings)[0]:
        headline = vintage.changes.filter(series=PUBLISHED, open_definition="downloadable").to_dicts()
        words = sentence(headline) or ("headline unchanged" if vintage.hub in before else "the first that is kept")
        if vintage.hub in before and before[vintage.hub].code != vintage.code:
            words += " (other code)"
        rows.append(json.loads(vintage.to_json()) | {"changed": words, "changes": headline})
        before[vintage.hub] = vintage
    return rows[::-1]


def _of_indices(inputs: pl.DataFrame, as_of: date) -> dict[str, tuple[date, pl.DataFrame]]:
    """The inputs of each index, and the date it can speak of."""
    return {
        str(series): (until, part)
        for until, dated in by_date(inputs.filter(pl.col("series").is_in(COMPOSITES)), as_of)
        for (series,), part in dated.partition_by("series", as_dict=True).items()
    }


def _rows(
    about: Mapping[str, str],
    before: tuple[date, pl.DataFrame],
    after: tuple[date, pl.DataFrame],
    metric: Callable[[pl.DataFrame, date], float | None],
) -> list[dict[str, Any]]:
    """One metric of one series in two builds: a row for each factor that did something, or may have."""
    (day_before, earlier), (day_after, later) = before, after
    found = decompose(
        earlier,
        later,
        lambda scores: metric(scores, day_after),
        None if day_before == day_after else lambda scores: metric(scores, day_before),
    )
    if found.before is None and found.after is None:
        return []
    whole = dict(about) | {
        "as_of_before": day_before, "as_of_after": day_after, "before": found.before, "after": found.after,
        "difference": found.difference, "note": found.note,
    }  # fmt: skip
    return [
        whole | vars(part)
        for part in found.contributions
        if (abs(part.amount) >= NOTHING if part.amount is not None else part.models or part.factor == ELAPSED)
    ]


def _frontiers(scores: pl.DataFrame, as_of: date, definition: OpenDefinition) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The closed and the open records of one series."""
    found = records(availability(scores, as_of, definition).rows)
    return found.filter(pl.col("side") == "closed"), found.filter(pl.col("side") == "open")


def _part(row: Mapping[str, Any]) -> str:
    models = "" if row["models"] is None else f" ({row['models']})"
    return f"{row['amount']:+.2f} {_WORDS.get(row['factor'], row['factor'])}{models}"


def number(value: float | None) -> str:
    """A metric as it is printed."""
    return "none" if value is None else f"{value:.2f}"
