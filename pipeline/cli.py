"""`moat`: run, read and question the pipeline from a terminal.

Messages go to stderr, answers to stdout; exit codes are 0 ok, 1 failed, 2 usage.
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import duckdb
import typer

from pipeline import cli_eval, cli_lineage, cli_site
from pipeline.errors import InputError, MoatError
from pipeline.report.console import PlainConsole, flat, print_json, print_table
from pipeline.report.progress_bar import progress_bar
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.gap.index import Mode

app = typer.Typer(
    help="How quickly are open models closing the gap to closed ones?", no_args_is_help=True, add_completion=False
)
hub_app = typer.Typer(help="The local Hub.", no_args_is_help=True)
facts_app = typer.Typer(help="The project's own tables of facts.", no_args_is_help=True)
app.command(name="eval")(cli_eval.evaluate)
app.command()(cli_lineage.lineage)
app.command()(cli_lineage.memo)
app.add_typer(hub_app, name="hub")
app.add_typer(facts_app, name="facts")
app.add_typer(cli_site.app, name="site")
errors = PlainConsole(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
AsOf = Annotated[str, typer.Option("--as-of", help="Date of the world, YYYY-MM-DD.")]
KnownAt = Annotated[str, typer.Option("--known-at", help="Leave out what was captured later: YYYY-MM-DD or a time.")]
Open = Annotated[str, typer.Option("--open", help="What counts as open: downloadable, commercial or unrestricted.")]
ToleranceOption = Annotated[str, typer.Option(help="strict, significant, points:X or nats:X.")]
Policy = Annotated[str, typer.Option(help="default, independent, vendor, highest, lowest or same_protocol.")]


@app.command()
def run(
    hub: Annotated[str, typer.Option(help="local, or the address of a Hub.")] = "",
    select: Annotated[str, typer.Option(help="Dagster asset selection.")] = "*",
    as_of: AsOf = "",
) -> None:
    """Pull, build, check and publish; prints the answer and where it lies."""
    from pipeline import runner
    from pipeline.vintages import problems

    settings = Settings()
    _date(as_of)
    before = runner.facts_in(settings)
    with progress_bar(errors, runner.units_of_work()):
        outcome = runner.execute(settings, hub=hub or settings.hub, as_of=as_of, select=select)
    after = runner.facts_in(settings)
    changed = (
        f"new captures: {', '.join(outcome.new_captures)}" if outcome.new_captures else "no source had anything new"
    )
    _print_headline(settings)
    published = f"logical hash {outcome.logical_hash[:12]}" if outcome.logical_hash else "nothing was published"
    errors.print(f"\n{after:,} facts ({after - before:+,}); {changed}; {published}")
    errors.print(f"database  {settings.published_file}\nparquet   {settings.published / 'parquet'}")
    errors.print(f"site      {settings.published / 'site' / 'index.html'}")
    if outcome.warnings:
        errors.print(f"warnings  {', '.join(outcome.warnings)}")
    for problem in problems(settings):
        errors.print(problem)
    errors.print(
        "ask it    moat report · moat sql 'SELECT * FROM marts.headline' · make site · make ui (http://127.0.0.1:3000)"
    )


@app.command()
def report(
    open_definition: Open = "downloadable",
    tolerance: ToleranceOption = "strict",
    as_of: AsOf = "",
    known_at: KnownAt = "",
    as_json: AsJson = False,
) -> None:
    """The answer in one sentence, then the windows, tolerances and definitions it depends on."""
    from pipeline.report import overview

    document = overview.report(_settings(as_of, known_at), open_definition, tolerance)
    if as_json:
        print_json(document)
    else:
        overview.show(document, PlainConsole())


@app.command()
def gap(
    series: Annotated[str, typer.Option(help="Only this series.")] = "",
    scores: Annotated[Path | None, typer.Option(help="Your own table of scores, CSV or Parquet.")] = None,
    as_of: AsOf = "",
    known_at: KnownAt = "",
    tolerance: ToleranceOption = "strict",
    open_definition: Open = "downloadable",
    policy: Policy = "",
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave bad rows out and count them.")] = False,
    as_json: AsJson = False,
) -> None:
    """Gap, lag and catch-up of every series, of the published file or of your own table."""
    from pipeline.report import terminal

    document, remarks = terminal.gap(
        _settings("", known_at, scores), scores=scores, series=series, as_of=_date(as_of), tolerance=tolerance,
        definition=open_definition, skip_bad=skip_bad, policy=policy,
    )  # fmt: skip
    for remark in remarks:
        errors.print(remark)
    if as_json:
        print_json(document)
    else:
        terminal.show_gap(document, PlainConsole())


@app.command()
def index(
    scores: Annotated[Path | None, typer.Option(help="Your own table of scores, CSV or Parquet.")] = None,
    mode: Annotated[str, typer.Option(help="eci (as Epoch fits it) or robust.")] = "eci",
    anchor: Annotated[list[str] | None, typer.Option(help='"NAME=VALUE", twice: what the scale hangs on.')] = None,
    draws: Annotated[int, typer.Option(min=1, help="Bootstrap draws.")] = 500,
    out: Annotated[Path | None, typer.Option(help="Write model, index, lo, hi, benchmarks as CSV.")] = None,
    known_at: KnownAt = "",
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave bad rows out and count them.")] = False,
    as_json: AsJson = False,
) -> None:
    """One capability index from many benchmarks, of the published file or of your own table."""
    from pipeline.report import index_report

    if mode not in {"eci", "robust"}:
        raise typer.BadParameter("use eci or robust", param_hint="--mode")
    settings = _settings("", known_at, scores)
    with progress_bar(errors):
        document, remarks = index_report.index(
            settings, scores=scores, mode=cast("Mode", mode), anchors=anchor or [], draws=draws, skip_bad=skip_bad
        )
    for remark in remarks:
        errors.print(remark)
    if out is not None:
        index_report.write_csv(document, out)
        errors.print(f"wrote {out}")
    if as_json:
        print_json(document)
    elif out is None:
        index_report.show(document, PlainConsole())


@app.command()
def sql(
    query: str,
    output: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
    known_at: KnownAt = "",
) -> None:
    """Ask the published file, or a build of what was known at a time; read-only."""
    from pipeline.warehouse import connect_published

    if output not in {"table", "csv", "json"}:
        raise typer.BadParameter("use table, csv or json", param_hint="--format")
    with connect_published(_settings("", known_at)) as connection:
        try:
            relation = connection.sql(query)
            frame = relation.pl() if relation is not None else None
        except duckdb.Error as error:
            raise InputError("the query", str(error).splitlines()[0], "See `moat sql 'SHOW ALL TABLES'`") from error
    if frame is None:
        return
    if output == "json":
        print_json(frame.to_dicts())
    elif output == "csv":
        sys.stdout.write(flat(frame).write_csv())
    else:
        print_table(frame.columns, frame.rows())


@app.command()
def load(
    source: Annotated[str, typer.Argument(help="Whose snapshot it is: open_llm_csv.")],
    file: Annotated[Path, typer.Argument(help="The snapshot as received.")],
    observed_on: Annotated[str, typer.Option("--observed-on", help="Day of the snapshot, YYYY-MM-DD.")],
    as_json: AsJson = False,
) -> None:
    """Load a dated snapshot of a leaderboard and say what it changes; the next run publishes it."""
    from pipeline import loading

    found = loading.load(Settings(), source, file, _day("--observed-on", observed_on))
    if as_json:
        print_json({"capture_id": found.capture.manifest.capture_id, "new": found.new,
                     "changes": found.changes.to_dicts()})  # fmt: skip
        return
    print_table(found.changes.columns, found.changes.rows())
    what = "loaded as" if found.new else "it was loaded before, as"
    errors.print(f"{what} {found.capture.manifest.capture_id}; moat run publishes it")


@app.command()
def rebuild(as_of: AsOf = "", known_at: KnownAt = "") -> None:
    """Make the published file anew from captures alone, or beside it what was known at a time."""
    from pipeline import history

    with progress_bar(errors):
        file, digest = history.rebuild(Settings(), _date(as_of), history.parse_known_at(known_at) if known_at else None)
    typer.echo(f"{digest}  {file}")


@app.command()
def explain(
    model: Annotated[str, typer.Argument(help="Name, alias or repository.")],
    benchmark: Annotated[str, typer.Argument(help="Name or id.")],
    policy: Policy = "default",
    as_json: AsJson = False,
) -> None:
    """Which score of a model on a benchmark is used, whose it is and why, beside all others."""
    from pipeline.report import explain as explaining

    document = explaining.explain(Settings(), model, benchmark, policy)
    if as_json:
        print_json(document)
    else:
        explaining.show(document, PlainConsole())


@app.command()
def resolve(
    name: Annotated[str, typer.Argument(help="A name to decide on; without it, what is unresolved is listed.")] = "",
    source: Annotated[str, typer.Option(help="Who writes the name.")] = "",
    model_id: Annotated[str, typer.Option("--as", help="Release it stands for.")] = "",
    url: Annotated[str, typer.Option(help="Public page that shows it.")] = "",
    doubtful: Annotated[bool, typer.Option("--doubtful", help="What rules resolved, the least sure first.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Names to list.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Names that stand for no known release, and your word on one of them."""
    from pipeline.report import resolve as resolving

    if name:
        if not (source and model_id and url):
            raise typer.BadParameter("a decision needs --source, --as and --url")
        row = resolving.decide(name, source, model_id, url)
        errors.print(f"{name} of {source} is {model_id}; the next moat run uses it")
        if as_json:
            print_json(row)
        return
    rows = resolving.doubtful(Settings()) if doubtful else resolving.unresolved(Settings(), source)
    if as_json:
        print_json(rows)
    elif doubtful:
        print_table(["source", "name", "model", "method", "sure"], [
            (row["source"], row["name"], row["model_id"], row["method"], row["confidence"]) for row in rows[:limit]
        ])  # fmt: skip
    else:
        resolving.show(rows, PlainConsole(), limit)


