"""Progress of long work: functions report steps, the command line decides how to draw them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[str, int, int | None], None]
_listener: ContextVar[Listener | None] = ContextVar("progress_listener", default=None)


def report(step: str, done: int, total: int | None = None) -> None:
    """Say that `done` of `total` units of `step` are finished; silent where nobody listens."""
    listener = _listener.get()
    if listener is not None:
        listener(step, done, total)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Send the reports made inside the block to `listener`."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
