"""A PostgreSQL of a test's own, with a user whose password it checks."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.waiting import until

USER, PASSWORD = "gardener", "leaf%/@: secret"


def programs() -> Path | None:
    """The folder with PostgreSQL's programs, of the newest; None where there is none."""
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    here = max(debian, key=lambda path: int(path.parts[4]), default=None) or shutil.which("initdb")
    return Path(here).resolve().parent if here else None


@contextmanager
def postgres() -> Iterator[int]:
    """The port at which it answers; its only user is USER, and its database "postgres"."""
    bin_ = programs()
    assert bin_
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    as_user: dict[str, Any] = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if os.geteuid() == 0:  # it refuses to run as root
        import pwd  # Windows has none

        other = pwd.getpwnam("nobody")
        os.chown(folder, other.pw_uid, other.pw_gid)
        as_user |= {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []}
    try:
        secret = folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        data = str(folder / "data")
        make = [str(bin_ / "initdb"), "-D", data, "-U", USER, "-A", "scram-sha-256", f"--pwfile={secret}", "-N"]
        subprocess.run([*make, "--locale=C", "-E", "UTF8"], check=True, **as_user)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        listen = ["-h", "127.0.0.1", "-p", str(port), "-k", str(folder), "-F"]
        server = subprocess.Popen([bin_ / "postgres", "-D", data, *listen], **as_user)
        try:
            until(lambda: _answers(bin_, port) or server.poll() is not None)
            assert server.poll() is None
            yield port
        finally:
            server.terminate()
            server.wait(30)
    finally:
        shutil.rmtree(folder)


def _answers(programs: Path, port: int) -> bool:
    ask = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    return subprocess.run(ask, check=False).returncode == 0