@app.command()
def sources(as_json: AsJson = False) -> None:
    """Where everything came from: rows, what was put aside, freshness, when it is due; --json has licences too."""
    from pipeline.report import sources as listing

    rows = listing.sources(Settings())
    if as_json:
        print_json(rows)
        return
    print_table(listing.HEADER, [listing.cells(row) for row in rows])
    for origin in sorted({row["origin"] for row in rows if row["origin"]}):
        PlainConsole().print(f"from {origin}", soft_wrap=True)


@app.command()
def vintages(as_json: AsJson = False) -> None:
    """The builds that were published, newest first: when, their headline, and what changed it."""
    from pipeline import vintage_tables
    from pipeline.vintages import problems

    settings = Settings()
    found = vintage_tables.listing(settings)
    for problem in problems(settings):
        errors.print(problem)
    if as_json:
        print_json(found)
        return
    rows = [
        (one["built_at"][:16], one["as_of"], vintage_tables.number(one["gap_points"]),
         vintage_tables.number(one["lag_months"]), one["changed"])
        for one in found
    ]  # fmt: skip
    print_table(["built (UTC)", "as of", "gap", "lag", "what changed"], rows)


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
        print_json([vars(one) for one in found])
    else:
        print_table(["", "what", "found"], [("ok" if one.ok else "FAIL", one.what, one.found) for one in found])
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
        print_json({"problems": [str(problem) for problem in problems], "rows": counts})
    else:
        for problem in problems:
            errors.print(str(problem))
        print_table(["table", "rows"], list(counts.items()))
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
    return _day("--as-of", text) if text else None


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{option} {text}", "it is no date", "Write it as YYYY-MM-DD") from error


def _settings(as_of: str, known_at: str, scores: Path | None = None) -> Settings:
    """Settings of the published file, or of a build of the past state that the two clocks name."""
    settings = Settings()
    if not (as_of or known_at or settings.known_at):
        return settings
    from pipeline import history

    if scores is not None:
        raise InputError("--known-at", f"{scores} was never captured", "Leave one of them out")
    time = history.parse_known_at(known_at) if known_at else settings.known_at
    with progress_bar(errors):
        return history.past(settings, _date(as_of), time)


def _print_headline(settings: Settings) -> None:
    from pipeline.report import overview

    overview.show_headline(overview.report(settings, "downloadable", "strict"), PlainConsole())
