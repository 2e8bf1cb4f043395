"""Both frontiers over time as a step chart in characters: open solid with circles, closed dashed with squares."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from pipeline.gap.lag import DAYS_PER_MONTH
from pipeline.report.console import harmless

NARROWEST = 40
"""Columns below which nothing is drawn."""
_NAMED, _NAME = 100, 24
"""From this width on the labels at the ends name their models, in at most so many columns."""
_RULE, _AXIS = "bold", "dim"

Row = Mapping[str, Any]
Step = tuple[date, float, str]


@dataclass(frozen=True)
class Lag:
    """The rule across the gap: how long ago closed passed today's best open score."""

    months: float
    bounded: bool = False
    clearly: bool = False


@dataclass(frozen=True)
class _Pen:
    """What a side is drawn with."""

    across: str
    upright: str
    turn: str
    mark: str
    style: str


@dataclass(frozen=True)
class _Glyphs:
    pens: Mapping[str, _Pen]
    rule: tuple[str, str, str]
    scale: str
    score: str
    corner: str
    base: str
    year: str
    more: str


# Shades that are read on a dark and on a light background.
_BOX = _Glyphs(
    {"closed": _Pen("╌", "╎", "╯", "■", "color(166)"), "open": _Pen("─", "│", "┘", "●", "color(32)")},
    ("╞", "═", "╡"), "│", "┤", "└", "─", "┬", "…",
)  # fmt: skip
_PLAIN = _Glyphs(
    {"closed": _Pen(".", ":", "'", "#", "color(166)"), "open": _Pen("-", "|", "+", "o", "color(32)")},
    ("[", "=", "]"), "|", "+", "+", "-", "+", "...",
)  # fmt: skip


class _Canvas:
    """Characters at (row, column), row 0 on top, column 0 right of the score axis."""

    def __init__(self) -> None:
        self.cells: dict[tuple[int, int], tuple[str, str]] = {}

    def put(self, row: int, column: int, text: str, style: str) -> None:
        for at, character in enumerate(text):
            self.cells[row, column + at] = character, style

    def free(self, row: int, column: int, length: int, allowed: str = "") -> bool:
        return all(self.cells.get((row, at), ("", ""))[0] == allowed for at in range(column, column + length))

    def line(self, row: int) -> Text:
        last = max((column for at, column in self.cells if at == row), default=-1)
        return Text.assemble(*(self.cells.get((row, column), (" ", "")) for column in range(last + 1)))


