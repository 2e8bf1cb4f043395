"""The lineage schema: what names say, before staging reads it, and the circles of its edges, before the marts do."""

from __future__ import annotations

import duckdb
import polars as pl

from pipeline.lineage.circles import SCHEMA, circles
from pipeline.warehouse import replace_table

SCHEMAS = {"names": {"id": pl.String, "rule_id": pl.String}, "circles": SCHEMA}
_RULES = """
    SELECT rule_id, matches FROM (
        FROM raw.facts_technique_rules QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
    ) WHERE field = 'name' ORDER BY rule_id"""


def fill_names(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Fill lineage.names: repositories and the rules of technique_rules that their names meet.

    DuckDB compiles a pattern that stands in a column anew for every row; here each is compiled once.

    Returns:
        Rows by table.
    """
    names = connection.execute("SELECT id, split_part(id, '/', -1) AS name FROM raw.hub_models ORDER BY id").pl()
    met = [
        names.filter(pl.col("name").str.contains(pattern)).select("id", rule_id=pl.lit(rule_id))
        for rule_id, pattern in connection.execute(_RULES).fetchall()
    ]
    frame = pl.concat([pl.DataFrame(schema=SCHEMAS["names"]), *met])
    return {"names": replace_table(connection, "lineage.names", frame)}


def fill_circles(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Fill lineage.circles: edges of staging.lineage_edges that lie on a circle, with its label.

    Returns:
        Rows by table.
    """
    # Whoever has no parent or no child is on no circle.
    edges = connection.execute(
        "SELECT child, parent FROM staging.lineage_edges WHERE child IN (SELECT parent FROM staging.lineage_edges)"
        " AND parent IN (SELECT child FROM staging.lineage_edges) ORDER BY child, parent"
    ).pl()
    return {"circles": replace_table(connection, "lineage.circles", circles(edges))}
