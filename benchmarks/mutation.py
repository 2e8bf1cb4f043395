"""Mutate pipeline/gap and see whether its tests notice: the mutants of mutmut, in two long-lived processes.

Run from the root of the repository: `python -m benchmarks.mutation [PATTERN ...] [--out FILE]`. mutmut writes the
mutants and learns which test calls which function. Its own runner forks for every mutant and imports the tests
again, which takes longer than most tests; here each process collects the tests once and switches mutants between
them. A mutant that no test fails on has survived; one that runs out of time or takes its process down is noticed.
"""

from __future__ import annotations

import argparse
import fnmatch
import gc
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import _lru_cache_wrapper
from itertools import takewhile
from pathlib import Path
from threading import Lock
from types import FrameType

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import Phase, settings
from mutmut.mutation.diff_apply import get_diff_for_mutant
from rich.progress import track

FOLDER = Path("mutants")
TESTS = "tests/gap"
REASONS = Path("benchmarks/mutation_reasons.toml")
UNEXPLAINED = "Not explained: a gap in the tests"
HEAD = """# Mutants that survive

    make mutate

mutmut changes one thing at a time in the functions of `pipeline/gap`; what the tests do not notice is listed here with
the reason why it may stay (`benchmarks/mutation_reasons.toml`). The wording of error messages is not changed.
"""
WORKERS = 2
MEMORY = 6 * 2**30  # bytes of address space beyond what a worker starts with: a mutant may ask for anything
EXTRA_SECONDS = 3.0
SLOWER = 5.0
EXAMPLES = 5
TOO_LONG = ("few_worlds",)  # simulations that judge coverage: each survivor would wait for them


class TooSlowError(BaseException):
    """A mutant took several times as long as the tests usually do; no `except Exception` may swallow it."""


