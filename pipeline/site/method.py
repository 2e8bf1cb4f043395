"""The page that says how the numbers come about, what they depend on and what they cannot say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from pipeline.report.overview import METHODS, WINDOWS
from pipeline.site.pages import figure, render, words
from pipeline.warehouse import tables_of

Row = dict[str, Any]
Cells = list[list[Any]]
NONE = "\N{EN DASH}"
"""What stands where nothing is known."""
OPEN = {"downloadable": "downloadable", "commercial": "commercially usable", "unrestricted": "unrestricted"}
_EVIDENCE = {"declared": "declared", "curated": "on a public page", "inferred": "by name alone", "none": "none",
             "unknown": "unknown"}  # fmt: skip

_COUNTS = """
SELECT
    (SELECT count(*) FROM staging.models) AS models,
    (SELECT count(*) FROM staging.models WHERE access = 'unknown') AS unknown_access,
    (SELECT count(*) FROM staging.scores WHERE superseded_at IS NULL) AS scores,
    (SELECT count(*) FROM staging.scores WHERE superseded_at IS NULL AND left_out IS NOT NULL) AS left_out,
    (SELECT count(*) FROM ops.quarantine) AS put_aside,
    (SELECT count(*) FROM marts.coverage) AS unscored,
    (SELECT count(*) FROM marts.score_conflicts) AS disputed,
    (SELECT count(*) FROM marts.date_disputes) AS date_disputes,
    (SELECT count(*) FROM marts.unmapped_names) AS unmapped,
    (SELECT count(*) FROM marts.unresolved) AS unresolved
"""
_SERIES_COUNTS = """
SELECT comparability, count(*) FROM marts.headline
WHERE slice = 'all' AND open_definition = 'downloadable' AND tolerance = 'strict'
AND open_model IS NOT NULL AND closed_model IS NOT NULL
GROUP BY comparability
"""
_ANSWERS = """
SELECT h.*, s.rmst18_months, s.rmst18_lo, s.rmst18_hi, s.matched_only_mean
FROM marts.headline AS h
LEFT JOIN marts.survival AS s
    ON h.series = s.series AND h.slice = s.slice AND h.open_definition = s.open_definition
    AND h.tolerance = s.tolerance
WHERE h.is_headline
ORDER BY list_position(['downloadable', 'commercial', 'unrestricted'], h.open_definition), h.tolerance DESC
"""
_RATES = """
SELECT * FROM marts.closing_rate WHERE series = $series AND slice = 'all' AND open_definition = 'downloadable'
AND tolerance = 'strict' AND measure = 'gap' AND estimator = 'ols'
"""
_POLICIES = """
SELECT
    policy,
    max(gap) FILTER (WHERE series = 'epoch_eci') AS published_gap,
    max(gap) FILTER (WHERE series = 'capability_index') AS gap,
    max(lag_months) FILTER (WHERE series = 'capability_index') AS lag_months,
    max(catch_up_median) FILTER (WHERE series = 'capability_index') AS catch_up_median,
    max(models) FILTER (WHERE series = 'capability_index') AS models,
    count(*) FILTER (WHERE benchmark IS NOT NULL AND gap IS NOT NULL) AS benchmarks,
    count(*) FILTER (WHERE benchmark IS NOT NULL AND gap > 0) AS behind,
    count(*) FILTER (WHERE benchmark IS NOT NULL AND loose) AS loose
