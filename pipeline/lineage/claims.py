"""The memo's claims against the published file: one query a claim, in sql/claims, that anybody can read and run."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from pipeline.errors import WarehouseError
from pipeline.facts import tables
from pipeline.sql_models import SQL, split_header

ANSWERS = ("yes", "in part", "no", "unknown")
"""What a query may say of a claim, of the time of the memo and of today."""
CLAIMS = SQL / "claims"


@dataclass(frozen=True)
class Claim:
    """A claim of the memo, and what the data say of it.

    Attributes:
        claim_id: of the table of facts memo_claims.
        claim: in a few words.
        at_the_time: what was so in 2023; null where it is not measured.
        held: whether the claim held then, one of `ANSWERS`.
        today: what is so in the published file; null where it is not measured.
        holds: whether it holds now, one of `ANSWERS`.
        why_not: why it cannot be measured from the Hub; null where it is.
        rules: when it held and when it holds, in words.
        query: what computed it; null where it is not measured.
    """

    claim_id: str
    claim: str
    at_the_time: str | None = None
    held: str = "unknown"
    today: str | None = None
    holds: str = "unknown"
    why_not: str | None = None
    rules: dict[str, str] | None = None
    query: str | None = None


def judge(connection: duckdb.DuckDBPyConnection) -> list[Claim]:
    """Every claim of the memo, in its order, judged by the query of its name.

    Raises:
        WarehouseError: a query fails, or answers otherwise than in one row of `ANSWERS`.
    """
    claims = tables.load("memo_claims").sort("position")
    return [
        _measure(connection, row["claim_id"], row["claim"])
        if row["is_measured"]
        else Claim(row["claim_id"], row["claim"], why_not=row["why_not"])
        for row in claims.iter_rows(named=True)
    ]


def _measure(connection: duckdb.DuckDBPyConnection, claim_id: str, claim: str) -> Claim:
    path = CLAIMS / f"{claim_id}.sql"
    description, rules, query = split_header(path)
    try:
        found = connection.execute(query).fetchall()
    except duckdb.Error as error:
        raise WarehouseError(f"claim {claim_id}", str(error).splitlines()[0], f"Mend sql/claims/{path.name}") from error
    if not found:  # what it compares is not there
        return Claim(claim_id, claim, rules={"compares": description} | rules, query=query)
    at_the_time, held, today, holds = found[0]
    if len(found) > 1 or not {held, holds} <= set(ANSWERS):
        raise WarehouseError(f"claim {claim_id}", f"it answers {found}", f"Mend sql/claims/{path.name}")
    return Claim(claim_id, claim, at_the_time, held, today, holds, None, {"compares": description} | rules, query)
