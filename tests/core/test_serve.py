"""The web service of a model: the real server, asked by real requests."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core import Run
from core.errors import ConfigError
from core.prediction import Classifier
from core.serve import MAX_BYTES, listen, make_app
from tests.asgi import ask as ask_app
from tests.pictures import COLOURS, encoded, shaded
from tests.serving import ROOT

START = """
from core.__main__ import cli, main
from core.commands import serve
if "serve" not in cli.commands:
    serve.add_to(cli)
main()
"""
PICTURE = encoded(shaded(COLOURS["red"], 77))


def started(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", START, "serve", *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )  # fmt: skip


@pytest.fixture(scope="module")
def service(trained: Run) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process, and its address as it tells it."""
    process = started(str(trained.folder), "--port", "0")
    assert process.stdout
    line = process.stdout.readline()
    assert "curl --data-binary @picture.jpg http://127.0.0.1:" in line, line
    yield process, line.split()[2]
    process.kill()
    process.communicate()


def ask(address: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
    request = urllib.request.Request(address + path, body, {k.replace("_", "-"): v for k, v in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=60) as found:
            content = found.read()
            return found.status, json.loads(content) if "json" in found.headers["Content-Type"] else content.decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def form(name: str, content: bytes) -> bytes:
    head = f'--x\r\nContent-Disposition: form-data; name="picture"; filename="{name}"\r\n\r\n'
    return head.encode() + content + b"\r\n--x--\r\n"


def test_a_picture_is_answered_as_in_the_app(service: tuple[object, str], trained: Run) -> None:
    (expected,) = Classifier.load(trained.folder).predict([PICTURE], ["x"]).as_dicts()
    expected.pop("file")
    assert expected["label"] == "red"
    status, answer = ask(service[1], "/predict", PICTURE)
    assert (status, answer) == (200, expected)
    status, answer = ask(service[1], "/predict", form("a.png", PICTURE), Content_Type="multipart/form-data; boundary=x")
    assert (status, answer) == (200, expected)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "image/png"),
        (b"hello", "image/png"),
        (PICTURE[:200], "image/png"),
        (form("a.png", b"hello"), "multipart/form-data; boundary=x"),
        (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n', "multipart/form-data; boundary=x"),
        (b"nonsense", "multipart/form-data; boundary=x"),
        (PICTURE, "multipart/form-data"),
    ],
)
def test_what_is_no_picture_is_said(service: tuple[object, str], body: bytes, content_type: str) -> None:
    status, answer = ask(service[1], "/predict", body, Content_Type=content_type)
    assert status == 422
    assert answer["error"].endswith(".")
    assert ask(service[1], "/predict", PICTURE)[0] == 200


def test_a_page_from_elsewhere_is_not_answered(service: tuple[object, str]) -> None:
    address = service[1]
    assert ask(address, "/predict", PICTURE, Origin="http://evil.example")[0] == 403
    assert ask(address, "/predict", PICTURE, Origin="null")[0] == 403
    for path in ("/", "/docs", "/openapi.json"):
        assert ask(address, path, Host="evil.example")[0] == 403
    assert ask(address, "/predict", PICTURE, Origin=address)[0] == 200


def test_it_says_what_it_is(service: tuple[object, str]) -> None:
    address = service[1]
    status, page = ask(address, "/")
    assert status == 200
    assert "blue, green, red" in page
    assert f"curl --data-binary @picture.jpg {address}/predict" in page
    spec = ask(address, "/openapi.json")[1]
    answer = spec["paths"]["/predict"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer["properties"]["label"]["enum"] == ["blue", "green", "red"]
    assert set(ask(address, "/predict", PICTURE)[1]) == set(answer["required"])
    assert "openapi.json" in ask(address, "/docs")[1]


def test_a_picture_that_is_too_large_is_refused(service: tuple[object, str]) -> None:
    with socket.create_connection(("127.0.0.1", int(service[1].rpartition(":")[2])), timeout=60) as connection:
        head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {10 * MAX_BYTES}\r\n\r\n"
        connection.sendall(head.encode() + b"x" * (MAX_BYTES + 1))  # the rest never comes
        assert connection.recv(100).split()[1] == b"413"


def test_ctrl_c_ends_it_cleanly(trained: Run) -> None:
    process = started(str(trained.folder), "--port", "0")
    assert process.stdout
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out == "Ended.\n"
    assert "Traceback" not in err


def test_a_port_that_is_taken_is_said() -> None:
    with listen(0) as taken, pytest.raises(ConfigError, match="cannot be used") as caught:
        listen(taken.getsockname()[1])
    assert "--port" in caught.value.hint


def test_what_is_no_model_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"no zip")
    process = started(str(tmp_path / "a.zip"), "--port", "0")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.startswith("Error: a.zip: This is not a whole zip file")


def test_more_than_its_rate_is_turned_away(trained: Run) -> None:
    now = [0.0]
    app = make_app(Classifier.load(trained.folder), "x", rate=1, clock=lambda: now[0])

    def statuses(number: int) -> list[int]:
        return [ask_app(app, "POST", "/predict", PICTURE)[0] for _ in range(number)]

    assert statuses(3) == [200, 200, 429]
    now[0] += 1
    assert statuses(2) == [200, 429]
    now[0] += 100
    assert statuses(3) == [200, 200, 429]


def test_a_class_is_named_literally_on_its_page(trained: Run) -> None:
    model = Classifier.load(trained.folder)
    model.classes = ("<script>alert(1)</script>", "{title}", "b")
    status, _, page = ask_app(make_app(model, "<b>x"), "GET", "/")
    assert status == 200
    assert b"<script>" not in page
    assert b"&lt;script&gt;alert(1)&lt;/script&gt;, {title}, b" in page
    assert b"<b>x" not in page
