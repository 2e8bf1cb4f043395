"""`moat lineage` and `moat memo`: who builds on whom, and the memo of May 2023 against the record."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.report.console import PlainConsole, print_json
from pipeline.settings import ROOT, Settings

CLAIMS = ", ".join(sorted(path.stem for path in (ROOT / "sql" / "claims").glob("*.sql")))
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def lineage(model: Annotated[str, typer.Argument(help="Repository on the Hub.")], as_json: AsJson = False) -> None:
    """What a model was built on, what was built on it, how soon and by what means."""
    from pipeline.report import lineage as report

    document = report.lineage(Settings(), model)
    if as_json:
        print_json(document)
    else:
        report.show(document, PlainConsole())


def memo(
    claim: Annotated[str | None, typer.Argument(help=f"One claim, with the query that judges it: {CLAIMS}.")] = None,
    dates: Annotated[bool, typer.Option("--dates", help="The memo's dates against the record.")] = False,
    as_json: AsJson = False,
) -> None:
    """The memo "We Have No Moat": its claims then and now, and how soon base models are built on since."""
    from pipeline.report import memo as report

    document = report.memo(Settings())
    if as_json:
        print_json(document)
    elif claim is not None:
        report.show_claim(document, claim, PlainConsole())
    elif dates:
        report.show_dates(document, PlainConsole())
    else:
        report.show(document, PlainConsole())
