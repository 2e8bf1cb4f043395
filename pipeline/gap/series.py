"""The report of each series: gap, lags, survival and saturation, as `moat gap --json` prints it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import polars as pl

from pipeline.gap.frontier import logit, records, win_probability
from pipeline.gap.lag import (
    Z_ONE_SIDED,
    BackwardLag,
    CatchUp,
    Ruler,
    Scale,
    Tolerance,
    backward_lag,
    catch_up,
    qualifying,
)
from pipeline.gap.monthly import monthly
from pipeline.gap.noise import Draws, Noise, backward_lag_paired, by_stderr, catch_up_paired, frontier_noise
from pipeline.gap.sides import OpenDefinition, availability, latest_date
from pipeline.gap.survival import Survival, survival
from pipeline.gap.trend import ClosingRate, closing_rates
from pipeline.gap.trend import document as closing_document
from pipeline.gap.trend import notes as closing_notes
from pipeline.gap.weibull import Weibull, weibull_of

SATURATED_SHARE = 0.95
_STRICT = Tolerance("strict")
_NO_SATURATION = "saturation: an index over many benchmarks has no ceiling to reach"
_NOT_DEFINED = Survival(None, None, None, None, None, None, None, None)


@dataclass(frozen=True)
class FrontierModel:
    """The model that holds a frontier; its score as published."""

    model: str
    released_on: date | None
    score: float


@dataclass(frozen=True)
class SeriesReport:
    """Everything said about one series as of one date; `to_dict` gives the published structure.

    Lags are months of 30.4375 days. `gap_raw` is positive where closed leads. A number that cannot
    be computed is null, and `notes` says why.
    """

    series: str
    as_of: date
    models: int
    open: int
    closed: int
    unknown: int
    frontier_open: FrontierModel | None
    frontier_closed: FrontierModel | None
    gap_raw: float | None
    gap_logit: float | None
    noise: Noise
    backward: BackwardLag
    catch_up: tuple[CatchUp, ...]
    survival: Survival
    weibull: Weibull | None
    closing: tuple[ClosingRate, ...]
    saturated: bool | None
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The series as one entry of `moat gap --json`: only text, numbers, booleans and nulls."""
        outcome = _without_notes(self.survival) | {"weibull": self.weibull and _without_notes(self.weibull)}
        return {
            "series": self.series,
            "models": self.models,
            "open": self.open,
            "closed": self.closed,
            "unknown": self.unknown,
            "frontier": {
                "open": _plain(self.frontier_open),
                "closed": _plain(self.frontier_closed),
            },
            "gap": {
                "raw": self.gap_raw,
                "logit": self.gap_logit,
                "on": self.as_of.isoformat(),
                "bias": self.noise.gap_bias,
                "lo": self.noise.gap_lo,
                "hi": self.noise.gap_hi,
            },
            "lag_months": {
                "backward": self.backward.months,
                "bounded": self.backward.bounded,
                "lo": self.noise.lag_lo,
                "hi": self.noise.lag_hi,
            },
            "catch_up": [_plain(event) for event in self.catch_up],
            "survival": outcome,
            "closing_rate": closing_document(self.closing),
            "saturated": self.saturated,
            "notes": list(self.notes),
        }


