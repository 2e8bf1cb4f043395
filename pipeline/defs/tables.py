"""Assets and blocking checks made from sql/, and the gap tables between staging and marts."""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg
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
)
from pipeline.defs.resources import Warehouse
from pipeline.identity.names import fingerprint
from pipeline.index_tables import Indexed
from pipeline.progress import report
from pipeline.sources.boards import BOARDS
from pipeline.sql_models import SqlCheck, SqlModel, build, failing_rows, load_checks, load_models
from pipeline.warehouse import connect_work

IDENTITY = dg.AssetKey(["identity", "names"])
NAMES, CIRCLES, KEYS = (dg.AssetKey(["lineage", name]) for name in ("names", "circles", "keys"))
GROUPS = {"staging": "2_staging", "gap": "3_gap", "marts": "4_marts", "ops": "5_ops"}
INDEX, GAP, FORECAST, POLICIES, DATES, VINTAGES = (
    dg.AssetKey(["gap", name]) for name in ("index", "tables", "forecast", "policies", "dates", "vintages")
)
BOARD_KEYS = [dg.AssetKey(board.source) for board in BOARDS]
Fill = Callable[[duckdb.DuckDBPyConnection, Indexed], dict[str, int]]
NUMBERS = {
    "marts.headline": "SELECT gap_raw AS gap_points, lag_months, lag_lo, lag_hi, catch_up_median, self_reported_pct,"
    " sentence AS answer FROM marts.headline"
    " WHERE is_headline AND open_definition = 'downloadable' AND tolerance = 'strict'",
    "marts.sources": "SELECT max(checked_at)::DATE::VARCHAR AS freshest_source, sum(scores)::BIGINT AS scores"
    " FROM marts.sources",
    "marts.unresolved": "SELECT count(*) AS unmatched_models FROM marts.unresolved",
    "ops.quarantine": "SELECT count(*) AS quarantined_rows FROM ops.quarantine",
    "marts.family": "SELECT count(*) FILTER (depth = 0) AS roots, max(depth) AS deepest, max(descendants) AS largest,"
    " count(circle) AS on_circles, count(*) FILTER (is_cut) AS cut FROM marts.family",
    "marts.lineage_evidence": "SELECT"
    " (sum(repositories) FILTER (evidence = 'declared') / sum(repositories))::DOUBLE AS declared_share,"
    " (sum(repositories) FILTER (evidence = 'inferred') / sum(repositories))::DOUBLE AS inferred_share,"
    " (sum(repositories) FILTER (evidence = 'unknown') / sum(repositories))::DOUBLE AS unknown_share"
    " FROM marts.lineage_evidence",
    "marts.derivative_clock": "SELECT count(DISTINCT base) AS bases, avg(censored::INTEGER) AS censored_share,"
    " sum(children)::BIGINT AS derivatives, sum(inferred_children)::BIGINT AS told_by_name FROM marts.derivative_clock",
    "marts.uptake": "SELECT share AS built_on_in_30_days, bases FROM marts.uptake WHERE kind = 'any' AND days = 30",
}
"""The numbers of a table that its asset shows, by name."""


def upstream_key(table: str) -> list[dg.AssetKey]:
    """Assets that fill a table a query reads."""
    schema, _, name = table.partition(".")
    match schema:
        case "raw" if name.startswith("facts_"):
            return [dg.AssetKey("facts")]
        case "raw" if name.startswith("board_"):
            return BOARD_KEYS
        case "raw" if name in ("captures", "sources", "quarantine"):
            return [dg.AssetKey(source) for source in raw.LICENCES]
        case "raw" if name == "hub_renames":
            return [dg.AssetKey(name)]
        case "raw":
            return [dg.AssetKey("hub_models")]
        case "identity":
            return [IDENTITY]
        case "lineage":
            return [KEYS if name == "steps" else dg.AssetKey([schema, name])]
        case "gap" if name.startswith("index"):
            return [INDEX]
        case "gap" if name in forecast_tables.SCHEMAS:
            return [FORECAST]
        case "gap" if name in policy_tables.SCHEMAS:
            return [POLICIES]
        case "gap" if name in date_tables.SCHEMAS:
            return [DATES]
        case "gap" if name == "vintage_changes":
            return [VINTAGES]
        case "gap":
            return [GAP]
        case _:
            return [dg.AssetKey([schema, name])]


