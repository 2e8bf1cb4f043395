"""Builds from captures alone: the published file anew, or a past state on two clocks.

`as_of` is a date of the world: what is dated later does not exist yet. `known_at` is a time of ours: what was captured
later is not known yet. No source is asked.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path

import duckdb

from pipeline import (
    date_tables,
    forecast_tables,
    gap_tables,
    identity_tables,
    index_tables,
    lineage_tables,
    policy_tables,
    raw,
    vintage_tables,
    vintages,
)
from pipeline.captures import Capture
from pipeline.errors import InputError, WarehouseError
from pipeline.progress import report
from pipeline.settings import Settings
from pipeline.sources.boards import BOARDS
from pipeline.sql_models import SqlCheck, broken, build, failing_rows, load_checks, load_models
from pipeline.warehouse import connect_published, connect_work, logical_hash, publish, run_lock

KEPT = 10
"""Builds of past states that are kept, those used last."""
FILLS = (index_tables.write, gap_tables.fill, forecast_tables.fill, policy_tables.fill, date_tables.fill)
"""What fills the gap schema from staging, in order."""
_PARTIAL = ".new-"
_ABANDONED = timedelta(days=1)


def parse_known_at(text: str) -> datetime:
    """A time as `--known-at` takes it: a day stands for its end, a time without a zone is UTC.

    Raises:
        InputError: it is neither, or its day is still to come.
    """
    try:
        found = datetime.fromisoformat(text)
        if not {"T", " "} & {*text}:
            found = datetime.combine(found, time.max)
        found = found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InputError(f"--known-at {text}", "it is no time", "Write YYYY-MM-DD or YYYY-MM-DDTHH:MM") from error
    _refuse_future("--known-at", text, found.date())
    return found


def past(settings: Settings, as_of: date | None, known_at: datetime | None) -> Settings:
    """Settings whose published file is a past state, built now or found from before.

    Args:
        settings: where the captures are. The Hub is that of the published file, where there is one.
        as_of: date of the world; by default the day of `known_at`, or today.
        known_at: what was captured later is left out; null for nothing.

    Raises:
        InputError: the date is in the future, or nothing was captured by then.
        MoatError: the first failure of the build, of which nothing is left.
    """
    asked = _of_published_hub(settings).model_copy(update={"known_at": known_at})
    day = as_of or (known_at or datetime.now(UTC)).date()
    _refuse_future("--as-of", str(day), day)
    captures = _captures(asked)
    kept = asked.model_copy(update={"history": _key(asked, day, captures)})
    if kept.published_file.exists():
        os.utime(kept.built)
        return kept
    # No look at a source that came after its last capture is told either.
    until = max(capture.manifest.finished_at for capture in captures)
    _build_aside(asked.model_copy(update={"known_at": until}), kept, day)
    _forget(settings.histories)
    return kept


def rebuild(settings: Settings, as_of: date | None, known_at: datetime | None) -> tuple[Path, str]:
    """Make the work file and the published file anew, or a past state beside them.

    Args:
        settings: where the captures are. The Hub is that of the published file, where there is one.
        as_of: date of the world; by default that of the published file, or today. See `past` for a past state.
        known_at: the past state; null for the published file.

    Returns:
        The file and its logical hash.

    Raises:
        InputError: the date is in the future, or nothing was captured.
        MoatError: the first failure of the build; the last published file stays.
    """
    if known_at is not None:
        built = past(settings, as_of, known_at)
        with connect_published(built) as connection:
            return built.published_file, logical_hash(connection)
    published = _published(settings)
    day = as_of or (published[1] if published else datetime.now(UTC).date())
    _refuse_future("--as-of", str(day), day)
    whole = _of_published_hub(settings)
    _captures(whole)
    with run_lock(whole):
        # With the log of a run that was cut off, which belongs to no other file.
        for path in whole.work_file.parent.glob(f"{whole.work_file.name}*"):
            path.unlink()
        _fill(whole, day)
        digest = publish(whole)
        vintages.record(whole, digest)
        return whole.published_file, digest


def _refuse_future(option: str, text: str, day: date) -> None:
    if day > datetime.now(UTC).date():
        raise InputError(f"{option} {text}", "it lies in the future", "Name a day that has come")


def _published(settings: Settings) -> tuple[str, date] | None:
    """The Hub and the date of the published file, where there is one."""
    if not settings.published_file.exists():
        return None
    with connect_published(settings) as connection:
        found: tuple[str, date] | None = connection.execute("SELECT hub, as_of FROM ops.schema_version").fetchone()
    return found


def _of_published_hub(settings: Settings) -> Settings:
    """Settings with the Hub of the published file: what is asked is how that looked, or looks when made anew."""
    published = _published(settings)
    if published is None:
        return settings
    return settings.model_copy(update={"hub": "local" if published[0] == raw.BUNDLED else published[0]})


def _captures(settings: Settings) -> list[Capture]:
    """All captures that a build reads.

    Raises:
        InputError: there is none.
    """
    found = [capture for source in sorted(raw.LICENCES) for capture in raw.captures_of(settings, source)]
    if found:
        return found
    ever = settings.model_copy(update={"known_at": None})
    if settings.known_at is None:
        raise InputError(
            str(settings.captures), f"nothing was captured of {raw.origin_of(settings)} yet", "Use `moat run` first"
        )
    first = min(capture.manifest.finished_at for capture in _captures(ever))
    raise InputError(
        f"--known-at {settings.known_at.isoformat()}",
        f"nothing was captured by then; the first capture is of {first:%Y-%m-%d %H:%M:%S} UTC",
        "For a date of the world before that use --as-of alone: dated snapshots of others carry observed_on",
    )


def _key(settings: Settings, day: date, captures: list[Capture]) -> str:
    """What a build depends on: the date, the captures, and the code and SQL that read them."""
    read = [[capture.manifest.source, capture.manifest.capture_id] for capture in captures]
    asked = json.dumps([raw.origin_of(settings), read, vintages.code()])
    return f"{day}-{hashlib.sha256(asked.encode()).hexdigest()[:16]}"


def _build_aside(settings: Settings, kept: Settings, day: date) -> None:
    """Build under a name that nobody reads, then give it the one that was asked for."""
    building = settings.model_copy(update={"history": f"{_PARTIAL}{uuid.uuid4().hex}"})
    try:
        _fill(building, day)
        publish(building)
        shutil.rmtree(building.work_file.parent)
        building.built.rename(kept.built)
    except OSError as error:
        # Another process may have finished the same build first.
        if not kept.published_file.exists():
            raise WarehouseError(
                str(kept.built), f"it cannot be written ({error.strerror})", "Free space or set MOAT_DATA"
            ) from error
    finally:
        shutil.rmtree(building.built, ignore_errors=True)


def _fill(settings: Settings, day: date) -> None:
    """Every table and check of a run, in its order, in a work file that is empty so far."""
    with connect_work(settings) as connection:
        steps = list(_steps(connection, settings, day))
        for done, step in enumerate(steps):
            report(f"build as of {day}", done, len(steps))
            step()
        report(f"build as of {day}", len(steps), len(steps))


def _steps(connection: duckdb.DuckDBPyConnection, settings: Settings, day: date) -> Iterator[Callable[[], object]]:
    yield partial(raw.load_run, connection, settings, day)
    for load in (raw.load_facts, raw.load_hub, raw.load_renames):
        yield partial(load, connection, settings)
    for board in BOARDS:
        yield partial(raw.load_board, connection, settings, board, board.unasked or None)
    yield partial(identity_tables.fill, connection)
    yield partial(lineage_tables.fill_names, connection)
    models, checks = load_models(), load_checks()
    for early in (True, False):
        for model in models:
            if (model.schema == "staging") == early:
                yield partial(build, connection, model)
        for check in checks:
            if check.blocking and check.table.startswith("staging.") == early:
                yield partial(_verify, connection, check)
        if early:
            yield partial(_compute, connection, settings)


def _verify(connection: duckdb.DuckDBPyConnection, check: SqlCheck) -> None:
    failing, examples = failing_rows(connection, check)
    if failing:
        raise broken(check.table, check.rule, failing, examples)


def _compute(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    lineage_tables.fill_circles(connection)
    lineage_tables.fill_keys(connection)
    found = index_tables.load(connection, settings.cache)
    for fill in FILLS:
        fill(connection, found)
    vintage_tables.fill(connection, found, settings)


def _forget(folder: Path) -> None:
    """Remove all but the builds used last, and what was cut off long ago."""
    ages = sorted(((path.stat().st_mtime, path) for path in folder.iterdir()), reverse=True)
    whole = [path for _, path in ages if not path.name.startswith(_PARTIAL)]
    old = (datetime.now(UTC) - _ABANDONED).timestamp()
    partial_ones = [path for age, path in ages if path.name.startswith(_PARTIAL) and age < old]
    for path in [*whole[KEPT:], *partial_ones]:
        shutil.rmtree(path, ignore_errors=True)
