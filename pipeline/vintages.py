"""The vintages: what each published build was made from, kept beside it.

A vintage is a folder in published/vintages: the scores behind the gaps, what changed since the vintage before, and a
description. It is written after the published file is in place; a build that was cut off in between gets its vintage
from the published file in the next run. What a change did to the headline does not belong here: see vintage_tables.py.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipeline import index_tables
from pipeline.errors import MoatError, WarehouseError
from pipeline.gap.vintages import FACTS
from pipeline.gap_tables import two_sided
from pipeline.settings import ROOT, Settings
from pipeline.warehouse import connect_published, logical_hash, sync, tables_of

KEPT = 60
"""Vintages that are kept, the newest: two months of daily builds."""
CHANGE_COLUMNS: dict[str, Any] = {
    "built_before": pl.Datetime("us", "UTC"), "built_after": pl.Datetime("us", "UTC"),
    "as_of_before": pl.Date, "as_of_after": pl.Date,
    "series": pl.String, "open_definition": pl.String, "metric": pl.String,
    "before": pl.Float64, "after": pl.Float64, "difference": pl.Float64,
    "factor": pl.String, "amount": pl.Float64, "models": pl.Int64, "note": pl.String,
}  # fmt: skip
# Of the inputs only what gap and lag are read from: a changed standard error or size changes neither.
_READ = (
    "series", "model", "name", "score", "released_on", "weights_on", "evaluated_on", "access", "licence_class",
    "direction", "unit", "observed_on", FACTS,
)  # fmt: skip
_FILES = {"inputs.parquet": [*_READ], "changes.parquet": [*CHANGE_COLUMNS]}
_DESCRIPTION = "vintage.json"

# A published number is who published it where, in what series, under what name, and how much: not the model that it
# is attributed to. Where a model has several, the one it is shown by comes first.
_INPUTS = """
    WITH ids AS (
        SELECT name, min(model_id) AS model_id FROM staging.models GROUP BY name
    ),

    numbers AS (
        SELECT
            m.name, s.series_id, s.value, s.score_id,
            md5(concat_ws(
                chr(31), s.series_id, s.source_url, coalesce(s.source_name, ''), coalesce(s.model_as_written, ''),
                coalesce(s.effort, ''), s.value
            )) AS fact
        FROM staging.scores AS s
        INNER JOIN staging.models AS m ON s.model_id = m.model_id
        WHERE s.superseded_at IS NULL AND s.left_out IS NULL
    ),

    standing AS (
        SELECT i.series, i.model, list(n.fact ORDER BY n.value <> i.score, n.score_id) AS facts
        FROM inputs AS i
        INNER JOIN numbers AS n ON i.series = n.series_id AND i.model = n.name
        GROUP BY i.series, i.model
    )

    SELECT i.* EXCLUDE (model), coalesce(m.model_id, i.model) AS model, i.model AS name, s.facts
    FROM inputs AS i
    LEFT JOIN ids AS m ON i.model = m.name
    LEFT JOIN standing AS s ON i.series = s.series AND i.model = s.model
