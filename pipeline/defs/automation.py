"""What runs by itself: the daily refresh, the note that a run failed, and the end of runs that were killed."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import dagster as dg

from pipeline.liveness import fail_cut_off
from pipeline.settings import Settings

WHOLE_RUN = dg.AssetSelection.all() - dg.AssetSelection.assets("evaluate")
"""Everything from the sources to the published files. Evaluating models takes hours and is asked for by name."""

refresh = dg.define_asset_job("refresh", selection=WHOLE_RUN, description="Sources to published files.")

daily = dg.build_schedule_from_partitioned_job(
    refresh, name="daily", hour_of_day=6, description="Every morning (UTC): capture, build, check, publish."
)


@dg.run_failure_sensor(
    name="run_failed",
    description="Notes a failed run in failures.jsonl of the data folder; the last published file stays.",
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def run_failed(context: dg.RunFailureSensorContext) -> None:
    """Append one line: when, which run, which step, which class of error (no payload, no secret)."""
    data = Settings().data.resolve()
    data.mkdir(parents=True, exist_ok=True)
    steps = sorted({event.step_key for event in context.get_step_failure_events() if event.step_key})
    note = {"at": datetime.now(UTC).isoformat(), "run": context.dagster_run.run_id, "steps": steps}
    with (data / "failures.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(note) + "\n")
    context.log.error(f"run {context.dagster_run.run_id} failed in {', '.join(steps) or 'no step'}")


@dg.sensor(
    name="run_cut_off",
    description="Marks a run as failed whose process was killed; else those that wait would wait for it for a day.",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def run_cut_off(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Look at every run that has started and not ended."""
    ended = fail_cut_off(context.instance, Settings())
    return dg.SkipReason(f"cut off: {', '.join(ended)}" if ended else "every run that has started is alive")
