"""The family tree of millions of repositories: seconds and peak memory, beside networkx, and what one question costs.

Run from the root of the repository: `python -m benchmarks.lineage [--repositories N] [--edges N]`. Each step has a
process of its own: a synthetic world, whose names are not resolved (identity and staging.models stay empty), in the
raw schema; the project's build; networkx on the same edges; the queries of `moat lineage` on a published copy.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import networkx as nx  # type: ignore[import-untyped]
import polars as pl

from benchmarks.hub_crawl import peak_mib
from benchmarks.synthetic_hub import MACROS
from pipeline import identity_tables, lineage_tables
from pipeline.facts import tables
from pipeline.hub_state import STATE_COLUMNS
from pipeline.report import lineage
from pipeline.settings import ROOT, Settings
from pipeline.sources import facts, hub_renames
from pipeline.sql_models import build, load_models
from pipeline.warehouse import STORAGE_VERSION, connect_published, connect_work, replace_table

Result = dict[str, Any]
FOLDS: dict[str, Callable[..., float]] = {"rows": sum, "seconds": sum, "peak MiB": max}
LIMIT_MIB, PEER_SECONDS = 6144, 240  # networkx walks for so long, from one repository after the other
TREE = ("lineage.circles", "lineage.keys", "marts.family_steps", "marts.family_steps_up", "marts.family")
LIMITED = ("staging.lineage_edges", "lineage.names", "staging.techniques", *TREE, "marts.derivative_clock",
           "marts.derivatives_over_time", "marts.technique_adoption")  # fmt: skip
STEPS = ("staging.hub_models", "staging.inferred_edges", *LIMITED, "marts.lineage_evidence")
MODELS = {model.table: model for model in load_models()}
# By number: bases, chains of 31, circles (50 of one, 100 of two, 20 of five), then all others.
PLAN = """
CREATE MACRO popular(i, property) AS floor(pow(getvariable('bases'), draw(i, property, 1000000) / 1e6))::BIGINT - 1;
CREATE MACRO size(base) AS pick(base, 'size', [1, 3, 7, 13, 70]);
CREATE MACRO short(base) AS pick(base, 'family', ['aurora', 'basalt', 'cirrus']) || '-' || size(base) || 'b-' || base;
CREATE TEMP TABLE plan AS
SELECT i, CASE WHEN i < getvariable('bases') THEN 'base' WHEN i < getvariable('chained') THEN 'chain'
    WHEN i < getvariable('planted') THEN 'circle' WHEN i % 25 = 0 THEN 'merge'
    WHEN draw(i, 'role', 10000) < getvariable('children') THEN if(draw(i, 'mass', 100) < 15, 'mass', 'child')
    WHEN draw(i, 'told', 100) < 20 THEN 'told' ELSE 'alone' END AS role, if(role = 'base', i, popular(i, 'home')) AS b,
    pick(i, 'word', ['medical', 'chat', 'dpo', 'uncensored', 'v2', 'GGUF', 'sql', 'sft']) AS word, concat(CASE role
        WHEN 'base' THEN 'lab-' || i // 15 WHEN 'mass' THEN 'mass-' || i % 10 WHEN 'told' THEN 'user-' || i
        ELSE 'user-' || i % 200000 END, '/', CASE role WHEN 'base' THEN short(i)
        WHEN 'child' THEN concat_ws('-', short(b), word, i) WHEN 'mass' THEN concat_ws('-', short(b), i, 'GGUF')
        WHEN 'told' THEN concat_ws('-', short(b), word, nullif(i % 9, 0)) ELSE concat_ws('-', 'my', word, i) END) AS id
FROM range(getvariable('repositories')) AS numbers(i);
"""
EDGES = """
CREATE TEMP TABLE parted AS
SELECT i, role, b, i - getvariable('chained') AS place, getvariable('planted') // 25 + 1 AS merges, i * 64 + unnest(
    range(if(role <> 'merge', 1, if(i % 25000 = 0, 50, 2 + draw(i, 'n', 3))))) AS k, draw(k, 'which', 100) AS which
