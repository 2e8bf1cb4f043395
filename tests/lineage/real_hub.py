"""The real sample of the Hub in a small world: repositories and edges by the project's own reader, and its rules."""

from functools import cache

import pytest

from pipeline.facts import tables
from pipeline.hub_state import STATE_COLUMNS
from pipeline.localhub.repositories import Repositories
from pipeline.settings import Settings
from pipeline.sources.hub_models import Parsed
from tests.warehouse.worlds import build_world

SAMPLE = Settings().shared / "data" / "hub_stats_sample" / "hub_stats.parquet"
needs_sample = pytest.mark.skipif(not SAMPLE.is_file(), reason=f"{SAMPLE} is not here; set MOAT_SHARED")
RULES = ("technique_rules", "parent_rules", "derivatives", "base_starts")


def rules():
    """The project's tables of facts on lineage, as rows of the raw schema."""
    return {f"facts_{name}": [row | {"capture_id": "f2"} for row in tables.load(name).to_dicts()] for name in RULES}


@cache
def read_sample():
    """Repositories and edges of the sample, the last of each repository."""
    parsed = Parsed("h2")
    for item in {item["id"]: item for item in Repositories.from_parquet(SAMPLE).items}.values():
        parsed.add(item)
    tables_of = ("hub_models", "lineage_edges")
    return {name: [{c: row[c] for c in STATE_COLUMNS[name] if c in row} for row in parsed.rows[name]]
            for name in tables_of}  # fmt: skip


def sample_world(only, hidden=()):
    """The sample with the marts of `only`, where the repositories of `hidden` declare nothing."""
    read = read_sample()
    edges = [edge for edge in read["lineage_edges"] if edge["child"] not in hidden]
    return build_world(only, hub_models=read["hub_models"], lineage_edges=edges, **rules())