def series_report(
    scores: pl.DataFrame,
    as_of: date | None = None,
    tolerance: Tolerance = _STRICT,
    open_definition: OpenDefinition = "downloadable",
    draws: Mapping[str, Draws] | None = None,
) -> list[SeriesReport]:
    """Report every series of a table of scores, in order of name.

    Args:
        scores: as `sides.availability` takes them.
        as_of: date of the world; the latest date in the scores where null.
        tolerance: how much worse a match may be.
        open_definition: what counts as open.
        draws: joint draws of whole series, by name, oriented. They give the interval of the gap and
            decide what is significant; other series use their standard errors.

    Raises:
        InputError: the scores cannot be used, or hold no date and `as_of` is null.
    """
    as_of = latest_date(scores) if as_of is None else as_of
    sides = availability(scores, as_of, open_definition)
    matching = sides.rows.join(sides.series.select("series", "median_stderr"), on="series")
    qualified = qualifying(matching, tolerance, pl.col("median_stderr")).drop("median_stderr")
    may_match = _by_series(records(qualified))
    frontiers = records(sides.rows)
    closed = _by_series(frontiers.filter(pl.col("side") == "closed"))
    opened = _by_series(frontiers.filter(pl.col("side") == "open"))
    everything = _by_series(sides.rows)
    none = frontiers.clear()
    reports = []
    for row in sides.series.iter_rows(named=True):
        name = row["series"]
        joint = (draws or {}).get(name)
        # Draws decide pair by pair, so that any open model may match, not only one that set a record.
        by_pair = joint is not None and tolerance.kind == "significant"
        candidates = _by_series(qualified.filter(pl.col("series") == name)) if by_pair else may_match
        reports.append(
            _report(
                row,
                closed=closed.get(name, none),
                opened=opened.get(name, none),
                may_match=candidates.get(name, none),
                rows=everything.get(name, none),
                joint=joint,
                as_of=as_of,
                tolerance=tolerance,
            )
        )
    return reports


def gap_document(
    scores: pl.DataFrame,
    as_of: date | None = None,
    tolerance: Tolerance = _STRICT,
    open_definition: OpenDefinition = "downloadable",
    draws: Mapping[str, Draws] | None = None,
) -> dict[str, Any]:
    """The whole of `moat gap --json`; the arguments are those of `series_report`."""
    as_of = latest_date(scores) if as_of is None else as_of
    return {
        "as_of": as_of.isoformat(),
        "tolerance": str(tolerance),
        "open": open_definition,
        "series": [report.to_dict() for report in series_report(scores, as_of, tolerance, open_definition, draws)],
    }


def _report(
    row: Mapping[str, Any],
    *,
    closed: pl.DataFrame,
    opened: pl.DataFrame,
    may_match: pl.DataFrame,
    rows: pl.DataFrame,
    joint: Draws | None,
    as_of: date,
    tolerance: Tolerance,
) -> SeriesReport:
    """One series from its counts, its records and all its rows."""
    scale = Scale(row["orient"], row["chance"], row["ceiling"], row["median_stderr"], row["unit"])
    strict = backward_lag(closed, opened, as_of, _STRICT, scale)
    ruler_note = Ruler(tolerance, scale).note
    drawn = joint if tolerance.kind == "significant" and not ruler_note else None
    if drawn is not None and not closed.is_empty() and not opened.is_empty():
        everyone = rows.filter(pl.col("side") == "closed")
        backward = backward_lag_paired(everyone, opened["model"][-1], drawn, as_of)
        events = catch_up_paired(closed, may_match, drawn, as_of, scale)
    else:
        backward = backward_lag(closed, opened, as_of, tolerance, scale)
        events = catch_up(closed, may_match, as_of, tolerance, scale)
    measured_lag = strict.months if tolerance == _STRICT and not strict.bounded else None
    noise = frontier_noise(rows, joint or by_stderr(rows), as_of, measured_lag)
    outcome = _NOT_DEFINED if ruler_note else survival(events)
    raw, in_logit, gap_notes = _gap(closed, opened, scale, row["unit"])
    saturated, saturation_note = _saturation(closed, scale) if joint is None else (None, _NO_SATURATION)
    points = monthly(closed, opened, as_of, scale, tolerance)
    closing = closing_rates(points, as_of, raw, backward.months)
    duration = None if ruler_note else weibull_of(events)
    notes = [
        *_count_notes(row),
        *gap_notes,
        noise.note,
        ruler_note,
        backward.note,
        None if tolerance == _STRICT else "interval of the lag: at strict tolerance only",
        *outcome.notes,
        *(duration.notes if duration else ()),
        saturation_note,
        *closing_notes(closing),
    ]
    return SeriesReport(
        series=row["series"],
        as_of=as_of,
        models=row["models"],
        open=row["open"],
        closed=row["closed"],
        unknown=row["unknown"],
        frontier_open=_holder(opened, scale),
        frontier_closed=_holder(closed, scale),
        gap_raw=raw,
        gap_logit=in_logit,
        noise=noise,
        backward=backward,
        catch_up=tuple(events),
        survival=outcome,
        weibull=duration,
        closing=tuple(closing),
        saturated=saturated,
        notes=tuple(dict.fromkeys(note for note in notes if note)),
    )


