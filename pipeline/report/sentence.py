"""The answer in one sentence, chosen by the state of a series."""

from __future__ import annotations

from pipeline.gap.series import SeriesReport
from pipeline.gap.survival import Survival
from pipeline.report.numbers import significant

OPEN_WORDS = {
    "downloadable": "open-weight",
    "commercial": "commercially usable open-weight",
    "unrestricted": "unrestricted open-weight",
}
UNIT_WORDS = {
    "percent": " percentage points",
    "fraction": " percentage points",
    "elo": " Elo",
    "points": " points",
    "minutes": " minutes",
}


STATES = ("behind", "behind_at_least", "within_error", "open_leads", "not_enough_data")


def answer(report: SeriesReport, unit: str | None, definition: str, subset: str = "") -> tuple[str, str]:
    """State and sentence of one series.

    The interval of the gap selects the state; without one (no standard errors) the gap itself does.

    Args:
        report: the series as of its date.
        unit: unit of its scores; null = unknown.
        definition: downloadable, commercial or unrestricted.
        subset: words for the open models looked at, such as "of at most 8 billion parameters".

    Returns:
        One of STATES, and a sentence for people.
    """
    date = f"{report.as_of:%Y-%m-%d}"
    best_open, best_closed, gap = report.frontier_open, report.frontier_closed, report.gap_raw
    if best_open is None or best_closed is None or gap is None:
        return "not_enough_data", (
            f"Not enough shared benchmarks to say: {report.open} open and {report.closed} closed models by {date}."
        )
    kind = f"{OPEN_WORDS[definition]} model{subset and ' '}{subset}"
    subject = f"As of {date}, the best {kind} ({best_open.model})"
    other, noise = f"the best closed one ({best_closed.model})", report.noise
    times = 100 if unit == "fraction" else 1
    ends = (gap, gap) if noise.gap_lo is None or noise.gap_hi is None else (noise.gap_lo, noise.gap_hi)
    gap, lo, hi = times * gap, times * ends[0], times * ends[1]
    points = UNIT_WORDS.get(unit or "", "")
    size = f"{significant(abs(gap))}{points}"
    if hi < 0:
        return "open_leads", f"{subject} leads {other} by {size}{_interval(-hi, -lo)}."
    if lo <= 0:
        last = noise.clearly_behind_on
        behind = f"it was last clearly behind on {last}" if last else "it was never clearly behind"
        if noise.gap_lo is None:
            return "within_error", f"{subject} is level with {other}."
        return "within_error", (
            f"{subject} is within measurement error of {other}: a gap of {significant(gap)}{points}"
            f"{_interval(lo, hi)}; {behind}."
        )
    size += _interval(lo, hi)
    if report.backward.months is None:
        why = (report.backward.note or "").partition(": ")[2]
        return "behind", f"{subject} is {size} behind {other}; the lag in months is undefined: {why}."
    lag = f"{report.backward.months:.1f} months"
    if report.backward.bounded:
        return "behind_at_least", f"{subject} trails {other} by more than {lag} ({size})."
    if noise.lag_lo is not None and noise.lag_hi is not None:
        lag += f" (90% CI {max(noise.lag_lo, 0.0):.1f} to {noise.lag_hi:.1f})" if noise.lag_lo != noise.lag_hi else ""
    return "behind", f"{subject} trails {other} by about {lag}, or {size}.{typical(report.survival)}"


def typical(found: Survival) -> str:
    """How long closed records stayed unmatched, with interval, n and censoring."""
    if found.median is None or found.n is None:
        return ""
    lo, hi = found.calibrated_lo, found.calibrated_hi
    interval = "" if lo is None or hi is None else f" (90% CI {lo:.1f} to {hi:.1f})"
    if lo is not None and hi is None:
        interval = f" (90% CI from {lo:.1f})"
    return (
        f" A closed record has stayed unmatched for a median of {found.median:.1f} months{interval};"
        f" {found.censored} of {found.n} records are unmatched still."
    )


def movement(slope: float | None, lo: float | None, hi: float | None, window: str) -> str:
    """Narrowed, widened or no clear change, with the slope and its interval."""
    if slope is None or lo is None or hi is None:
        return f"The gap over {window}: too few months to say."
    verb = "widened" if lo > 0 else "narrowed" if hi < 0 else "shows no clear change"
    return f"The gap {verb} over {window}: {slope:+.1f} points a year (90% CI {lo:.1f} to {hi:.1f})."


def _interval(lo: float, hi: float) -> str:
    """The interval in brackets; nothing where it has no width."""
    return "" if lo == hi else f" (90% CI {significant(lo)} to {significant(hi)})"
