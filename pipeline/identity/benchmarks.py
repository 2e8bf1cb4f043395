"""What a source calls a benchmark, written one way, and the benchmark of the tables of facts that it is.

A name is known only as the table `benchmark_names` has it: names that look alike may be other benchmarks. MATH, its
hardest level and MATH-500 differ, and so do a benchmark and one of its subjects. What a score is worth does not belong
here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from pipeline.facts import tables

NAME_COLUMNS = ("name_kind", "name", "title", "part")
"""Columns in which the raw tables keep a name; those of the table of facts, with `name_kind` for `kind`."""
_SHOTS = re.compile(r"\s*\(\s*\d{1,3}[ -]?shots?\s*\)$", re.IGNORECASE)
_NOTHING = frozenset({"", "none", "null", "default"})


@dataclass(frozen=True)
class Name:
    """A benchmark as a source names it; texts as written, but for blanks around them.

    Attributes:
        kind: where the name stands: card, board, dataset, record, task or announcement.
        name: a dataset, the title of a board, a task, or the benchmark itself.
        title: what a card calls the dataset beside its id; None where that says no more than `name`.
        part: a configuration or task of a dataset, a column of a board; None for the whole.
    """

    kind: str
    name: str
    title: str | None = None
    part: str | None = None

    @classmethod
    def of(cls, kind: str, name: str, title: object = None, part: object = None) -> Name:
        """A name without what says nothing: shots, the name again, a configuration called default."""
        plain = _words(name)
        heading = _SHOTS.sub("", _words(title))
        said = {_letters(plain), _letters(plain.rpartition("/")[2])}
        heading = "" if _letters(heading) in said else heading
        piece = _SHOTS.sub("", _words(part))
        piece = "" if piece.lower() in _NOTHING or _letters(piece) in {*said, _letters(heading)} else piece
        return cls(kind, plain, heading or None, piece or None)

    @property
    def columns(self) -> dict[str, str | None]:
        """The name as the raw tables keep it."""
        return dict(zip(NAME_COLUMNS, (self.kind, self.name, self.title, self.part), strict=True))

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What two spellings of one name share: letter case does not matter."""
        return self.kind, self.name.lower(), (self.title or "").lower(), (self.part or "").lower()


def benchmark_of(name: Name) -> str | None:
    """The benchmark that the tables of facts know by this name; None where they do not."""
    return _benchmarks().get(name.key)


def unit_of(name: Name) -> str | None:
    """The unit in which its benchmark is usually scored; None for an unknown name."""
    benchmark = benchmark_of(name)
    return None if benchmark is None else _units()[benchmark]


def _words(text: object) -> str:
    return " ".join(text.split()) if isinstance(text, str) else ""


def _letters(text: str) -> str:
    """Letters, digits and the plus that tells HumanEval+ from HumanEval."""
    return re.sub(r"[^a-z0-9+]", "", text.lower())


@cache
def _benchmarks() -> Mapping[tuple[str, str, str, str], str]:
    rows = tables.load("benchmark_names").iter_rows(named=True)
    return {Name(row["kind"], row["name"], row["title"], row["part"]).key: row["benchmark_id"] for row in rows}


@cache
def _units() -> Mapping[str, str]:
    return dict(tables.load("benchmarks").select("benchmark_id", "unit").iter_rows())
