"""What `moat explain` says: which score of a model on a benchmark is used, whose it is and why, beside all others."""

from __future__ import annotations

from collections import Counter
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from pipeline.errors import InputError
from pipeline.gap.policy import POLICIES, REASONS, TIER_WORDS, Policy, pick
from pipeline.policy_tables import candidates
from pipeline.report.policy_gap import parse_policy
from pipeline.settings import Settings
from pipeline.warehouse import connect_published

Document = dict[str, Any]
_SHOWN = 30
# What a name is compared by, the surest first: as written, its letters and digits, those behind the owner's name.
_FORMS = (
    "lower({})",
    "regexp_replace(lower({}), '[^\\p{{L}}\\p{{N}}]+', '', 'g')",
    "regexp_replace(regexp_extract(lower({}), '[^/]*$'), '[^\\p{{L}}\\p{{N}}]+', '', 'g')",
)
# Every name of a model or benchmark; place: 0 its id, 1 its own name, 2 what a source calls it.
_NAMES = {
    "model": """
        SELECT model_id AS id, model_id AS said, name, 0 AS place FROM staging.models
        UNION ALL SELECT model_id, name, name, 1 FROM staging.models
        UNION ALL SELECT a.model_id, a.name, m.name, 2
        FROM staging.aliases AS a INNER JOIN staging.models AS m ON a.model_id = m.model_id""",
    "benchmark": """
        SELECT benchmark_id AS id, benchmark_id AS said, name, 0 AS place FROM staging.benchmarks
        UNION ALL SELECT benchmark_id, name, name, 1 FROM staging.benchmarks
        UNION ALL SELECT e.benchmark_id, e.name, b.name, 2
        FROM staging.series AS e INNER JOIN staging.benchmarks AS b ON e.benchmark_id = b.benchmark_id
        WHERE e.name IS NOT NULL""",
}
_CELLS = """
    SELECT DISTINCT s.model_id, e.benchmark_id
    FROM staging.scores AS s INNER JOIN staging.series AS e ON s.series_id = e.series_id"""
_CELL = """
    SELECT s.score_id, s.value, s.unit, e.protocol, e.protocol_class, e.evaluator, e.comparability, s.effort, s.tier,
        s.self_reported, coalesce(s.evaluated_on, s.published_on) AS dated_on, s.left_out, s.model_as_written,
        s.source_name, s.source_url, s.note, s.seen_at, s.superseded_at
    FROM staging.scores AS s INNER JOIN staging.series AS e ON s.series_id = e.series_id
    WHERE s.model_id = $model AND e.benchmark_id = $benchmark"""
_MODEL = """
    SELECT name, organisation, access, access_source, released_on, released_on_source, weights_on, source_name,
        source_url
    FROM staging.models WHERE model_id = $model"""
_SQL = (
    "SELECT s.*, e.protocol, e.evaluator FROM staging.scores AS s JOIN staging.series AS e USING (series_id)"
    " WHERE s.model_id = '{}' AND e.benchmark_id = '{}'"
)
_LEFT_OUT = {
    "doubtful": "marked doubtful until it is checked at its source",
    "flagged": "flagged by the board that published it",
    "merge": "of a merge of other models",
    "quantised": "of a quantised copy",
    "re-upload": "of a copy of another repository",
    "namesake": "of a repository with the name and size of an older one",
    "older edition": "a newer edition of the ranking counts",
}
_BECAUSE = {
    "tier": ("its evidence is the strongest", "weaker"),
    "protocol": ("its protocol is the one that more models of the benchmark share", "by another"),
    "effort": ("it states the highest effort", "with less or none stated"),
    "older": ("it is the newest", "older or without a date"),
    "lower": ("it is the highest", "lower"),
    "higher": ("it is the lowest", "higher"),
    "same score": ("", "the same again"),
}
"""By the step at which others lost: what speaks for the score in use, and what the others are."""


