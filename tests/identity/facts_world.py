"""The project's tables of facts in the raw schema, with repositories and names of boards as a test needs them."""

from contextlib import contextmanager
from datetime import UTC, datetime

import duckdb
import polars as pl

from pipeline import identity_tables
from pipeline.board_state import STATE_COLUMNS as BOARDS
from pipeline.facts import tables
from pipeline.hub_state import STATE_COLUMNS
from pipeline.sources.hub_renames import COLUMNS as RENAMES

NAMED = ("releases", "overrides", "statements", "aliases")
CREATED = datetime(2024, 1, 1, tzinfo=UTC)


def repository(name, params=7_000_000_000, **more):
    return {"id": name, "author": name.partition("/")[0], "params_total": params, "created_at": CREATED,
            "tags": []} | more  # fmt: skip


def declares(child, parent, relation="finetune"):
    return {"child": child, "parent": parent, "relation": relation, "evidence": "tag"}


@contextmanager
def facts_world(hub_models=(), lineage_edges=(), board_models=(), hub_renames=(), facts=None):
    """A connection with the identity schema filled; `facts` replaces the project's tables of the same name."""
    known = {name: tables.load(name) for name in NAMED} | (facts or {})
    schemas = STATE_COLUMNS | BOARDS | {"hub_renames": RENAMES}
    rows = {"hub_models": hub_models, "lineage_edges": lineage_edges, "board_models": board_models,
            "hub_renames": hub_renames}  # fmt: skip
    with duckdb.connect() as connection:
        for schema in ("raw", "identity"):
            connection.execute(f"CREATE SCHEMA {schema}")
        frames = {f"facts_{name}": frame.with_columns(capture_id=pl.lit("f1")) for name, frame in known.items()}
        frames |= {name: pl.DataFrame(list(some), schema=dict(schemas[name])) for name, some in rows.items()}
        for name, frame in frames.items():
            connection.register("frame", frame)
            connection.execute(f"CREATE TABLE raw.{name} AS FROM frame")
            connection.unregister("frame")
        identity_tables.fill(connection)
        yield connection