FROM plan WHERE role IN ('circle', 'merge', 'mass', 'child') OR role = 'chain' AND (i - getvariable('bases')) % 31 > 0;
CREATE TEMP TABLE joined AS
SELECT DISTINCT i, role, CASE WHEN role = 'chain' THEN i - 1
    WHEN role = 'circle' THEN getvariable('chained') + CASE WHEN place < 50 THEN place
        WHEN place < 250 THEN xor(place, 1) ELSE place - place % 5 + (place + 1) % 5 END
    WHEN which < 5 THEN -1 - draw(k, 'lost', getvariable('bases'))
    WHEN role = 'merge' AND which < 38 THEN 25 * (merges + draw(k, 'merge', greatest(i // 25 - merges, 1)))
    WHEN which < 70 THEN if(role = 'merge', popular(k, 'base'), b)
    ELSE getvariable('chained') + draw(k, 'other', place) END AS parent FROM parted;
INSERT INTO raw.lineage_edges BY NAME
SELECT c.id AS child, coalesce(p.id, 'lost-' || e.parent || '/model' || e.parent) AS parent, 'h' AS capture_id,
    if(e.role = 'merge', 'merge', if(e.role = 'mass', 'quantized', 'finetune')) AS relation, 'tag' AS evidence
FROM joined AS e INNER JOIN plan AS c ON e.i = c.i LEFT JOIN plan AS p ON e.parent = p.i ORDER BY e.i;
"""
HUB = """
INSERT INTO raw.hub_models BY NAME
SELECT id, split_part(id, '/', 1) AS author, 'h' AS capture_id, to_timestamp(1.64e9 + 1.4e8 * if(role = 'base',
    pow(draw(i, 'made', 1000) / 1e3, 3), i / getvariable('repositories'))) AS created_at, created_at AS last_modified,
    heavy(i, 'downloads', 5e7)::BIGINT AS downloads, pick(i, 'tool', ['transformers', 'peft', NULL]) AS library,
    [pick(i, 'how', ['gguf', 'lora', 'sft', 'dpo', 'chat', 'x', 'y', 'z']), if(role = 'merge', 'mergekit', 'en'),
        'region:us', 'license:mit', 'arxiv:' || i % 100000, 'base_model:' || short(b), 'safetensors', 'pytorch',
        'conversational', 'compatible'] AS tags, pick(i, 'task', ['any-to-any', 'fill', NULL]) AS pipeline_tag,
    if(draw(i, 'weights', 10) < 6, (size(b) * 1e9)::BIGINT + b, NULL) AS params_total FROM plan ORDER BY i;
CREATE TABLE staging.models (model_id TEXT, weights_on DATE, released_on DATE, released_on_source TEXT);
CREATE TABLE staging.aliases (name TEXT, source TEXT, variant TEXT, model_id TEXT)
"""
ASKED = {"with some 50 descendants": "ORDER BY depth, abs(descendants - 50), id",
         "with most descendants": "ORDER BY descendants DESC, id",
         "a leaf at depth 30": "WHERE depth = 30 ORDER BY descendants, id"}  # fmt: skip
SHAPES = {"a chain of 10,000": [(f"c/{n + 1}", f"c/{n}") for n in range(10_000)],
          "a repository with 50 parents": [("m/merge", f"p/{n}") for n in range(50)],
          "a circle of 5": [(f"o/{n}", f"o/{(n + 1) % 5}") for n in range(5)], "one that names itself": [("s", "s")],
          "1,000 missing parents": [(f"a/{n}", f"lost/{n}") for n in range(1_000)]}  # fmt: skip


def make(folder: Path, repositories: int, edges: int) -> Result:
    """The raw schema of a work file: so many repositories, about so many edges, the project's tables of facts."""
    bases, chains = repositories // 100, repositories // 620
    planted = bases + 31 * chains + 350
    numbers = {"seed": 1, "repositories": repositories, "bases": bases, "chained": planted - 350, "planted": planted,
               "children": round(10_000 * ((edges - 30 * chains) / (repositories - planted) - 0.12) / .96)}  # fmt: skip
    states = STATE_COLUMNS | {"hub_renames": hub_renames.COLUMNS}
    frames = {f"raw.{name}": pl.DataFrame(schema=columns) for name, columns in states.items()}
    frames |= {f"identity.{name}": pl.DataFrame(schema=columns) for name, columns in identity_tables.SCHEMAS.items()}
    frames |= {f"raw.facts_{name}": tables.load(name).with_columns(capture_id=pl.lit("f")) for name in facts.TABLES}
    frames["raw.run"] = pl.DataFrame({"as_of": [date(2026, 8, 1)], "hub": ["synthetic"]})
    with connect_work(Settings(data=folder)) as connection:
        for name, frame in frames.items():
            replace_table(connection, name, frame)
        connection.execute("".join(f"SET VARIABLE {name} = {value};" for name, value in numbers.items()))
        connection.execute((MACROS + PLAN).replace("CREATE MACRO", "CREATE TEMP MACRO") + EDGES + HUB)
        return {"edges": connection.execute("SELECT count(*) FROM raw.lineage_edges").fetchall()[0][0]}


def ours(folder: Path) -> Result:
    """Every table: rows, seconds and the peak memory of this process while it was built (Linux)."""
    found: Result = {}
    with connect_work(Settings(data=folder)) as work:
        work.execute("SET threads = 2")
        for name in STEPS:
            Path("/proc/self/clear_refs").write_text("5")
            start = time.perf_counter()
            found[name] = {"rows": _made(work, name), "seconds": time.perf_counter() - start, "peak MiB": peak_mib()}
    return found


def _made(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    fills = {f"lineage.{name}": getattr(lineage_tables, f"fill_{name}") for name in ("names", "circles", "keys")}
    return sum(fills[name](connection).values()) if name in fills else build(connection, MODELS[name])


def peer(folder: Path) -> Result:
    """The same with networkx, up and down from one repository after the other; fails where marts.family differs."""
    with connect_work(Settings(data=folder)) as connection:
        edges = connection.execute("SELECT parent, child FROM staging.lineage_edges").fetchall()
        start = time.perf_counter()
        graph = nx.DiGraph(edges)
        part = {one: n for n, found in enumerate(nx.strongly_connected_components(graph)) for one in found}
        graph.remove_edges_from([(parent, child) for parent, child in edges if part[parent] == part[child]])
        ways, rows, ready = (graph.reverse(copy=False), graph), [], time.perf_counter() - start
        for node in pl.Series(list(graph)).shuffle(seed=1):
            far = [nx.single_source_shortest_path_length(way, node, lineage.DEEPEST) for way in ways]
            rows.append((node, *(len(one) - 1 for one in far), *(max(one.values()) for one in far)))
            if time.perf_counter() - start - ready > PEER_SECONDS:
                break
        seconds = ready + (time.perf_counter() - start - ready) * len(graph) / len(rows)
        memory, columns = peak_mib(), ("id", "ancestors", "descendants", "depth", "height")
        connection.register("walked", pl.DataFrame(rows, schema=columns, orient="row"))
        same = f"SELECT count(*) FROM walked INNER JOIN marts.family USING ({', '.join(columns)})"
        if connection.execute(same).fetchall() != [(len(rows),)]:
            raise AssertionError("networkx finds other families")
    return {"rows": len(graph), "seconds": seconds, "peak MiB": memory, "walked": len(rows)}


def query(folder: Path) -> Result:
    """Milliseconds of each query of `moat lineage` with a connection of its own, and of the command's whole answer."""
    settings, found = Settings(data=folder), {}
    settings.published.mkdir(parents=True, exist_ok=True)
    with connect_work(settings) as work:
        work.execute(f"ATTACH '{settings.published_file}' AS target (STORAGE_VERSION '{STORAGE_VERSION}');"
                     " CREATE SCHEMA target.staging; CREATE SCHEMA target.marts")  # fmt: skip
        for name in (name for name in STEPS if name in MODELS):
            work.execute(f"CREATE TABLE target.{name} AS FROM {name}")
        family = "SELECT id, ancestors, descendants FROM marts.family"
        asked = {what: work.execute(f"{family} {which} LIMIT 1").fetchall()[0] for what, which in ASKED.items()}
    queries = {"connection": "SELECT 1", "clock": lineage._CLOCK, "kinds": lineage._KINDS, "all": ""}
    for what, (model, ancestors, descendants) in asked.items():
        seconds: dict[str, list[float]] = {}
        for name, text in 7 * list(queries.items()):
            start = time.perf_counter()
            _ask(settings, text, model) if text else lineage.lineage(settings, model)
            seconds.setdefault(name, []).append(time.perf_counter() - start)
        found[what] = {"ancestors": ancestors, "descendants": descendants}
        found[what] |= {name: 1000 * median(several) for name, several in seconds.items()}
    return found


def _ask(settings: Settings, text: str, model: str) -> None:
    with connect_published(settings) as connection:
        connection.execute(text, {"model": model} if "$model" in text else {}).fetchall()


def shapes(_: Path) -> Result:
    """Circles and families of what ought to stop a walk, each in a database of its own."""
    found: Result = {}
    for name, edges in SHAPES.items():
        with duckdb.connect(config={"threads": 2}) as connection:
            connection.execute("CREATE SCHEMA staging; CREATE SCHEMA lineage; CREATE SCHEMA marts")
            frame = pl.DataFrame(edges, schema=("child", "parent"), orient="row")
            frame = frame.with_columns(evidence=pl.lit("tag"), relation=pl.lit("finetune"))
            replace_table(connection, "staging.lineage_edges", frame)
            connection.execute("CREATE TABLE staging.hub_models (id TEXT, downloads BIGINT, deleted_seen_at DATE)")
            start = time.perf_counter()
            found[name] = {table: _made(connection, table) for table in TREE}
            found[name]["ms"] = 1000 * (time.perf_counter() - start)
    return found


WORK: dict[str, Callable[..., Result]] = {one.__name__: one for one in (make, ours, shapes, peer, query)}


def step(*arguments: object) -> Result:
    """Run one step in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.lineage", "--step", *map(str, arguments)]
    found: Result = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=ROOT).stdout)
    return found


def show(head: str, rows: Result) -> None:
    """Print Markdown: a row each, with the columns of the first."""
    names = [head, *next(iter(rows.values()))]
    print(f"\n| {' | '.join(names)} |\n|---|{'---:|' * (len(names) - 1)}")
    for name, row in rows.items():
        cells = (f"{one:,.1f}" if isinstance(one, float) else f"{one:,}" for one in row.values())
        print(f"| {name} | {' | '.join(cells)} |")


def main() -> None:
    """Measure and print, or run one step; fails where memory is over the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repositories", type=int, default=3_000_000)
    parser.add_argument("--edges", type=int, default=2_000_000)
    parser.add_argument("--step", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        print(json.dumps(WORK[given.step[0]](Path(given.step[1]), *map(int, given.step[2:]))))
        return
    with tempfile.TemporaryDirectory(prefix="lineage-") as folder:
        made = step("make", folder, given.repositories, given.edges)
        built, stopped, walked, asked = (step(name, folder) for name in ("ours", "shapes", "peer", "query"))
    print(f"{given.repositories:,} repositories, {made['edges']:,} declared edges; DuckDB with 2 threads")
    total, tree = ({k: fold(built[n][k] for n in names) for k, fold in FOLDS.items()} for names in (LIMITED, TREE))
    show("table", built | {"tree, clocks and adoption (limits: 60 s, 6,144 MiB)": total})
    said = f"networkx ({walked.pop('walked') / walked['rows']:.0%} walked and the same; the rest extrapolated)"
    both = {"ours": tree, said: walked}
    show("circles and families", {n: one | {"ratio": one["seconds"] / tree["seconds"]} for n, one in both.items()})
    show("one repository, ms (limit: 100)", asked)
    show("shape (limit: 1,000 ms)", stopped)
    if (highest := max(one["peak MiB"] for one in built.values())) > LIMIT_MIB:
        raise SystemExit(f"{highest:,.0f} MiB are over the limit of {LIMIT_MIB:,} MiB")


if __name__ == "__main__":
    main()