def explain(settings: Settings, model: str, benchmark: str, policy: str = "default") -> Document:
    """The document of `moat explain`.

    Args:
        settings: where the published file is.
        model: name, alias or repository; case and punctuation do not matter.
        benchmark: name or id, likewise.
        policy: one of POLICIES.

    Raises:
        InputError: there is no such policy, model or benchmark, or no score of the one on the other.
        WarehouseError: nothing is published yet.
    """
    rule = parse_policy(policy)
    with connect_published(settings) as connection:
        model_id, benchmark_id = _resolve(connection, model, benchmark)
        cell = {"model": model_id, "benchmark": benchmark_id}
        scores = connection.execute(_CELL, cell).pl().to_dicts()
        (known,) = connection.execute(_MODEL, {"model": model_id}).pl().to_dicts()
        (title,) = connection.execute(
            "SELECT name FROM staging.benchmarks WHERE benchmark_id = ?", [benchmark_id]
        ).fetchall()[0]
        (as_of,) = connection.execute("SELECT as_of FROM ops.schema_version").fetchall()[0]
        rows = candidates(connection, as_of, benchmark_id).filter(model_id=model_id)
    placed = {row["score_id"]: row for row in rows.to_dicts()}
    picks = {name: {row["score_id"]: row for row in pick(rows, each).to_dicts()} for name, each in POLICIES.items()}
    for score in scores:
        _tell(score, placed.get(score["score_id"]), picks[policy].get(score["score_id"]))
        score["picked_by"] = [name for name, found in picks.items() if found.get(score["score_id"], {}).get("chosen")]
    scores.sort(key=lambda score: (not score["used"], score["state"] != "current", score["tier"], score["score_id"]))
    text = _SQL.format(*(part.replace("'", "''") for part in (model_id, benchmark_id)))
    return {
        "sentence": _sentence(f"{known['name']} on {title}", scores, rule),
        "model_id": model_id, "benchmark_id": benchmark_id, "benchmark": title, "model": known,
        "policy": policy, "rule": rule.says, "as_of": as_of, "scores": scores,
        "tiers": {tier: words for tier, words in TIER_WORDS.items() if any(s["tier"] == tier for s in scores)},
        "sql": text,
    }  # fmt: skip


def show(document: Document, console: Console) -> None:
    """The document as text; `--json` carries all of it."""
    console.print(document["sentence"], style="bold")
    table = Table("", "score", "how it was run", "who says so", "why", box=None, header_style="bold", expand=True)
    for column, ratio in zip(table.columns, (0, 3, 5, 6, 6), strict=True):
        column.ratio = ratio or None
    for score in document["scores"][:_SHOWN]:
        effort = f"; run as {score['effort']}" if score["effort"] else ""
        tier = TIER_WORDS.get(score["tier"], score["tier"])
        day = f", {score['dated_on']}" if score["dated_on"] else ", date not stated"
        table.add_row(
            "->" if score["used"] else "", score["shown"], (score["protocol"] or "not stated") + effort,
            f"{_origin(score)} ({score['tier']}, {tier}{day})", score["why"],
        )  # fmt: skip
    console.print()
    console.print(table)
    hidden = len(document["scores"]) - _SHOWN
    if hidden > 0:
        console.print(f"and {hidden} more, none of them used: --json shows all")
    known = document["model"]
    console.print(f"\npolicy {document['policy']}: {document['rule']}")
    console.print("evidence: " + "; ".join(f"{tier} {words}" for tier, words in document["tiers"].items()))
    console.print(
        f"{known['name']} ({known['organisation'] or 'organisation unknown'}): {known['access']} "
        f"(known by: {known['access_source']}), released {known['released_on'] or 'on an unknown day'} "
        f"(known by: {known['released_on_source']}), {known['source_name']}, {known['source_url']}"
    )  # fmt: skip
    for score in document["scores"]:
        if score["used"]:
            console.print(f"source of the score in use: {score['source_url']}")
    console.print(f'moat sql "{document["sql"]}"', soft_wrap=True)


def _tell(score: Document, place: Document | None, found: Document | None) -> None:
    """Add to a score whether it is used, in words why, and its value as people write it."""
    score["used"] = bool(found and found["chosen"])
    score["reason"] = found["reason"] if found else None
    score["state"] = "current" if found else "superseded" if score["superseded_at"] else "later"
    score["score"], score["scale"] = (place["score"], place["scale"]) if place else (None, None)
    score["shown"] = _value(score)
    if score["used"]:
        score["why"] = "used"
    elif score["state"] != "current":
        gone = score["superseded_at"]
        score["why"] = f"not used: its source no longer states it (seen {gone:%Y-%m-%d})" if gone else "dated later"
    else:
        words = {**REASONS, **_LEFT_OUT}
        score["why"] = f"not used: {words.get(score['reason'], score['reason'])}"


def _value(score: Document) -> str:
    """The value as published, and on the common scale where it was published on another."""
    number, unit = score["value"], score["unit"]
    published = f"{number:g}%" if unit == "percent" else f"{number:g}" if unit == "fraction" else f"{number:g} {unit}"
    common = score["score"]
    if unit == "percent" or common is None or not score["scale"].startswith("fraction"):
        return published
    if "normalised" in (score["protocol_class"] or ""):
        return f"{100 * common:.3g}% (published as {number:.3g} of the way from chance to the ceiling)"
    return f"{100 * common:.3g}%"