def last_tables() -> list[dg.AssetKey]:
    """Tables nothing else is made from: once they and their blocking checks are done, everything is."""
    models = load_models()
    used = {table for model in models for table in model.upstream} | {"staging.gap_inputs", "staging.index_inputs"}
    return [dg.AssetKey([model.schema, model.name]) for model in models if model.table not in used]


def sql_asset(model: SqlModel) -> dg.AssetsDefinition:
    """One table of sql/ as an asset."""

    @dg.asset(
        key=dg.AssetKey([model.schema, model.name]),
        deps=sorted({key for table in model.upstream for key in upstream_key(table)}),
        group_name=GROUPS[model.schema],
        kinds={"duckdb", "sql"},
        owners=["team:openmoat"],
        description=f"{model.description}\n\n```sql\n{model.query}\n```",
        code_version=fingerprint(model.query, length=12),
    )
    def table(warehouse: Warehouse) -> dg.MaterializeResult[None]:
        with connect_work(warehouse.settings) as connection:
            rows = build(connection, model)
            types = {row[0]: row[1] for row in connection.execute(f"DESCRIBE {model.table}").fetchall()}
            extra = _numbers(connection, model.table)
        report(model.table, 1)
        columns = [
            dg.TableColumn(name, types[name].lower(), description=meaning) for name, meaning in model.columns.items()
        ]
        return dg.MaterializeResult(
            metadata={"dagster/row_count": rows, "dagster/column_schema": dg.TableSchema(columns=columns), **extra}
        )

    return table


def sql_check(check: SqlCheck) -> dg.AssetChecksDefinition:
    """One rule as a check: of sql/checks blocking, of sql/warnings not."""

    @dg.asset_check(
        asset=dg.AssetKey(check.table.split(".")),
        name=check.rule,
        description=check.description,
        blocking=check.blocking,
        additional_deps=sorted({key for table in check.others for key in upstream_key(table)}),
    )
    def rule(warehouse: Warehouse) -> dg.AssetCheckResult:
        with connect_work(warehouse.settings) as connection:
            failing, examples = failing_rows(connection, check)
        report(f"check {check.table}", 1)
        return dg.AssetCheckResult(
            passed=failing == 0,
            severity=dg.AssetCheckSeverity.ERROR if check.blocking else dg.AssetCheckSeverity.WARN,
            metadata={"failing_rows": failing, "examples": examples},
        )

    return rule


def _computed(key: dg.AssetKey, deps: list[str], description: str, fill: Fill) -> dg.AssetsDefinition:
    """Tables of the gap schema that Python fills, as one asset."""

    @dg.asset(
        key=key,
        deps=[dg.AssetKey(dep.split(".")) for dep in deps],
        group_name=GROUPS["gap"],
        kinds={"python", "polars"},
        owners=["team:openmoat"],
        description=description,
    )
    def tables(warehouse: Warehouse) -> dg.MaterializeResult[None]:
        with connect_work(warehouse.settings) as connection:
            counts = fill(connection, index_tables.load(connection, warehouse.settings.cache))
        report(".".join(key.path), 1)
        return dg.MaterializeResult(metadata={"dagster/row_count": sum(counts.values()), **counts})

    return tables


@dg.asset(
    key=IDENTITY,
    deps=[dg.AssetKey("facts"), dg.AssetKey("hub_models"), dg.AssetKey("hub_renames"), *BOARD_KEYS],
    group_name=GROUPS["staging"],
    kinds={"python", "duckdb"},
    owners=["team:openmoat"],
    description="Which release every name and repository stands for, by which method, and what is left unresolved.",
)
def identities(warehouse: Warehouse) -> dg.MaterializeResult[None]:
    """Resolve the names that boards write and the repositories that belong to another model."""
    with connect_work(warehouse.settings) as connection:
        counts = identity_tables.fill(connection)
    report("identity.names", 1)
    return dg.MaterializeResult(metadata={"dagster/row_count": sum(counts.values()), **counts})


