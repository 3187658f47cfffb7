"""Who is let in: other servers of this computer, and other users of it (row 57 of the fault list and more)."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.test_server import answer, handshake
from tests.serving import ROOT, Server, free_port, serving

SECRET = "open-sesame"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    with serving(command, cwd=ROOT, environment={"FIELDGUIDE_TOKEN": SECRET}) as running:
        yield running


def asked(server: Server, path: str, cookie: str = "") -> tuple[int, dict[str, str]]:
    """Status and headers, without following where it leads."""
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection:
        connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
        found = connection.getresponse()
        found.read()
        return found.status, {name.lower(): value for name, value in found.getheaders()}


@pytest.mark.parametrize(
    "path", ["/", "/Pictures?project=/tmp", "/_stcore/host-config", "/thumbnail/a/b.jpg", "/file/x"]
)
@pytest.mark.slow
def test_without_the_secret_nothing_is_answered(server: Server, path: str) -> None:
    assert asked(server, path)[0] == 403
    assert asked(server, path, f"fieldguide-{server.port}=guess")[0] == 403
    assert asked(server, f"{path}{'&' if '?' in path else '?'}token=guess")[0] == 403
    assert asked(server, f"{path}{'&' if '?' in path else '?'}token=caf%C3%A9")[0] == 403


@pytest.mark.slow
def test_the_secret_opens_once_and_is_then_a_cookie_of_this_port(server: Server) -> None:
    status, headers = asked(server, f"/Pictures?project=%2Fa%20b&token={SECRET}")
    assert (status, headers["location"]) == (303, "/Pictures?project=%2Fa+b")
    assert re.match(rf"fieldguide-{server.port}={SECRET};.*HttpOnly;.*SameSite=strict", headers["set-cookie"])
    cookie = headers["set-cookie"].partition(";")[0]
    assert asked(server, "/", cookie)[0] == 200
    own = f"127.0.0.1:{server.port}"
    assert handshake(server, own, f"http://{own}") == 403
    assert handshake(server, own, f"http://{own}", cookie) == 101
    assert handshake(server, own, "http://evil.example", cookie) == 403


@pytest.mark.slow
def test_pages_of_other_servers_of_this_computer_are_refused() -> None:
    with serving([sys.executable, "-m", "streamlit", "run", "app.py"], cwd=ROOT) as open_server:
        own = f"127.0.0.1:{open_server.port}"
        assert answer(open_server, "/")[0] == 200
        assert handshake(open_server, own, f"http://{own}") == 101
        for origin in (
            f"http://127.0.0.1:{open_server.port + 1}",
            "http://127.0.0.1",
            f"http://localhost:{open_server.port}",
            "null",
        ):
            assert handshake(open_server, own, origin) == 403
        assert handshake(open_server, own, None) == 101  # not a browser


@pytest.mark.slow
def test_the_console_script_asks_for_its_secret(tmp_path: Path) -> None:
    port = free_port()
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > "{tmp_path}/opened"\n')
    browser.chmod(0o755)
    environment = {"STREAMLIT_SERVER_PORT": str(port), "BROWSER": f"{browser} %s", "FIELDGUIDE_TOKEN": ""}
    command = [str(Path(sys.executable).with_name("fieldguide"))]
    with serving(command, cwd=tmp_path, port=port, environment=environment) as running:
        assert asked(running, "/")[0] == 403
        while not (tmp_path / "opened").is_file() or not (address := (tmp_path / "opened").read_text().strip()):
            pass
        assert asked(running, address.removeprefix(running.url))[0] == 303


@pytest.mark.slow
def test_the_secret_reaches_no_worker() -> None:
    code = "import os; from pages.shared.http import guard; print('FIELDGUIDE_TOKEN' in os.environ, guard._SECRET)"
    told = subprocess.check_output(
        [sys.executable, "-c", code], env=os.environ | {"FIELDGUIDE_TOKEN": SECRET}, cwd=ROOT
    )
    assert told.split() == [b"False", SECRET.encode()]
