"""The web service of a model: the real server, asked by real requests."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.exceptions import ResponseValidationError
from starlette.types import ASGIApp, Receive, Scope, Send

from core import Run
from core.config.framing import Framing
from core.inference import http_service as service_module
from core.inference.classifier import Classifier
from core.inference.http_service import MAX_BYTES, listen, make_app
from core.system.errors import ConfigError, ModelError
from tests import asgi
from tests.asgi import ask as ask_app
from tests.pictures import COLOURS, encoded, shaded
from tests.serving import ROOT

START = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests in the background ignores it
from core.__main__ import cli, main
from core.cli import serve
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


class Brightness(Classifier):
    """Tells dark pictures from bright ones, or fails as it is told to."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.classes, self.pixels, self.threshold, self.failure = ("dark", "bright"), 8, 0.0, failure
        self.framing = Framing()

    def probabilities(self, square: np.ndarray) -> np.ndarray:
        if self.failure:
            raise self.failure
        bright = square.mean() / 255
        return np.array([1 - bright, bright], np.float32)


DARK, BRIGHT = (encoded(shaded((level, level, level), 1)) for level in (40, 220))


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("GET", "/predict", 405)])
def test_what_cannot_be_asked_is_said_as_every_error_is(method: str, path: str, status: int) -> None:
    app = make_app(Brightness(), "x")
    found, headers, content = ask_app(app, method, path)
    assert found == status
    assert "/predict" in json.loads(content)["error"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers.get("allow") == ("POST" if status == 405 else None)
    for sent in ({"host": "evil.example"}, {"origin": "http://evil.example"}):
        found, _, content = ask_app(app, method, path, **sent)
        assert (found, json.loads(content)["error"].split()[:2]) == (403, ["This", "service"])


@pytest.mark.parametrize("names", [("picture", "picture"), ("a", "b")])
@pytest.mark.parametrize("kind", ["multipart/form-data", "Multipart/Form-Data"])
def test_the_first_file_of_a_form_is_the_picture(names: tuple[str, str], kind: str) -> None:
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"; filename="a.png"\r\n\r\n'.encode() + content + b"\r\n"
        for name, content in zip(names, (BRIGHT, DARK), strict=True)
    ]
    app = make_app(Brightness(), "x")
    status, _, content = ask_app(
        app, "POST", "/predict", b"".join([*parts, b"--x--\r\n"]), Content_Type=f"{kind}; boundary=x"
    )
    assert (status, json.loads(content)["label"]) == (200, "bright")


def stalling(app: ASGIApp) -> ASGIApp:
    """The same, asked by someone whose picture never comes."""

    async def stalled(scope: Scope, _: Receive, send: Send) -> None:
        async def never() -> Any:
            await asyncio.Event().wait()

        await app(scope, never, send)

    return stalled


def test_pictures_that_never_come_make_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "RECEIVE_SECONDS", 0.1)
    app = make_app(Brightness(), "x")

    async def asked() -> tuple[list[tuple[int, dict[str, str], bytes]], tuple[int, dict[str, str], bytes]]:
        async with asyncio.timeout(60):
            stalled = [asgi.answer(stalling(app), "POST", "/predict") for _ in range(service_module._WAITING)]
            return await asyncio.gather(*stalled), await asgi.answer(app, "POST", "/predict", BRIGHT)

    stalled, after = asyncio.run(asked())
    assert [status for status, _, _ in stalled] == [408] * service_module._WAITING
    assert all("did not arrive within" in json.loads(content)["error"] for _, _, content in stalled)
    assert after[0] == 200


def test_a_model_that_fails_is_not_the_fault_of_the_picture() -> None:
    app = make_app(Brightness(ModelError("model.zip broke.", "Start again.")), "x")
    status, _, content = ask_app(app, "POST", "/predict", BRIGHT)
    assert (status, json.loads(content)) == (503, {"error": "model.zip broke. Start again."})
    assert ask_app(app, "POST", "/predict", b"no picture")[0] == 422


