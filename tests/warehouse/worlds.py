"""A small world of literal rows, built by the real SQL: what the tests of the marts read."""

from contextlib import contextmanager
from datetime import date

import duckdb
import polars as pl

from pipeline import identity_tables, lineage_tables
from pipeline.board_state import STATE_COLUMNS as BOARDS
from pipeline.facts.schema import TABLES
from pipeline.hub_state import STATE_COLUMNS
from pipeline.raw import CAPTURE_COLUMNS, SOURCE_COLUMNS
from pipeline.sources import hub_renames
from pipeline.sources.facts import TABLES as FACTS
from pipeline.sources.hub_models import TABLES as HUB
from pipeline.sql_models import build, load_models
from tests.warehouse.literal_rows import SEEN, URL, capture, edition, figure, fill_gap, rated, release, score

TREES = {"lineage.circles", "lineage.keys", "lineage.steps"}


@contextmanager
def build_world(only=None, **more):
    """Two captures: the second corrects closed B from 70 to 60; unknown U and doubtful D lead nobody.

    `only` names the tables to build, with all they are made from; all of them where it is not given. `more` names
    tables of the raw schema and the rows to add to them.
    """
    releases = [
        release("a", "closed", 1),
        release("b", "closed", 11),
        release("o", "open", 21, licence_class="unrestricted"),
        release("u", "unknown", 2, params_b=3.0),
        release("d", "closed", 3),
    ]
    first = [score("a", 50.0), score("b", 70.0), score("o", 55.0), score("u", 99.0), score("d", 98.0, doubtful=True)]
    second = [row | {"capture_id": "f2", "value": 60.0 if row["model_id"] == "b" else row["value"]} for row in first]
    facts = {
        "releases": [row | {"capture_id": f} for f in ("f1", "f2") for row in releases],
        "benchmarks": [{"benchmark_id": "quiz", "name": "Quiz", "unit": "percent", "direction": "higher",
                        "released_on": date(2020, 1, 2), "visibility": "public", "visibility_url": URL,
                        "source_name": "s", "source_url": URL, "capture_id": "f2"}],
        "published_figures": [figure("one", 1, 3.0, "f1"), figure("one", 1, 4.0, "f2"), figure("two", 2, None, "f2")],
        "series": [{"series_id": "quiz_series", "benchmark_id": "quiz", "protocol": "p", "evaluator": "e",
                    "comparability": "same_evaluator", "unit": "percent", "direction": "higher", "chance": 0.0,
                    "ceiling": 100.0, "source_name": "s", "source_url": URL, "capture_id": "f2"}],
        "sizes": [{"model_id": m, "params_b": 7.5, "source_name": "s", "source_url": URL, "capture_id": "f2"}
                  for m in ("o", "u")],
        "scores_closed": first + second,
    }  # fmt: skip
    stays, gone, new = (
        {"id": f"org/{name}", "author": "org", "tags": [], "params_total": 7} for name in ("stays", "gone", "new")
    )
    edge = {"child": "org/stays", "parent": "org/base", "relation": "merge", "evidence": "tag"}
    hub = {
        "hub_models": [
            stays | {"capture_id": "h2"},
            gone | {"capture_id": "h1", "gone_at": SEEN[1]},
            new | {"capture_id": "h2"},
        ],
        "lineage_edges": [edge | {"capture_id": "h2"}],
        "board_scores": [
            rated("pet", "old", 7.0),
            rated("pet", "new", 8.0),
            rated("ORG/STAYS", "new", 9.0),
            rated("old", "new", 6.0, gone_at=SEEN[1]),
        ],
        "board_models": [
            {"source": "board", "model": "A", "access": "closed", "released_on": date(2024, 1, 5)},
            {"source": "board", "model": "pet", "access": "unknown"},
            {"source": "board", "model": "old", "access": "unknown"},
            {"source": "board", "model": "ORG/STAYS", "hub_id": "ORG/STAYS", "access": "unknown"},
        ],
        "board_series": [edition("old", 1), edition("new", 2), edition("future", 28)],
    }
    captures = [capture(source, number) for source in ("facts", "hub_models") for number in (1, 2)]
    captures.append(capture("board", 1))
    sources = [
        {"source": s, "state": "asked", "attribution": s.upper(), "url": URL, "checked_at": SEEN[1]}
        for s in ("facts", "hub_models", "board")
    ]
    sources.append({"source": "other", "state": "not offered", "attribution": "O", "url": URL})
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for schema in ("raw", "identity", "lineage", "staging", "gap", "marts", "ops"):
            connection.execute(f"CREATE SCHEMA {schema}")
        tables = {f"facts_{n}": (facts.get(n, []), dict(TABLES[n].columns) | {"capture_id": pl.String}) for n in FACTS}
        tables |= {name: (hub.get(name, []), dict(schema)) for name, schema in (HUB | STATE_COLUMNS | BOARDS).items()}
        renames = [{"asked": "org/gone", "state": "renamed", "id": "org/stays", "capture_id": "h2"}]
        tables |= {"hub_renames": (renames, hub_renames.COLUMNS)}
        tables |= {"captures": (captures, CAPTURE_COLUMNS), "sources": (sources, SOURCE_COLUMNS)}
        tables |= {"run": ([{"as_of": date(2024, 2, 10), "hub": "o"}], {"as_of": pl.Date, "hub": pl.String})}
        for name, (rows, schema) in tables.items():
            connection.register("frame", pl.DataFrame(rows + more.pop(name, []), schema=schema))
            connection.execute(f"CREATE TABLE raw.{name} AS FROM frame")
            connection.unregister("frame")
        assert not more, f"no such tables: {list(more)}"
        identity_tables.fill(connection)
        lineage_tables.fill_names(connection)
        models = wanted(only)
        for model in models:
            if model.schema == "staging":
                build(connection, model)
        if any(table in TREES for model in models for table in model.upstream):
            lineage_tables.fill_circles(connection)
            lineage_tables.fill_keys(connection)
        if any(table.startswith("gap.") for model in models for table in model.upstream):
            fill_gap(connection)
        for model in models:
            if model.schema != "staging":
                build(connection, model)
        yield connection


def wanted(only):
    """The tables of sql/ to build, in order: these with all they are made from, or all."""
    models = load_models()
    names = {model.table for model in models} if only is None else set(only)
    # What Python fills in between hides who needs staging, so that comes last.
    downstream_first = [model for model in models if model.schema == "staging"] + [
        model for model in models if model.schema != "staging"
    ]
    for model in reversed(downstream_first):
        if model.table in names:
            # What Python fills in between is made from the whole of staging.
            gap = any(table.startswith("gap.") for table in model.upstream)
            names |= {one.table for one in models if one.schema == "staging"} if gap else set(model.upstream)
            names |= {"staging.lineage_edges", "staging.hub_models"} if TREES & set(model.upstream) else set()
    return [model for model in models if model.table in names]
