"""A terminal that foreign text cannot play with: names come from the Hub and from other people's files."""

from __future__ import annotations

import codecs
import io
import json
import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import polars as pl
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

# Control characters (an escape sequence can clear or recolour a terminal) and those that turn the reading direction.
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


# What stands for dashes, quotes and dots (by their Unicode categories) where the terminal's encoding lacks them.
_PLAIN = {"Pd": "-", "Po": "-", "Pi": "'", "Pf": "'"}


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """Characters as wide as those that cannot be printed; letters lose their accents."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = []
    for character in error.object[error.start : error.end]:
        base = unicodedata.normalize("NFKD", character)[0]
        unknown = _PLAIN.get(unicodedata.category(character), "?" * cell_len(character))
        found.append(base if base.isascii() else unknown)
    return "".join(found), error.end


codecs.register_error("moat-plainly", _plainly)


def harmless(text: str) -> str:
    """The text with control characters shown as a replacement mark."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text)


class PlainConsole(Console):
    """Prints text as it is: square brackets are no markup, control characters have no effect."""

    def __init__(self, *, stderr: bool = False) -> None:
        # Bold and dim are escape sequences too, and rich leaves them in.
        system: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
        super().__init__(stderr=stderr, markup=False, highlight=False, color_system=system)
        # In the locale C Python itself chooses surrogateescape, which fails as well.
        if isinstance(self.file, io.TextIOWrapper) and self.file.errors in {"strict", "surrogateescape"}:
            self.file.reconfigure(errors="moat-plainly")

    def render_str(self, text: str, **options: Any) -> Text:
        """Text for every string that is printed or stands in a table."""
        return super().render_str(harmless(text), **options)


def print_json(document: object) -> None:
    """Print a document as JSON; days and times as ISO texts, escapes for what the terminal's encoding may lack."""
    escaped = not (sys.stdout.encoding or "").lower().startswith("utf")
    sys.stdout.write(json.dumps(document, indent=1, default=str, ensure_ascii=escaped) + "\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under their columns; a dash where nothing is known."""
    table = Table(*columns, box=None, header_style="bold")
    for row in rows:
        table.add_row(*("-" if value is None else str(value) for value in row))
    PlainConsole().print(table)


def flat(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with lists and structures as JSON texts, which CSV can hold."""
    nested = [name for name, kind in frame.schema.items() if kind.is_nested()]
    return frame.with_columns(
        pl.Series(name, [None if value is None else json.dumps(value, default=str) for value in frame[name].to_list()],
                  dtype=pl.String)
        for name in nested
    )  # fmt: skip
