"""Tables that fit a terminal: whole columns are left out, a number is never cut or wrapped."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells
from rich.table import Column as TableColumn
from rich.table import Table

from pipeline.report.console import harmless

_BETWEEN = 2


@dataclass(frozen=True)
class Column:
    """A column of a table that fits.

    Attributes:
        head: its heading.
        drop: 0 stays at any width; of the others the highest is left out first.
        wrap: words may be wrapped down to this width; 0 is for numbers, which are not.
    """

    head: str
    drop: int = 0
    wrap: int = 0


def fitted(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> tuple[Table, list[str]]:
    """A table at most `width` wide, and the headings of what it had to leave out.

    Args:
        columns: what may be shown, in order.
        rows: one text for each column.
        width: of the terminal.
    """
    texts = [[_line(cell) for cell in row] for row in rows]
    widest = [max((cell_len(row[at]) for row in texts), default=0) for at in range(len(columns))]
    words = [max(map(cell_len, one.head.split())) for one in columns]
    least = [
        max(word, min(one.wrap, most) if one.wrap else most)
        for one, word, most in zip(columns, words, widest, strict=True)
    ]
    kept = list(range(len(columns)))
    while _total([least[at] for at in kept]) > width and (going := [at for at in kept if columns[at].drop]):
        kept.remove(max(going, key=lambda at: columns[at].drop))
    sizes = {at: least[at] for at in kept}
    spare = width - _total(sizes.values())
    # Words share the space that is left, then headings: they read better in one line.
    for wanted in (widest, [max(most, cell_len(one.head)) for one, most in zip(columns, widest, strict=True)]):
        while spare > 0 and (short := [at for at in kept if sizes[at] < wanted[at]]):
            for at in short[:spare]:
                sizes[at] += 1
            spare -= len(short[:spare])
    heads = [folded(columns[at].head, sizes[at]) for at in kept]
    lines = max(map(len, heads))
    table = Table(
        *(TableColumn("\n".join([""] * (lines - len(head)) + head), no_wrap=True) for head in heads),
        box=None,
        header_style="bold",
        pad_edge=False,
    )
    for row in texts:
        table.add_row(*("\n".join(folded(row[at], sizes[at])) for at in kept))
    return table, [one.head for at, one in enumerate(columns) if at not in kept]


def folded(text: str, width: int) -> list[str]:
    """Lines of a text: broken at spaces, a word too long for one after its hyphens and underscores, else anywhere."""
    lines = [""]
    for word in text.split():
        pieces = [word] if cell_len(word) <= width else re.split(r"(?<=[_/-])", word)
        between = " " if lines[-1] else ""
        for piece in pieces:
            if cell_len(lines[-1] + between + piece) <= width:
                lines[-1] += between + piece
            else:
                lines += chop_cells(piece, max(width, 1))
            between = ""
    return lines if lines[0] or len(lines) == 1 else lines[1:]


def _line(text: str) -> str:
    return " ".join(harmless(text).split())


def _total(sizes: Collection[int]) -> int:
    return sum(sizes) + _BETWEEN * (len(sizes) - 1)
