"""Epoch's files: the published Capabilities Index with its intervals, and the matrix of scores behind it.

The matrix is already scaled between chance and ceiling, mixes evaluators and gives no address of a source: each row
says what it names. Models come with dates and access; unknown access stays unknown.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from pipeline.captures import Capture, CaptureWriter
from pipeline.identity.names import slug
from pipeline.settings import EPOCH, Settings
from pipeline.sources import tables
from pipeline.sources.board import Board, Part
from pipeline.sources.hub_client import CLIENT, HubClient, Refused
from pipeline.sources.hub_files import ABSENT, check_never_offered, newest_of
from pipeline.sources.quarantine import Unreadable

SOURCE = "epoch"
INDEX, MATRIX = "eci_scores.csv", "eci_benchmarks.csv"
FILES = (INDEX, MATRIX, "edi_scores.csv")
MAX_BYTES = 64 * 2**20
INDEX_COLUMNS = ("Model", "eci", "eci_ci_low", "eci_ci_high", "date", "Organization", "Country (of organization)",
                 "Model accessibility", "Accessibility group")  # fmt: skip
MATRIX_COLUMNS = ("performance", "benchmark", "model", "Model", "model_group", "model_version", "date", "source")
ACCESS = {"Open weights": "open", "Closed weights": "closed"}
LICENCE_CLASSES = {"Open weights (unrestricted)": "unrestricted", "Open weights (restricted use)": "restricted",
                   "Open weights (non-commercial)": "non_commercial"}  # fmt: skip
OWN_RUNS = "Epoch evaluations"


def fetch(settings: Settings, endpoint: str, origin: str) -> tuple[Capture, bool] | None:
    """Capture the three files as they stand at `Settings.epoch_address`; the Hub is not asked.

    Returns:
        The capture and whether it is new; None where they are not there and never were.

    Raises:
        SourceError: see `HubClient.get`; also a file that is gone.
    """
    client = HubClient(settings, settings.epoch_address, anonymous=True)
    with CaptureWriter(settings.captures, SOURCE, settings.epoch_address) as writer:
        for name in FILES:
            try:
                writer.add(name, client.get(client.url(name), MAX_BYTES).content)
            except Refused as error:
                if error.status in ABSENT:
                    check_never_offered(client, newest_of(settings, SOURCE, settings.epoch_address), name, SOURCE)
                    return None
                raise
        return writer.seal(revision="", client=CLIENT, requests=client.requests, items=len(FILES))


def parse(capture: Capture) -> Iterator[Part]:
    """The index and the matrix; the difficulties of the benchmarks are kept in the capture alone."""
    for name, needed, read in ((INDEX, INDEX_COLUMNS, _index), (MATRIX, MATRIX_COLUMNS, _matrix)):
        part = Part(name, SOURCE, capture.manifest.capture_id)
        try:
            table = tables.csv(capture.page(name), needed)
        except Unreadable as error:
            part.refuse_all(str(error), name)
        else:
            part.read = table.height
            read(part, table)
        yield part


def _index(part: Part, table: pl.DataFrame) -> None:
    rows = table.select(
        model=tables.text("Model"),
        value=tables.number("eci"),
        ci_lo=tables.number("eci_ci_low"),
        ci_hi=tables.number("eci_ci_high"),
        released_on=tables.day("date"),
        organisation=tables.text("Organization"),
        country=tables.text("Country (of organization)"),
        access=pl.col("Accessibility group").replace_strict(ACCESS, default="unknown", return_dtype=pl.String),
        licence_class=pl.col("Model accessibility").replace_strict(
            LICENCE_CLASSES, default=None, return_dtype=pl.String
        ),
    ).with_columns(reason=_reason(pl.col("value").is_null(), "index is no number"))
    part.refuse_rows(rows, "model")
    kept = rows.filter(pl.col("reason").is_null())
    part.add(
        "board_scores",
        kept.select("model", "value", "ci_lo", "ci_hi").with_columns(
            part=pl.lit(part.name),
            series_id=pl.lit("epoch_eci"),
            tier=pl.lit("C"),
            self_reported=pl.lit(value=False),
            doubtful=pl.lit(value=False),
            source_name=pl.lit("Epoch AI"),
            source_url=pl.lit(f"{EPOCH}/{INDEX}"),
        ),
    )
    part.add(
        "board_models",
        kept.select("model", "released_on", "organisation", "country", "access", "licence_class").with_columns(
            released_on_source=pl.when(pl.col("released_on").is_not_null()).then(pl.lit("epoch"))
        ),
    )
    part.add("board_series", [{
        "series_id": "epoch_eci", "benchmark_id": "epoch_capabilities_index",
        "benchmark_name": "Epoch Capabilities Index", "protocol": "composite of many benchmarks and evaluators",
        "evaluator": "Epoch AI", "comparability": "same_protocol", "unit": "points", "direction": "higher",
        "source_name": "Epoch AI, Epoch Capabilities Index (CC BY 4.0)", "source_url": f"{EPOCH}/{INDEX}",
    }])  # fmt: skip


def _matrix(part: Part, table: pl.DataFrame) -> None:
    rows = table.select(
        # The column Model is empty for some; the group of the model names it then.
        model=pl.coalesce(tables.text("Model"), tables.text("model_group"), tables.text("model")),
        value=tables.number("performance"),
        variant=tables.text("model_version"),
        benchmark=tables.text("benchmark"),
        released_on=tables.day("date"),
        source=tables.text("source"),
    ).with_columns(
        reason=_reason(
            ~pl.col("value").is_between(0, 1).fill_null(value=False) | pl.col("benchmark").is_null(),
            "performance is no share, or of no benchmark",
        )
    )
    part.refuse_rows(rows, "model")
    kept = rows.filter(pl.col("reason").is_null())
    ids = {name: f"epoch_{slug(name)}" for name in kept["benchmark"].unique()}
    kept = kept.with_columns(series_id=pl.col("benchmark").replace_strict(ids, return_dtype=pl.String))
    part.add(
        "board_scores",
        kept.select(
            "model",
            "variant",
            "series_id",
            "value",
            part=pl.lit(part.name),
            tier=pl.when(pl.col("source") == OWN_RUNS).then(pl.lit("C")).otherwise(pl.lit("E")),
            doubtful=pl.lit(value=False),
            source_name="source",
            source_url=pl.lit(f"{EPOCH}/{MATRIX}"),
        ),
    )
    # Only models that the index does not state either are left with what the matrix says of them.
    part.add(
        "board_models",
        kept.unique("model", maintain_order=True).select(
            "model",
            "released_on",
            released_on_source=pl.when(pl.col("released_on").is_not_null()).then(pl.lit("epoch")),
            access=pl.lit("unknown"),
        ),
    )
    part.add("board_series", _series(kept))


def _series(kept: pl.DataFrame) -> pl.DataFrame:
    """One series a benchmark: of one evaluator where every row names the same."""
    evaluators = kept.group_by("series_id").agg(
        benchmark=pl.col("benchmark").first(), named=pl.col("source").drop_nulls().unique(),
        silent=pl.col("source").null_count(),
    ).with_columns(one=(pl.col("named").list.len() == 1) & (pl.col("silent") == 0))  # fmt: skip
    return evaluators.select(
        "series_id",
        benchmark_id=pl.col("series_id").str.strip_prefix("epoch_"),
        benchmark_name="benchmark",
        protocol=pl.lit("performance between chance (0) and ceiling (1)"),
        evaluator=pl.when("one").then(pl.col("named").list.first())
        .when(pl.col("named").list.len() == 0).then(pl.lit("not stated")).otherwise(pl.lit("mixed")),
        comparability=pl.when("one").then(pl.lit("same_evaluator")).otherwise(pl.lit("loose")),
        unit=pl.lit("fraction"),
        direction=pl.lit("higher"),
        chance=pl.lit(0.0),
        ceiling=pl.lit(1.0),
        source_name=pl.lit("Epoch AI, model x benchmark matrix (CC BY 4.0)"),
        source_url=pl.lit(f"{EPOCH}/{MATRIX}"),
    )  # fmt: skip


def _reason(wrong: pl.Expr, why: str) -> pl.Expr:
    return (
        pl.when(pl.col("model").is_null() | (pl.col("model").str.len_chars() > 200))
        .then(pl.lit("row without a usable model"))
        .when(wrong)
        .then(pl.lit(why))
        .when(pl.col("released_on") > tables.tomorrow())
        .then(pl.lit("date lies in the future"))
    )


BOARD = Board(SOURCE, "Epoch AI, Capabilities Index", f"{EPOCH}/{INDEX}", "CC BY 4.0", parse, fetch)