def _lineage(
    key: dg.AssetKey,
    deps: list[dg.AssetKey],
    description: str,
    fill: Callable[[duckdb.DuckDBPyConnection], dict[str, int]],
) -> dg.AssetsDefinition:
    """A table of the lineage schema, which Python fills, as an asset."""

    @dg.asset(
        key=key, deps=deps, group_name=GROUPS["staging"], kinds={"python", "duckdb"}, owners=["team:openmoat"],
        description=description,
    )  # fmt: skip
    def table(warehouse: Warehouse) -> dg.MaterializeResult[None]:
        with connect_work(warehouse.settings) as connection:
            counts = fill(connection)
        report(".".join(key.path), 1)
        return dg.MaterializeResult(metadata={"dagster/row_count": sum(counts.values())})

    return table


lineage_names = _lineage(
    NAMES,
    [dg.AssetKey("facts"), dg.AssetKey("hub_models")],
    "What the names of repositories say of how they were made, by the table of rules.",
    lineage_tables.fill_names,
)
lineage_circles = _lineage(
    CIRCLES,
    [dg.AssetKey(["staging", "lineage_edges"])],
    "Repositories that declare one another as parents, in circles of any length, or themselves.",
    lineage_tables.fill_circles,
)
lineage_keys = _lineage(
    KEYS,
    [dg.AssetKey(["staging", name]) for name in ("lineage_edges", "hub_models")],
    "Repositories by number, so that families lie together and a walk over one reads little.",
    lineage_tables.fill_keys,
)
gap_index = _computed(
    INDEX,
    ["staging.gap_inputs", "staging.index_inputs"],
    "The capability index in both modes, with draws, and what it owes to single benchmarks.",
    index_tables.write,
)
gap_computed = _computed(
    GAP,
    ["staging.gap_inputs", "gap.index"],
    "Frontiers, gaps, lags, catch-up and closing rates of every series with both sides, by pure functions.",
    gap_tables.fill,
)
gap_forecast = _computed(
    FORECAST,
    ["staging.index_inputs", "gap.index"],
    "Parity by simulation and by a straight line, and the backtest that says how far to trust them.",
    forecast_tables.fill,
)
gap_policies = _computed(
    POLICIES,
    ["staging.gap_inputs", "staging.index_inputs", "gap.index"],
    "Which score of a model on a benchmark each policy picks, why, and what it makes of gaps and the headline.",
    policy_tables.fill,
)
gap_dates = _computed(
    DATES,
    ["staging.gap_inputs", "staging.statements", "staging.models", "gap.index"],
    "What the headline owes to disputed dates: the same estimators on each way to date the models.",
    date_tables.fill,
)


@dg.asset(
    key=VINTAGES,
    deps=[dg.AssetKey(["staging", "gap_inputs"]), INDEX],
    group_name=GROUPS["gap"],
    kinds={"python", "polars"},
    owners=["team:openmoat"],
    description="What changed the headline since the last build kept here: new models, resolved, rescored, redated ...",
)
def gap_vintages(warehouse: Warehouse) -> dg.MaterializeResult[None]:
    """Compare this build with the newest kept vintage; vintages that cannot be read are left out and named."""
    settings = warehouse.settings
    with connect_work(settings) as connection:
        problems = vintage_tables.fill(connection, index_tables.load(connection, settings.cache), settings)
    for problem in problems:
        dg.AssetExecutionContext.get().log.warning(problem)
    report("gap.vintages", 1)
    return dg.MaterializeResult(metadata={"problems": problems})


def _numbers(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, float | str]:
    """What a built table says in a few numbers, which Dagster plots from run to run."""
    if table not in NUMBERS:
        return {}
    found = connection.execute(NUMBERS[table])
    names = [column[0] for column in found.description or ()]
    row = found.fetchone() or ()
    return {name: value for name, value in zip(names, row, strict=False) if value is not None}


sql_assets = [sql_asset(model) for model in load_models()]
sql_checks = [sql_check(check) for check in load_checks()]
