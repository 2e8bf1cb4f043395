"""What the headline owes to disputed dates: the same estimators on each way to date the models."""

from __future__ import annotations

from typing import Any

import duckdb
import polars as pl

from pipeline.gap.series import SeriesReport, series_report
from pipeline.gap_tables import asked_date, by_date
from pipeline.index_tables import Indexed
from pipeline.warehouse import replace_table

HEADLINE = "epoch_eci"
COLUMNS: dict[str, Any] = {
    "series": pl.String, "dating": pl.String, "redated": pl.Int64, "gap_raw": pl.Float64, "lag_months": pl.Float64,
    "catch_up_median": pl.Float64, "catch_up_lo": pl.Float64, "catch_up_hi": pl.Float64, "records": pl.Int64,
    "censored": pl.Int64,
}  # fmt: skip
SCHEMAS = {"date_sensitivity": COLUMNS}
# The day that a kind of evidence gives a model; of several the first.
DATINGS = {
    "as used": None,
    "as Epoch has it": "evidence = 'epoch'",
    "as announced": "evidence IN ('announcement', 'override')",
}


def fill(connection: duckdb.DuckDBPyConnection, found: Indexed) -> dict[str, int]:
    """Fill gap.date_sensitivity: the headline series under each of `DATINGS`.

    A model that a dating has no day for keeps the one that is used.
    """
    inputs = found.inputs.filter(series=HEADLINE)
    rows = []
    for dating, evidence in DATINGS.items():
        dated = inputs if evidence is None else _redated(connection, inputs, evidence)
        redated = int((dated["released_on"].ne_missing(inputs["released_on"])).sum())
        for until, part in by_date(dated, asked_date(connection)):
            rows += [_row(report, dating, redated) for report in series_report(part, until)]
    return {"date_sensitivity": replace_table(connection, "gap.date_sensitivity", pl.DataFrame(rows, schema=COLUMNS))}


def _redated(connection: duckdb.DuckDBPyConnection, inputs: pl.DataFrame, evidence: str) -> pl.DataFrame:
    days = connection.execute(
        "SELECT m.name AS model, min(s.day) AS stated_on FROM staging.statements AS s"
        " INNER JOIN staging.models AS m ON s.model_id = m.model_id"
        f" WHERE s.field = 'released_on' AND s.day IS NOT NULL AND {evidence} GROUP BY m.name"
    ).pl()
    joined = inputs.join(days, on="model", how="left", maintain_order="left")
    return joined.with_columns(released_on=pl.coalesce("stated_on", "released_on")).drop("stated_on")


def _row(report: SeriesReport, dating: str, redated: int) -> dict[str, Any]:
    outcome = report.survival
    return {
        "series": report.series, "dating": dating, "redated": redated, "gap_raw": report.gap_raw,
        "lag_months": report.backward.months, "catch_up_median": outcome.median,
        "catch_up_lo": outcome.calibrated_lo, "catch_up_hi": outcome.calibrated_hi, "records": outcome.n,
        "censored": outcome.censored,
    }  # fmt: skip
