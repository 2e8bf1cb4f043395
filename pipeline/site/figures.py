"""A chart of the site: drawn twice, wide and narrow, in the colours of the page, with its data beside it as files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl
import vl_convert
from altair.utils.schemapi import debug_mode

from pipeline.site.text import csv_text

OPEN, CLOSED, CLOSED_TEXT, MUTED, INK = "#0072B2", "#D55E00", "#B84E00", "#57606A", "#1B1F24"
GRID, AXIS, PAPER, FAINT = "#E6E8EB", "#C8CCD0", "#FFFFFF", "#9AA3AD"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
_VARIABLES = {
    OPEN: "open", CLOSED: "closed", CLOSED_TEXT: "closed-text", MUTED: "muted", INK: "ink", GRID: "grid", AXIS: "axis",
    PAPER: "paper", FAINT: "faint",
}  # fmt: skip
TOLD = alt.Description("told:N")
"""What a mark says when it is pointed at. Channels are objects: Altair takes 8 ms to read one that is a string."""


@dataclass(frozen=True)
class Frame:
    """How much room a chart has, in pixels; narrow ones are for phones and single columns."""

    width: int
    height: int
    narrow: bool = False


WIDE, NARROW = Frame(800, 360), Frame(330, 300, narrow=True)
_POINTS_PER_MM = 72 / 25.4


@dataclass(frozen=True)
class Figure:
    """A chart with its words and its data.

    Attributes:
        name: of its files and its anchor, lower case with hyphens.
        title: a short heading that says what it shows.
        lead: what it says, in a sentence; null = nothing more than the title.
        alt: the same for those who cannot see it, with the numbers that matter.
        build: makes the chart for a frame. Colours are those of this module, so that pages can exchange them; text that
            a mark shows when it is pointed at is its `description` encoding.
        data: the rows behind it, as the table under it and its files have them.
        source: where the data are from, in a line.
        key: pairs of class and words for the key above it; classes: open, closed, other, hollow, band, hatch.
        note: what is to be known to read it right.
        files: whether it is offered as files; small multiples are not.
        papers: whether also as PNG and PDF; variants of another are not.
    """

    name: str
    title: str
    alt: str
    build: Callable[[Frame], Any]
    data: pl.DataFrame
    source: str
    lead: str | None = None
    key: tuple[tuple[str, str], ...] = ()
    note: str | None = None
    files: bool = True
    papers: bool = True
    wide: Frame = WIDE
    narrow: Frame = NARROW


@dataclass(frozen=True)
class Drawn:
    """What a page shows of a figure: both drawings as SVG in the page's colours, and the files that were written."""

    figure: Figure
    wide: str
    narrow: str
    downloads: list[tuple[str, str]] = field(default_factory=list)


def spec(chart: Any) -> str:
    """The chart as Vega-Lite JSON in the style of the site: no frame, quiet grid, text in the page's fonts."""
    quiet = {"gridColor": GRID, "domainColor": AXIS, "tickColor": AXIS, "labelColor": MUTED, "titleColor": MUTED}
    letters = {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "titleAnchor": "start"}
    title = {"color": INK, "anchor": "start", "fontSize": 13, "fontWeight": 600}
    config = {"font": FONT, "view": {"stroke": None}, "axis": quiet | letters, "title": title}
    return json.dumps(chart.to_dict(validate=False) | {"config": config, "background": PAPER})


def svg(chart: Any) -> str:
    """The chart as an SVG file on white."""
    return vl_convert.vegalite_to_svg(spec(chart))


def draw(figure: Figure, folder: Path) -> Drawn:
    """Draw a figure, and write its files to a folder: SVG, PNG at twice the size, PDF, spec, CSV, Parquet."""
    # Checking every part of every chart against the schema takes longer than drawing them; tests draw them all.
    with debug_mode(False):
        drawn = spec(figure.build(figure.wide))
        wide = vl_convert.vegalite_to_svg(drawn)
        narrow = svg(figure.build(figure.narrow))
        downloads = _write(figure, folder, drawn, wide, narrow) if figure.files else []
        return Drawn(figure, on_page(wide), on_page(narrow), downloads)


def on_page(drawing: str) -> str:
    """A drawing for a page: it takes the width it is given, and the colours of the page for its own and its ground."""
    for pattern, ours in (
        (r'<svg [^>]*viewBox="([^"]*)"[^>]*>', r'<svg class="chart" viewBox="\1" aria-hidden="true">'),
        (rf'<rect width="[^"]*" height="[^"]*" fill="{PAPER}"\s*/>', ""),
    ):
        drawing, found = re.subn(pattern, ours, drawing, count=1)
        if not found:
            raise ValueError(f"a drawing without {pattern}")
    for colour, variable in _VARIABLES.items():
        drawing = re.sub(f'"{colour}"', f'"var(--{variable})"', drawing, flags=re.IGNORECASE)
    return drawing.replace(f'font-family="{FONT}"', "").replace("\n", " ")


def _write(figure: Figure, folder: Path, drawn: str, wide: str, narrow: str) -> list[tuple[str, str]]:
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "CSV": (".csv", csv_text(figure.data).encode()),
        "SVG": (".svg", wide.encode()),
        "Spec": (".json", drawn.encode()),
    }
    if figure.papers:
        files |= {
            "PNG": (".png", vl_convert.svg_to_png(wide, scale=2.0)),
            "PDF 170 mm": ("-170mm.pdf", _pdf(wide, 170)),
            "PDF 85 mm": ("-85mm.pdf", _pdf(narrow, 85)),
        }
    for ending, content in files.values():
        (folder / f"{figure.name}{ending}").write_bytes(content)
    figure.data.write_parquet(folder / f"{figure.name}.parquet")
    return [(words, f"{figure.name}{ending}") for words, (ending, _) in files.items()] + [
        ("Parquet", f"{figure.name}.parquet")
    ]


def _pdf(drawing: str, mm: int) -> bytes:
    """The drawing as wide as the columns of a journal; a pixel would be a point otherwise."""
    drawn = re.search(r'width="([0-9.]+)" height="([0-9.]+)" viewBox', drawing)
    if drawn is None:
        raise ValueError("a drawing without a size")
    width = mm * _POINTS_PER_MM
    size = f'width="{width:.2f}" height="{width * float(drawn[2]) / float(drawn[1]):.2f}" viewBox'
    return vl_convert.svg_to_pdf(drawing.replace(drawn[0], size, 1))
