"""Pages from templates: everything is escaped, and what a template does not know is an error."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline.settings import ROOT
from pipeline.site.text import link, script_json

DASHBOARDS = ROOT / "dashboards"
NAV = (
    ("index.html", "Overview"),
    ("leaderboard.html", "Leaderboard"),
    ("benchmarks.html", "Benchmarks"),
    ("compare.html", "Compare"),
    ("lineage.html", "Lineage"),
    ("method.html", "Method"),
    ("data.html", "Data"),
    ("sql.html", "SQL"),
)


def render(page: str, site: dict[str, Any], **context: Any) -> str:
    """A page, such as index.html, from the template of its name.

    Args:
        page: its file.
        site: what every page shows: see `pipeline.site.build`.
        context: what this one shows.
    """
    return _environment().get_template(page).render(page=page, site={**site, "nav": NAV}, **context)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(DASHBOARDS / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=False, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {
        "figure": figure,
        "words": words,
        "script_json": script_json,
        "link": link,
        "day": day,
        "headline": headline,
    }
    return environment


NONE = "\N{EN DASH}"
"""What stands where nothing is known."""


def figure(value: float | None, digits: int = 2) -> str:
    """A number for people: whole ones with separators, others with up to so many decimals; a dash for none."""
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if float(value).is_integer() and abs(value) >= 1000:
        return f"{int(value):,}"
    text = f"{value:.{digits}f}"
    return re.sub(r"\.?0+$", "", text) if "." in text else text


def ranged(value: float | None, lo: float | None = None, hi: float | None = None, digits: int = 1) -> str:
    """A number with its interval in brackets; an end that is not reached is said so, a dash stands for none."""
    if value is None:
        return NONE
    text = f"{value:.{digits}f}"
    if lo is None and hi is None:
        return text
    ends = ("not reached" if end is None else f"{end:.{digits}f}" for end in (lo, hi))
    return f"{text} ({' to '.join(ends)})"


def words(value: object) -> str:
    """A value as words: days as ISO text, lists joined, underscores as spaces in names of columns."""
    match value:
        case bool():
            return "yes" if value else "no"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case date():
            return value.isoformat()
        case list() | tuple():
            return ", ".join(words(one) for one in value)
        case str() if re.fullmatch(r"[a-z0-9_]+", value):
            return value.replace("_", " ")
        case _:
            return str(value)


def day(value: date | None) -> str:
    """A day as people write it: 4 May 2023."""
    return "an unknown day" if value is None else f"{value.day} {value:%B %Y}"


def headline(row: dict[str, Any]) -> Markup:
    """The first sentence of a row of marts.headline, by its state, with the sides in their colours."""
    kind = {
        "downloadable": "open-weight",
        "commercial": "commercially usable open",
        "unrestricted": "freely licensed open",
    }
    best = Markup('The best <span class="open">{}</span> model').format(kind[row["open_definition"]])
    other = Markup('the best <span class="closed">closed</span> one')
    months, lo, hi = row["lag_months"], row["lag_lo"], row["lag_hi"]
    span = "" if lo is None or hi is None else f" (90% CI {lo:.1f} to {hi:.1f})"
    match row["state"]:
        case "behind" if months is not None:
            return Markup("{} trails {} by about {:.1f} months{}.").format(best, other, months, span)
        case "behind_at_least" if months is not None:
            return Markup("{} trails {} by more than {:.1f} months.").format(best, other, months)
        case "behind":
            return Markup("{} is {:.1f} points behind {}, and no closed model is clearly ahead of it.").format(
                best, row["gap_raw"], other
            )
        case "within_error":
            last = row["clearly_behind_on"]
            behind = f"it was last clearly behind on {last}" if last else "it was never clearly behind"
            return Markup("{} is within measurement error of {}; {}.").format(best, other, behind)
        case "open_leads":
            return Markup("{} leads {} by {:.1f} points.").format(best, other, -row["gap_raw"])
        case _:
            return Markup("Not enough shared benchmarks to say: {} open and {} closed models.").format(
                row["open_models"], row["closed_models"]
            )
