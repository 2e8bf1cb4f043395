"""A terminal that foreign text cannot play with: names come from the Hub and from other people's files."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

# Control characters (an escape sequence can clear or recolour a terminal) and those that turn the reading direction.
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """The text with control characters shown as a replacement mark."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text)


class PlainConsole(Console):
    """Prints text as it is: square brackets are no markup, control characters have no effect."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, highlight=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """Text for every string that is printed or stands in a table."""
        return super().render_str(harmless(text), **options)


def print_json(document: object) -> None:
    """Print a document as JSON; days and times as ISO texts."""
    sys.stdout.write(json.dumps(document, indent=1, default=str, ensure_ascii=False) + "\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under their columns; a dash where nothing is known."""
    table = Table(*columns, box=None, header_style="bold")
    for row in rows:
        table.add_row(*("-" if value is None else str(value) for value in row))
    PlainConsole().print(table)
