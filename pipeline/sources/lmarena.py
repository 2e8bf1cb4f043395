"""LMArena's leaderboards: ratings of open and closed models by the votes of visitors, with their whole history.

Ratings are comparable within one edition only, so each day of publication is a series of its own. The configurations
that rate models which make images or video are not asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from pipeline.captures import Capture
from pipeline.identity.names import slug
from pipeline.settings import Settings
from pipeline.sources import tables
from pipeline.sources.board import Board, Part
from pipeline.sources.hub_client import HubClient
from pipeline.sources.hub_files import Document, capture_files, captured_files
from pipeline.sources.quarantine import Unreadable

SOURCE = "lmarena"
DATASET = "lmarena-ai/leaderboard-dataset"
URL = f"https://huggingface.co/datasets/{DATASET}"
MAX_BYTES = 240 * 2**20
NOT_LANGUAGE = re.compile(r"image|video|audio|music|speech")
_FILE = re.compile(r"([a-z0-9_-]+)/full-[^/]*\.parquet")
NEEDED = ("model_name", "rating", "category", "leaderboard_publish_date")
USEFUL = ("organization", "license", "rating_lower", "rating_upper", "vote_count")
# The Elo scale has no end, but a number beyond these is no rating.
RATINGS = (-5000.0, 10_000.0)


def configuration(path: str) -> str | None:
    """The configuration whose whole history a file holds, if it rates language models."""
    found = _FILE.fullmatch(path)
    return found[1] if found is not None and not NOT_LANGUAGE.search(found[1]) else None


def fetch(settings: Settings, endpoint: str, origin: str) -> tuple[Capture, bool] | None:
    """Capture the history of every configuration that rates language models; see `capture_files`."""
    client = HubClient(settings, endpoint)
    return capture_files(
        settings, client, origin, SOURCE, DATASET, lambda path: configuration(path) is not None, MAX_BYTES
    )


def parse(capture: Capture) -> Iterator[Part]:
    """One part a file."""
    for document in captured_files(capture):
        yield _part(document, capture.manifest.capture_id)


def _part(document: Document, capture_id: str) -> Part:
    part = Part(document.path, SOURCE, capture_id)
    try:
        table = tables.parquet(document.content or b"", NEEDED, USEFUL)
    except Unreadable as error:
        part.refuse_all(str(error), document.path)
        return part
    board = f"lmarena_{slug(configuration(document.path) or document.path)}"
    part.read = table.height
    rows = table.select(
        model=tables.text("model_name"),
        value=tables.number("rating"),
        category=tables.text("category"),
        published=tables.day("leaderboard_publish_date"),
        organisation=tables.text("organization"),
        licence=tables.text("license"),
        ci_lo=tables.number("rating_lower"),
        ci_hi=tables.number("rating_upper"),
        n=pl.col("vote_count").cast(pl.Int64, strict=False),
    ).with_columns(
        pl.when(pl.col("model").is_null() | (pl.col("model").str.len_chars() > 200))
        .then(pl.lit("row without a usable model"))
        .when(pl.col("value").is_null() | ~pl.col("value").is_between(*RATINGS))
        .then(pl.lit("rating is no number of its scale"))
        .when(pl.col("category").is_null() | pl.col("published").is_null())
        .then(pl.lit("row without a category or a day of publication"))
        .when(pl.col("published") > tables.tomorrow())
        .then(pl.lit("day of publication lies in the future"))
        .alias("reason")
    )
    part.refuse_rows(rows, "model")
    kept = rows.filter(pl.col("reason").is_null())
    categories = {name: slug(name) for name in kept["category"].unique()}
    kept = kept.with_columns(
        ranking=pl.lit(f"{board}--") + pl.col("category").replace_strict(categories, return_dtype=pl.String)
    ).with_columns(series_id=pl.col("ranking") + "--" + pl.col("published").cast(pl.String))
    _add(part, kept, board)
    return part


def _add(part: Part, kept: pl.DataFrame, board: str) -> None:
    part.add(
        "board_scores",
        kept.select("model", "series_id", "value", "ci_lo", "ci_hi", "n", observed_on="published").with_columns(
            part=pl.lit(part.name),
            tier=pl.lit("C"),
            self_reported=pl.lit(value=False),
            doubtful=pl.lit(value=False),
            source_name=pl.lit("LMArena"),
            source_url=pl.lit(URL),
        ),
    )
    # Names and licences were corrected over time: the newest edition says what a model is.
    newest = kept.sort("published").unique("model", keep="last", maintain_order=True)
    part.add("board_models", newest.select("model", "organisation", "licence").with_columns(access=pl.lit("unknown")))
    part.add(
        "board_series",
        kept.unique("series_id").select(
            "series_id",
            benchmark_id=pl.lit(board),
            benchmark_name=pl.lit("LMArena " + board.removeprefix("lmarena_").replace("_", " ")),
            protocol=pl.concat_str(pl.lit("category "), "category", pl.lit(", edition of "), "published"),
            evaluator=pl.lit("LMArena, votes of its visitors"),
            comparability=pl.lit("same_evaluator"),
            unit=pl.lit("elo"),
            direction=pl.lit("higher"),
            edition_of="ranking",
            edition_on="published",
            source_name=pl.lit("LMArena"),
            source_url=pl.lit(URL),
        ),
    )


BOARD = Board(SOURCE, "LMArena leaderboard dataset", URL, "CC BY 4.0", parse, fetch)