"""


@dataclass(frozen=True)
class Vintage:
    """One published build.

    `gap_points` and `lag_months` are those of the headline (downloadable, strict); `captures` are what was read,
    `code` identifies the code and the SQL that read it, `files` has the sha256 of each file of the folder.
    """

    vintage_id: str
    built_at: datetime
    as_of: date
    hub: str
    logical_hash: str
    version: str
    code: str
    gap_points: float | None
    lag_months: float | None
    captures: dict[str, list[str]]
    files: dict[str, str]
    folder: Path

    def table(self, name: str) -> pl.DataFrame:
        """A file of the folder, verified.

        Raises:
            WarehouseError: it is missing or not what was written.
        """
        path = self.folder / name
        try:
            content = path.read_bytes()
        except OSError as error:
            raise _damaged(path, f"it cannot be read ({error.strerror})") from error
        if hashlib.sha256(content).hexdigest() != self.files.get(name):
            raise _damaged(path, "it is not what was written")
        return pl.read_parquet(BytesIO(content))

    @property
    def changes(self) -> pl.DataFrame:
        """CHANGE_COLUMNS since the vintage before; see `table`."""
        return self.table("changes.parquet")

    @property
    def inputs(self) -> pl.DataFrame:
        """The scores of every series with both sides; see `table`."""
        return self.table("inputs.parquet")

    def to_json(self) -> str:
        """The vintage as text; its folder says where it lies."""
        return json.dumps({k: v for k, v in asdict(self).items() if k != "folder"}, indent=1, default=str)

    @classmethod
    def read(cls, folder: Path) -> Vintage:
        """The vintage of a folder.

        Raises:
            WarehouseError: a file of it is missing, damaged or of another version.
        """
        path = folder / "vintage.json"
        try:
            raw = json.loads(path.read_text())
            dated = {"built_at": datetime.fromisoformat(raw["built_at"]), "as_of": date.fromisoformat(raw["as_of"])}
            found = cls(**raw | dated, folder=folder)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise _damaged(path, "it is missing, damaged or of another version") from error
        for name, columns in _FILES.items():
            if found.table(name).columns != columns:
                raise _damaged(folder / name, "it is of another version")
        return found


def kept(settings: Settings) -> tuple[list[Vintage], list[str]]:
    """The vintages that can be read, oldest first, and what is wrong with the others."""
    found, problems = [], []
    for path in sorted(_folder(settings).glob("[!.]*/")):
        try:
            found.append(Vintage.read(path))
        except WarehouseError as error:
            problems.append(str(error))
    return found, problems


def problems(settings: Settings) -> list[str]:
    """What is wrong with the vintages, in words."""
    lacking = ["the published build has no vintage yet: the next run adds it"] if is_unrecorded(settings) else []
    return kept(settings)[1] + lacking


def inputs_of(connection: duckdb.DuckDBPyConnection, found: index_tables.Indexed) -> pl.DataFrame:
    """What a vintage keeps of the inputs of the gap functions: every series with both sides.

    The model is its identity (`name` is what it is shown by), with the published numbers that stand under it.
    Those of our own index are fitted, not published: none stands under its models.

    Args:
        connection: a work or published file.
        found: its inputs with the index.
    """
    inputs = two_sided(found.inputs)
    connection.register("inputs", inputs)
    kept_columns = connection.execute(_INPUTS).pl().select(_READ).sort("series", "model")
    connection.unregister("inputs")
    return kept_columns


def record(settings: Settings, digest: str) -> Vintage | None:
    """Keep what the published file was made from; nothing where the newest vintage of its Hub has the same content.

    Args:
        settings: where the published file is.
        digest: its logical hash.

    Raises:
        WarehouseError: the vintage cannot be written.
    """
    vintage = None
    with connect_published(settings) as connection:
        hub, as_of = connection.execute("SELECT hub, as_of FROM ops.schema_version").fetchall()[0]
        earlier = [one for one in kept(settings)[0] if one.hub == hub]
        newest = earlier[-1] if earlier else None
        if newest is None or newest.logical_hash != digest:
            changes = _changes_since(connection, newest)
            vintage = _described(connection, settings, digest, hub, as_of, changes)
            inputs = inputs_of(connection, index_tables.load(connection, settings.cache))
    try:
        if vintage is not None:
            vintage = _seal(vintage, {"inputs.parquet": inputs, "changes.parquet": changes})
            _prune(settings)
        _folder(settings).mkdir(parents=True, exist_ok=True)
        _mark(settings).touch()
    except OSError as error:
        raise WarehouseError(
            str(_folder(settings)), f"it cannot be written ({error.strerror})", "Free space; the next run adds it"
        ) from error
    return vintage


def repair(settings: Settings) -> list[str]:
    """Give the published build the vintage it lacks because its run was cut off; why not, where that fails."""
    if not is_unrecorded(settings):
        return []
    try:
        with connect_published(settings) as connection:
            digest = logical_hash(connection)
        record(settings, digest)
    except (duckdb.Error, pl.exceptions.PolarsError, MoatError) as error:
        # As of a published file of an earlier version.
        return [f"{settings.published_file}: it cannot be kept as a vintage ({error}). The next build can"]
    return []


def is_unrecorded(settings: Settings) -> bool:
    """Whether the published file was put in place without its vintage being looked after."""
    if not settings.published_file.exists():
        return False
    mark = _mark(settings)
    return not mark.exists() or mark.stat().st_mtime_ns < settings.published_file.stat().st_mtime_ns


def code() -> str:
    """Identity of the code and the SQL of this checkout."""
    digest = hashlib.sha256()
    for path in sorted([*ROOT.glob("pipeline/**/*.py"), *ROOT.glob("sql/**/*.sql")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _changes_since(connection: duckdb.DuckDBPyConnection, newest: Vintage | None) -> pl.DataFrame:
    """What the published file says of the change since the newest vintage."""
    if newest is None or "vintage_changes" not in tables_of(connection, "marts"):
        return pl.DataFrame(schema=CHANGE_COLUMNS)
    found = connection.execute("FROM marts.vintage_changes WHERE built_before = ?", [newest.built_at]).pl()
    return found.select(pl.col(name).cast(kind) for name, kind in CHANGE_COLUMNS.items())


def _described(
    connection: duckdb.DuckDBPyConnection, settings: Settings, digest: str, hub: str, as_of: date, changes: pl.DataFrame
) -> Vintage:
    """The published build as a vintage that is not written yet."""
    modified = datetime.fromtimestamp(settings.published_file.stat().st_mtime, UTC)
    built = changes["built_after"][0] if changes.height else modified
    name = f"{built:%Y%m%dT%H%M%SZ}-{digest[:12]}"
    headline = connection.execute(
        "SELECT gap_raw, lag_months FROM marts.headline"
        " WHERE is_headline AND open_definition = 'downloadable' AND tolerance = 'strict'"
    ).fetchone()
    captures = connection.execute(
        "SELECT source, list(capture_id ORDER BY capture_id) FROM ops.captures GROUP BY source ORDER BY source"
    ).fetchall()
    gap, lag = headline or (None, None)
    return Vintage(
        vintage_id=name, built_at=built, as_of=as_of, hub=hub, logical_hash=digest, version=version("openmoat"),
        code=code(), gap_points=gap, lag_months=lag, captures=dict(captures), files={},
        folder=_folder(settings) / name,
    )  # fmt: skip


def _seal(vintage: Vintage, tables: dict[str, pl.DataFrame]) -> Vintage:
    """Write a vintage under another name, then put it in place."""
    parent = vintage.folder.parent
    for leftover in parent.glob(".tmp-*"):
        shutil.rmtree(leftover)
    folder = parent / f".tmp-{uuid.uuid4().hex}"
    folder.mkdir(parents=True)
    hashes = {}
    for name, frame in tables.items():
        buffer = BytesIO()
        frame.write_parquet(buffer, compression="zstd")
        hashes[name] = hashlib.sha256(buffer.getvalue()).hexdigest()
        _write(folder / name, buffer.getvalue())
    vintage = replace(vintage, files=hashes)
    _write(folder / _DESCRIPTION, vintage.to_json().encode())
    sync(folder)
    # What can be in its place is a damaged one.
    shutil.rmtree(vintage.folder, ignore_errors=True)
    folder.rename(vintage.folder)
    sync(parent)
    return vintage


def _prune(settings: Settings) -> None:
    """Remove all but the newest; under another name first, so that half a vintage is never read."""
    for old in kept(settings)[0][:-KEPT]:
        shutil.rmtree(old.folder.rename(old.folder.with_name(f".tmp-{uuid.uuid4().hex}")))


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    sync(path)


def _folder(settings: Settings) -> Path:
    return settings.published / "vintages"


def _mark(settings: Settings) -> Path:
    """The file that is as young as the last published file whose vintage was looked after."""
    return _folder(settings) / ".recorded"


def _damaged(path: Path, wrong: str) -> WarehouseError:
    return WarehouseError(str(path), wrong, "It is left out; delete its folder")
