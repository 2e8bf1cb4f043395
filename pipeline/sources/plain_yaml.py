"""YAML from strangers: plain values only, within bounds, or a reason why not."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import yaml

from pipeline.sources.quarantine import Unreadable

MAX_CHARS = 200_000
MAX_DEPTH = 40


class _Loader(yaml.CSafeLoader):
    """The safe loader, with fewer types, which also refuses a key given twice: it would silently keep the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping whose keys are all different."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        texts = [str(key) for key in keys]
        if len(set(texts)) < len(texts):
            raise Unreadable("YAML with a key given twice")
        return super().construct_mapping(node, deep)


# Numbers are decimal. Dates stay text, and so do what older YAML takes for numbers to the base of 60, 16, 8 or 2 and
# the marks `=` and `<<`: a date that does not exist, or a number without end, would spoil what stands beside it.
_PLAIN = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF", list("yYnNtTfFoO")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
     list("-+0123456789.")),
)  # fmt: skip
_Loader.yaml_implicit_resolvers = {}
for _name, _form, _first in _PLAIN:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(rf"(?:{_form})\Z"), _first)


def load(text: str) -> Any:
    """The value of a YAML document.

    Raises:
        Unreadable: it is too long or too deep, no YAML, or holds tags, references or a key given twice.
    """
    if len(text) > MAX_CHARS:
        raise Unreadable(f"YAML of more than {MAX_CHARS:,} characters")
    try:
        _check_events(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader, made stricter
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Unreadable(f"no YAML ({type(error).__name__})") from error


def _check_events(text: str) -> None:
    """Look at what the document is made of before anything is made of it."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise Unreadable("YAML with references")
        if isinstance(event, yaml.NodeEvent) and getattr(event, "tag", None) is not None:
            raise Unreadable("YAML with tags")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise Unreadable(f"YAML deeper than {MAX_DEPTH} levels")
