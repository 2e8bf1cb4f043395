"""Starting and stopping a local Hub: for a block of code, or until interrupted."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from pipeline.errors import InputError
from pipeline.localhub.app import Hub
from pipeline.localhub.faults import Fault
from pipeline.localhub.repositories import Source

HOST = "127.0.0.1"
START_SECONDS = 20


@dataclass(frozen=True)
class Running:
    """A Hub that listens."""

    url: str
    hub: Hub

    @property
    def requests(self) -> Counter[str]:
        """Requests by kind: list, model, tree, file, ... (`pipeline.localhub.address.KINDS`)."""
        return self.hub.requests

    @property
    def models(self) -> Source:
        """Its models; those in memory may be changed while it runs."""
        return self.hub.sources["models"]

    @property
    def datasets(self) -> Source:
        """Its datasets; those in memory may be changed while it runs."""
        return self.hub.sources["datasets"]


@contextmanager
def serve(
    repositories: Source,
    port: int = 0,
    fault: Fault | None = None,
    *,
    datasets: Source | None = None,
    latency: float = 0.0,
) -> Iterator[Running]:
    """A Hub on loopback for the block.

    Args:
        repositories: its models.
        port: 0 takes a free one.
        fault: how it misbehaves from the start.
        datasets: its datasets; none by default.
        latency: seconds it waits before every answer.

    Raises:
        InputError: the port is taken.
    """
    listener = _bind(port)
    hub = Hub(repositories, fault, datasets=datasets, latency=latency)
    server = _server(hub)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="local hub", daemon=True)
    thread.start()
    try:
        _wait(server)
        yield Running(f"http://{HOST}:{listener.getsockname()[1]}", hub)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
        for source in hub.sources.values():
            source.close()


def serve_forever(
    repositories: Source,
    port: int,
    fault: str | None,
    announce: Callable[[str], None],
    *,
    every: int = 0,
    latency: float = 0.0,
) -> None:
    """Serve until SIGINT or SIGTERM; the address is announced once the Hub listens.

    Args:
        repositories: its models.
        port: 0 takes a free one.
        fault: name of a fault, or nothing.
        announce: is called with the address.
        every: requests from one strike of the fault to the next; 0 for once.
        latency: seconds it waits before every answer.

    Raises:
        InputError: the port is taken or the fault unknown.
    """
    try:
        chosen = Fault(fault or "", every=every)
    except ValueError as error:
        raise InputError(f"--fault {fault}", str(error), "Use one of these") from error
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with serve(repositories, port, chosen, latency=latency) as running:
        announce(running.url)
        stop.wait()


def _bind(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise InputError(
            f"port {port}", f"it cannot be used ({error.strerror})", "Use --port 0 for a free one"
        ) from error
    return listener


def _server(hub: Hub) -> uvicorn.Server:
    return uvicorn.Server(uvicorn.Config(hub.app(), log_level="critical", lifespan="off", timeout_graceful_shutdown=2))


def _wait(server: uvicorn.Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        if time.monotonic() > deadline:
            raise InputError("local Hub", "it did not start", "Run moat doctor")
        time.sleep(0.01)
