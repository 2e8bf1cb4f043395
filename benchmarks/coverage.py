"""How often the published 90% intervals contain the truth, in simulated worlds where it is known.

    python -m benchmarks.coverage --worlds 500 --out docs/coverage.md

A study is a world generator, an estimator and the truth; another interval is measured by adding one
to `studies()`. Everything in a study must be importable by name, because worlds run in two processes.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.progress import track

from benchmarks import index_worlds
from benchmarks.worlds import PROCESSES, STRICT, Process, World, long_run, scaled_to, world
from pipeline.gap.frontier import records
from pipeline.gap.lag import Scale, backward_lag
from pipeline.gap.monthly import monthly
from pipeline.gap.pooled import pooled_lag
from pipeline.gap.series import series_report
from pipeline.gap.sides import availability
from pipeline.gap.survival import survival
from pipeline.gap.trend import closing_rates

Interval = tuple[float | None, float | None]
NOMINAL = 0.90
FIRST_SEED = 100_000  # the intervals were chosen on worlds of lower seeds
BETWEEN_SD, PRIVATE_RATIO = 0.4, 1.6
STDERR, SIBLINGS = 0.7, 3
"""Error of a score, in mean jumps of the closed frontier, and weaker models beside each release: like the index."""


@dataclass(frozen=True)
class Study:
    """One generator with its estimators.

    Attributes:
        name: of the worlds, as printed.
        sizes: what `generate` is asked for.
        generate: world of a seed and a size.
        estimate: named intervals of one world; no more is looked at than what is in it.
        truth: of each interval, by the same names.
        counts: records and censored records of one world.
    """

    name: str
    sizes: tuple[Any, ...]
    generate: Callable[[int, Any], Any]
    estimate: Callable[[Any], Mapping[str, Interval]]
    truth: Mapping[str, float]
    counts: Callable[[Any], tuple[int, int]]


@dataclass(frozen=True)
class Noisy:
    """A world as measured, with its true gap and its true lag, which is negative where open leads."""

    world: World
    gap: float
    lag: float


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    interval: str
    worlds_of: str
    size: str
    worlds: int
    coverage: float
    width: float
    open_ended: float
    censored: float


def covers(interval: Interval, truth: float) -> bool:
    """Whether the truth lies within; a null upper end is infinite, without a lower end nothing is covered."""
    lo, hi = interval
    return lo is not None and lo <= truth and (hi is None or truth <= hi)


def one_world(study: Study, size: Any, seed: int) -> tuple[int, int, Mapping[str, Interval]]:
    """Records, censored records and intervals of one world."""
    made = study.generate(seed, size)
    return *study.counts(made), study.estimate(made)


def coverage(study: Study, size: Any, seeds: Iterable[int], workers: Executor | None = None) -> list[Row]:
    """Coverage of each interval of a study over many worlds of one size."""
    run = partial(one_world, study, size)
    done = list(workers.map(run, seeds, chunksize=10) if workers else map(run, seeds))
    share = sum(censored for _, censored, _ in done) / max(sum(records for records, _, _ in done), 1)
    rows = []
    for name, truth in study.truth.items():
        found = [said for _, _, intervals in done if (said := intervals.get(name, (None, None))) != (None, None)]
        widths = [hi - lo for lo, hi in found if lo is not None and hi is not None]
        rows.append(
            Row(
                name,
                study.name,
                " x ".join(map(str, size)) if isinstance(size, tuple) else str(size),
                len(found),
                sum(covers(interval, truth) for interval in found) / max(len(found), 1),
                float(np.mean(widths)) if widths else math.nan,
                sum(hi is None for _, hi in found) / max(len(found), 1),
                share,
            )
        )
    return rows


def generate_series(process: Process, seed: int, records: int) -> World:
    """`world` with the process first, so that it can be bound."""
    return world(seed, records, process)


def count_events(made: World) -> tuple[int, int]:
    """Records and censored records."""
    return len(made.events), sum(event.censored for event in made.events)


def series_intervals(made: World) -> dict[str, Interval]:
    """The intervals of one series as published."""
    found = survival(made.events, level=NOMINAL)
    return {
        "median, bootstrap": (found.lo, found.hi),
        "median, calibrated": (found.calibrated_lo, found.calibrated_hi),
        "restricted mean": (found.rmst18_lo, found.rmst18_hi),
    }


def generate_benchmarks(process: Process, seed: int, size: tuple[int, int]) -> pl.DataFrame:
    """Records of many benchmarks, each a world of the process in its own unit of time.

    Every second one is private and slower by PRIVATE_RATIO; the rest of the difference is lognormal.

    Args:
        process: of the benchmark in the middle.
        seed: of the lot.
        size: benchmarks, and records expected in each.
    """
    benchmarks, each = size
    rng = np.random.default_rng([seed, benchmarks, each])
    rows = []
    for place in range(benchmarks):
        private = place % 2 == 0
        factor = math.exp(rng.normal(0, BETWEEN_SD) + math.log(PRIVATE_RATIO) * (private - 0.5))
        made = world(int(rng.integers(2**40)), each, scaled_to(process, factor))
        rows += [(f"{place:03}", event.lag_months, event.censored, private) for event in made.events]
    return pl.DataFrame(rows, schema=["series", "lag_months", "censored", "private"], orient="row")


def count_rows(frame: pl.DataFrame) -> tuple[int, int]:
    """Records and censored records."""
    return frame.height, int(frame["censored"].sum())


def pooled_intervals(frame: pl.DataFrame) -> dict[str, Interval]:
    """The intervals of the pooled lag as published."""
    found = pooled_lag(frame, level=NOMINAL)
    return {"pooled median": (found.lo, found.hi), "private/public ratio": (found.ratio_lo, found.ratio_hi)}


def slope_intervals(made: World) -> dict[str, Interval]:
    """The intervals of the closing rate of the gap as published; where nothing is said there is none."""
    opened, closed = both_sides(made)
    rates = closing_rates(monthly(closed, opened, made.as_of), made.as_of, None, None)
    found: dict[str, Interval] = {}
    for rate in rates:
        if rate.measure == "gap":
            for name, slope in (("least squares", rate.ols), ("Theil-Sen", rate.theil_sen)):
                found[f"slope {rate.window}, {name}"] = (slope.lo, slope.hi) if slope else (None, None)
    return found


def both_sides(made: World) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Records of the open and of the closed side."""
    rows = records(availability(made.scores, made.as_of).rows)
    return rows.filter(pl.col("side") == "open"), rows.filter(pl.col("side") == "closed")


