"""`moat`: run, read and question the pipeline from a terminal.

Messages go to stderr, answers to stdout; exit codes are 0 ok, 1 failed, 2 usage.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import duckdb
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipeline import progress
from pipeline.errors import InputError, MoatError
from pipeline.report.console import PlainConsole
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.gap.index import Mode

app = typer.Typer(
    help="How quickly are open models closing the gap to closed ones?", no_args_is_help=True, add_completion=False
)
hub_app = typer.Typer(help="The local Hub.", no_args_is_help=True)
facts_app = typer.Typer(help="The project's own tables of facts.", no_args_is_help=True)
app.add_typer(hub_app, name="hub")
app.add_typer(facts_app, name="facts")
errors = PlainConsole(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
AsOf = Annotated[str, typer.Option("--as-of", help="Date of the world, YYYY-MM-DD.")]
Open = Annotated[str, typer.Option("--open", help="What counts as open: downloadable, commercial or unrestricted.")]
ToleranceOption = Annotated[str, typer.Option(help="strict, significant, points:X or nats:X.")]


@app.command()
def run(
    hub: Annotated[str, typer.Option(help="local, or the address of a Hub.")] = "",
    select: Annotated[str, typer.Option(help="Dagster asset selection.")] = "*",
    as_of: AsOf = "",
) -> None:
    """Pull, build, check and publish; prints the answer and where it lies."""
    from pipeline import runner

    settings = Settings()
    _date(as_of)
    before = runner.facts_in(settings)
    with _progress_bar(runner.units_of_work()):
        outcome = runner.execute(settings, hub=hub or settings.hub, as_of=as_of, select=select)
    after = runner.facts_in(settings)
    changed = (
        f"new captures: {', '.join(outcome.new_captures)}" if outcome.new_captures else "no source had anything new"
    )
    _print_headline(settings)
    errors.print(f"\n{after:,} facts ({after - before:+,}); {changed}; logical hash {outcome.logical_hash[:12]}")
    errors.print(f"database  {settings.published_file}\nparquet   {settings.published / 'parquet'}")
    errors.print("ask it    moat report · moat sql 'SELECT * FROM marts.headline' · make ui (http://127.0.0.1:3000)")


@app.command()
def report(
    open_definition: Open = "downloadable", tolerance: ToleranceOption = "strict", as_json: AsJson = False
) -> None:
    """The answer in one sentence, then the windows, tolerances and definitions it depends on."""
    from pipeline.report import overview

    document = overview.report(Settings(), open_definition, tolerance)
    if as_json:
        _print_json(document)
    else:
        overview.show(document, PlainConsole())


@app.command()
def gap(
    series: Annotated[str, typer.Option(help="Only this series.")] = "",
    scores: Annotated[Path | None, typer.Option(help="Your own table of scores, CSV or Parquet.")] = None,
    as_of: AsOf = "",
    tolerance: ToleranceOption = "strict",
    open_definition: Open = "downloadable",
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave bad rows out and count them.")] = False,
    as_json: AsJson = False,
) -> None:
    """Gap, lag and catch-up of every series, of the published file or of your own table."""
    from pipeline.report import terminal

    document, remarks = terminal.gap(
        Settings(), scores=scores, series=series, as_of=_date(as_of), tolerance=tolerance, definition=open_definition,
        skip_bad=skip_bad,
    )  # fmt: skip
    for remark in remarks:
        errors.print(remark)
    if as_json:
        _print_json(document)
    else:
        terminal.show_gap(document, PlainConsole())


@app.command()
def index(
    scores: Annotated[Path | None, typer.Option(help="Your own table of scores, CSV or Parquet.")] = None,
    mode: Annotated[str, typer.Option(help="eci (as Epoch fits it) or robust.")] = "eci",
    anchor: Annotated[list[str] | None, typer.Option(help='"NAME=VALUE", twice: what the scale hangs on.')] = None,
    draws: Annotated[int, typer.Option(min=1, help="Bootstrap draws.")] = 500,
    out: Annotated[Path | None, typer.Option(help="Write model, index, lo, hi, benchmarks as CSV.")] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave bad rows out and count them.")] = False,
    as_json: AsJson = False,
) -> None:
    """One capability index from many benchmarks, of the published file or of your own table."""
    from pipeline.report import index_report

    if mode not in {"eci", "robust"}:
        raise typer.BadParameter("use eci or robust", param_hint="--mode")
    with _progress_bar():
        document, remarks = index_report.index(
            Settings(), scores=scores, mode=cast("Mode", mode), anchors=anchor or [], draws=draws, skip_bad=skip_bad
        )
    for remark in remarks:
        errors.print(remark)
    if out is not None:
        index_report.write_csv(document, out)
        errors.print(f"wrote {out}")
    if as_json:
        _print_json(document)
    elif out is None:
        index_report.show(document, PlainConsole())


@app.command()
def sql(
    query: str,
    output: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
) -> None:
    """Ask the published file; read-only."""
    from pipeline.warehouse import connect_published

    if output not in {"table", "csv", "json"}:
        raise typer.BadParameter("use table, csv or json", param_hint="--format")
    with connect_published(Settings()) as connection:
        try:
            relation = connection.sql(query)
            frame = relation.pl() if relation is not None else None
        except duckdb.Error as error:
            raise InputError("the query", str(error).splitlines()[0], "See `moat sql 'SHOW ALL TABLES'`") from error
    if frame is None:
        return
    if output == "json":
        _print_json(frame.to_dicts())
    elif output == "csv":
        sys.stdout.write(frame.write_csv())
    else:
        _print_table(frame.columns, frame.rows())


@app.command()
def sources(as_json: AsJson = False) -> None:
    """Where everything came from: rows, what was put aside, freshness, when it is due; --json has licences too."""
    from pipeline.warehouse import connect_published

    with connect_published(Settings()) as connection:
        frame = connection.sql("FROM marts.sources ORDER BY source").pl()
    if as_json:
        _print_json(frame.to_dicts())
        return
    rows = [
        (
            row["source"], row["rows_kept"], row["scores"],
            (row["rows_quarantined"] or 0) + (row["metrics_quarantined"] or 0), row["requests"],
            f"{row['checked_at']:%d %b %H:%M}" if row["state"] == "asked" else row["state"],
            row["due_at"] and f"{row['due_at']:%d %b %H:%M}",
        )
        for row in frame.to_dicts()
    ]  # fmt: skip
    _print_table(["source", "rows", "scores", "aside", "requests", "asked (UTC)", "due (UTC)"], rows)
    for origin in frame["origin"].drop_nulls().unique().sort():
        PlainConsole().print(f"from {origin}", soft_wrap=True)


@app.command()
def picture(file: Annotated[Path, typer.Argument(help="Where to write it, .png or .svg.")]) -> None:
    """Draw both frontiers of the headline series."""
    from pipeline.report.picture import draw

    draw(Settings(), file)
    errors.print(f"wrote {file}")


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Look at versions, folders and the published file, and say what to do."""
    from pipeline.report import doctor as checks

    found = checks.look(Settings())
    if as_json:
        _print_json([vars(one) for one in found])
    else:
        _print_table(["", "what", "found"], [("ok" if one.ok else "FAIL", one.what, one.found) for one in found])
    if not all(one.ok for one in found):
        raise typer.Exit(1)


