"""Suites: which tasks of lm-evaluation-harness are run together, one small YAML file each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import InputError

FOLDER = Path(__file__).parent / "suites"
NAME = r"^[\w.-]{1,60}$"


class Entry(BaseModel):
    """One task or group of a suite.

    Attributes:
        task: its name in the harness.
        shots: examples in the prompt; null for what the task itself states.
        documents: questions there are.
        answers: requests a question takes on average: one for each answer to choose from, one to write an answer.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: Annotated[str, Field(pattern=NAME)]
    shots: Annotated[int, Field(ge=0, le=100)] | None = None
    documents: Annotated[int, Field(gt=0)]
    answers: Annotated[int, Field(gt=0)]


class Suite(BaseModel):
    """Tasks that are run together.

    Attributes:
        name: of its file.
        title: what people call it.
        source_url: where it is described.
        smoke: it shows that evaluating works; its scores count nowhere.
        unsafe: tasks that may run code that a model wrote.
        gated: datasets that are given to those alone who have agreed to their terms.
        tasks: in order.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=NAME)]
    title: str
    source_url: Annotated[str, Field(pattern="^https://")]
    smoke: bool = False
    unsafe: tuple[str, ...] = ()
    gated: tuple[str, ...] = ()
    tasks: Annotated[tuple[Entry, ...], Field(min_length=1)]

    @property
    def requests(self) -> int:
        """Requests to the model, about."""
        return sum(entry.documents * entry.answers for entry in self.tasks)


@cache
def suites() -> Mapping[str, Suite]:
    """Every suite by name.

    Raises:
        InputError: a file is none.
    """
    found = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        try:
            found[path.stem] = Suite(name=path.stem, **yaml.safe_load(path.read_text(encoding="utf-8")))
        except (ValidationError, yaml.YAMLError, TypeError, UnicodeDecodeError) as error:
            raise InputError(
                str(path), f"it is no suite ({error})", "Mend it; the other files show the form"
            ) from error
    return MappingProxyType(found)


def suite(name: str) -> Suite:
    """A suite by its name.

    Raises:
        InputError: there is none.
    """
    if name not in suites():
        raise InputError(f"suite {name}", "there is none of this name", f"Use {', '.join(suites())}")
    return suites()[name]
