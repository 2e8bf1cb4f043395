"""The project's own few errors: each names the thing, what was wrong with it and what to do."""

from __future__ import annotations


class MoatError(Exception):
    """A failure that a person can act on; the command line prints it and exits with 1.

    Args:
        thing: what failed, by the name its user knows (a file, a URL, a table, a model).
        wrong: what was wrong with it.
        todo: what to do about it.
    """

    def __init__(self, thing: str, wrong: str, todo: str) -> None:
        # Given on as they are, so that an error can come back from another process.
        super().__init__(thing, wrong, todo)
        self.thing, self.wrong, self.todo = thing, wrong, todo

    def __str__(self) -> str:
        return f"{self.thing}: {self.wrong}. {self.todo}"


class InputError(MoatError):
    """Something the user passed in (a file, an option) cannot be used as it is."""


class FactsError(MoatError):
    """A table of facts breaks its own schema."""


class SourceError(MoatError):
    """A source could not be read; the last good capture stays in use."""


class WarehouseError(MoatError):
    """The database could not be built, verified, published or opened."""
