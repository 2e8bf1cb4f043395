"""The daily partitions of the sources: a partition is what a source said when it was asked on that day.

A source says what it says today. A day on which it was asked already is read from its captures, without a request; a
past day on which it was not asked cannot be made up for, and says so.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import dagster as dg

from pipeline.captures import every
from pipeline.settings import Settings

DAILY = dg.DailyPartitionsDefinition(start_date="2026-11-01", end_offset=1)


def today() -> str:
    """Key of today's partition (UTC)."""
    return datetime.now(UTC).date().isoformat()


def is_asked(context: dg.AssetExecutionContext, settings: Settings, source: str) -> bool:
    """Whether a source is to be asked in this run; if not, it was captured on the day of the partition.

    Raises:
        Failure: the day is past, and the source was not asked then.
    """
    day = date.fromisoformat(context.partition_key)
    # A run that goes on past midnight still belongs to the day on which it was started.
    record = context.instance.get_run_record_by_id(context.run.run_id)
    started = record.create_timestamp.astimezone(UTC).date() if record is not None else datetime.now(UTC).date()
    if day == started:
        return True
    if not any(capture.manifest.started_at.date() == day for capture in every(settings.captures, source)):
        raise dg.Failure(
            f"{source} holds nothing that was captured on {day}, and it tells only what it says today; start today's"
            " partition",
            allow_retries=False,
        )
    return False
