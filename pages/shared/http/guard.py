"""Who is answered: pages of this very server, and, where it was started with a secret, whoever knows it.

Streamlit looks at the host's name and lets in pages of other servers of this computer; here host and port must be one's own.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import time
from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.cli.launch import TOKEN
from pages.shared._streamlit_compat import UPLOADS, uploaded_bytes

UPLOAD_BUDGET = 400_000_000
"""Bytes of uploaded files that are held in memory for all tabs together."""
UPLOAD_PATIENCE = 30.0
"""Seconds that a file waits for room."""
_SECRET = os.environ.pop(TOKEN, "")  # no other process that is started from here gets it
_HEALTH = "/_stcore/health"
_CLOSED = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Fieldguide</title><style>body { max-width: 36rem; margin: 4rem auto; padding: 0 1rem; font: 1rem/1.6 system-ui,
sans-serif; color-scheme: light dark }</style><h1>This door has a key</h1>
<p>Fieldguide answers only to the person who started it. Open the address that stands in the window in which it was
started: it ends in a secret. Or start <code>fieldguide</code> again, and the browser opens by itself.</p></html>"""


class Guard:
    """Refuses other hosts, pages of other servers, and those without the secret of the start; forbids other sites to show a
    page of ours in a frame."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or hands it on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = _refusal(scope)
        if refusal is not None and scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "not from this page"})
        elif refusal is not None:
            await refusal(scope, receive, _hardened(send))
        else:
            await self._app(scope, receive, _hardened(send) if scope["type"] == "http" else send)


class Uploads:
    """Lets files be sent as long as those that all tabs hold, and those on their way, fit into a budget of memory. What does
    not fit waits for a while, since tabs let go of files that they have added; then it is refused (413)."""

    def __init__(
        self,
        app: ASGIApp,
        budget: int = UPLOAD_BUDGET,
        patience: float = UPLOAD_PATIENCE,
        held: Callable[[], int] = uploaded_bytes,
    ) -> None:
        self._app, self._budget, self._patience, self._held = app, budget, patience, held
        self._coming = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or hands it on."""
        if scope["type"] != "http" or scope["method"] != "PUT" or not scope["path"].startswith(UPLOADS):
            await self._app(scope, receive, send)
            return
        told = Headers(scope=scope).get("content-length", "")
        size = int(told) if told.isdecimal() else st.get_option("server.maxUploadSize") * 1_000_000
        end = time.monotonic() + self._patience
        while self._held() + self._coming + size > self._budget:
            if time.monotonic() >= end:
                await PlainTextResponse("Too many pictures at once. Add those that are here, then go on.", 413)(
                    scope, receive, send
                )
                return
            await asyncio.sleep(0.1)
        self._coming += size
        try:
            await self._app(scope, receive, send)
        finally:
            self._coming -= size


def same_origin(request: Request) -> bool:
    """Whether a page of this very server asks; for what changes something or costs time."""
    origin = request.headers.get("origin", "")
    site = request.headers.get("sec-fetch-site", "same-origin")
    return site == "same-origin" and (not origin or origin.partition("://")[2] == request.headers.get("host"))


def _refusal(scope: Scope) -> Response | None:
    """What is answered instead, or None for who may go on."""
    if scope["type"] == "http" and scope["path"] == _HEALTH:  # which says "ok" to whoever asks, by whatever name
        return None
    headers = Headers(scope=scope)
    host, origin = headers.get("host", ""), headers.get("origin", "")
    allowed = st.get_option("server.allowedHosts")
    name = host.rpartition(":")[0] or host
    if allowed and "*" not in allowed and host and name not in allowed:
        return PlainTextResponse("This is not the name of this server.", 403)
    if scope["type"] == "websocket" and origin and origin.partition("://")[2] != host:
        return PlainTextResponse("This page is not of this server.", 403)
    secret = _SECRET
    if not secret:
        return None
    cookie = f"fieldguide-{host.rpartition(':')[2]}"  # a browser sends cookies to every port of a host
    if _same(HTTPConnection(scope).cookies.get(cookie), secret):
        return None
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    if scope["type"] == "http" and _same(dict(query).get("token"), secret):
        rest = urlencode([(key, value) for key, value in query if key != "token"])
        answer = RedirectResponse(f"{scope['path']}{'?' if rest else ''}{rest}", 303)
        answer.set_cookie(cookie, secret, httponly=True, samesite="strict")
        return answer
    return HTMLResponse(_CLOSED, 403)


def _same(given: str | None, secret: str) -> bool:
    return given is not None and hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode())


def _hardened(send: Send) -> Send:
    async def hardened(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["X-Frame-Options"] = "DENY"
            headers["Content-Security-Policy"] = "frame-ancestors 'none'"
            headers["X-Content-Type-Options"] = "nosniff"
            headers["Cross-Origin-Resource-Policy"] = "same-origin"
            headers["Referrer-Policy"] = "same-origin"
        await send(message)

    return hardened
