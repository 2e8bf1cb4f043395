"""Small charts of both frontiers, written as SVG right here.

Vega needs 80 ms and 50 kB for one of them, and a page may hold a hundred: drawn here they take a millisecond and a
fifth of the bytes. Their colours and dashes are classes of the page's style sheet.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from markupsafe import escape

from pipeline.gap.lag import DAYS_PER_MONTH
from pipeline.site.pages import figure

WIDTH, HEIGHT = 340, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 8, 10, 22


@dataclass(frozen=True)
class Mark:
    """A model in a chart; `reported`: by its developer alone."""

    side: str
    day: date
    model: str
    score: float
    reported: bool = False


@dataclass(frozen=True)
class Panel:
    """What one small chart shows.

    Attributes:
        records: models that raised a frontier, sides open and closed.
        others: the other models.
        as_of: where both lines end.
        open_score: today's best open score; null = none.
        lag_months: length of the black rule that ends at `as_of`; null = no rule.
        bounded: the lag is at least that long.
        unit: of the scores; fractions are shown as percent.
        lower: lower scores are better; the axis is then turned, so that up is always better.
    """

    records: Sequence[Mark]
    others: Sequence[Mark]
    as_of: date
    open_score: float | None
    lag_months: float | None
    bounded: bool
    unit: str | None
    lower: bool = False


def svg(panel: Panel) -> str:
    """The chart as SVG; models tell their name, score and day when they are pointed at."""
    every = [*panel.records, *panel.others]
    ruled = _rule_start(panel)
    days = [mark.day.toordinal() for mark in every] + ([ruled.toordinal()] if ruled else [])
    first, last = min(days), max(panel.as_of.toordinal(), max(days) + 1)
    ticks = _ticks(min(mark.score for mark in every), max(mark.score for mark in every))
    low, high = ticks[0], ticks[-1]

    def x(day: date) -> float:
        return round(_LEFT + (day.toordinal() - first) / max(last - first, 1) * (WIDTH - _LEFT - _RIGHT), 1)

    def y(score: float) -> float:
        share = (score - low) / (high - low)
        return round(_TOP + (share if panel.lower else 1 - share) * (HEIGHT - _TOP - _BOTTOM), 1)

    parts = [
        f'<path class="g" d="M{_LEFT} {y(tick)}H{WIDTH - _RIGHT}"/>'
        f'<text class="y" x="{_LEFT - 6}" y="{y(tick) + 4}">{escape(shown(tick, panel.unit))}</text>'
        for tick in ticks
    ]
    parts += [
        f'<text class="x" x="{x(day)}" y="{HEIGHT - 6}">{words}</text>'
        for day, words in _dates(date.fromordinal(first), date.fromordinal(last))
    ]
    parts += [
        f'<circle class="d" cx="{x(mark.day)}" cy="{y(mark.score)}" r="1.8" aria-label="{_told(mark, panel.unit)}"/>'
        for mark in panel.others
    ]
    if ruled and panel.open_score is not None:
        at, level = x(ruled), y(panel.open_score)
        end = (
            f"M{at + 7} {level - 4}L{at} {level}L{at + 7} {level + 4}"
            if panel.bounded
            else f"M{at} {level - 5}V{level + 5}"
        )
        parts.append(f'<path class="r" d="M{at} {level}H{x(panel.as_of)}{end}"/>')
    for side in ("closed", "open"):
        marks = sorted((mark for mark in panel.records if mark.side == side), key=lambda mark: mark.day)
        if marks:
            steps = "".join(f"H{x(mark.day)}V{y(mark.score)}" for mark in marks[1:])
            start = f"M{x(marks[0].day)} {y(marks[0].score)}"
            parts.append(f'<path class="{side[0]}" d="{start}{steps}H{x(panel.as_of)}"/>')
        parts += [_shape(mark, x(mark.day), y(mark.score), panel.unit) for mark in marks]
    return f'<svg class="chart mini" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">{"".join(parts)}</svg>'


def shown(score: float, unit: str | None) -> str:
    """A score as people read it in its unit."""
    match unit:
        case "fraction":
            return f"{figure(score * 100, 1)}%"
        case "percent":
            return f"{figure(score, 1)}%"
        case _:
            return figure(score, 1)


def _shape(mark: Mark, x: float, y: float, unit: str | None) -> str:
    name = f'class="{mark.side[0]}{" h" if mark.reported else ""}" aria-label="{_told(mark, unit)}"'
    if mark.side == "open":
        return f'<circle {name} cx="{x}" cy="{y}" r="3.5"/>'
    return f'<rect {name} x="{round(x - 3.2, 1)}" y="{round(y - 3.2, 1)}" width="6.4" height="6.4"/>'


def _told(mark: Mark, unit: str | None) -> str:
    alone = ", reported by its developer alone" if mark.reported else ""
    return str(escape(f"{mark.model} ({mark.side}): {shown(mark.score, unit)}, {mark.day}{alone}"))


def _rule_start(panel: Panel) -> date | None:
    if not panel.lag_months or panel.lag_months <= 0:
        return None
    return panel.as_of - timedelta(days=round(panel.lag_months * DAYS_PER_MONTH))


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from below the lowest score to above the highest, some five of them."""
    span = (high - low) or abs(high) or 1.0
    rough = span / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * nice for nice in (1, 2, 2.5, 5, 10) if power * nice >= rough * (1 - 1e-9))
    start, end = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(place * step, 10) for place in range(start, max(end, start + 1) + 1)]


def _dates(first: date, last: date) -> list[tuple[date, str]]:
    """Labels of the time axis: years, and months between where the span is short; one of them names the year."""
    years = (last - first).days / 365.25
    months = (1,) if years > 3 else (1, 7) if years > 1.2 else (1, 4, 7, 10) if years > 0.6 else range(1, 13, 2)
    every = max(1, math.ceil(years / 7))
    room = timedelta(days=round((last - first).days * 0.04))
    days = [date(year, month, 1) for year in range(first.year, last.year + 1) for month in months]
    found = [
        day for day in days if first <= day <= last - room and (day.month != 1 or day.year % every == 0)
    ] or [first]  # fmt: skip
    named = any(day.month == 1 for day in found)
    return [
        (day, f"{day.year}" if day.month == 1 else f"{day:%b}" if named or place else f"{day:%b %Y}")
        for place, day in enumerate(found)
    ]
