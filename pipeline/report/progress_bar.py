"""Progress of long work on a terminal: one bar for the whole, and one for each step that counts its own units."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from pipeline import progress


@contextmanager
def progress_bar(console: Console, total: int | None = None) -> Iterator[None]:
    """Draw what is reported inside the block; the bar of the whole is shown where its total is known."""
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description:<36.36}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
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
