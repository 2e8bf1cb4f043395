"""One whole run, from the Hub to the published file, through Dagster in this process."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import dagster as dg

from pipeline.definitions import build_defs
from pipeline.defs.automation import WHOLE_RUN
from pipeline.defs.days import today
from pipeline.defs.resources import Warehouse
from pipeline.errors import InputError, MoatError
from pipeline.liveness import fail_cut_off
from pipeline.settings import ROOT, Settings
from pipeline.sql_models import broken
from pipeline.warehouse import connect_published, connect_work, run_lock


@dataclass(frozen=True)
class Outcome:
    """What a run did.

    Attributes:
        logical_hash: of the published file.
        new_captures: sources that had something new.
        warnings: rules that rows break but that stop nothing, with the number of rows.
    """

    logical_hash: str
    new_captures: tuple[str, ...]
    warnings: tuple[str, ...]


def units_of_work() -> int:
    """Number of assets and checks of a whole run, for a progress bar."""
    graph = build_defs().get_repository_def().asset_graph
    return len(WHOLE_RUN.resolve(graph)) + len(graph.asset_check_keys)


def execute(settings: Settings, *, hub: str, as_of: str, select: str = "*") -> Outcome:
    """Run the pipeline and publish.

    Args:
        settings: where the data lives.
        hub: `local` or an address.
        as_of: ISO date of the world; empty for today.
        select: Dagster asset selection; models are evaluated by `moat eval`, whatever it says.

    Raises:
        InputError: the settings leave out what was captured later, or the selection is of nothing that a run makes.
        MoatError: the first failure, by its own message; the last published file stays.
    """
    if settings.known_at is not None:
        raise InputError("MOAT_KNOWN_AT", "a run captures what is known now", "Unset it, or use `moat rebuild`")
    os.environ.setdefault("DAGSTER_HOME", str(ROOT / "dagster_home"))
    warehouse = Warehouse(data=str(settings.data.resolve()), hub=hub, as_of=as_of)
    definitions = build_defs(warehouse)
    job = dg.define_asset_job("run", selection=_selected(definitions, select))
    resolved = dg.Definitions.merge(definitions, dg.Definitions(jobs=[job])).resolve_job_def("run")
    # The file stays open from the first step to the last: else each step would load its catalogue and checkpoint it.
    with run_lock(settings), connect_work(settings), dg.DagsterInstance.get() as instance:
        fail_cut_off(instance, settings)
        result = resolved.execute_in_process(
            instance=instance,
            partition_key=today(),
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        _raise_first_failure(result)
    return _outcome(result)


def _selected(definitions: dg.Definitions, select: str) -> dg.AssetSelection:
    how = "Write an asset selection, such as '+key:\"published\"'; `dg list defs` has the names"
    try:
        selection = WHOLE_RUN if select == "*" else dg.AssetSelection.from_string(select) & WHOLE_RUN
        found = selection.resolve(definitions.get_repository_def().asset_graph)
    except dg.DagsterError as error:
        raise InputError(
            f"--select {select}", f"cannot be followed ({' '.join(str(error).split()).rstrip('.')})", how
        ) from error
    if not found:
        raise InputError(f"--select {select}", "is of nothing that a run makes", how)
    return selection


def facts_in(settings: Settings) -> int:
    """Number of current facts (scores) in the published file; 0 where nothing is published."""
    if not settings.published_file.exists():
        return 0
    with connect_published(settings) as connection:
        found = connection.execute("SELECT count(*) FROM staging.scores WHERE superseded_at IS NULL").fetchone()
    return int(found[0]) if found else 0


def _raise_first_failure(result: dg.ExecuteInProcessResult) -> None:
    for check in result.get_asset_check_evaluations():
        if not check.passed and check.severity is dg.AssetCheckSeverity.ERROR:
            failing, examples = (check.metadata[name].value for name in ("failing_rows", "examples"))
            raise broken(".".join(check.asset_key.path), check.check_name, failing, examples)
    for event in result.get_step_failure_events() if not result.success else []:
        raise MoatError(
            event.step_key or "run",
            _own_message(event.step_failure_data.error),
            "Nothing was published; the last published file stays",
        )


def _own_message(error: Any) -> str:
    """The message of the first error of ours in the chain of causes, else of the innermost one."""
    ours = {MoatError.__name__, *(kind.__name__ for kind in MoatError.__subclasses__())}
    text = "no reason given"
    while error is not None:
        text = str(error.message).strip()
        if error.cls_name in ours:
            return text.partition(": ")[2].rstrip(".")
        error = error.cause
    return text.rstrip(".")


def _outcome(result: dg.ExecuteInProcessResult) -> Outcome:
    new, digest = [], ""
    for event in result.get_asset_materialization_events():
        metadata = event.materialization.metadata
        if "new_capture" in metadata and metadata["new_capture"].value:
            new.append(".".join(event.materialization.asset_key.path))
        if "logical_hash" in metadata:
            digest = str(metadata["logical_hash"].value)
    warnings = sorted(
        f"{'.'.join(check.asset_key.path)} {check.check_name} ({check.metadata['failing_rows'].value})"
        for check in result.get_asset_check_evaluations()
        if not check.passed
    )
    return Outcome(digest, tuple(new), tuple(warnings))
