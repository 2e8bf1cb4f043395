"""The answer in one sentence, chosen by the state of a series."""

from __future__ import annotations

from pipeline.gap.series import SeriesReport

OPEN_WORDS = {
    "downloadable": "open-weight",
    "commercial": "commercially usable open-weight",
    "unrestricted": "unrestricted open-weight",
}
UNIT_WORDS = {
    "percent": " percentage points",
    "fraction": "",
    "elo": " Elo",
    "points": " points",
    "minutes": " minutes",
}


def answer(report: SeriesReport, unit: str | None, definition: str) -> tuple[str, str]:
    """State and sentence of one series.

    Args:
        report: the series as of its date.
        unit: unit of its scores; null = unknown.
        definition: downloadable, commercial or unrestricted.

    Returns:
        One of behind, behind_at_least, open_leads, level, not_enough_data; and a sentence for people.
    """
    date = f"{report.as_of:%Y-%m-%d}"
    best_open, best_closed, gap = report.frontier_open, report.frontier_closed, report.gap_raw
    if best_open is None or best_closed is None or gap is None:
        return "not_enough_data", (
            f"Not enough shared data to say: {report.open} open and {report.closed} closed models by {date}."
        )
    subject = f"As of {date}, the best {OPEN_WORDS[definition]} model ({best_open.model})"
    size = f"{abs(gap):.3g}{UNIT_WORDS.get(unit or '', '')}"
    if gap < 0:
        return "open_leads", f"{subject} leads the best closed one ({best_closed.model}) by {size}."
    if gap == 0:
        return "level", f"{subject} is level with the best closed one ({best_closed.model})."
    if report.backward.months is None:
        return "behind", (
            f"{subject} is {size} behind the best closed one ({best_closed.model}); no closed model was"
            " clearly ahead at this tolerance, so the lag in months is undefined."
        )
    lag = f"{report.backward.months:.1f} months"
    if report.backward.bounded:
        return "behind_at_least", (
            f"{subject} trails the best closed one ({best_closed.model}) by more than {lag} ({size})."
        )
    return "behind", f"{subject} trails the best closed one ({best_closed.model}) by {lag} ({size}).{_typical(report)}"


def _typical(report: SeriesReport) -> str:
    """How long closed records stayed unmatched, with interval, n and censoring."""
    found = report.survival
    if found.median is None or found.n is None:
        return ""
    interval = "" if found.lo is None or found.hi is None else f" (90% CI {found.lo:.1f}-{found.hi:.1f})"
    return (
        f" A closed record has stayed unmatched for a median of {found.median:.1f} months{interval};"
        f" {found.censored} of {found.n} records are unmatched still."
    )
