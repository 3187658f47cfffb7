"""Starts the real server for a test, and ends it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Server:
    pid: int
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(
    command: Sequence[str], cwd: Path, port: int | None = None, environment: dict[str, str] | None = None
) -> Iterator[Server]:
    """Runs the command until the end of the block; the port is given by flag unless the caller set it otherwise."""
    flags: list[str] = []
    if not port:
        port = free_port()
        flags = [f"--server.port={port}", "--server.headless=true"]
    process = subprocess.Popen(
        [*command, *flags],
        cwd=cwd,
        env=os.environ | (environment or {}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5).read()
                break
            except (urllib.error.URLError, OSError):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError("the server did not start") from None
                time.sleep(0.1)
        yield Server(process.pid, port)
    finally:
        process.terminate()
        process.wait(30)
