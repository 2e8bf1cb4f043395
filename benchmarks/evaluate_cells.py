"""What a cell costs beyond the model's own work: the harness's command line, a worker here, a worker on a Ray cluster.

All three evaluate the same tiny model on the same two small tasks from a local Hub, so that what is measured is the way
there. Run it with `python -m benchmarks.evaluate_cells`; it needs what `make eval` installs.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr

from pipeline.evaluate import cells, run
from pipeline.evaluate.planning import History
from pipeline.evaluate.suites import suite
from pipeline.settings import Settings
from tests.evaluate import tiny
from tests.evaluate.ray_cluster import cluster

ROUNDS = 3


def main() -> None:
    """Print medians, interleaved in one run."""
    with TemporaryDirectory() as folder, tiny.hub() as hub, cluster("second") as ray:
        data = Path(folder)
        os.environ |= {"DAGSTER_HOME": str(data), "HF_HOME": str(data / "hf")}
        (data / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
        here = Settings(data=data / "here", hub=hub.url)
        there = Settings(data=data / "there", hub=hub.url, eval_launcher="ray", eval_ray=ray.address,
                         RAY_AUTH_TOKEN=SecretStr(ray.token))  # fmt: skip
        ways: dict[str, Callable[[], float]] = {
            "lm_eval": lambda: by_hand(hub.url, data),
            "worker here": lambda: by_run(here),
            "worker on Ray": lambda: by_run(there),
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        beyond: dict[str, list[float]] = {"worker here": [], "worker on Ray": []}
        for _ in range(ROUNDS + 1):
            for name, way in ways.items():
                times[name].append(way())
        for name, settings in (("worker here", here), ("worker on Ray", there)):
            own = [record["seconds"] for record in History(settings).records]
            beyond[name] = [whole - work for whole, work in zip(times[name], own, strict=True)]
        # The first of each fills caches.
        for name, found in times.items():
            more = f", {statistics.median(beyond[name][1:]):.1f} s beyond the worker's own" if name in beyond else ""
            print(f"{name}: {statistics.median(found[1:]):.1f} s a cell{more}")


def by_hand(endpoint: str, data: Path) -> float:
    """Seconds that the harness's own command takes."""
    command = [str(Path(tiny.PYTHON).with_name("lm_eval")), "run", "--model", "hf", "--model_args",
               f"pretrained={tiny.MODEL}", "--tasks", "copa", "cb", "--device", "cpu", "--batch_size", "8",
               "--output_path", str(data / "by_hand")]  # fmt: skip
    start = time.monotonic()
    subprocess.run(command, env=os.environ | {"HF_ENDPOINT": endpoint}, capture_output=True, check=True)
    return time.monotonic() - start


def by_run(settings: Settings) -> float:
    """Seconds that a cell takes from the order to its capture."""
    cell = cells.Cell(tiny.MODEL, suite("smoke"), cells.Options(device="cpu", batch_size=8))
    start = time.monotonic()
    [done] = run.run(settings, [cell], again=True)
    assert done.new, done.error  # noqa: S101 - a benchmark of what failed is none
    return time.monotonic() - start


if __name__ == "__main__":
    main()