def _origin(score: Document) -> str:
    return str(score["source_name"] or score["evaluator"])


def _sentence(cell: str, scores: list[Document], policy: Policy) -> str:
    """Which number is used, from whom, and why that one."""
    used = [score for score in scores if score["used"]]
    current = [score for score in scores if score["state"] == "current"]
    if not used:
        reasons = Counter(score["why"].removeprefix("not used: ") for score in scores)
        said = "; ".join(f"{count}: {reason}" for reason, count in reasons.items())
        return f"{cell}: no score is used under the policy {policy.name} ({said})."
    (best,) = used
    tier = TIER_WORDS.get(best["tier"], best["tier"])
    start = f"{cell}: {best['shown']} is used, from {_origin(best)} ({tier}), because "
    lost = Counter(score["reason"] for score in current if score["reason"] in _BECAUSE)
    if not lost:
        return start + "it is the only score that counts."
    parts = []
    for step in (*policy.steps, "same score"):
        if lost[step]:
            speaks, others = _BECAUSE[step]
            parts.append(f"{speaks} ({lost[step]} {others})" if speaks else f"{lost[step]} more state the same number")
    return f"{start}of {1 + lost.total()} scores {' and '.join(parts)}."


def _resolve(connection: duckdb.DuckDBPyConnection, model: str, benchmark: str) -> tuple[str, str]:
    """Ids of the model and the benchmark that two texts mean.

    Raises:
        InputError: a text means nothing, there is no score of the one on the other, or of several.
    """
    meant = {"model": _meant(connection, "model", model), "benchmark": _meant(connection, "benchmark", benchmark)}
    ids = {kind: list(found) for kind, found in meant.items()}
    found = connection.execute(
        f"SELECT * FROM ({_CELLS}) WHERE model_id IN (SELECT unnest($model))"
        " AND benchmark_id IN (SELECT unnest($benchmark)) ORDER BY ALL", ids,
    ).fetchall()  # fmt: skip
    if len(found) == 1:
        return found[0][0], found[0][1]
    if found:
        for kind, names in zip(meant, zip(*found, strict=True), strict=True):
            if len(set(names)) > 1:
                raise InputError(f"{kind} {model if kind == 'model' else benchmark!r}",
                                 f"it may mean {', '.join(sorted(set(names))[:5])}", "Give one of these")  # fmt: skip
    scored = connection.execute(
        f"SELECT b.name FROM ({_CELLS}) AS c INNER JOIN staging.benchmarks AS b ON c.benchmark_id = b.benchmark_id"
        " WHERE c.model_id IN (SELECT unnest($model)) ORDER BY c.benchmark_id LIKE 'card_%', b.name LIMIT 6",
        {"model": ids["model"]},
    ).fetchall()
    raise InputError(
        f"{' or '.join(meant['model'].values())} on {' or '.join(meant['benchmark'].values())}",
        "no source states a score",
        f"It has scores on: {', '.join(name for (name,) in scored)}" if scored else "It has no score at all",
    )


def _meant(connection: duckdb.DuckDBPyConnection, kind: str, text: str) -> dict[str, str]:
    """Ids and names of what a text may mean."""
    asked = {"text": text.strip()}
    for form in _FORMS:
        said, meant = form.format("said"), form.format("$text")
        found = connection.execute(
            f"SELECT id, min(name), min(place) AS place FROM ({_NAMES[kind]})"
            f" WHERE {said} = {meant} AND {meant} <> '' GROUP BY id ORDER BY place, id", asked,
        ).fetchall()  # fmt: skip
        if found:
            return {row[0]: row[1] for row in found if row[2] == found[0][2]}
    letters = _FORMS[1].format("$text")
    near = connection.execute(
        f"SELECT name FROM ({_NAMES[kind]}) WHERE id IN (SELECT {kind}_id FROM ({_CELLS})) GROUP BY name"
        f" ORDER BY bool_or(starts_with({_FORMS[1].format('said')}, {letters})) DESC,"
        " max(jaro_winkler_similarity(lower(said), lower($text))) DESC, name LIMIT 4", asked,
    ).fetchall()  # fmt: skip
    raise InputError(
        f"{kind} {text!r}", "there is none of this name", f"The nearest: {', '.join(name for (name,) in near)}"
    )
