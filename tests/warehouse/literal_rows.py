"""Rows for tables of the raw schema, with what a test does not care about filled in."""

from datetime import UTC, date, datetime

from pipeline import index_tables, vintage_tables
from pipeline.history import FILLS

URL = "https://example.org/x"
SEEN = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2)]


def release(model, access, day, **more):
    return {"model_id": model, "name": model.upper(), "access": access, "released_on": date(2024, 1, day),
            "released_on_source": "announcement", "source_name": "s", "source_url": URL} | more  # fmt: skip


def score(model, value, capture="f1", **more):
    source = {"source_kind": "url", "source_url": URL, "capture_id": capture}
    known = {"model_id": model, "series_id": "quiz_series", "model_as_written": model, "value": value}
    return known | source | {"unit": "percent", "tier": "C", "doubtful": False} | more


def figure(name, month, lag, capture):
    return {"figure_id": name, "publisher": "p", "published_on": date(2024, month, 1), "published_precision": "month",
            "lag_months": lag, "definition": "d", "source_name": "s", "source_url": URL,
            "capture_id": capture}  # fmt: skip


def capture(source, number, **more):
    return {"source": source, "capture_id": f"{source[0]}{number}", "origin": "o", "finished_at": SEEN[number - 1],
            "rows_read": 1, "rows_kept": 1, "rows_quarantined": 0, "rows_duplicate": 0, "metrics_read": 0,
            "metrics_kept": 0, "metrics_quarantined": 0} | more  # fmt: skip


def rated(model, series, value, **more):
    return {"fact_id": f"{model}{series}", "source": "board", "part": "p", "model": model, "series_id": series,
            "value": value, "tier": "C", "doubtful": False, "source_name": "s", "source_url": URL, "capture_id": "b1",
            "seen_at": SEEN[0]} | more  # fmt: skip


def edition(name, day):
    return {"source": "board", "series_id": name, "benchmark_id": "votes", "benchmark_name": "Votes", "protocol": "p",
            "evaluator": "e", "comparability": "same_evaluator", "unit": "elo", "direction": "higher",
            "edition_of": "ranking", "edition_on": date(2024, 2, day), "source_name": "s",
            "source_url": URL}  # fmt: skip


def fill_gap(connection):
    """What the assets of the gap group do."""
    found = index_tables.load(connection, None)
    for fill in FILLS:
        fill(connection, found)
    vintage_tables.write(connection, [])


def rows(connection, query):
    return connection.execute(query).fetchall()