@hub_app.command("serve")
def hub_serve(
    repos: Annotated[Path | None, typer.Option(help="Parquet in hub-stats form; the bundled facts by default.")] = None,
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 0,
    fault: Annotated[str, typer.Option(help="Misbehave in this way.")] = "",
    fault_every: Annotated[int, typer.Option(help="Requests from one fault to the next; 0 for once.", min=0)] = 0,
    latency_ms: Annotated[float, typer.Option(help="Milliseconds before every answer.", min=0)] = 0.0,
) -> None:
    """Serve a Hub on loopback until interrupted."""
    from pipeline.facts.hub_repositories import bundled_repositories
    from pipeline.localhub.bulk import open_parquet
    from pipeline.localhub.repositories import Repositories
    from pipeline.localhub.server import serve_forever

    repositories = open_parquet(repos) if repos else Repositories.from_frame(bundled_repositories())
    latency, announce = latency_ms / 1000, lambda url: typer.echo(f"serving at {url}")
    serve_forever(repositories, port, fault or None, announce, every=fault_every, latency=latency)


@facts_app.command("check")
def facts_check(as_json: AsJson = False) -> None:
    """Validate the tables of facts and explain what is wrong with them."""
    from pipeline.facts import tables

    problems = tables.check()
    counts = {name: frame.height for name, frame in tables.load_all().items()} if not problems else {}
    if as_json:
        _print_json({"problems": [str(problem) for problem in problems], "rows": counts})
    else:
        for problem in problems:
            errors.print(str(problem))
        _print_table(["table", "rows"], list(counts.items()))
    if problems:
        raise typer.Exit(1)


def main() -> None:
    """Entry point: an error of ours is one message and exit code 1, never a traceback."""
    try:
        app()
    except MoatError as error:
        errors.print(f"moat: {error}", style="bold red", soft_wrap=True)
        sys.exit(1)


def _date(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"--as-of {text}", "it is no date", "Write it as YYYY-MM-DD") from error


@contextmanager
def _progress_bar(total: int | None = None) -> Iterator[None]:
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description:<36.36}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=errors,
    )
    with bar:
        whole = bar.add_task("start", total=total, visible=total is not None)
        parts: dict[str, TaskID] = {}

        def listen(step: str, done: int, of: int | None) -> None:
            if of is not None or step.startswith("pull "):
                if step not in parts:
                    parts[step] = bar.add_task(step, total=of)
                bar.update(parts[step], completed=done, total=of)
            else:
                bar.update(whole, advance=1, description=step)

        with progress.listening(listen):
            yield


def _print_headline(settings: Settings) -> None:
    from pipeline.report import overview

    overview.show_headline(overview.report(settings, "downloadable", "strict"), PlainConsole())


def _print_json(document: object) -> None:
    sys.stdout.write(json.dumps(document, indent=1, default=str, ensure_ascii=False) + "\n")


def _print_table(columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    table = Table(*columns, box=None, header_style="bold")
    for row in rows:
        table.add_row(*("-" if value is None else str(value) for value in row))
    PlainConsole().print(table)
