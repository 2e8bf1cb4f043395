"""Slices of the open side: what a person can run, may use, or where it was made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

SIZES = (2, 8, 14, 32, 70)  # billions of parameters
CARDS = {"24 GB": 28, "32 GB": 40}
"""Billions of parameters that a consumer card of this memory holds at about five bits a weight."""
LICENCES = ("unrestricted", "restricted", "non_commercial")


@dataclass(frozen=True)
class Slice:
    """A part of the open models.

    Attributes:
        name: `all`, `params <= 8B`, `card 24 GB`, `licence unrestricted`, `country China` ...
        words: how a sentence says it; empty for all.
        column: what it depends on; models where that is null are outside and counted.
        keep: which open models belong to it.
    """

    name: str
    words: str
    column: str
    keep: pl.Expr


EVERYTHING = Slice("all", "", "model", pl.lit(value=True))


def slices(inputs: pl.DataFrame) -> Iterator[Slice]:
    """Every slice that can be told from the columns `params_b, licence_class, country`.

    Countries are those of the open models present.
    """
    yield EVERYTHING
    for size in SIZES:
        yield Slice(
            f"params <= {size}B", f"of at most {size} billion parameters", "params_b", pl.col("params_b") <= size
        )
    for card, size in CARDS.items():
        words = f"that fits a {card} consumer card (at most {size} billion parameters)"
        yield Slice(f"card {card}", words, "params_b", pl.col("params_b") <= size)
    for licence in LICENCES:
        words = f"under a licence of class {licence}"
        yield Slice(f"licence {licence}", words, "licence_class", pl.col("licence_class") == licence)
    countries = inputs.filter(pl.col("access") == "open")["country"].drop_nulls().unique().sort()
    for country in countries:
        yield Slice(f"country {country}", f"from {country}", "country", pl.col("country") == country)


def restrict(inputs: pl.DataFrame, part: Slice) -> tuple[pl.DataFrame, list[str]]:
    """The inputs with only the open models of a slice; closed and unknown ones stay.

    Returns:
        The rows, and a note that counts the open models that cannot be placed.
    """
    is_open = pl.col("access") == "open"
    unknown = inputs.filter(is_open & pl.col(part.column).is_null())["model"].n_unique()
    kept = inputs.filter(~is_open.fill_null(value=False) | part.keep.fill_null(value=False))
    return kept, [f"{unknown} open models have no {part.column} and are outside this slice"] if unknown else []