def generate_noisy(process: Process, seed: int, size: int) -> Noisy:
    """A world whose scores are measured with error.

    Each release has weaker siblings, as in life: the best of many noisy scores is too high.
    """
    made = world(seed, size, process)
    rng = np.random.default_rng([seed, size, 1])
    one = made.scores
    siblings = [
        one.with_columns(
            pl.col("model") + f" sibling {place}", pl.col("score") - pl.Series(rng.exponential(1.0, one.height))
        )
        for place in range(SIBLINGS)
    ]
    true = pl.concat([one, *siblings])
    opened, closed = both_sides(replace(made, scores=true))
    noisy = true.with_columns(pl.col("score") + pl.Series(rng.normal(0, STDERR, true.height)), stderr=pl.lit(STDERR))
    behind = backward_lag(closed, opened, made.as_of, STRICT, Scale()).months
    ahead = backward_lag(opened, closed, made.as_of, STRICT, Scale()).months
    return Noisy(replace(made, scores=noisy), closed["score"][-1] - opened["score"][-1], behind or -(ahead or 0.0))


def day_intervals(made: Noisy) -> dict[str, Interval]:
    """The intervals of today's gap and lag as published, less the truth; a lag that is bounded has none."""
    [found] = series_report(made.world.scores, made.world.as_of)
    gap, lag = (found.noise.gap_lo, found.noise.gap_hi), (found.noise.lag_lo, found.noise.lag_hi)
    return {
        name: (lo - truth, hi - truth)
        for name, (lo, hi), truth in (("gap of the day", gap, made.gap), ("lag of the day", lag, made.lag))
        if lo is not None and hi is not None
    }


def count_noisy(made: Noisy) -> tuple[int, int]:
    """Records and censored records."""
    return count_events(made.world)


def slope_study(process: Process, sizes: tuple[int, ...] = (20, 40, 80)) -> Study:
    """Closing rates: the worlds are stationary, so the long-run slope of the gap is 0."""
    windows = ("12m", "24m", "whole")
    truth = {f"slope {window}, {name}": 0.0 for window in windows for name in ("least squares", "Theil-Sen")}
    return Study(process.name, sizes, partial(generate_series, process), slope_intervals, truth, count_events)


