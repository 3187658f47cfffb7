"""Who may talk to the server, and what it says of itself (rows 46, 47, 53, 54 of the fault list are about this)."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.serving import ROOT, Server, free_port, serving


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving([sys.executable, "-m", "streamlit", "run", "app.py"], cwd=ROOT) as running:
        yield running


@pytest.mark.slow
def test_only_this_machine_can_connect(server: Server) -> None:
    listening = [c for c in psutil.Process(server.pid).net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert {c.laddr.ip for c in listening} == {"127.0.0.1"}


def handshake(server: Server, host: str, origin: str | None, cookie: str = "") -> int:
    """The status that a WebSocket request gets: 101 is let in."""
    lines = ["GET /_stcore/stream HTTP/1.1", f"Host: {host}", *([f"Origin: {origin}"] if origin else [])]
    lines += [f"Cookie: {cookie}"] if cookie else []
    lines += ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
    lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", ""]
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall("\r\n".join(lines).encode())
        return int(connection.recv(200).split()[1])


@pytest.mark.slow
def test_only_our_own_page_may_talk_to_the_app(server: Server) -> None:
    own = f"127.0.0.1:{server.port}"
    assert handshake(server, own, f"http://{own}") == 101
    assert handshake(server, "evil.example", "http://evil.example") == 403
    assert handshake(server, own, "http://evil.example") == 403


def answer(server: Server, path: str, host: str | None = None) -> tuple[int, dict[str, str]]:
    request = urllib.request.Request(f"{server.url}{path}", headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as found:
            return found.status, {name.lower(): value for name, value in found.headers.items()}
    except urllib.error.HTTPError as error:
        return error.code, {}


@pytest.mark.slow
def test_row_53_no_other_site_can_frame_a_page(server: Server) -> None:
    status, headers = answer(server, "/")
    assert status == 200
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


@pytest.mark.slow
def test_pictures_are_only_for_who_was_told_their_address(server: Server) -> None:
    content = "0" * 64
    assert answer(server, f"/thumbnail/guess/{content}.jpg")[0] == 404
    assert answer(server, f"/picture/guess/{content}.jpg")[0] == 404
    assert answer(server, "/", host="evil.example")[0] == 403


def effective(directory: Path) -> dict[str, object]:
    """The settings as Streamlit itself reads them when it is started in `directory`."""
    code = (
        "import json; from streamlit import config\n"
        "names = ['server.address', 'server.allowedHosts', 'browser.gatherUsageStats', 'client.showErrorDetails']\n"
        "print(json.dumps({n: config.get_option(n) for n in names}))\n"
    )
    out = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=directory)
    return dict(json.loads(out.splitlines()[-1]))


@pytest.mark.slow
def test_the_settings_in_force_are_the_safe_ones() -> None:
    assert effective(ROOT) == {
        "server.address": "127.0.0.1",
        "server.allowedHosts": ["localhost", "127.0.0.1"],
        "browser.gatherUsageStats": False,
        "client.showErrorDetails": "none",
    }


@pytest.mark.slow
def test_the_console_script_is_safe_from_any_folder(tmp_path: Path) -> None:
    """Whatever a config file in that folder says."""
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "config.toml").write_text('[server]\naddress = "0.0.0.0"\nallowedHosts = ["*"]\n')
    port = free_port()
    environment = {"STREAMLIT_SERVER_PORT": str(port), "STREAMLIT_SERVER_HEADLESS": "true"}
    command = [str(Path(sys.executable).with_name("fieldguide"))]
    with serving(command, cwd=tmp_path, port=port, environment=environment) as running:
        processes = [psutil.Process(running.pid), *psutil.Process(running.pid).children(recursive=True)]
        listening = [c for p in processes for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN]
        assert {c.laddr.ip for c in listening} == {"127.0.0.1"}
        assert handshake(running, "evil.example", "http://evil.example") == 403


@pytest.mark.slow
def test_the_web_process_is_small(server: Server) -> None:
    urllib.request.urlopen(server.url, timeout=10).read()
    assert psutil.Process(server.pid).memory_info().rss < 300e6
