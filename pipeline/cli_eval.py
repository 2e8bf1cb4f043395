"""`moat eval`: evaluate models that nobody has scored, or one of your own choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import typer

from pipeline.report.console import PlainConsole, print_json, print_table
from pipeline.report.progress_bar import progress_bar
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.evaluate.cells import Backend, Cell
    from pipeline.evaluate.run import Done

errors = PlainConsole(stderr=True)


def evaluate(
    models: Annotated[list[str] | None, typer.Argument(help="Repositories on the Hub; or --missing.")] = None,
    suite: Annotated[str, typer.Option(help="open_llm_v1, open_llm_v2 or smoke.")] = "smoke",
    missing: Annotated[
        bool, typer.Option("--missing", help="Open models without any score, the most used first.")
    ] = False,
    hub: Annotated[str, typer.Option(help="Address of the Hub that has the models.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many models with --missing.")] = 10,
    max_params: Annotated[float, typer.Option(min=0, help="With --missing: billions of parameters at most.")] = 0,
    revision: Annotated[str, typer.Option(help="Commit of the model; the newest by default.")] = "",
    backend: Annotated[str, typer.Option(help="hf, local-completions (a server) or vllm.")] = "hf",
    server: Annotated[str, typer.Option(help="Address of the completions of an OpenAI-compatible server.")] = "",
    served_name: Annotated[str, typer.Option(help="What the server calls the model.")] = "",
    dtype: Annotated[str, typer.Option(help="Type of the weights; that of the repository by default.")] = "",
    batch_size: Annotated[int, typer.Option(min=1, help="Questions at once.")] = 1,
    device: Annotated[str, typer.Option(help="Such as cuda:0.")] = "",
    max_length: Annotated[
        int, typer.Option(min=0, help="Tokens of a prompt; by default what the model states, with a server 2048.")
    ] = 0,
    chat_template: Annotated[
        bool, typer.Option("--chat-template", help="Ask through the model's own template.")
    ] = False,
    allow_unsafe: Annotated[list[str] | None, typer.Option(help="A task that may run code a model wrote.")] = None,
    parallel: Annotated[int, typer.Option(min=1, help="Cells at a time.")] = 1,
    again: Annotated[bool, typer.Option("--again", help="Also cells that were run before.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would be run and what it costs, and stop.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Run lm-evaluation-harness on models, or on those that nobody has scored; the next run publishes the scores."""
    from pipeline.evaluate import cells, planning, run, suites

    if bool(models) == missing:
        raise typer.BadParameter("name a model, or use --missing")
    if backend not in cells.NEEDS:
        raise typer.BadParameter(f"use {', '.join(cells.NEEDS)}", param_hint="--backend")
    settings, asked = Settings(), suites.suite(suite)
    settings = settings.model_copy(update={"hub": hub}) if hub else settings
    options = cells.Options(
        cast("Backend", backend), server, served_name, dtype, batch_size, device, max_length, chat_template,
        tuple(allow_unsafe or ()),
    )  # fmt: skip
    if missing:
        wanted = planning.missing(settings, asked, options, limit, max_params or None, again)
    else:
        wanted = [planning.named(settings, model, revision, asked, options) for model in dict.fromkeys(models or [])]
    history = planning.History(settings)
    ahead = [cell for cell in wanted if again or cell.id not in history.captures]
    cost = history.estimate(ahead)
    errors.print(_costs(cost, suite))
    if plan:
        for cell in wanted:
            cells.check(settings, cell)
        _show_plan(ahead, cost, as_json)
        return
    with progress_bar(errors):
        found = run.run(settings, wanted, again=again, parallel=parallel)
    _show(found, as_json)
    if any(done.error for done in found):
        raise typer.Exit(1)


def _costs(cost: dict[str, float | None], suite: str) -> str:
    """What is ahead, in a line; what is not known is said to be unknown."""
    if not cost["cells"]:
        return "nothing to run: nothing is missing, or it was run before"
    weights = (
        f"about {cost['weights_gb']:,} GB of weights" if cost["weights_gb"] is not None else "weights of unknown size"
    )
    time = f"about {cost['hours']:,} hours" if cost["hours"] is not None else "time unknown: none was timed yet"
    unknown = f" ({cost['of_unknown_size']} of unknown size)" if cost["of_unknown_size"] and cost["weights_gb"] else ""
    return f"{cost['cells']} x {suite}: about {cost['requests']:,} requests, {weights}{unknown}, {time}"


def _show_plan(wanted: list[Cell], cost: dict[str, float | None], as_json: bool) -> None:
    rows = [
        {"model": cell.model, "suite": cell.suite.name, "params_b": cell.params_b, "token": cell.needs_token,
         "requests": cell.suite.requests}
        for cell in wanted
    ]  # fmt: skip
    if as_json:
        print_json({"cost": cost, "cells": rows})
    else:
        print_table(["model", "suite", "params (B)", "needs token", "requests"], [tuple(row.values()) for row in rows])


def _show(found: list[Done], as_json: bool) -> None:
    if as_json:
        print_json([_told(done) for done in found])
        return
    rows = [(done.cell.model, *score) for done in found for score in done.scores]
    print_table(["model", "task", "protocol", "score"], [(*row[:-1], f"{row[-1]:.4f}") for row in rows])
    for done in found:
        if done.error:
            errors.print(f"failed: {done.error}", style="bold red", soft_wrap=True)
        elif not done.new:
            errors.print(f"{done.cell.model} was run before, as {done.capture_id}; --again runs it anew")
    if any(done.new for done in found):
        errors.print("moat run publishes these scores")


def _told(done: Done) -> dict[str, object]:
    scores = [{"task": task, "protocol": protocol, "value": value} for task, protocol, value in done.scores]
    return {"model": done.cell.model, "suite": done.cell.suite.name, "capture_id": done.capture_id, "new": done.new,
            "error": done.error, "scores": scores}  # fmt: skip
