"""The picture of the answer: the frontier chart of the site, with the answer above it."""

from __future__ import annotations

import textwrap
from pathlib import Path

import vl_convert

from pipeline.errors import InputError, WarehouseError
from pipeline.settings import Settings
from pipeline.site.figures import MUTED, WIDE, svg
from pipeline.site.overview_figures import changing
from pipeline.warehouse import connect_published

SCALE = 2.0
_ANSWER = """
    FROM marts.headline WHERE is_headline AND open_definition = 'downloadable' AND tolerance = 'strict'"""


def draw(settings: Settings, file: Path) -> None:
    """Write the picture of the headline series of the published file.

    Raises:
        InputError: the file is neither .png nor .svg, or its folder does not exist.
        WarehouseError: nothing is published yet, or there is no headline.
    """
    if file.suffix not in {".png", ".svg"} or not file.parent.is_dir():
        raise InputError(str(file), "it is no .png or .svg in a folder that exists", "Give such a path")
    with connect_published(settings) as connection:
        answers = connection.execute(_ANSWER).pl().to_dicts()
        if not answers:
            raise WarehouseError("the picture", "the published file has no headline", "Use `moat run` first")
        figure = changing(connection, answers[0])["frontier"]
    title = {
        "text": "How far behind is the best open-weight model?",
        "subtitle": [*textwrap.wrap(answers[0]["sentence"], 130), figure.source],
        "subtitleColor": MUTED,
        "subtitlePadding": 6,
        "offset": 28,
    }
    drawing = svg(figure.build(WIDE).properties(title=title))
    if file.suffix == ".svg":
        file.write_text(drawing, encoding="utf-8")
    else:
        file.write_bytes(vl_convert.svg_to_png(drawing, scale=SCALE))