def test_its_description_tells_of_every_answer() -> None:
    status, headers, content = ask_app(make_app(Brightness(), "x"), "GET", "/openapi.json")
    assert (status, headers["content-type"], headers["x-content-type-options"]) == (200, "application/json", "nosniff")
    spec = json.loads(content)
    assert spec["openapi"].startswith("3.1")
    assert list(spec["paths"]) == ["/predict"]
    predict = spec["paths"]["/predict"]["post"]
    assert set(predict["requestBody"]["content"]) == {"application/octet-stream", "multipart/form-data"}
    assert sorted(predict["responses"]) == ["200", "400", "403", "408", "413", "422", "429", "503"]
    schema = predict["responses"]["200"]["content"]["application/json"]["schema"]
    share = {"type": "number", "minimum": 0, "maximum": 1}
    assert schema["properties"]["probabilities"]["properties"] == {"dark": share, "bright": share}
    refusal = predict["responses"]["422"]["content"]["application/json"]["schema"]["$ref"]
    assert spec["components"]["schemas"][refusal.rpartition("/")[2]]["required"] == ["error"]


def test_its_pages_load_nothing_from_elsewhere() -> None:
    app = make_app(Brightness(), "<b>x")
    for path in ("/", "/docs"):
        status, headers, content = ask_app(app, "GET", path)
        page = content.decode()
        assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert set(re.findall(r"(?:https?:)?//([\w.-]+)", page)) <= {"localhost"}
        assert not re.search(r"<script|<link|<img|<b>", page)
        assert ask_app(app, "GET", path, host="evil.example")[0] == 403
    assert all(word in page for word in ("POST /predict", "too many at once", "&quot;bright&quot;"))
    assert ask_app(app, "GET", "/redoc")[0] == 404


def test_the_environment_cannot_make_it_tell_of_what_it_is_asked(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    app, said = make_app(Brightness(), "x"), list[Any]()

    async def started_and_ended() -> None:
        events = iter(["lifespan.startup", "lifespan.shutdown"])

        async def receive() -> Any:
            return {"type": next(events)}

        async def send(message: Any) -> None:
            said.append(message["type"])

        await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)

    asyncio.run(started_and_ended())
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert not caplog.records  # it would warn that there is nothing installed to tell it with


def test_one_too_many_is_told_so_before_its_picture_came() -> None:
    app = make_app(Brightness(), "x")

    async def asked() -> tuple[int, dict[str, str], bytes]:
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(asgi.answer(stalling(app), "POST", "/predict"))
                for _ in range(service_module._WAITING)
            ]
            await asyncio.sleep(0.1)
            last = await asgi.answer(stalling(app), "POST", "/predict")
            for task in tasks:
                task.cancel()
            return last

    status, headers, content = asyncio.run(asked())
    assert (status, headers["retry-after"]) == (429, "1")
    assert json.loads(content)["error"].startswith("Too many pictures at once.")


def test_a_model_that_answers_with_no_number_gives_no_answer() -> None:
    model = Brightness()
    model.probabilities = lambda square: np.full(2, np.nan, np.float32)  # type: ignore[method-assign]
    with pytest.raises(ResponseValidationError):  # which the server answers with 500
        ask_app(make_app(model, "x"), "POST", "/predict", BRIGHT)


def test_what_nobody_thought_of_is_a_sentence_too() -> None:
    said: list[Any] = []
    app = make_app(Brightness(RuntimeError("a secret")), "x")

    async def keeping(scope: Scope, receive: Receive, send: Send) -> None:
        async def kept(message: Any) -> None:
            said.append(message)
            await send(message)

        await app(scope, receive, kept)

    with pytest.raises(RuntimeError):  # it goes on to the server, which logs it
        ask_app(keeping, "POST", "/predict", BRIGHT)
    assert said[0]["status"] == 500
    assert json.loads(said[1]["body"])["error"].startswith("The service failed")
