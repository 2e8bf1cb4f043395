"""The memo's claims: each is measured by a query of its name, or says why not; and the pace that many rest on."""

from datetime import date

import duckdb
import pytest

from pipeline.errors import WarehouseError
from pipeline.facts import tables
from pipeline.lineage import claims
from pipeline.settings import REAL_HUB
from pipeline.sql_models import build, load_models, split_header
from tests.warehouse.literal_rows import rows
from tests.warehouse.test_lineage import edge, repo, world

FACTS = tables.load("memo_claims").to_dicts()


def test_every_claim_has_a_query_or_a_reason():
    asked = {row["claim_id"] for row in FACTS if row["is_measured"]}
    assert {path.stem for path in claims.CLAIMS.glob("*.sql")} == asked
    assert all((row["why_not"] is None) == row["is_measured"] for row in FACTS)


@pytest.mark.parametrize("name", sorted(path.stem for path in claims.CLAIMS.glob("*.sql")))
def test_a_query_says_when_a_claim_held_and_when_it_holds(name):
    description, rules, query = split_header(claims.CLAIMS / f"{name}.sql")
    assert description.endswith(".")
    assert list(rules) == ["held", "holds"]
    assert "AS at_the_time" in query


def test_a_query_that_fails_or_says_something_else_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(claims, "CLAIMS", tmp_path)
    for query, what in (("SELECT 1 FROM nowhere", "nowhere"), ("SELECT 'a', 'maybe', 'b', 'no'", "it answers")):
        for row in FACTS:
            (tmp_path / f"{row['claim_id']}.sql").write_text(f"-- d.\n-- held | h\n-- holds | h\n{query}\n")
        with duckdb.connect() as connection, pytest.raises(WarehouseError, match=what):
            claims.judge(connection)


def uptake(days, origin=None):
    """marts.uptake of bases whose first tuned derivative by others came after so many days; null = never."""
    hub, edges, starts = [], [], []
    for n, after in enumerate(days):
        hub.append(repo(f"lab{n}/base", 1))
        starts.append({"repository": f"lab{n}/base", "weights_on": date(2024, 1, 1), "source_name": "s",
                       "source_url": "https://example.org", "capture_id": "f2"})  # fmt: skip
        child = repo(f"who{n}/tuned", 1 + (after or 0), tags=["sft"] if after is not None else [])
        hub.append(child)
        edges.append(edge(child["id"], f"lab{n}/base"))
    with world(["marts.uptake"], hub, edges, facts_base_starts=starts) as built:
        if origin:
            built.execute("UPDATE raw.run SET hub = $origin", {"origin": origin})
            build(built, next(model for model in load_models() if model.table == "marts.uptake"))
        asked = "SELECT bases, built_on, is_half, is_whole FROM marts.uptake WHERE kind = 'instruct' AND days = 10"
        return rows(built, asked)


def test_uptake_counts_the_bases_that_others_built_on_in_time():
    assert [row[:2] for row in uptake([3, 9, 12, None])] == [(4, 2)]


@pytest.mark.parametrize(("met", "missed", "is_half"), [(9, 1, "yes"), (1, 9, "no"), (5, 5, "unknown")])
def test_uptake_says_yes_or_no_only_where_it_is_clear_and_the_hub_is_whole(met, missed, is_half):
    days = [2] * met + [None] * missed
    assert uptake(days, REAL_HUB) == [(10, met, is_half, True)]
    assert uptake(days) == [(10, met, "unknown", False)]
