"""All of staging from captures: seconds and peak memory, of a table of repositories and of millions of synthetic ones.

Run from the root of the repository: `python -m benchmarks.staging [--repos FILE.parquet] [--repositories N]`. The Hub's
list is captured first, through the real client; what is measured is a process of its own that folds the capture,
resolves every name and builds every table of staging, with the project's tables of facts.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.hub_crawl import Result, hub, step
from benchmarks.synthetic_hub import write
from pipeline.facts.hub_repositories import bundled_repositories

LIMIT_MIB = 4096


def measure(name: str, file: Path, folder: Path) -> tuple[str, Result]:
    """Capture the repositories of a table and build staging from them."""
    data = folder / "data"
    with hub(file) as url:
        step("crawl", data, url)
    return name, step("staging", data)


def table(rows: list[tuple[str, Result]]) -> str:
    """Markdown."""
    lines = ["| repositories | scores | seconds | peak memory |", "|---|---:|---:|---:|"]
    for name, one in rows:
        cells = (
            f"{name}: {one['repositories']:,}",
            f"{one['scores']:,}",
            f"{one['seconds']:.1f}",
            f"{one['memory']:,.0f} MiB",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and print; fails where memory is over the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repos", type=Path, help="A table in hub-stats form; the bundled facts by default.")
    parser.add_argument("--repositories", type=int, default=3_000_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="staging-") as name:
        folder = Path(name)
        few, many = folder / "few.parquet", folder / "many.parquet"
        if given.repos is None:
            bundled_repositories().write_parquet(few)
        write(many, given.repositories)
        rows = [measure("a table", given.repos or few, folder / "few"), measure("synthetic", many, folder / "many")]
    print(table(rows))
    highest = max(found["memory"] for _, found in rows)
    if highest > LIMIT_MIB:
        raise SystemExit(f"{highest:,.0f} MiB are over the limit of {LIMIT_MIB:,} MiB")


if __name__ == "__main__":
    main()
