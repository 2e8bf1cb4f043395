"""A Ray cluster of several nodes on this machine: bound to loopback, with authentication, gone when it is stopped."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

MARK = "MOAT_TEST_CLUSTER"
"""Every process of the cluster, jobs included, has this in its environment, so that none is left behind."""
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "HF_HOME")
"""Jobs get the whole environment of their node, so that a node gets little."""
QUICK_TO_NOTICE = {
    "RAY_health_check_initial_delay_ms": "1000", "RAY_health_check_period_ms": "500",
    # A node that is gone refuses at once; one that lives may be slow to answer on a busy machine.
    "RAY_health_check_timeout_ms": "10000", "RAY_health_check_failure_threshold": "3",
}  # fmt: skip


@dataclass
class Cluster:
    """Its nodes by name, each a `ray start` in a session of its own."""

    folder: Path
    token: str
    port: int
    dashboard: int
    environment: dict
    nodes: dict = field(default_factory=dict)

    @property
    def address(self):
        return f"http://127.0.0.1:{self.dashboard}"

    def add(self, name, *options):
        ports = iter(free_ports(6))
        command = [
            sys.executable, str(Path(__file__).with_name("ray_start.py")), "start", "--block",
            "--node-ip-address=127.0.0.1", f"--temp-dir={self.folder}/t", "--num-cpus=1", "--num-gpus=0",
            f"--object-store-memory={80 * 2**20}", "--disable-usage-stats", "--include-log-monitor=false",
            f"--node-manager-port={next(ports)}", f"--object-manager-port={next(ports)}",
            f"--dashboard-agent-listen-port={next(ports)}", f"--dashboard-agent-grpc-port={next(ports)}",
            f"--runtime-env-agent-port={next(ports)}", f"--metrics-export-port={next(ports)}", *options,
        ]  # fmt: skip
        mark = f"{self.environment[MARK]}/{name}"
        with (self.folder / f"{name}.log").open("wb") as log:
            self.nodes[name] = subprocess.Popen(
                command, env=self.environment | {MARK: mark}, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self._wait()

    def join(self, name):
        self.add(name, f"--address=127.0.0.1:{self.port}")

    def lose(self, name):
        """As if the machine died: everything that runs on the node, at once."""
        node = self.nodes.pop(name)
        kill(lambda: self.processes(f"/{name}", {node.pid}))
        node.wait(10)

    def jobs(self):
        """The cluster's jobs, as its dashboard tells those who have the token."""
        return self.ask("/api/jobs/")

    def ask(self, path, token=None):
        request = urllib.request.Request(self.address + path)  # noqa: S310 - on loopback
        request.add_header("Authorization", f"Bearer {token or self.token}")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5) as answer:
            return json.loads(answer.read())

    def processes(self, name="", sessions=None):
        """Living processes of a node, or of all: by the mark, or the session, as Ray overwrites its environment."""
        sessions = {node.pid for node in self.nodes.values()} if sessions is None else sessions
        key, found = f"{MARK}={self.environment[MARK]}{name}".encode(), []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                state = (folder / "stat").read_text().rpartition(")")[2].split()
                named = any(entry.startswith(key) for entry in (folder / "environ").read_bytes().split(b"\0"))
            except OSError:
                continue
            if state[0] != "Z" and (named or int(state[3]) in sessions) and int(folder.name) != os.getpid():
                found.append(int(folder.name))
        return found

    def workers(self):
        """Processes that evaluate, by the node they run on, with their environment.

        A job begins as `env`, which takes from its environment what the worker must not have and becomes the worker.
        """
        found = {}
        for pid in self.processes():
            try:
                command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                environment = Path(f"/proc/{pid}/environ").read_text()
            except OSError:
                continue
            if b"worker.py" in command and command[0] != b"env":
                node = environment.partition(f"{MARK}=")[2].partition("\0")[0].rpartition("/")[2]
                found[node] = (pid, environment)
        return found

    def stop(self):
        sessions = {node.pid for node in self.nodes.values()}
        for node in reversed(self.nodes.values()):
            node.terminate()
        for node in self.nodes.values():
            try:
                node.wait(3)
            except subprocess.TimeoutExpired:
                continue
        kill(lambda: self.processes("", sessions))
        for node in self.nodes.values():
            node.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _wait(self, within=60):
        end, last = time.monotonic() + within, None
        while time.monotonic() < end:
            for name, node in self.nodes.items():
                assert node.poll() is None, (self.folder / f"{name}.log").read_text()[-3000:]
            try:
                listed = self.ask("/api/v0/nodes?detail=false&limit=100")["data"]["result"]["result"]
                last = [node["state"] for node in listed]
                if last.count("ALIVE") == len(self.nodes):
                    return
            except OSError as error:
                last = error
            time.sleep(0.2)
        raise TimeoutError(f"{len(self.nodes)} nodes are not there: {last}")


def kill(pids, within=10.0):
    end = time.monotonic() + within
    while (left := pids()) and time.monotonic() < end:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.05)
    assert not left, f"processes left: {left}"


def free_ports(count):
    listeners = [socket.socket() for _ in range(count)]
    try:
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in listeners]
    finally:
        for listener in listeners:
            listener.close()


@contextmanager
def cluster(*names):
    """A head and further nodes, each with room for one job."""
    # The paths of Ray's sockets have to be short.
    folder, token = Path(tempfile.mkdtemp(prefix="ry", dir="/tmp")), secrets.token_hex(32)
    (folder / "token").touch(0o600)
    (folder / "token").write_text(token)
    port, dashboard, client, metrics, more = free_ports(5)
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ} | QUICK_TO_NOTICE | {
        "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(folder / "token"), "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0", "RAY_enable_metrics_collection": "0", "PYTHONNOUSERSITE": "1",
        "AUTOSCALER_METRIC_PORT": str(metrics), "DASHBOARD_METRIC_PORT": str(more), MARK: uuid.uuid4().hex,
    }  # fmt: skip
    found = Cluster(folder, token, port, dashboard, environment)
    try:
        found.add(
            "head", "--head", f"--port={port}", "--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}",
            "--include-dashboard=true", f"--ray-client-server-port={client}", "--no-monitor",
        )  # fmt: skip
        for name in names:
            found.join(name)
        yield found
    finally:
        found.stop()
