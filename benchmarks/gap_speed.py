"""Speed of frontier, gap and catch-up on a large table, beside the same written plainly in polars and pandas.

Run `python -m benchmarks.gap_speed --scores 5000000 --series 300 --repeat 5` from the root of the
repository. Each method has a process of its own, which holds the table in memory before the clock
starts; rounds are interleaved, so that a busy moment of the machine hits all of them alike.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl
import polars.testing

from benchmarks.gap_peers import pandas_plain, polars_direct, polars_plain
from benchmarks.gap_world import AS_OF, world
from pipeline.gap.frontier import gap_over_time, records
from pipeline.gap.lag import CatchUp, Scale, Tolerance, catch_up
from pipeline.gap.sides import availability

GAPS = ("series", "on", "open_model", "closed_model", "gap_raw")
LAGS = ("series", "closed", "closed_on", "open", "open_on", "lag_months", "censored")
Answer = tuple[Any, Any]


def ours(scores: pl.DataFrame) -> Answer:
    """What `moat gap` computes first, with every count that goes with it."""
    sides = availability(scores, AS_OF)
    frontiers = records(sides.rows)
    gaps = gap_over_time(frontiers, sides.series)
    parts = frontiers.partition_by("series", "side", as_dict=True)
    none = frontiers.clear()
    lags: dict[str, list[CatchUp]] = {}
    for row in sides.series.iter_rows(named=True):
        closed, opened = (parts.get((row["series"], side), none) for side in ("closed", "open"))
        scale = Scale(row["orient"], row["chance"], row["ceiling"], row["median_stderr"])
        lags[row["series"]] = catch_up(closed, opened, AS_OF, Tolerance("strict"), scale)
    return gaps, lags


METHODS: dict[str, tuple[str, Callable[[Any], Answer]]] = {
    "ours": ("ours (with facts, counts and noise of each series)", ours),
    "polars": ("polars, plainly", polars_plain),
    "direct": ("polars, without the best row of each model", polars_direct),
    "pandas": ("pandas, plainly", pandas_plain),
}


def comparable(answer: Answer) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Gaps and lags of any method with the same columns, types and order."""
    gaps, lags = answer
    if isinstance(lags, dict):
        events = [{"series": name, **vars(event)} for name, found in lags.items() for event in found]
        lags = pl.DataFrame(events, schema_overrides={"open": pl.String, "open_on": pl.Date})
    frames = (frame if isinstance(frame, pl.DataFrame) else pl.from_pandas(frame) for frame in (gaps, lags))
    gaps, lags = frames
    return (
        gaps.select(GAPS).cast({"on": pl.Date}).sort("series", "on"),
        lags.select(LAGS).cast({"closed_on": pl.Date, "open_on": pl.Date}).sort("series", "closed_on"),
    )


def work(name: str, scores: int, series: int, folder: Path) -> None:
    """One process: build the table, then run once for every line that comes in and say how it went."""
    table: Any = world(scores, series)
    if name == "pandas":
        table = table.select("series", "model", "score", "released_on", "weights_on", "access").to_pandas()
    # Forget the peak of building the table (Linux; elsewhere it stays in).
    with Path("/proc/self/clear_refs").open("w") as refs:
        refs.write("5")
    print("ready", flush=True)
    for number, _ in enumerate(sys.stdin):
        wall, cpu = time.perf_counter(), time.process_time()
        answer = METHODS[name][1](table)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        if number == 0:
            for part, frame in zip(("gaps", "lags"), comparable(answer), strict=True):
                frame.write_parquet(folder / f"{name}-{part}.parquet")
        print(wall, cpu, peak, flush=True)


def compare(scores: int, series: int, repeat: int) -> str:
    """The table of results as Markdown.

    Raises:
        AssertionError: two methods give different gaps or lags.
    """
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["--scores", str(scores), "--series", str(series), "--folder", folder]
        workers = {
            name: subprocess.Popen(
                [sys.executable, "-m", "benchmarks.gap_speed", *arguments, "--worker", name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for name in METHODS
        }
        try:
            for name in METHODS:
                _line(workers[name])  # the table is built
            measured: dict[str, list[tuple[float, ...]]] = {name: [] for name in METHODS}
            for _ in range(repeat):
                for name, worker in workers.items():
                    print("go", file=worker.stdin, flush=True)
                    measured[name].append(tuple(map(float, _line(worker).split())))
            sizes = _same_answer(Path(folder))
        finally:
            for worker in workers.values():
                worker.communicate()
    lines = [
        f"{scores:,} scores in {series} series; {sizes[0]:,} gaps and {sizes[1]:,} lags, the same by every method; "
        f"medians of {repeat} interleaved runs",
        "",
        "| method | seconds | CPU seconds | ratio (time) | ratio (CPU) | peak memory, table included |",
        "|---|---|---|---|---|---|",
    ]
    first = [median(column) for column in zip(*measured["ours"], strict=True)]
    for name, runs in measured.items():
        wall, cpu, _ = (median(column) for column in zip(*runs, strict=True))
        peak = max(run[2] for run in runs)
        title = METHODS[name][0]
        lines.append(
            f"| {title} | {wall:.2f} | {cpu:.2f} | {wall / first[0]:.2f} | {cpu / first[1]:.2f} | {peak:.2f} GiB |"
        )
    return "\n".join(lines)


def _line(worker: subprocess.Popen[str]) -> str:
    """What a worker says next."""
    if worker.stdout and (said := worker.stdout.readline()):
        return said
    raise RuntimeError(f"a worker stopped with {worker.wait()}")


def _same_answer(folder: Path) -> tuple[int, int]:
    """How many gaps and lags there are, after checking that every method found the same ones."""
    sizes = []
    for part in ("gaps", "lags"):
        expected = pl.read_parquet(folder / f"ours-{part}.parquet")
        for name in METHODS:
            pl.testing.assert_frame_equal(pl.read_parquet(folder / f"{name}-{part}.parquet"), expected, abs_tol=1e-12)
        sizes.append(expected.height)
    return sizes[0], sizes[1]


def main() -> None:
    """Read the options and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=int, default=5_000_000)
    parser.add_argument("--series", type=int, default=300)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--worker", choices=METHODS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.worker, options.scores, options.series, options.folder)
    else:
        print(compare(options.scores, options.series, options.repeat))


if __name__ == "__main__":
    main()
