"""The same cells on a Ray cluster of two nodes: the same scores, whatever is killed or lost meanwhile."""

import json
import os
import signal
import subprocess
import time
import urllib.error

import pytest

from tests.conftest import CANARY, MOAT
from tests.evaluate import tiny
from tests.evaluate.conftest import values
from tests.evaluate.ray_cluster import cluster

BOTH = (tiny.MODEL, tiny.OTHER)


@pytest.fixture
def evaluation(hub, tmp_path):
    """Start `moat eval` of both models at once on a cluster; gives the process."""
    (tmp_path / "dagster").mkdir()

    def start(ray):
        environment = {
            **os.environ, "MOAT_DATA": str(tmp_path), "DAGSTER_HOME": str(tmp_path / "dagster"), "MOAT_HUB": hub.url,
            "MOAT_EVAL_LAUNCHER": "ray", "MOAT_EVAL_RAY": ray.address, "RAY_AUTH_TOKEN": ray.token, "HF_TOKEN": CANARY,
        }  # fmt: skip
        command = [MOAT, "eval", *BOTH, "--suite", "smoke", "--batch-size", "8", "--device", "cpu", "--parallel", "2"]
        return subprocess.Popen(
            [*command, "--json"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    return start


def wait_for(found, within=180):
    end = time.monotonic() + within
    while time.monotonic() < end:
        if answer := found():
            return answer
        time.sleep(0.05)
    raise TimeoutError


def finished(running):
    answer, remarks = running.communicate(timeout=480)
    assert running.returncode == 0, remarks[-3000:]
    return values(json.loads(answer))


def listening_elsewhere(ray):
    """Addresses other than loopback on which the cluster listens."""
    listed = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=True).stdout
    own = {f"pid={pid}," for pid in ray.processes()}
    lines = [line.split() for line in listed.splitlines() if any(pid in line for pid in own)]
    assert len(lines) > 10
    return [line[3] for line in lines if not line[3].startswith(("127.0.0.1:", "[::1]:", "[::ffff:127.0.0.1]:"))]


def test_two_nodes_give_the_scores_of_this_machine_though_a_worker_is_killed_and_a_node_is_lost(
    evaluate, evaluation, tmp_path
):
    here, _ = evaluate(*BOTH, data=tmp_path / "here")
    with cluster("second") as ray:
        assert listening_elsewhere(ray) == []
        with pytest.raises(urllib.error.HTTPError, match="403"):
            ray.ask("/api/jobs/", token="wrong")  # noqa: S106 - it is refused
        running = evaluation(ray)
        # Each node has room for one of the two.
        workers = wait_for(lambda: found if len(found := ray.workers()) == 2 else None)
        assert set(workers) == {"head", "second"}
        assert CANARY not in "".join(environment for _, environment in workers.values())
        assert "RAY_AUTH" not in "".join(environment for _, environment in workers.values())
        os.kill(workers["head"][0], signal.SIGKILL)
        ray.lose("second")
        assert finished(running) == values(here)
        states = [job["status"] for job in ray.jobs()]
        # Of each model one attempt that ended badly and one that was good; on a busy machine Ray may give up another.
        assert set(states) == {"FAILED", "SUCCEEDED"}
        assert states.count("SUCCEEDED") == 2
        assert states.count("FAILED") >= 2
    assert ray.processes() == []
