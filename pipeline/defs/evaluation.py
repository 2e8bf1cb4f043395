"""Evaluating models that nobody has scored: one worker a cell of model and suite, its files read like all others."""

import os
from dataclasses import asdict, replace
from urllib.parse import quote

import dagster as dg
from pydantic import Field

from pipeline import raw
from pipeline.defs.resources import Warehouse
from pipeline.defs.sources import GROUP, row_counts
from pipeline.errors import MoatError
from pipeline.evaluate import cells, launch, planning
from pipeline.evaluate.suites import suite, suites
from pipeline.progress import report
from pipeline.settings import Settings
from pipeline.sources import own_evaluations
from pipeline.sources.hub_client import HubClient, Refused
from pipeline.warehouse import connect_work

MODELS = dg.DynamicPartitionsDefinition(name="evaluated_models")
CELLS = dg.MultiPartitionsDefinition({"model": MODELS, "suite": dg.StaticPartitionsDefinition(list(suites()))})
RETRIES = dg.RetryPolicy(max_retries=Settings().eval_retries, delay=2, backoff=dg.Backoff.EXPONENTIAL)


class HowToRun(dg.Config):
    """How a model is run; see `pipeline.evaluate.cells.Options`."""

    revision: str = ""
    backend: str = "hf"
    server: str = ""
    served_name: str = ""
    dtype: str = ""
    batch_size: int = 1
    device: str = ""
    max_length: int = 0
    chat_template: bool = False
    unsafe: list[str] = Field(default_factory=list)


@dg.asset(
    group_name="0_evaluate",
    owners=["team:openmoat"],
    partitions_def=CELLS,
    pool="gpu",
    retry_policy=RETRIES,
    kinds={"python", "huggingface"},
    description="Runs lm-evaluation-harness on one model and one suite, in a worker of its own.",
)
def evaluate(context: dg.AssetExecutionContext, warehouse: Warehouse, config: HowToRun) -> dg.MaterializeResult[None]:
    """Run one cell and capture the harness's files with the record of how they came about."""
    settings, key = warehouse.settings, context.partition_key
    if not isinstance(key, dg.MultiPartitionKey):
        raise dg.Failure("a cell is a model and a suite", allow_retries=False)
    asked = config.model_dump(exclude={"revision"}) | {"unsafe": tuple(config.unsafe)}
    model, name = key.keys_by_dimension["model"], key.keys_by_dimension["suite"]
    cell = planning.named(settings, model, config.revision, suite(name), cells.Options(**asked))
    with raw.hub_endpoint(settings) as (endpoint, origin):
        try:
            if cell.gated is None and "HF_HUB_OFFLINE" not in os.environ:
                cell = replace(cell, gated=is_gated(HubClient(settings, endpoint), model))
            cells.check(settings, cell)
        except MoatError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        record, files, reported = launch.run(context, settings, cell, endpoint)
    capture = own_evaluations.seal(settings, origin, record, files)
    report("evaluate", 1)
    return dg.MaterializeResult(
        metadata={
            **reported,
            "tasks": len(files),
            "smoke": record["smoke"],
            "capture_id": capture.manifest.capture_id,
            "launcher": record["launcher"],
            "options": asdict(cell.options),
        }
    )


def is_gated(client: HubClient, model: str) -> bool:
    """Whether the Hub gives a model to those alone who have agreed to its terms; what it does not have is not."""
    try:
        return client.json(client.url(f"api/models/{quote(model)}"), dict).body.get("gated") not in (None, False)
    except Refused:
        return False


@dg.asset(
    group_name=GROUP,
    owners=["team:openmoat"],
    deps=[dg.AssetDep(evaluate, partition_mapping=dg.AllPartitionMapping())],
    name=own_evaluations.SOURCE,
    kinds={"python"},
    description="Scores of the project's own evaluations, read from the harness's files.",
    metadata={"licence": own_evaluations.LICENCE},
)
def evaluations(warehouse: Warehouse) -> dg.MaterializeResult[None]:
    """Read what was evaluated, whenever it was."""
    with connect_work(warehouse.settings) as connection:
        counts = raw.load_board(
            connection, warehouse.settings, own_evaluations.BOARD, own_evaluations.BOARD.unasked or None
        )
    report(own_evaluations.SOURCE, 1)
    return dg.MaterializeResult(metadata=row_counts(counts))
