"""Runs cells through Dagster, one run a cell, so that one cell's failure never spoils another."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from functools import partial
from multiprocessing import get_context
from typing import Any

import dagster as dg

from pipeline.definitions import build_defs
from pipeline.defs.evaluation import MODELS
from pipeline.defs.resources import Warehouse
from pipeline.errors import MoatError
from pipeline.evaluate import cells
from pipeline.evaluate.cells import Cell
from pipeline.evaluate.planning import History, note_failure
from pipeline.progress import report
from pipeline.raw import captures_of
from pipeline.settings import ROOT, Settings
from pipeline.sources import own_evaluations


@dataclass(frozen=True)
class Done:
    """What became of a cell: its capture, and whether that is new; or why there is none."""

    cell: Cell
    capture_id: str | None = None
    new: bool = False
    error: str | None = None
    scores: tuple[tuple[str, str, float], ...] = ()


def run(settings: Settings, wanted: Sequence[Cell], *, again: bool = False, parallel: int = 1) -> list[Done]:
    """Run cells, each as a Dagster run of its own.

    Args:
        settings: where captures lie, how workers are started, how often they are tried.
        wanted: the cells; those that were captured before are left alone.
        again: run them all the same.
        parallel: how many at a time; more than one where workers run on a cluster, or a server answers them.

    Returns:
        One result a cell, in their order.
    """
    os.environ.setdefault("DAGSTER_HOME", str(ROOT / "dagster_home"))
    one, found = partial(_one, settings, again), dict[int, Done]()
    if parallel == 1:
        for number, cell in enumerate(wanted):
            found[number] = one(cell)
            report("evaluate cells", len(found), len(wanted))
        return list(found.values())
    with dg.DagsterInstance.get():
        pass  # makes Dagster's files where there are none yet: two runs at one time would both make them
    # Each run takes the standard streams of its process for itself, so that runs at one time are processes.
    with ProcessPoolExecutor(parallel, mp_context=get_context("spawn")) as pool:
        running = {pool.submit(one, cell): number for number, cell in enumerate(wanted)}
        for future in as_completed(running):
            number, error = running[future], future.exception()
            found[number] = (
                Done(wanted[number], error=f"{error} ({type(error).__name__})") if error else future.result()
            )
            report("evaluate cells", len(found), len(wanted))
    return [found[number] for number in sorted(found)]


def scores(settings: Settings, capture_id: str) -> tuple[tuple[str, str, float], ...]:
    """Task, metric and value of every score of a capture that is believed."""
    captures = captures_of(settings, own_evaluations.SOURCE)
    capture = next(one for one in captures if one.manifest.capture_id == capture_id)
    found = []
    for part in own_evaluations.parse(capture):
        rows = part.frame("board_scores").join(part.frame("board_series"), on="series_id")
        found += [(row["benchmark_name"], row["protocol"], row["value"]) for row in rows.iter_rows(named=True)]
    return tuple(found)


def _one(settings: Settings, again: bool, cell: Cell) -> Done:
    """Run a cell, whatever happens."""
    try:
        before = None if again else History(settings).captures.get(cell.id)
        found = _execute(settings, cell) if before is None else Done(cell, before.manifest.capture_id)
        if found.error:
            note_failure(settings, cell, found.error)
        return replace(found, scores=scores(settings, found.capture_id)) if found.capture_id else found
    except MoatError as error:
        return Done(cell, error=str(error))
    except Exception as error:  # of whatever kind: the cells that follow are not to blame
        return Done(cell, error=f"{cell.model} on {cell.suite.name}: {error} ({type(error).__name__})")


def _execute(settings: Settings, cell: Cell) -> Done:
    # What cannot be a name of a repository is to be no partition.
    cells.check(settings, replace(cell, gated=False))
    warehouse = Warehouse(data=str(settings.data.resolve()), hub=settings.hub)
    job = dg.define_asset_job("evaluate_cell", selection=dg.AssetSelection.assets("evaluate"))
    resolved = dg.Definitions.merge(build_defs(warehouse), dg.Definitions(jobs=[job])).resolve_job_def("evaluate_cell")
    options: dict[str, Any] = asdict(cell.options) | {"unsafe": list(cell.options.unsafe), "revision": cell.revision}
    with dg.DagsterInstance.get() as instance:
        instance.add_dynamic_partitions(str(MODELS.name), [cell.model])
        result = resolved.execute_in_process(
            instance=instance,
            partition_key=dg.MultiPartitionKey({"model": cell.model, "suite": cell.suite.name}),
            raise_on_error=False,
            run_config={
                "ops": {"evaluate": {"config": options}},
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
        )
    for event in result.get_asset_materialization_events():
        capture_id = event.materialization.metadata.get("capture_id")
        if capture_id is not None:
            return Done(cell, str(capture_id.value), new=True)
    failed = result.get_step_failure_events()
    return Done(cell, error=_message(failed[-1].step_failure_data) if failed else "the run did not start")


def _message(failure: Any) -> str:
    """The worker's own words where there are any."""
    described = getattr(failure.user_failure_data, "description", None)
    if described:
        return str(described)
    error = failure.error
    while error.cause is not None:
        error = error.cause
    return str(error.message).strip()
