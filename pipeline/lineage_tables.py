"""The lineage schema: what names say, before staging reads it; circles and numbers, before the marts do."""

from __future__ import annotations

import duckdb
import polars as pl

from pipeline.lineage.circles import SCHEMA, circles
from pipeline.lineage.order import keys
from pipeline.warehouse import replace_table

SCHEMAS = {"names": {"id": pl.String, "rule_id": pl.String}, "circles": SCHEMA}
_RULES = """
    SELECT rule_id, matches FROM (
        FROM raw.facts_technique_rules QUALIFY dense_rank() OVER (ORDER BY capture_id DESC) = 1
    ) WHERE field = 'name' ORDER BY rule_id"""

# Names are joined here, once; families are made of numbers.
_PLACED = """
    CREATE OR REPLACE TEMP TABLE members AS
    SELECT id, (row_number() OVER (ORDER BY id) - 1)::INTEGER AS place
    FROM (SELECT child AS id FROM staging.lineage_edges UNION SELECT parent FROM staging.lineage_edges);
    CREATE OR REPLACE TEMP TABLE placed AS
    SELECT c.place AS child, p.place AS parent, e.relation, e.evidence
    FROM staging.lineage_edges AS e
    INNER JOIN members AS c ON e.child = c.id INNER JOIN members AS p ON e.parent = p.id"""
_NUMBERED = """
    CREATE OR REPLACE TABLE lineage.keys AS
    SELECT n.key, m.id, h.downloads, h.id IS NOT NULL AND h.deleted_seen_at IS NULL AS is_listed
    FROM members AS m INNER JOIN numbers AS n USING (place) LEFT JOIN staging.hub_models AS h ON m.id = h.id;
    CREATE OR REPLACE TABLE lineage.steps AS
    SELECT p.key AS parent, c.key AS child, e.relation, e.evidence
    FROM placed AS e
    INNER JOIN numbers AS c ON e.child = c.place INNER JOIN numbers AS p ON e.parent = p.place;
    DROP TABLE members; DROP TABLE placed"""


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


def fill_keys(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Fill lineage.keys, the number of every repository on an edge, and lineage.steps, the edges by number.

    Returns:
        Rows by table.
    """
    connection.execute(_PLACED)
    edges = connection.execute("SELECT child, parent FROM placed").fetchnumpy()
    [(count,)] = connection.execute("SELECT count(*) FROM members").fetchall()
    numbers = keys(edges["child"], edges["parent"], count)
    connection.register("numbers", pl.DataFrame({"place": range(count), "key": numbers}))
    connection.execute(_NUMBERED)
    connection.unregister("numbers")
    return {"keys": count, "steps": len(edges["child"])}
