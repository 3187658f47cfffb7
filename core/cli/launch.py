"""Opening the app for one person: the server, with safe settings from any folder, and a browser that knows the secret of
this start, without which the server answers to nobody else on this computer."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
import webbrowser
from contextlib import suppress
from pathlib import Path

from core.system import disk

ROOT = Path(__file__).parents[2]
TOKEN = "FIELDGUIDE_TOKEN"  # noqa: S105 - a name
"""The environment variable that tells the server its secret; without it, it asks for none."""
SAFE_SETTINGS = (
    "--server.address=127.0.0.1",
    "--server.allowedHosts=localhost",
    "--server.allowedHosts=127.0.0.1",
    "--browser.gatherUsageStats=false",
    "--client.showErrorDetails=none",
    "--client.showSidebarNavigation=false",
    "--client.toolbarMode=minimal",
    "--server.fileWatcherType=none",
    "--server.showEmailPrompt=false",
    "--server.maxWidgetStateSize=64",
)
"""The same as .streamlit/config.toml, as flags, which no other configuration file overrides."""
THEME = "pages/shared/ui/theme.toml"
"""What it looks like, which an installed Fieldguide has no .streamlit/config.toml for."""
_FIRST_PORT, _PORTS = 8501, 100
_START_SECONDS = 120.0


def open_app() -> None:
    """Replaces this process by the app's server, and has its page opened in the browser once it answers."""
    port = int(os.environ.get("STREAMLIT_SERVER_PORT") or _free_port())
    os.environ["PYTHONUTF8"] = "1"  # else what it prints may have the letters of one language only, on Windows
    os.environ[TOKEN] = secrets.token_urlsafe(24)
    address = f"http://127.0.0.1:{port}/?token={os.environ[TOKEN]}"
    print(f"Fieldguide opens at {address}", flush=True)
    if os.environ.get("STREAMLIT_SERVER_HEADLESS", "").lower() not in ("true", "1"):
        subprocess.Popen([sys.executable, "-m", "core.cli.launch", str(port)], cwd=ROOT)
    os.chdir(ROOT)
    app = str(ROOT / "app.py")
    arguments = [sys.executable, "-m", "streamlit", "run", app, *SAFE_SETTINGS]
    arguments += [f"--theme.base={ROOT / THEME}"]
    arguments += [f"--server.port={port}", "--server.headless=true"]  # the browser is opened here
    if disk.WINDOWS:  # it has no exec that keeps the console; there Ctrl-C is heard by both
        with subprocess.Popen(arguments) as server:
            while True:
                with suppress(KeyboardInterrupt):
                    sys.exit(server.wait())
    os.execv(sys.executable, arguments)  # noqa: S606


def _free_port() -> int:
    """The first port from 8501 on that nobody listens at."""
    for port in range(_FIRST_PORT, _FIRST_PORT + _PORTS):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def open_browser(port: int) -> None:
    """Waits until the server answers, then opens its page, with the secret in the address."""
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5).read()
        except OSError:
            time.sleep(0.2)
        else:
            webbrowser.open(f"http://127.0.0.1:{port}/?token={os.environ[TOKEN]}")
            return


if __name__ == "__main__":
    open_browser(int(sys.argv[1]))