def day_study(process: Process, sizes: tuple[int, ...] = (20, 40, 80)) -> Study:
    """Gap and lag of the day, when scores are measured with error."""
    truth = {"gap of the day": 0.0, "lag of the day": 0.0}
    return Study(process.name, sizes, partial(generate_noisy, process), day_intervals, truth, count_noisy)


def index_study() -> Study:
    """The index of a model, by the error of a score."""
    truth = dict.fromkeys(("index, few benchmarks", "index, many benchmarks"), 0.0)
    return Study("120 models, 30 benchmarks", index_worlds.ERRORS, index_worlds.generate, index_worlds.estimate, truth,
                 index_worlds.counts)  # fmt: skip


def series_study(process: Process, sizes: tuple[int, ...] = (20, 40, 80)) -> Study:
    """Intervals of one series."""
    median, restricted = long_run(process)
    truth = {"median, bootstrap": median, "median, calibrated": median, "restricted mean": restricted}
    name = f"{process.name} (median {median:.1f})"
    return Study(name, sizes, partial(generate_series, process), series_intervals, truth, count_events)


def pooled_study(process: Process, sizes: tuple[tuple[int, int], ...] = ((5, 10), (10, 15), (20, 20))) -> Study:
    """Intervals of the lag pooled over benchmarks; sizes are benchmarks x records."""
    median = long_run(process)[0]
    truth = {"pooled median": median, "private/public ratio": PRIVATE_RATIO}
    name = f"{process.name} (median {median:.1f})"
    return Study(name, sizes, partial(generate_benchmarks, process), pooled_intervals, truth, count_rows)


KINDS: dict[str, Callable[[], list[Study]]] = {
    "series": lambda: [series_study(process) for process in PROCESSES],
    "pooled": lambda: [pooled_study(process) for process in PROCESSES],
    "slopes": lambda: [slope_study(process) for process in PROCESSES],
    "day": lambda: [day_study(process) for process in PROCESSES],
    "index": lambda: [index_study()],
}
"""All that is measured; add a study here to measure another interval."""
HEAD = (
    "| interval | worlds like | records | worlds | nominal | coverage | mean width | open-ended | censored |\n"
    "|---|---|---:|---:|---:|---:|---:|---:|---:|\n"
)
MARK = "<!-- below: written by hand, kept by the command -->\n"


def table(rows: list[Row], before: str = "") -> str:
    """Markdown, by interval; rows of an earlier table stay where theirs were not measured again."""
    lines = [
        f"| {row.interval} | {row.worlds_of} | {row.size} | {row.worlds} | {NOMINAL:.0%} | {row.coverage:.1%} | "
        f"{row.width:.2f} | {row.open_ended:.0%} | {row.censored:.0%} |\n"
        for row in rows
    ]
    again = {row.interval for row in rows}
    earlier = [line for line in before.splitlines(keepends=True) if line.startswith("| ") and line not in HEAD]
    kept = [line for line in earlier if _interval(line) not in again]
    return HEAD + "".join(sorted(kept + lines, key=_interval))


def _interval(line: str) -> str:
    """The first cell of a row."""
    return line.split("|")[1].strip()


def main() -> None:
    """Measure, print and, where asked, write."""
    parser = argparse.ArgumentParser(description="Coverage of the published intervals in simulated worlds")
    parser.add_argument("--worlds", type=int, default=500, help="worlds of each kind and size")
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS), help="kinds to measure (again)")
    parser.add_argument("--out", type=Path, help="file of Markdown to write; the text under its table is kept")
    given = parser.parse_args()
    rows: list[Row] = []
    seeds = range(FIRST_SEED, FIRST_SEED + given.worlds)
    # Spawned, because threads of polars do not survive a fork.
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as workers:
        jobs = [(study, size) for kind in given.only for study in KINDS[kind]() for size in study.sizes]
        for study, size in track(jobs, description="Simulating"):
            rows += coverage(study, size, seeds, workers)
    before, _, reading = (given.out.read_text() if given.out and given.out.exists() else "").partition(MARK)
    found = table(rows, before)
    print(found)
    if given.out:
        command = f"    python -m benchmarks.coverage --worlds {given.worlds} --out {given.out}\n"
        given.out.write_text(f"# Coverage of the intervals\n\n{command}\n{found}\n{MARK}{reading}")


if __name__ == "__main__":
    main()