def draw(rows: Sequence[Row], as_of: date, width: int, *, lag: Lag | None = None, plain: bool = False) -> Text:
    """The chart with its key, no line wider than `width`; nothing where there is no record or no room.

    Args:
        rows: `side` (open or closed), `released_on`, `score`, `model_name` of the models that raised a frontier.
        as_of: the day on which both lines end.
        width: of the terminal; from 100 on the ends name their models.
        lag: drawn as a rule at today's best open score; null where it is undefined.
        plain: only ASCII characters.
    """
    sides = {side: found for side in ("closed", "open") if (found := steps(rows, side, as_of))}
    if not sides or width < NARROWEST:
        return Text()
    glyphs = _PLAIN if plain else _BOX
    ticks = score_ticks(min(found[0][1] for found in sides.values()), max(found[-1][1] for found in sides.values()))
    intervals = len(ticks) - 1
    # Round numbers lie on whole rows.
    per_tick = (16 if width < 70 else 20 if width < _NAMED else 24) // intervals
    height = intervals * per_tick + 1
    scale = [f"{tick:.{_decimals(ticks)}f}" for tick in reversed(ticks)]
    gutter = max(map(len, scale))
    labels = {side: _end_label(side, found[-1], width, glyphs) for side, found in sides.items()}
    columns = width - gutter - 2 - max(len(f" {as_of}"), *(cell_len(label) for label in labels.values()))
    first = date(min(found[0][0] for found in sides.values()).year, 1, 1)
    days = max((as_of - first).days, 1)

    def column(day: date) -> int:
        return min(max(round((day - first).days / days * (columns - 1)), 0), columns - 1)

    def row(score: float) -> int:
        return round((ticks[-1] - score) / (ticks[-1] - ticks[0]) * (height - 1))

    canvas = _Canvas()
    for side, found in sides.items():
        _draw_steps(canvas, [(column(day), row(score)) for day, score, _ in found], columns, glyphs.pens[side])
    if lag is not None and "open" in sides:
        start = column(as_of - timedelta(days=min(lag.months * DAYS_PER_MONTH, days)))
        _draw_rule(canvas, row(sides["open"][-1][1]), start, columns - 1, _months(lag), glyphs)
    at = {side: row(found[-1][1]) for side, found in sides.items()}
    for side, line in _parted(at, {side: found[-1][1] for side, found in sides.items()}, height).items():
        canvas.put(line, columns, labels[side], f"bold {glyphs.pens[side].style}")
    lines = []
    for line in range(height):
        label = scale[line // per_tick] if line % per_tick == 0 else ""
        edge = glyphs.score if label else glyphs.scale
        lines.append(Text.assemble((f"{label:>{gutter}} {edge}", _AXIS), canvas.line(line)))
    years = {column(date(year, 1, 1)): str(year) for year in range(first.year, as_of.year + 1)}
    lines += [Text(" " * (gutter + 1) + line, style=_AXIS) for line in _years(years, columns, as_of, glyphs)]
    return Text("\n").join([*_key(sides, lag, as_of, width, glyphs, ticks[0]), *lines])


def steps(rows: Sequence[Row], side: str, as_of: date) -> list[Step]:
    """Day, score and model of each record of a side up to a day; each is above the one before."""
    found: list[Step] = []
    for one in sorted(rows, key=lambda row: (row["released_on"], row["score"])):
        if one["side"] == side and one["released_on"] <= as_of and (not found or one["score"] > found[-1][1]):
            found.append((one["released_on"], float(one["score"]), str(one["model_name"])))
    return found


def score_ticks(lo: float, hi: float) -> list[float]:
    """Four or five round numbers, evenly spaced, that span the scores."""
    if hi - lo <= 1e-6 * abs(hi):
        lo, hi = lo - (abs(lo) / 20 or 1), hi + (abs(hi) / 20 or 1)
    power = math.floor(math.log10(hi - lo))
    spans = []
    for step in (
        digit * 10.0**exponent for exponent in (power, power - 1) for digit in (8, 6, 5, 4, 3, 2.5, 2, 1.5, 1)
    ):
        least, most = math.floor(lo / step), math.ceil(hi / step)
        if most - least in {3, 4}:
            spans.append(((most - least) * step, step, least, most))
    _, step, least, most = min(spans)
    return [number * step for number in range(least, most + 1)]


def _decimals(ticks: Sequence[float]) -> int:
    step = ticks[1] - ticks[0]
    return next((places for places in range(9) if math.isclose(round(step, places), step, rel_tol=1e-6)), 9)


def _draw_steps(canvas: _Canvas, points: Sequence[tuple[int, int]], columns: int, pen: _Pen) -> None:
    """A line that goes right and up only; a mark on every record."""
    at, level = points[0]
    for column, row in [*points[1:], (columns - 1, points[-1][1])]:
        for between in range(at + 1, column + 1):
            canvas.put(level, between, pen.across, pen.style)
        if row < level:
            canvas.put(level, column, pen.turn, pen.style)
            for between in range(row + 1, level):
                canvas.put(between, column, pen.upright, pen.style)
        at, level = column, row
    for column, row in points:
        canvas.put(row, column, pen.mark, pen.style)


def _draw_rule(canvas: _Canvas, row: int, start: int, end: int, label: str, glyphs: _Glyphs) -> None:
    """The rule over whatever line lies there, under marks; its label where nothing else is."""
    left, middle, right = glyphs.rule
    marks = {pen.mark for pen in glyphs.pens.values()}
    for column in range(start, end + 1):
        if canvas.cells.get((row, column), ("", ""))[0] not in marks:
            character = right if column == end else left if column == start else middle
            canvas.put(row, column, character, _RULE)
    length = len(label)
    inside = [at for at in range(start, end) if canvas.free(row, at, length + 4, middle)]
    if inside:
        canvas.put(row, inside[len(inside) // 2] + 1, f" {label} ", _RULE)
        return
    # Left of its start and above it both lines are still to come.
    column = start - length - 1
    for line in (row, row - 1, row - 2):
        if column >= 0 and line >= 0 and canvas.free(line, column - 1, length + 2):
            canvas.put(line, column, label, _RULE)
            return


def _parted(rows: Mapping[str, int], scores: Mapping[str, float], height: int) -> dict[str, int]:
    """Rows of the labels at the ends; two on one row part, the higher score above."""
    found = dict(rows)
    lower, *upper = sorted(scores, key=lambda side: scores[side])
    if upper and found[upper[0]] == found[lower]:
        if found[lower] < height - 1:
            found[lower] += 1
        else:
            found[upper[0]] -= 1
    return found


def _years(years: Mapping[int, str], columns: int, as_of: date, glyphs: _Glyphs) -> list[str]:
    """The time axis with its numbers: first and last year, those between as far as they fit, and the last day."""
    base, numbers = [glyphs.base] * columns, ""
    last, end = max(years), -2
    for column, year in sorted(years.items()):
        base[column] = glyphs.year
        if column > end + 1 and (column == last or column + len(year) + 1 < last):
            numbers, end = numbers.ljust(column) + year, column + len(year)
    if end < columns:
        numbers = numbers.ljust(columns + 1) + str(as_of)
    return [glyphs.corner + "".join(base), f" {numbers}"]


def _key(
    sides: Mapping[str, object], lag: Lag | None, as_of: date, width: int, glyphs: _Glyphs, start: float
) -> list[Text]:
    """What the characters mean, in as many lines as it takes."""
    parts = [
        Text.assemble((f"{pen.across * 2}{pen.mark}{pen.across * 2}", pen.style), f" {side}")
        for side, pen in sorted(glyphs.pens.items(), reverse=True)
        if side in sides
    ]
    if start > 0:
        parts.append(Text(f"axis starts at {start:g}", style=_AXIS))
    if lag is not None and "open" in sides:
        left, middle, right = glyphs.rule
        passed = "clearly passed" if lag.clearly else "passed"
        since = f"{as_of - timedelta(days=round(lag.months * DAYS_PER_MONTH))}"
        said = f" {_months(lag)}: closed {passed} today's best open score on {since}"
        if lag.bounded:
            said = f" {_months(lag)}: closed began ahead of today's best open score"
        if cell_len(left + middle + right + said) > width:
            said = f" {_months(lag)}" + f", since {since}" * (not lag.bounded)
        parts.append(Text.assemble((f"{left}{middle}{right}", _RULE), said))
    lines = [parts[0]]
    for part in parts[1:]:
        joined = lines[-1] + Text("   ") + part
        lines[-1:] = [joined] if joined.cell_len <= width else [lines[-1], part]
    return lines


def _months(lag: Lag) -> str:
    return f"lag {'> ' if lag.bounded else ''}{lag.months:.1f} months"


def _end_label(side: str, last: Step, width: int, glyphs: _Glyphs) -> str:
    label = f" {side} {last[1]:.5g}"
    if width < _NAMED:
        return label
    name = " ".join(harmless(last[2]).split())
    if cell_len(name) > _NAME:
        name = set_cell_size(name, _NAME - len(glyphs.more)).rstrip() + glyphs.more
    return f"{label}  {name}"
