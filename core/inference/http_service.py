"""A model as a small web service on this computer: POST a picture, and JSON says what is on it. By Starlette and uvicorn.

Only programs on this computer reach it, and no web page of another site: it answers to the names of this computer only, and
to no request that a browser sends for a page from elsewhere.
"""

from __future__ import annotations

import asyncio
import html
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
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
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>body {{ max-width: 42rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif;
color-scheme: light dark }} pre {{ overflow: auto; padding: 1rem; border: 1px solid }}</style>
<h1>{title}</h1>
{body}
</html>
"""


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


def make_app(
    model: Classifier, title: str, rate: float = RATE, clock: Callable[[], float] = time.monotonic
) -> Starlette:
    """The web service. POST /predict takes a picture file as the body, or as the first file of a form, and answers {label,
    sure, probability, probabilities}; a bad picture is 422, one that is too large 413, one that does not come whole in
    time 408, too many at once 429, a model that fails 503. Each error is {error: sentence}."""
    drops, one, waiting = _Rate(rate, clock), threading.Lock(), [0]
    spec = openapi(model, title)

    async def predict(request: Request) -> Response:
        if waiting[0] >= _WAITING or not drops.take():
            return _refused(429, "Too many pictures at once. Wait a moment, then go on.", {"Retry-After": "1"})
        waiting[0] += 1
        try:
            content = await _picture(request)
            return JSONResponse(await run_in_threadpool(_answer, model, content, one))
        except PictureError as error:
            return _refused(
                422, f"{error.message[:1].upper()}{error.message[1:]}. {error.hint}".replace("..", ".").strip()
            )
        except FieldguideError as error:  # the model's fault, not the picture's
            return _refused(503, str(error))
        except ClientDisconnect:
            return _refused(400, "The picture did not arrive whole.")
        finally:
            waiting[0] -= 1

    async def about(request: Request) -> Response:
        return HTMLResponse(_about(model, title, str(request.base_url)))

    async def described(_: Request) -> Response:
        return JSONResponse(spec)

    async def docs(_: Request) -> Response:
        words = "What this service takes and answers, as OpenAPI says it; programs find it at"
        body = f'<p>{words} <a href="/openapi.json">/openapi.json</a>.</p>\n<pre>{_escaped(json.dumps(spec, indent=2))}</pre>'
        return HTMLResponse(_PAGE.format(title=_escaped(title), body=body))

    return Starlette(
        routes=[
            Route("/", about),
            Route("/predict", predict, methods=["POST"]),
            Route("/openapi.json", described),
            Route("/docs", docs),
        ],
        middleware=[Middleware(_Guard)],
        exception_handlers={HTTPException: _failed, Exception: _failed},
    )


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


def serve(app: Starlette, taken: socket.socket) -> None:
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


def _answer(model: Classifier, content: bytes, one: threading.Lock) -> dict[str, Any]:
    with one:
        (answer,) = model.predict([content], ["picture"]).as_dicts()
    answer.pop("file")
    return answer


def _refused(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": sentence}, status, headers)


async def _failed(_: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return _refused(error.status_code, _SENTENCES.get(error.status_code, error.detail), error.headers)
    return _refused(500, _SENTENCES[500])


def _escaped(text: str) -> str:
    return html.escape(text)


def example(address: str) -> str:
    """What to type to try it."""
    return f"curl --data-binary @picture.jpg {address.rstrip('/')}/predict"


def _about(model: Classifier, title: str, address: str) -> str:
    body = f"""\
<p>This is a picture classifier made with Fieldguide. It tells apart: {_escaped(", ".join(model.classes))}.</p>
<p>Send it a picture (JPEG, PNG, WebP, GIF, BMP or HEIC, at most {MAX_BYTES // 10**6} MB):</p>
<pre>{_escaped(example(address))}</pre>
<p>It answers with the most likely class (<code>label</code>), how sure it is of it (<code>probability</code>, 0 to 1), whether
that is enough to count (<code>sure</code>), and the same for every class. It must choose one of its classes, whatever the
picture shows. Pictures are not kept.</p>
<p>For programs: <a href="/docs">what it takes and answers (OpenAPI)</a>.</p>"""
    return _PAGE.format(title=_escaped(title), body=body)


def openapi(model: Classifier, title: str) -> dict[str, Any]:
    """The service as OpenAPI 3.1 describes it."""
    share = {"type": "number", "minimum": 0, "maximum": 1}
    names = list(model.classes)
    answer = {
        "type": "object",
        "required": ["label", "sure", "probability", "probabilities"],
        "properties": {
            "label": {"type": "string", "enum": names, "description": "the most likely class"},
            "sure": {"type": "boolean", "description": "whether the answer counts, or is only a guess"},
            "probability": {**share, "description": "how sure it is of the label"},
            "probabilities": {
                "type": "object",
                "properties": dict.fromkeys(names, share),
                "description": "the same for every class",
            },
        },
    }
    trouble = {"type": "object", "properties": {"error": {"type": "string"}}}
    binary = {"type": "string", "format": "binary"}

    def response(words: str, schema: dict[str, Any]) -> dict[str, Any]:
        return {"description": words, "content": {"application/json": {"schema": schema}}}

    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1", "description": "A picture classifier made with Fieldguide."},
        "paths": {
            "/predict": {
                "post": {
                    "operationId": "predict",
                    "summary": "Says what is on a picture",
                    "requestBody": {
                        "required": True,
                        "content": {
                            "application/octet-stream": {"schema": binary},
                            "multipart/form-data": {"schema": {"type": "object", "properties": {"picture": binary}}},
                        },
                    },
                    "responses": {
                        "200": response("what is on it", answer),
                        "400": response("did not arrive whole", trouble),
                        "403": response("asked under another name, or for a page from elsewhere", trouble),
                        "408": response("did not arrive in time", trouble),
                        "413": response("too large", trouble),
                        "422": response("not a picture", trouble),
                        "429": response("too many at once", trouble),
                        "503": response("the model failed", trouble),
                    },
                }
            }
        },
    }