FROM marts.policy_effects
GROUP BY policy
ORDER BY list_position(['default', 'independent', 'vendor', 'same_protocol', 'highest', 'lowest'], policy)
"""
_LEFT_OUT = """
SELECT reason, count(*), sum(scores), count(*) FILTER (WHERE would_lead), count(*) FILTER (WHERE would_lead IS NULL)
FROM marts.left_out GROUP BY reason ORDER BY sum(scores) DESC, reason
"""
_DATES = "SELECT * FROM marts.date_sensitivity WHERE series = $series ORDER BY redated, dating"
_LINE = "SELECT * FROM marts.parity_line WHERE series = $series AND measure = 'lag' AND period = 'whole'"
_BACKTEST = """
SELECT * FROM marts.backtest WHERE horizon = 12 AND (basis = 'refit' OR series = $series)
ORDER BY basis DESC, measure, origins, mae
"""
_EVIDENCES = """
SELECT evidence, any_value(meaning), sum(repositories) FROM marts.lineage_evidence
GROUP BY evidence ORDER BY sum(repositories) DESC
"""


def write(connection: duckdb.DuckDBPyConnection, site: dict[str, Any], folder: Path) -> None:
    """Write method.html."""
    answers = connection.execute(_ANSWERS).pl().to_dicts()
    main = next(
        (row for row in answers if (row["open_definition"], row["tolerance"]) == ("downloadable", "strict")), None
    )
    asked = {"series": main["series"] if main else ""}

    def rows(query: str) -> list[Row]:
        given = asked if "$series" in query else {}
        return connection.execute(query, given).pl().to_dicts()

    line = next(iter(rows(_LINE)), None)
    page = render(
        "method.html", site, main=main, counts=rows(_COUNTS)[0],
        series=dict(connection.execute(_SERIES_COUNTS).fetchall()), answers=_answers(answers),
        windows=_windows(rows(_RATES)), dates=_dates(rows(_DATES)), policies=rows(_POLICIES),
        left_out=connection.execute(_LEFT_OUT).fetchall(), backtest=_backtest(rows(_BACKTEST)),
        evidence=[(_EVIDENCE.get(kind, kind), meaning, int(count))
                  for kind, meaning, count in connection.execute(_EVIDENCES).fetchall()],
        parity=next(iter(rows("FROM marts.parity ORDER BY basis DESC")), None),
        others=[other | {"ours": ours(other["comparable_to"], main, line)}
                for other in rows("FROM marts.other_figures ORDER BY published_on DESC, figure_id")],
        marts=len(tables_of(connection, "marts")), published=_published,
    )  # fmt: skip
    (folder / "method.html").write_text(page, encoding="utf-8")


def ranged(value: float | None, lo: float | None = None, hi: float | None = None, digits: int = 1) -> str:
    """A number with its interval in brackets; an end that is not reached is said so, a dash stands for none."""
    if value is None:
        return NONE
    text = f"{value:.{digits}f}"
    if lo is None and hi is None:
        return text
    ends = ("not reached" if end is None else f"{end:.{digits}f}" for end in (lo, hi))
    return f"{text} ({' to '.join(ends)})"


def ours(metric: str | None, main: Mapping[str, Any] | None, line: Mapping[str, Any] | None) -> str:
    """Our own figure that is nearest to one of others, in words.

    Args:
        metric: `comparable_to` of marts.other_figures.
        main: the headline with its restricted mean.
        line: the straight line through our lag.
    """
    if main is None:
        return NONE
    match metric:
        case "backward_lag":
            least = "at least " if main["lag_bounded"] else ""
            return f"lag of today: {least}{ranged(main['lag_months'], main['lag_lo'], main['lag_hi'])}"
        case "catch_up_median":
            ends = (main["catch_up_calibrated_lo"], main["catch_up_calibrated_hi"])
            return f"catch-up median: {ranged(main['catch_up_median'], *ends)}"
        case "catch_up_mean":
            mean = ranged(main["rmst18_months"], main["rmst18_lo"], main["rmst18_hi"])
            return f"catch-up mean within 18 months, unmatched records included: {mean}"
        case "gap":
            return f"gap: {ranged(main['gap_raw'], main['gap_lo'], main['gap_hi'], 2)}"
        case "parity_by_line" if line is not None:
            crossed = line["crosses_on"]
            return f"the same line on our series: {f'crosses on {crossed}' if crossed else line['note']}"
        case _:
            return "no like figure"


def _answers(found: list[Row]) -> Cells:
    return [
        [
            OPEN[row["open_definition"]], row["tolerance"], row["open_model"] or NONE,
            ("at least " if row["lag_bounded"] else "") + ranged(row["lag_months"], row["lag_lo"], row["lag_hi"]),
            ranged(row["gap_raw"], row["gap_lo"], row["gap_hi"]),
            ranged(row["catch_up_median"], row["catch_up_calibrated_lo"], row["catch_up_calibrated_hi"]),
            f"{row['censored']} of {row['records']}",
        ]
        for row in found
    ]  # fmt: skip


def _windows(rates: list[Row]) -> Cells:
    by_period = {row["period"]: row for row in rates}
    return [
        [name, row["months"], ranged(row["slope_per_year"], row["slope_lo"], row["slope_hi"]), row["p_closing"]]
        for period, name in WINDOWS.items()
        if (row := by_period.get(period)) is not None
    ]


def _dates(found: list[Row]) -> Cells:
    return [
        [row["dating"], row["redated"], ranged(row["gap_raw"]), ranged(row["lag_months"]),
         ranged(row["catch_up_median"], row["catch_up_lo"], row["catch_up_hi"]),
         f"{row['censored']} of {row['records']}"]
        for row in found
    ]  # fmt: skip


def _backtest(found: list[Row]) -> Cells:
    return [
        [row["basis"], row["measure"], METHODS.get(row["method"], row["method"]), row["origins"], row["n"],
         ranged(row["mae"]), ranged(row["mae_persistence"]), ranged(row["skill"], row["skill_lo"], row["skill_hi"], 2)]
        for row in found
        if row["method"] != "persistence"
    ]  # fmt: skip


def _published(other: Mapping[str, Any]) -> str:
    """What others published, as far as they did: lag or its range, gap, day of parity."""
    unit, parts = "months", []
    interval = other["ci_level"] is not None
    if other["lag_months"] is not None:
        parts.append(f"{ranged(other['lag_months'], other['lag_lo'], other['lag_hi'])} {unit}")
    elif other["lag_lo"] is not None and other["lag_hi"] is not None:
        parts.append(f"{figure(other['lag_lo'], 1)} to {figure(other['lag_hi'], 1)} {unit}")
    if other["gap_points"] is not None:
        parts.append(f"gap {ranged(other['gap_points'], other['gap_points_lo'], other['gap_points_hi'])} points")
    if other["parity_on"] is not None:
        parts.append(f"parity on {words(other['parity_on'])}")
    return "; ".join(parts) + (f" ({other['ci_level']:.0%} intervals)" if interval and parts else "")
