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
    """The safe loader with fewer types, which also refuses a key given twice: it would silently keep the last one.

    It is the one that libyaml does most of the work of: the other takes seconds for the longest document.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping whose keys are all different."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        texts = [str(key) for key in keys]
        if len(set(texts)) < len(texts):
            raise Unreadable("YAML with a key given twice")
        return super().construct_mapping(node, deep)


# Texts that are read as something else. Dates stay text: one that does not exist would spoil the whole document. So do
# numbers that versions of YAML read differently (017, 1_000, 0x1F, 1:30) and the marks `=` and `<<`.
_PLAIN = (
    ("null", "~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", "yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF", list("yYnNtTfFoO")),
    ("int", "[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", list("-+0123456789.")),
    ("float", "[-+]?[0-9]+[eE][-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", list("-+.")),
)
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
