"""A model as a small web service on this computer: POST a picture, and JSON says what is on it. By FastAPI and uvicorn.

Only programs on this computer reach it, and no web page of another site: it answers to the names of this computer only, and
to no request that a browser sends for a page from elsewhere.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from html import escape
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI
from pydantic import BaseModel, Field, WithJsonSchema
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.inference.classifier import Classifier
from core.system.errors import ConfigError, FieldguideError, PictureError

HOST = "127.0.0.1"
MAX_BYTES = 20_000_000
"""Of one picture."""
RATE = 20.0
"""Pictures a second, over a time; a moment may bring twice as many."""
RECEIVE_SECONDS = 20.0
"""A picture that has not come whole by then is not waited for: a few that stall would leave no room for others."""
_WAITING = 4
_NAMES = ("127.0.0.1", "localhost")
_SENTENCES = {
    404: "There is nothing at this address. Send a picture to /predict.",
    405: "This address is not to be asked in this way. Send a picture to /predict by POST.",
    500: "The service failed over this. Try another picture; if that goes wrong too, start the service again.",
}
_REFUSALS = {
    400: "did not arrive whole",
    403: "asked under another name, or for a page from elsewhere",
    408: "did not arrive in time",
    413: "too large",
    422: "not a picture",
    429: "too many at once",
    503: "the model failed",
}
_BINARY = {"type": "string", "format": "binary"}
_FORM = {"type": "object", "properties": {"picture": _BINARY}}
_TAKEN = {"application/octet-stream": {"schema": _BINARY}, "multipart/form-data": {"schema": _FORM}}
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>body {{ max-width: 42rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif;
color-scheme: light dark }} td {{ padding-right: 1rem }}
pre {{ overflow: auto; padding: 1rem; border: 1px solid }}</style>
<h1>{title}</h1>
{body}
</html>
"""


Share = Annotated[float, Field(allow_inf_nan=False), WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1})]


class Answer(BaseModel):
    """What is on a picture."""

    label: str = Field(description="the most likely class")
    sure: bool = Field(description="whether the answer counts, or is only a guess")
    probability: Share = Field(description="how sure it is of the label")
    probabilities: dict[str, Share] = Field(description="the same for every class")


class Refusal(BaseModel):
    """Why there is no answer, and what to do."""

    error: str


class _Rate:
    """A bucket that fills with RATE drops a second up to twice as many; each picture takes one."""

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._rate, self._clock = rate, clock
        self._drops, self._at = 2 * rate, clock()

    def take(self) -> bool:
        """Whether there was one left."""
        now = self._clock()
        self._drops = min(2 * self._rate, self._drops + (now - self._at) * self._rate)
        self._at = now
        if self._drops < 1:
            return False
        self._drops -= 1
        return True