class Switch:
    """A pytest plugin that runs the wanted tests once for every mutant named on standard input."""

    def __init__(self) -> None:
        stats = json.loads(Path("mutmut-stats.json").read_text())  # a worker works inside the folder
        self._tests: dict[str, list[str]] = stats["tests_by_mangled_function_name"]
        self._seconds: dict[str, float] = stats["duration_by_test"]

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Answer each name with `killed`, `survived`, `timeout` or `untested`."""
        items = {item.nodeid: item for item in session.items}
        for item in items.values():
            _fewer_examples(item)
        # What a test remembers between calls would carry one mutant's results over to the next.
        caches = [thing for thing in gc.get_objects() if isinstance(thing, _lru_cache_wrapper) and _ours(thing)]
        signal.signal(signal.SIGALRM, _too_slow)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
        print("ready", file=sys.__stderr__, flush=True)
        for line in sys.__stdin__ or ():
            name = line.strip()
            for cache in caches:
                cache.cache_clear()
            os.environ["MUTANT_UNDER_TEST"] = name
            chosen = [items[test] for test in self._chosen(name) if test in items]
            print(self._outcome(chosen), file=sys.__stderr__, flush=True)
        return True

    def _chosen(self, name: str) -> list[str]:
        """The tests that call the mutated function, fast ones first, then the others in the same files.

        The others may use what a shared fixture made of the function when mutmut was not looking.
        """
        callers = set(self._tests.get(name.rpartition("__mutmut_")[0], []))
        files = {test.partition("::")[0] for test in callers}
        near = {test for test in self._seconds if test.partition("::")[0] in files}
        return [
            test
            for group in (callers, near - callers)
            for test in sorted(group, key=lambda test: self._seconds[test])
            if not any(word in test for word in TOO_LONG)
        ]

    def _outcome(self, chosen: Sequence[pytest.Item]) -> str:
        if not chosen:
            return "untested"
        for item in chosen:
            item._initrequest()  # fixtures are made anew, not taken from the last mutant
            try:
                signal.setitimer(signal.ITIMER_REAL, EXTRA_SECONDS + SLOWER * self._seconds[item.nodeid])
                reports = runtestprotocol(item, log=False, nextitem=None)
            except TooSlowError:
                item.session._setupstate.teardown_exact(None)
                return "timeout"
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            if any(report.failed for report in reports):
                return "timeout" if any("TooSlowError" in str(report.longrepr) for report in reports) else "killed"
        return "survived"


def _ours(function: _lru_cache_wrapper[object]) -> bool:
    """Whether a remembering function belongs to the project."""
    module = str(getattr(function, "__module__", ""))
    return module.partition(".")[0] in {"benchmarks", "gap_tables", "index_tables", "pipeline", "tests"}


def _fewer_examples(item: pytest.Item) -> None:
    """Properties are tried on few examples, and what fails is not made smaller: that it fails is enough."""
    test = getattr(item, "obj", None)
    if hasattr(test, "_hypothesis_internal_use_settings"):
        usual = test._hypothesis_internal_use_settings
        test._hypothesis_internal_use_settings = settings(
            usual,
            max_examples=min(usual.max_examples, EXAMPLES),
            phases=[Phase.explicit, Phase.generate],
            derandomize=True,
            database=None,
        )


def _too_slow(_number: int, _frame: FrameType | None) -> None:
    raise TooSlowError


def work() -> None:
    """Be one of the processes: tests see the mutated package, because the folder of mutants is the working folder."""
    sys.path.insert(0, ".")
    # The full traceback of a failure parses the mutated file, which is many times as long as the original.
    quick = ["--tb=native", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:xdist"]
    options = ["-q", *quick, "--rootdir=.", "--capture=sys", TESTS]
    raise SystemExit(pytest.main(options, plugins=[Switch()]))


class Worker:
    """A process of `work`, started again where a mutant takes it down."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def outcome(self, name: str) -> str:
        """What became of a mutant; `crashed` where the process did not survive it."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.mutation", "--worker"],
                cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            while (line := self._read()) != "ready":
                if not line:
                    raise RuntimeError("the tests could not be collected")
        assert self._process.stdin is not None  # noqa: S101
        print(name, file=self._process.stdin, flush=True)
        while (line := self._read()) not in {"killed", "survived", "timeout", "untested"}:
            if not line:
                self._process.wait()
                self._process = None
                return "crashed"
        return line

    def _read(self) -> str:
        assert self._process is not None and self._process.stderr is not None  # noqa: S101, PT018
        line = self._process.stderr.readline()
        return line.strip() or ("." if line else "")


def mutants(patterns: Sequence[str]) -> list[str]:
    """The names that mutmut gave to its mutants, those that match a pattern."""
    names: list[str] = []
    for meta in sorted(FOLDER.glob("pipeline/gap/*.meta")):
        names += json.loads(meta.read_text())["exit_code_by_key"]
    return [name for name in names if any(fnmatch.fnmatch(name, f"pipeline.gap.{pattern}") for pattern in patterns)]


def changes(name: str) -> tuple[str, str]:
    """The changed lines of a mutant as they were and as they became."""
    lines = get_diff_for_mutant(name).splitlines()
    was, now = (
        " ".join(line[1:].strip() for line in lines if line.startswith(sign) and not line.startswith(sign * 3))
        for sign in "-+"
    )
    return was, now


def run(names: Sequence[str], record: Path) -> dict[str, str]:
    """The outcome of every mutant; each is noted in `record` at once, so that a run cut short is not lost."""
    outcomes: dict[str, str] = {}
    waiting, lock = iter(track(names, description="Mutants")), Lock()

    def drain(worker: Worker) -> None:
        while True:
            with lock:
                name = next(waiting, None)
            if name is None:
                return
            outcome = worker.outcome(name)
            with lock, record.open("a") as notes:
                outcomes[name] = outcome
                notes.write(f"{name}\t{outcome}\n")

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(drain, [Worker() for _ in range(WORKERS)]))
    return {name: outcomes[name] for name in names}


def reason(name: str, was: str, now: str) -> str:
    """Why it may survive, by the table of reasons; where none fits, that the tests have a gap."""
    for entry in tomllib.loads(REASONS.read_text())["reason"]:
        if fnmatch.fnmatch(name, f"pipeline.gap.{entry.get('mutant', '*')}") and re.search(
            entry.get("change", ""), f"{was} => {now}"
        ):
            return str(entry["why"])
    return UNEXPLAINED


def shared(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def difference(was: str, now: str, around: int = 30) -> str:
    """The part of a line that changed, with a little of the line around it."""
    same = shared(was, now)
    tail = shared(was[same:][::-1], now[same:][::-1])
    before, after = was[max(0, same - around) : same], was[len(was) - tail :][:around]
    return f"{before}[{was[same : len(was) - tail]} -> {now[same : len(now) - tail]}]{after}"


def document(outcomes: dict[str, str]) -> str:
    """The survivors in Markdown, by why they may survive."""
    counts = Counter(outcomes.values())
    said = ", ".join(f"{count:,} {outcome}" for outcome, count in counts.most_common())
    groups: dict[str, list[str]] = {}
    for name, outcome in outcomes.items():
        if outcome in {"survived", "untested"}:
            was, now = changes(name)
            line = f"    {name.removeprefix('pipeline.gap.')}  {difference(was, now)}"
            groups.setdefault(reason(name, was, now), []).append(line)
    ordered = sorted(groups.items(), key=lambda group: (group[0] != UNEXPLAINED, -len(group[1])))
    parts = [f"## {why} ({len(lines)})\n\n" + "\n".join(lines) for why, lines in ordered]
    return f"{HEAD}\n{len(outcomes):,} mutants of `pipeline/gap`: {said}.\n\n" + "\n\n".join(parts) + "\n"


def main() -> None:
    """Generate, run and list."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("patterns", nargs="*", default=["*"], help="such as 'lag.*'")
    parser.add_argument("--out", type=Path, default=FOLDER / "mutation.md", help="where to write the survivors")
    parser.add_argument("--record", type=Path, default=FOLDER / "outcomes.tsv", help="where to note every outcome")
    parser.add_argument("--again", type=Path, help="a record: only its survivors are run, the other outcomes are kept")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        work()
    # Any one mutant: what is wanted of mutmut are the mutants and which test calls which function.
    subprocess.run([sys.executable, "-m", "mutmut", "run", "pipeline.gap.codes.x_codes__mutmut_1"], check=True)
    names = mutants(given.patterns)
    kept: dict[str, str] = {}
    if given.again:
        before = dict(line.split("\t") for line in given.again.read_text().splitlines())
        kept = {name: before[name] for name in names if before.get(name, "survived") not in {"survived", "untested"}}
    outcomes = kept | run([name for name in names if name not in kept], given.record)
    given.out.write_text(document({name: outcomes[name] for name in names}))
    print(f"wrote {given.out}")


if __name__ == "__main__":
    main()
