"""The page where a reader asks the marts in SQL, and the engine that runs in the browser."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import duckdb

from pipeline.site.pages import DASHBOARDS, render

MODULES = DASHBOARDS / "node_modules"
"""Where `npm ci` puts the packages."""

_DIST = Path("@duckdb/duckdb-wasm/dist")
# Of the three builds of the engine this is the one for browsers that know WebAssembly exceptions: Chrome 95, Firefox
# 100, Safari 15.2 (2021 and 2022) and all since. The one without is larger and slower; the one with threads needs
# headers that a plain file server does not send.
_ENGINE = _DIST / "duckdb-eh.wasm"
_WORKER = _DIST / "duckdb-browser-eh.worker.js"
_CLIENT = _DIST / "duckdb-browser.mjs"
_ARROW = Path("apache-arrow/Arrow.es2015.min.js")
_LICENCES = """\
DuckDB-Wasm (duckdb-eh.wasm, worker.js, client.js): MIT License.
Copyright 2021 DuckDB WASM Contributors (see https://github.com/duckdb/duckdb-wasm/graphs/contributors)
DuckDB inside it: MIT License. Copyright 2018-2025 Stichting DuckDB Foundation

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.

"""

EXAMPLES = {
    "The answer": """\
SELECT sentence, gap_raw, gap_lo, gap_hi, lag_months, lag_lo, lag_hi
FROM marts.headline
WHERE is_headline AND open_definition = 'downloadable' AND tolerance = 'strict'""",
    "Gap of every series by year": """\
PIVOT (
  SELECT series, year(day) AS year, day, gap_raw
  FROM marts.gap
  WHERE day >= DATE '2022-01-01'
)
ON year
USING arg_max(gap_raw, day)
GROUP BY series
ORDER BY series""",
    "Who led when": """\
SELECT released_on, model_name, side, score
FROM marts.frontier
WHERE series = 'epoch_eci'
ORDER BY released_on""",
    "How long closed records stood": """\
SELECT closed_model, closed_on, matched_by, matched_on, lag_months, censored
FROM marts.catch_up
WHERE series = 'epoch_eci'
ORDER BY closed_on DESC""",
    "Most built upon": """\
SELECT id, descendants, children, height
FROM marts.family
ORDER BY descendants DESC, id
LIMIT 20""",
    "Where scores come from": """\
SELECT source, scores, rows_quarantined, captured_at, licence
FROM marts.sources
ORDER BY scores DESC NULLS LAST""",
}

_TABLES = """
SELECT table_name, comment FROM duckdb_tables()
WHERE schema_name = 'marts' AND database_name = current_database() ORDER BY table_name
"""
_COLUMNS = """
SELECT table_name, column_name, data_type, comment FROM duckdb_columns()
WHERE schema_name = 'marts' AND database_name = current_database() ORDER BY table_name, column_index
"""
_FILE = "SELECT path FROM duckdb_databases() WHERE database_name = current_database()"


def write(connection: duckdb.DuckDBPyConnection, site: dict[str, Any], folder: Path) -> None:
    """Write sql.html and the engine if it is installed; the database that it asks is one of the downloads.

    Args:
        connection: the published file; marts.duckdb lies beside it.
        site: what every page shows.
        folder: of the site.

    Raises:
        OSError: a file cannot be read or written.
    """
    [(published,)] = connection.execute(_FILE).fetchall()
    # The downloads put a copy of it into the folder.
    data = Path(published).with_name("marts.duckdb")
    engine = _engine(folder / "assets" / "duckdb")
    page = render(
        "sql.html", site, tables=_tables(connection), examples=EXAMPLES, engine_bytes=engine,
        data_bytes=data.stat().st_size,
    )  # fmt: skip
    (folder / "sql.html").write_text(page, encoding="utf-8")


def _tables(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    columns: dict[str, list[dict[str, Any]]] = {}
    for table, column, kind, meaning in connection.execute(_COLUMNS).fetchall():
        columns.setdefault(table, []).append({"name": column, "kind": kind, "meaning": meaning or ""})
    tables = []
    for table, meaning in connection.execute(_TABLES).fetchall():
        [(rows,)] = connection.execute(f'SELECT count(*) FROM marts."{table}"').fetchall()
        tables.append({"name": table, "meaning": meaning or "", "rows": rows, "columns": columns.get(table, [])})
    return tables


def _engine(target: Path) -> int | None:
    """Copy the engine to the site.

    Returns:
        The bytes of its WebAssembly; null = it is not installed, and the page says so.
    """
    if not all((MODULES / file).exists() for file in (_ENGINE, _WORKER, _CLIENT, _ARROW)):
        return None
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(MODULES / _ENGINE, target / "duckdb-eh.wasm")
    (target / "worker.js").write_text(_plain(MODULES / _WORKER))
    (target / "arrow.js").write_text(_plain(MODULES / _ARROW))
    # The client names Arrow as a package; a browser knows files alone, and an import map would be a script in the page.
    client = re.sub(r'import\*as (\w+) from"apache-arrow"', r"const \1=globalThis.Arrow", _plain(MODULES / _CLIENT))
    (target / "client.js").write_text(client)
    arrow = MODULES / _ARROW.parent
    texts = [
        f"Apache Arrow (arrow.js): Apache License 2.0.\n\n{(arrow / n).read_text()}"
        for n in ("NOTICE.txt", "LICENSE.txt")
    ]
    (target / "LICENCES.txt").write_text(_LICENCES + "\n".join(texts))
    return (target / "duckdb-eh.wasm").stat().st_size


def _plain(script: Path) -> str:
    """A script without the note that names its source map: the site does not carry that."""
    return re.sub(r"\n//# sourceMappingURL=\S+\s*$", "\n", script.read_text())
