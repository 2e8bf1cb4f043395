"""Time the fit of the capability index against scipy's general solver on the bundled matrix.

Run from the root of the repository: `python -m benchmarks.index_fit [--repetitions 3]`. The two fits
alternate, so that a busy machine slows both; the medians are compared. The peer minimises the same cost
within the same bounds from the same start, with its default tolerances and its default Jacobian
(two-point differences), and like ours on one thread, which on a busy machine is the faster for it too.
"""

from __future__ import annotations

import argparse
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy
from scipy.optimize import OptimizeResult, least_squares
from scipy.special import expit
from threadpoolctl import threadpool_limits

if __package__ in {None, ""}:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipeline.facts import tables
from pipeline.gap.index import fit
from pipeline.gap.index_bootstrap import bootstrap
from pipeline.gap.index_design import Table, prepare
from pipeline.gap.index_solver import Problem

DRAWS = 500


def bundled() -> Table:
    """The matrix behind Epoch's index, with the names and dates of the releases."""
    releases = tables.load("releases").select("model_id", "released_on", model="name")
    scores = tables.load("scores_epoch_matrix").select("model_id", benchmark="series_id", performance="value")
    return prepare(scores.join(releases, on="model_id"))


def by_scipy(problem: Problem) -> OptimizeResult:
    """The same minimum by the general solver, dense and with a numerical Jacobian."""
    free = ~problem.held
    located = problem.models + problem.benchmarks
    whole = problem.start()
    root = np.sqrt(problem.ridge[free])

    def residuals(parameters: np.ndarray) -> np.ndarray:
        values = whole.copy()
        values[free] = parameters
        capability, difficulty = values[: problem.models], values[problem.models : located]
        above = capability[problem.model_of] - difficulty[problem.benchmark_of]
        fitted = expit(values[located:][problem.benchmark_of] * above)
        return np.concatenate([fitted - problem.performance, root * parameters])

    low, high = problem.bounds
    with threadpool_limits(limits=1, user_api="blas"):
        return least_squares(residuals, whole[free], bounds=(low[free], high[free]))


def timed(work: Callable[[], object]) -> tuple[float, object]:
    """Seconds of wall time and the result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def peak_mib() -> float:
    """The most memory this process has held so far (Linux counts in KiB, macOS in bytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=3)
    repetitions = parser.parse_args().repetitions
    table = bundled()
    fitted = fit(table)
    before = peak_mib()
    draws = []
    for repetition in range(repetitions):
        seconds, _ = timed(lambda: bootstrap(fitted, DRAWS))
        draws.append(seconds)
        print(f"{DRAWS} draws {repetition + 1}/{repetitions}: {seconds:.2f} s", file=sys.stderr, flush=True)
    ours_peak = peak_mib()  # read before the peer runs: the figure never falls again
    ours, theirs = [], []
    for repetition in range(repetitions):
        # Ours is short: the median of several runs around each of the peer's.
        ours.extend(timed(lambda: fit(table))[0] for _ in range(5))
        seconds, peer = timed(lambda: by_scipy(fitted.problem))
        theirs.append(seconds)
        print(f"scipy {repetition + 1}/{repetitions}: {seconds:.1f} s", file=sys.stderr, flush=True)
    ratio = statistics.median(theirs) / statistics.median(ours)
    assert isinstance(peer, OptimizeResult)  # noqa: S101
    print(f"{len(table.rows)} rows, {len(table.models)} models, {len(table.benchmarks)} benchmarks;", end=" ")
    print(f"{repetitions} repetitions, medians (range); Python {platform.python_version()}, scipy {scipy.__version__}")
    print("\n| what | seconds | cost | peak memory |\n|---|---|---|---|")
    print(f"| our fit | {_spread(ours)} | {fitted.cost:.9f} | |")
    print(f"| scipy least_squares, 2-point | {_spread(theirs)} | {peer.cost:.9f} | {peak_mib():.0f} MiB |")
    print(f"| ratio | {ratio:.0f} times | | |")
    print(f"| {DRAWS} bootstrap draws | {_spread(draws)} | | {ours_peak:.0f} MiB ({before:.0f} before) |")


def _spread(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.4g} ({min(seconds):.4g}-{max(seconds):.4g})"


if __name__ == "__main__":
    main()
