"""`moat lineage` and `moat memo`: who builds on whom, and the memo of May 2023 against the record."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.report.console import PlainConsole, print_json
from pipeline.settings import Settings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def lineage(model: Annotated[str, typer.Argument(help="Repository on the Hub.")], as_json: AsJson = False) -> None:
    """What a model was built on, what was built on it, how soon and by what means."""
    from pipeline.report import lineage as report

    document = report.lineage(Settings(), model)
    if as_json:
        print_json(document)
    else:
        report.show(document, PlainConsole())


def memo(as_json: AsJson = False) -> None:
    """The memo "We Have No Moat" against the record, and how soon base models are built on since."""
    from pipeline.report import memo as report

    document = report.memo(Settings())
    if as_json:
        print_json(document)
    else:
        report.show(document, PlainConsole())
