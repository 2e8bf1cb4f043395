"""The page that says how the numbers come about, what they depend on and what they cannot say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from pipeline.report.overview import METHODS, WINDOWS
from pipeline.site.pages import NONE, ranged, render
from pipeline.site.published import others
from pipeline.warehouse import tables_of

Row = dict[str, Any]
Cells = list[list[Any]]
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
SELECT h.*, s.matched_only_mean
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

    page = render(
        "method.html", site, main=main, counts=rows(_COUNTS)[0],
        series=dict(connection.execute(_SERIES_COUNTS).fetchall()), answers=_answers(answers),
        windows=_windows(rows(_RATES)), dates=_dates(rows(_DATES)), policies=rows(_POLICIES),
        left_out=connection.execute(_LEFT_OUT).fetchall(), backtest=_backtest(rows(_BACKTEST)),
        evidence=[(_EVIDENCE.get(kind, kind), meaning, int(count))
                  for kind, meaning, count in connection.execute(_EVIDENCES).fetchall()],
        parity=next(iter(rows("FROM marts.parity ORDER BY basis DESC")), None),
        others=others(connection), marts=len(tables_of(connection, "marts")),
    )  # fmt: skip
    (folder / "method.html").write_text(page, encoding="utf-8")


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
