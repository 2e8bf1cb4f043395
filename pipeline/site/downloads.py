"""The page of the data: sources, what was put aside, files with their hashes, schema, licences, how to cite, changes.

It is written last, because it lists what the others wrote.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from pipeline.site.feed import atom, changes_of
from pipeline.site.pages import render
from pipeline.vintages import code
from pipeline.warehouse import tables_of

Document = dict[str, Any]
_SOURCES = "FROM marts.sources ORDER BY scores DESC, rows_read DESC NULLS LAST, source"
_QUARANTINE = """
SELECT source, kind, reason, count(*) AS items FROM ops.quarantine
GROUP BY source, kind, reason ORDER BY items DESC, source, reason
"""
_ANSWERS = """
SELECT * EXCLUDE (notes) FROM marts.headline WHERE is_headline
ORDER BY open_definition = 'downloadable' DESC, open_definition, tolerance DESC
"""
_CHANGES = "FROM marts.vintage_changes ORDER BY built_after DESC, series, open_definition, metric, abs(amount) DESC"
_CAPTURES = "SELECT source, capture_id, revision, sha256, finished_at FROM ops.captures ORDER BY capture_id, source"
_SEEN = "SELECT max(finished_at) FROM ops.captures"
_WHERE = "SELECT path FROM duckdb_databases() WHERE database_name = current_database()"
_TABLES = """
SELECT t.table_name, t.comment, c.column_name, c.data_type, c.comment
FROM duckdb_tables() AS t
INNER JOIN duckdb_columns() AS c ON t.table_oid = c.table_oid AND t.database_oid = c.database_oid
WHERE t.schema_name = 'marts' AND t.database_name = current_database()
ORDER BY t.table_name, c.column_index
"""
_WORDS = {
    "marts.duckdb": "every mart in one file: DuckDB 1.0 or later, and the SQL page",
    "latest.json": "the answer for programs",
    "changes.xml": "Atom feed of the answer and what changed it",
    "CITATION.cff": "citation file of this build",
    "CITATION.bib": "the same as BibTeX",
}
_TEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"} | {
    mark: f"\\{mark}" for mark in "&%$#_{}"
}
_LICENCE = "CC-BY-4.0"
_NOT_LISTED = ("data.html", "manifest.json")
"""A page cannot hold its own hash, nor that of the list that holds its hash."""


def write(connection: duckdb.DuckDBPyConnection, site: dict[str, Any], folder: Path) -> None:
    """Write the files that people and programs take away, data.html, and manifest.json of every file of the site."""
    _copy(connection, folder)
    changes = changes_of(connection.execute(_CHANGES).pl().to_dicts())
    seen = (connection.execute(_SEEN).fetchone() or (None,))[0]
    (folder / "changes.xml").write_bytes(atom(site, seen, changes))
    _write_json(folder / "latest.json", latest(connection, site))
    text, cff, bibtex = citation(site)
    (folder / "CITATION.cff").write_text(cff, encoding="utf-8")
    (folder / "CITATION.bib").write_text(bibtex, encoding="utf-8")
    files = listed(folder)
    found = {path: (bytes_, sha) for path, bytes_, sha in files}
    page = render(
        "data.html", site, sources=connection.execute(_SOURCES).pl().to_dicts(),
        quarantine=connection.execute(_QUARANTINE).fetchall(), changes=changes, schema=schema(connection),
        files=[(path, what, *found[path]) for path, what in _WORDS.items()],
        parquet=[one for one in files if one[0].startswith("parquet/")], groups=_groups(files),
        citation=text, bibtex=bibtex, licence=_LICENCE, size=size,
    )  # fmt: skip
    (folder / "data.html").write_text(page, encoding="utf-8")
    _write_json(folder / "manifest.json", manifest(connection, site, folder))


def latest(connection: duckdb.DuckDBPyConnection, site: Mapping[str, Any]) -> Document:
    """The answer for programs. These keys stay; others may come.

    Returns:
        `schema` (1), `as_of` (day the build asked for), `built`, `hash` (of the content), `hub`, `attribution`,
        `licence`, `sentence`; `headline`, the row of marts.headline with open = downloadable at strict tolerance, by
        its columns, or null where there is none; `answers`, such rows in every definition of open and tolerance, the
        headline first.
    """
    answers = connection.execute(_ANSWERS).pl().to_dicts()
    strict = [row for row in answers if (row["open_definition"], row["tolerance"]) == ("downloadable", "strict")]
    return _about(site) | {
        "licence": _LICENCE,
        "sentence": site["sentence"],
        "headline": strict[0] if strict else None,
        "answers": answers,
    }


def manifest(connection: duckdb.DuckDBPyConnection, site: Mapping[str, Any], folder: Path) -> Document:
    """Every file of the site but this list itself, and what it was made from.

    Returns:
        `schema` (1), `as_of`, `built`, `hash`, `hub`, `attribution`; `version` and `code` of the program; `captures`
        with `source, capture_id, revision, sha256, finished_at`; `files` with `path, bytes, sha256`, sorted by path.
    """
    return _about(site) | {
        "version": version("openmoat"),
        "code": code(),
        "captures": connection.execute(_CAPTURES).pl().to_dicts(),
        "files": [
            {"path": path, "bytes": bytes_, "sha256": sha}
            for path, bytes_, sha in listed(folder, leaving_out=("manifest.json",))
        ],
    }


def listed(folder: Path, leaving_out: tuple[str, ...] = _NOT_LISTED) -> list[tuple[str, int, str]]:
    """Path, bytes and sha256 of every file in a folder and those below, sorted by path."""
    found = []
    for file in folder.rglob("*"):
        path = file.relative_to(folder).as_posix()
        if file.is_file() and path not in leaving_out:
            with file.open("rb") as content:
                found.append((path, file.stat().st_size, hashlib.file_digest(content, "sha256").hexdigest()))
    return sorted(found)


def schema(connection: duckdb.DuckDBPyConnection) -> list[Document]:
    """Every mart: its name, meaning, number of rows, and columns with name, type and meaning."""
    tables: dict[str, Document] = {}
    for name, meaning, *column in connection.execute(_TABLES).fetchall():
        tables.setdefault(name, {"name": name, "meaning": meaning, "columns": []})["columns"].append(column)
    for name in tables_of(connection, "marts"):
        [(tables[name]["rows"],)] = connection.execute(f'SELECT count(*) FROM marts."{name}"').fetchall()
    return list(tables.values())


def citation(site: Mapping[str, Any]) -> tuple[str, str, str]:
    """How to cite this build: as a sentence, as a citation file (CFF), as BibTeX."""
    day, digest, release = site["as_of"].isoformat(), site["hash"], version("openmoat")
    year = site["as_of"].year
    text = (
        f"Open Moat contributors ({year}). Open Moat: how far open models are behind closed ones. Version {release},"
        f" as of {day}, build {digest[:12]}. {site['attribution']}."
    )
    # A text of JSON is one of YAML too.
    cff = "\n".join([
        "cff-version: 1.2.0", "message: Please cite the data as below, and the sources that its tables name.",
        'title: "Open Moat: how far open models are behind closed ones"', "type: dataset",
        f"version: {json.dumps(release)}",
        f"date-released: {json.dumps(day)}", f"license: {_LICENCE}", "authors:", "  - name: Open Moat contributors",
        "identifiers:", "  - type: other", f"    value: {json.dumps('sha256:' + digest)}",
        "    description: logical hash of the published tables", f"abstract: {json.dumps(site['attribution'])}",
    ]) + "\n"  # fmt: skip
    bibtex = (
        f"@misc{{openmoat_{digest[:8]},\n  author = {{{{Open Moat contributors}}}},\n"
        "  title = {{Open Moat}: how far open models are behind closed ones},\n"
        f"  year = {{{year}}},\n  version = {{{_tex(release)}}},\n"
        f"  note = {{As of {day}, build {digest[:12]}. {_tex(site['attribution'])}}}\n}}\n"
    )
    return text, cff, bibtex


def size(bytes_: int) -> str:
    """Bytes as people say them."""
    if bytes_ < 1000:
        return f"{bytes_} B"
    return f"{bytes_ / 1000:.0f} kB" if bytes_ < 1_000_000 else f"{bytes_ / 1_000_000:.1f} MB"


def _copy(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    [(path,)] = connection.execute(_WHERE).fetchall()
    published = Path(path).parent
    (folder / "parquet").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(published / "marts.duckdb", folder / "marts.duckdb")
    for table in tables_of(connection, "marts"):
        shutil.copyfile(published / "parquet" / f"{table}.parquet", folder / "parquet" / f"{table}.parquet")


def _about(site: Mapping[str, Any]) -> Document:
    return {"schema": 1} | {name: site[name] for name in ("as_of", "built", "hash", "hub", "attribution")}


def _groups(files: list[tuple[str, int, str]]) -> list[tuple[str, int, int]]:
    """Folders of the other files: name, files, bytes."""
    found: dict[str, list[int]] = {}
    for path, bytes_, _ in files:
        if path not in _WORDS and not path.startswith("parquet/"):
            found.setdefault(f"{path.split('/', maxsplit=1)[0]}/" if "/" in path else "pages", []).append(bytes_)
    return [(name, len(sizes), sum(sizes)) for name, sizes in sorted(found.items())]


def _write_json(file: Path, document: Document) -> None:
    file.write_text(
        json.dumps(document, indent=1, default=_plain, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
    )


def _plain(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value)


def _tex(text: str) -> str:
    return re.sub(r"[\\~^&%$#_{}]", lambda found: _TEX[found.group()], text)