def _gap(
    closed: pl.DataFrame, opened: pl.DataFrame, scale: Scale, unit: str | None
) -> tuple[float | None, float | None, list[str]]:
    """The gap of the two last records, raw and in logit, and what there is to say about it."""
    if closed.is_empty() or opened.is_empty():
        return None, None, ["gap: needs a model on both sides"]
    best = pl.DataFrame({"closed": closed["score"][-1:], "open": opened["score"][-1:]})
    bounds = pl.lit(scale.chance, dtype=pl.Float64), pl.lit(scale.ceiling, dtype=pl.Float64)
    raw, in_logit, chance_to_win = best.select(
        raw=pl.col("closed") - pl.col("open"),
        logit=logit(pl.col("closed") * scale.orient, *bounds) - logit(pl.col("open") * scale.orient, *bounds),
        win=win_probability(pl.col("closed") - pl.col("open")),
    ).row(0)
    notes = []
    if in_logit is None:
        notes.append("logit gap: chance or ceiling is not known")
    if unit == "elo":
        notes.append(f"gap: the best closed model wins against the best open one with p = {chance_to_win:.3f}")
    if scale.orient < 0:
        notes.append("lower scores are better: a positive gap still means that closed leads")
    return raw, in_logit, notes


def _saturation(closed: pl.DataFrame, scale: Scale) -> tuple[bool | None, str | None]:
    """Whether the closed frontier is near its ceiling or its last three records lie within noise.

    Null where neither rule can be applied. Where lower is better, "95% of the ceiling" is read as 95%
    of the way from chance to the ceiling, so it needs both.
    """
    if closed.is_empty():
        return None, "saturation: no closed model"
    top = closed["score"][-1] * scale.orient
    share = None
    if scale.ceiling is not None and scale.orient > 0 and scale.ceiling > 0:
        share = top / scale.ceiling
    elif scale.ceiling is not None and scale.chance is not None:
        share = (top - scale.chance) / (scale.ceiling - scale.chance)
    within_noise = None
    if scale.median_stderr is not None and closed.height >= 3:
        last = closed["score"][-3:].to_numpy()
        within_noise = bool(last[-1] - last[0] <= Z_ONE_SIDED * 2**0.5 * scale.median_stderr)
    if (share is not None and share > SATURATED_SHARE) or within_noise:
        return True, None
    if share is None and within_noise is None:
        return None, "saturation: neither the ceiling nor the noise of three closed records is known"
    return False, None if share is not None else "saturation: the ceiling is not known; judged by noise only"


def _count_notes(row: Mapping[str, Any]) -> list[str]:
    """One note for each thing that was counted rather than guessed or dropped in silence."""
    said = {
        "unknown": "models of unknown access are on neither side",
        "excluded": "open-weights models are outside the chosen definition of open and on neither side",
        "undated": "models without a release date are on neither side",
        "closed_first": "models were closed before their weights came",
        "duplicates": "rows repeat a model; its best score counts",
        "disagreeing": "models have rows that disagree on dates, access or licence; the best row counts",
        "scale_conflicts": "contradictions in chance, ceiling or unit; those are taken as not known",
    }
    return [f"{row[name]} {text}" for name, text in said.items() if row[name]]


def _holder(side: pl.DataFrame, scale: Scale) -> FrontierModel | None:
    """The model of the last record, if there is one."""
    if side.is_empty():
        return None
    model, released_on, score = side.select("model", "released_on", "score").row(-1)
    return FrontierModel(model, released_on, score * scale.orient)


def _by_series(frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The rows of each series, in order."""
    return {str(key[0]): part for key, part in frame.partition_by("series", as_dict=True).items()}


def _without_notes(thing: Survival | Weibull) -> dict[str, Any]:
    return {name: value for name, value in asdict(thing).items() if name != "notes"}


def _plain(thing: FrontierModel | CatchUp | None) -> dict[str, Any] | None:
    """The fields in order, dates as ISO text."""
    if thing is None:
        return None
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in asdict(thing).items()}
