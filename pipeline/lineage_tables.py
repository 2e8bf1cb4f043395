"""The lineage schema: what is made from the edges of staging before the marts read both."""

from __future__ import annotations

import duckdb

from pipeline.lineage.circles import SCHEMA, circles
from pipeline.warehouse import replace_table

SCHEMAS = {"circles": SCHEMA}


def fill(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Fill lineage.circles: edges of staging.lineage_edges that lie on a circle, with its label.

    Returns:
        Rows by table.
    """
    edges = connection.execute("SELECT child, parent FROM staging.lineage_edges ORDER BY child, parent").pl()
    return {"circles": replace_table(connection, "lineage.circles", circles(edges))}
