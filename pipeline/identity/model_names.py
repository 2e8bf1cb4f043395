"""A model's name taken apart: what names the model, what dates it, and what only says how it was run or packed.

`claude-3-7-sonnet-20250219_16K` is Claude 3.7 Sonnet, of 19 February 2025, run with a budget of 16K. Which release a
name stands for does not belong here.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta

NEAR = timedelta(days=31)
"""How far the date in a name may lie from the release it names: an API version is cut before it is announced."""

_MONTHS = {name: number for number, name in enumerate(
    ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1)}  # fmt: skip
_MONTH = "|".join(_MONTHS)
# Dates at the end of a name, the fuller forms first.
_DATES = [
    re.compile(rf"[ (]+(?P<month>{_MONTH})[a-z]*\.? (?P<year>20\d\d)\)?$"),
    re.compile(r"[-_ @(]+(?P<year>20[2-3]\d)-?(?P<month>[01]\d)-?(?P<day>[0-3]\d)\)?$"),
    re.compile(r"[-_ @(]+(?P<year>20[2-3]\d)-(?P<month>[01]\d)\)?$"),
    re.compile(r"[-_](?P<month>[01]\d)-(?P<year>20[2-3]\d)$"),
    re.compile(r"[-_](?P<month>[01]\d)-(?P<day>[0-3]\d)$"),
    # 2407 is July 2024, 0613 the 13th of June: no month is above 12 and no such model older than 2022.
    re.compile(r"[-_ ](?P<short>2[2-9])(?P<month>0[1-9]|1[0-2])$"),
    re.compile(r"[-_ ](?P<month>0[1-9]|1[0-2])(?P<day>[0-3]\d)$"),
]
_EFFORT = re.compile(
    r"(?:_(?:none|unknown|minimal|low|medium|high|xhigh|max|promax|prounknown|thinking|\d+k)"
    r"|[- ]+\(?(?:x?high|low)(?: effort)?\)?"
    r"|[-_ ]+\(?(?:thinking[- ])?\d+k(?:[- ]thinking)\)?|[- ]thinking[- ]\d+k"
    r"|[- ]+\((?:none|minimal|medium|max|thinking|non-thinking|reasoning|non-reasoning)\))$"
)
_PACKING = re.compile(
    r"[-_. ](?:unsloth|bnb|mlx|gguf|ggml|awq|gptq|exl[23]|onnx|auto-?round|mixed|dynamic|hf|safetensors"
    r"|[248]bit|int[48]"
    r"|fp(?:4|8|16|32)|[bf]f?(?:16|32)|nvfp4|mxfp4|w\d+a\d+|i?q\d(?:[_-][0-9a-z]+)*)$"
)
_HOSTED = re.compile(r"[:@](?:free|nitro|floor|beta|extended|online)$")
_POINTER = re.compile(r"[-_ (]+latest\)?$")
# Versions behind a dot or hyphen (3.5, 3-5) are one token; sizes keep their fraction (1.5b), other letters split off.
_TOKEN = re.compile(r"\d+(?:\.\d+)?[bm](?![a-z])|\d+x\d+(?:\.\d+)?b|\d+(?:\.\d+)*[a-z]*|[a-z]+|\+|[^\W\d_]+")
_VENDORS = frozenset(
    {"meta", "amazon", "google", "openai", "anthropic", "nvidia", "microsoft", "mistralai", "xai", "c4ai"}
)
_TRAINING = frozenset({"instruct", "it", "chat", "base"})


@dataclass(frozen=True)
class Dated:
    """The date in a name, as far as it says."""

    month: int
    year: int | None = None
    day: int | None = None

    def agrees(self, other: Dated) -> bool:
        """Whether both may be the same date: what both say is equal."""
        pairs = ((self.year, other.year), (self.month, other.month), (self.day, other.day))
        return all(one is None or two is None or one == two for one, two in pairs)

    def near(self, day: date) -> bool:
        """Whether it lies within `NEAR` of a day."""
        years = (self.year,) if self.year else (day.year - 1, day.year, day.year + 1)
        return any(self._distance(year, day) <= NEAR for year in years)

    def _distance(self, year: int, day: date) -> timedelta:
        first = date(year, self.month, self.day or 1)
        if self.day:
            return abs(first - day)
        last = date(year + self.month // 12, self.month % 12 + 1, 1) - timedelta(days=1)
        return timedelta(0) if first <= day <= last else min(abs(first - day), abs(last - day))


@dataclass(frozen=True)
class Written:
    """A name taken apart.

    Attributes:
        text: the name without case and outer blanks.
        account: what stands before the last slash; empty where there is none.
        tokens: words, versions and sizes in order, without the date and the variants.
        dated: the date in the name; null where there is none.
        variants: how it was run or packed: `effort ...`, `packing ...`, `host ...`.
        moves: the name is a pointer to whatever is newest.
    """

    text: str
    account: str
    tokens: tuple[str, ...]
    dated: Dated | None
    variants: tuple[str, ...]
    moves: bool

    @property
    def key(self) -> str:
        """The tokens in order."""
        return " ".join(self.tokens)

    @property
    def loose_key(self) -> str:
        """The tokens in any order, the maker's name left out: `Nova Pro` is `Amazon Nova Pro`."""
        return " ".join(sorted(token for token in self.tokens if token not in _VENDORS))

    @property
    def untrained_key(self) -> str:
        """The loose key without what names a stage of training: instruct, it, chat, base."""
        return " ".join(token for token in self.loose_key.split() if token not in _TRAINING)


def read_name(name: str) -> Written:
    """Take a name apart; any text can be."""
    text = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    account, _, rest = text.rpartition("/")
    variants: list[str] = []
    dated: Dated | None = None
    moves = False
    while True:
        if found := _HOSTED.search(rest):
            variants.append(f"host {found[0][1:]}")
        elif found := _POINTER.search(rest):
            moves = True
        elif found := _EFFORT.search(rest):
            variants.append(f"effort {found[0].strip('-_ ()')}")
        elif found := _PACKING.search(rest):
            variants.append(f"packing {found[0][1:]}")
        elif dated is None and (at := _date_in(rest)) is not None:
            dated, start = at
            rest = rest[:start]
            continue
        else:
            break
        if not rest[: found.start()].strip():
            break  # nothing would be left of the name
        rest = rest[: found.start()]
    return Written(text, account, _tokens(rest), dated, tuple(reversed(variants)), moves)


def _date_in(text: str) -> tuple[Dated, int] | None:
    for pattern in _DATES:
        found = pattern.search(text)
        if found is None or not found.start():
            continue
        said = found.groupdict()
        month = _MONTHS[said["month"]] if said["month"] in _MONTHS else int(said["month"])
        year = int(said["year"]) if said.get("year") else 2000 + int(said["short"]) if said.get("short") else None
        day = int(said["day"]) if said.get("day") else None
        try:
            date(year or 2024, month, day or 1)
        except ValueError:
            continue
        return Dated(month, year, day), found.start()
    return None


def _tokens(text: str) -> tuple[str, ...]:
    # 3-5 and 3_5 are the version 3.5, but 3-8b is a version and a size.
    text = re.sub(r"(?<![\d.])(\d{1,2})[-_](?=\d{1,2}(?![\dbmxk]|[-_.]\d))", r"\1.", text)
    # 4.0 is written as 4.
    found: list[str] = _TOKEN.findall(text)
    return tuple("plus" if part == "+" else re.sub(r"^(\d+)\.0$", r"\1", part) for part in found)
