"""Who is answered: pages of this very server, and, where it was started with a secret, whoever knows it.

Streamlit looks at the host's name and lets in pages of other servers of this computer; here host and port must be one's own.
"""

from __future__ import annotations

import hmac
import os
from urllib.parse import parse_qsl, urlencode

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.launch import TOKEN

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


def _refusal(scope: Scope) -> Response | None:
    """What is answered instead, or None for who may go on."""
    headers = Headers(scope=scope)
    host, origin = headers.get("host", ""), headers.get("origin", "")
    allowed = st.get_option("server.allowedHosts")
    name = host.rpartition(":")[0] or host
    if allowed and "*" not in allowed and host and name not in allowed:
        return PlainTextResponse("This is not the name of this server.", 403)
    if scope["type"] == "websocket" and origin and origin.partition("://")[2] != host:
        return PlainTextResponse("This page is not of this server.", 403)
    secret = _SECRET
    if not secret or scope["path"] == _HEALTH:
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