class _Guard:
    """Answers only programs on this computer, and no page of another site, whatever the address."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Content-Type-Options"] = "nosniff"
            await send(message)

        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin", "")
        elsewhere = bool(origin) and origin.partition("://")[2] != host
        if (host.rpartition(":")[0] or host) not in _NAMES or elsewhere:
            await _refused(403, "This service answers only to programs on this computer.")(scope, receive, guarded)
        else:
            await self._app(scope, receive, guarded)


def make_app(model: Classifier, title: str, rate: float = RATE, clock: Callable[[], float] = time.monotonic) -> FastAPI:
    """The web service. POST /predict takes a picture file as the body, or as the first file of a form, and gives an Answer;
    a bad picture is 422, one that is too large 413, one that does not come whole in time 408, too many at once 429, a model
    that fails 503. Each of these gives a Refusal. OpenAPI tells of it at /openapi.json, and for people at /docs."""
    drops, one, waiting = _Rate(rate, clock), threading.Lock(), [0]

    async def place() -> AsyncIterator[None]:
        if waiting[0] >= _WAITING or not drops.take():
            raise HTTPException(429, "Too many pictures at once. Wait a moment, then go on.", {"Retry-After": "1"})
        waiting[0] += 1
        try:
            yield
        finally:
            waiting[0] -= 1

    async def about(request: Request) -> Response:
        return HTMLResponse(_about(model, title, str(request.base_url)))

    async def docs(_: Request) -> Response:
        return HTMLResponse(_docs(title, app.openapi()))

    app = FastAPI(
        title=title,
        version="1",
        description="A picture classifier made with Fieldguide.",
        routes=[Route("/", about), Route("/docs", docs)],
        docs_url=None,  # FastAPI's own pages load their scripts from the internet
        redoc_url=None,
        middleware=[Middleware(_Guard)],
        exception_handlers=dict.fromkeys((HTTPException, FieldguideError, ClientDisconnect, Exception), _failed),
        # Whatever the environment is set to, nothing is told to others.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )

    @app.post(
        "/predict",
        operation_id="predict",
        summary="Says what is on a picture",
        response_model=_answer_of(model.classes),
        response_description="what is on it",
        responses={status: {"model": Refusal, "description": words} for status, words in _REFUSALS.items()},
        openapi_extra={"requestBody": {"required": True, "content": _TAKEN}},
        dependencies=[Depends(place, scope="function")],
    )
    def predict(content: Annotated[bytes, Depends(_picture)]) -> Any:
        with one:
            (answer,) = model.predict([content], ["picture"]).as_dicts()
        return answer

    return app


def _answer_of(classes: Sequence[str]) -> Any:
    """An Answer whose schema names the classes."""
    schema = Answer.model_json_schema()
    schema["properties"]["label"]["enum"] = list(classes)
    shares = schema["properties"]["probabilities"]
    shares["properties"] = dict.fromkeys(classes, shares.pop("additionalProperties"))
    return Annotated[Answer, WithJsonSchema(schema)]


def listen(port: int) -> socket.socket:
    """A socket on this computer alone; port 0: any that is free. Raises ConfigError if it is taken."""
    taken = socket.socket()
    if os.name == "posix":  # elsewhere it would let two listen at once
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((HOST, port))
        taken.listen()  # who asks from now on waits for an answer
    except OSError as error:
        taken.close()
        raise ConfigError(
            f"Port {port} cannot be used: {error.strerror or error}.", "Choose another one with --port, or 0 for any."
        ) from None
    return taken


def serve(app: FastAPI, taken: socket.socket) -> None:
    """Answers until Ctrl-C, which it hands on as KeyboardInterrupt; then lets go of the socket."""
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=3)
    with taken:
        uvicorn.Server(config).run(sockets=[taken])


async def _picture(request: Request) -> bytes:
    """The picture of a request. Raises HTTPException, with a sentence."""
    content = bytearray()
    try:
        async with asyncio.timeout(RECEIVE_SECONDS):
            async for piece in request.stream():
                content += piece
                if len(content) > MAX_BYTES:
                    raise HTTPException(
                        413, f"This picture is larger than {MAX_BYTES // 10**6} MB. Send a smaller one."
                    )
    except TimeoutError:
        sentence = f"The picture did not arrive within {RECEIVE_SECONDS:g} seconds. Send it again."
        raise HTTPException(408, sentence, {"Connection": "close"}) from None
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return await _first_file(request, bytes(content))
    if not content:
        raise HTTPException(422, "There is no picture in this request. Send the file as its body.")
    return bytes(content)


async def _first_file(request: Request, content: bytes) -> bytes:
    async def again() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    try:
        async with Request(request.scope, again).form(max_files=20, max_fields=20) as form:
            for _, value in form.multi_items():
                if not isinstance(value, str):
                    return await value.read()
    except (MultiPartException, HTTPException):
        raise HTTPException(422, "This form cannot be read. Send one picture, as a file.") from None
    raise HTTPException(422, "There is no file in this form. Send one picture, as a file.")


def _refused(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse(Refusal(error=sentence).model_dump(), status, headers)


async def _failed(_: Request, error: Exception) -> Response:
    match error:
        case HTTPException():
            return _refused(error.status_code, _SENTENCES.get(error.status_code, error.detail), error.headers)
        case PictureError():
            sentence = f"{error.message[:1].upper()}{error.message[1:]}. {error.hint}"
            return _refused(422, sentence.replace("..", ".").strip())
        case FieldguideError():  # the model's fault, not the picture's
            return _refused(503, str(error))
        case ClientDisconnect():
            return _refused(400, "The picture did not arrive whole.")
    return _refused(500, _SENTENCES[500])


def example(address: str) -> str:
    """What to type to try it."""
    return f"curl --data-binary @picture.jpg {address.rstrip('/')}/predict"


def _about(model: Classifier, title: str, address: str) -> str:
    body = f"""\
<p>This is a picture classifier made with Fieldguide. It tells apart: {escape(", ".join(model.classes))}.</p>
<p>Send it a picture (JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC, at most {MAX_BYTES // 10**6} MB):</p>
<pre>{escape(example(address))}</pre>
<p>It answers with the most likely class (<code>label</code>), how sure it is of it (<code>probability</code>, 0 to 1), whether
that is enough to count (<code>sure</code>), and the same for every class. It must choose one of its classes, whatever the
picture shows. Pictures are not kept.</p>
<p>For programs: <a href="/docs">what it takes and answers (OpenAPI)</a>.</p>"""
    return _PAGE.format(title=escape(title), body=body)


def _docs(title: str, spec: dict[str, Any]) -> str:
    """What OpenAPI says, as a page that needs nothing from elsewhere."""
    body = '<p>What this service takes and answers; programs find it at <a href="/openapi.json">/openapi.json</a>.</p>'
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            kinds = " or ".join(operation["requestBody"]["content"])
            answers = operation["responses"].items()
            rows = "".join(f"<tr><td>{status}<td>{escape(answer['description'])}" for status, answer in answers)
            body += (
                f"\n<h2>{method.upper()} {escape(path)}</h2>\n<p>{escape(operation['summary'])}. It takes {kinds}.</p>"
            )
            body += f"\n<table>{rows}</table>"
    body += f"\n<h2>All of it, as OpenAPI says it</h2>\n<pre>{escape(json.dumps(spec, indent=2))}</pre>"
    return _PAGE.format(title=escape(title), body=body)
