"""`moat site`: the static site, made from the published file alone."""

from __future__ import annotations

import typer

from pipeline.report.console import PlainConsole
from pipeline.report.progress_bar import progress_bar
from pipeline.settings import Settings

app = typer.Typer(help="The static site.", no_args_is_help=True)


@app.command()
def build() -> None:
    """Make the site anew from the published file, and print where its first page is."""
    from pipeline.site.build import build as make

    with progress_bar(PlainConsole(stderr=True)):
        first = make(Settings())
    typer.echo(first)


@app.callback()
def site() -> None:
    """The static site."""
