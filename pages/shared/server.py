"""What the web server answers besides the pages: thumbnails and pictures, by content, so that a grid loads them as it scrolls.

A picture is asked for by the SHA-256 of its file and a key that this process made up for the project: no page elsewhere
can ask for one, and the browser may keep what it got.
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import sqlite3
import threading
from collections.abc import Callable
from functools import lru_cache

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import FieldguideError
from core.images import open_picture
from core.project import Project

_SECRET = secrets.token_bytes(16)
_LARGE = 1600
_SHOWN: dict[str, Project] = {}
_DECODING = threading.Semaphore(os.cpu_count() or 1)  # a page asks for hundreds at once; each may need much memory
_KEEP = {"Cache-Control": "private, max-age=31536000, immutable"}


def picture_url(project: Project, content: str, kind: str = "thumbnail") -> str:
    """Where the browser finds a picture of a project, by its id. `kind`: "thumbnail", 256 pixels square, or "picture",
    whole, at most 1600 pixels wide and high."""
    return f"/{kind}/{_key(project)}/{content}.jpg"


def thumbnails(project: Project) -> str:
    """What the address of every thumbnail of a project begins with; an id and ".jpg" follow."""
    return f"/thumbnail/{_key(project)}/"


@lru_cache(maxsize=64)
def _key_of(root: str) -> str:
    return hashlib.blake2b(root.encode("utf-8", "surrogateescape"), key=_SECRET, digest_size=12).hexdigest()


def _key(project: Project) -> str:
    key = _key_of(str(project.root))
    _SHOWN[key] = project
    return key


def _thumbnail(request: Request) -> Response:
    return _answer(request, _small)


def _picture(request: Request) -> Response:
    return _answer(request, _large)


def _small(project: Project, content: str) -> bytes:
    with _DECODING:
        return project.thumbnail(content)


def _large(project: Project, content: str) -> bytes:
    with _DECODING:
        image = open_picture(project.file_with(content), at_least=_LARGE // 2)
    image.thumbnail((_LARGE, _LARGE))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)
    return out.getvalue()


def _answer(request: Request, make: Callable[[Project, str], bytes]) -> Response:
    project = _SHOWN.get(request.path_params["project"])
    if project is None:
        return Response(status_code=404)
    try:
        return Response(make(project, request.path_params["content"]), media_type="image/jpeg", headers=_KEEP)
    except (FieldguideError, OSError, sqlite3.Error):  # gone, or its whole folder is
        return Response(status_code=404)


class _Guard:
    """Answers only to the names that the server may be called by, as Streamlit does for its own connection, and forbids
    other sites to show a page of ours in a frame."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        allowed = st.get_option("server.allowedHosts")
        host = Headers(scope=scope).get("host", "").rpartition(":")[0] or Headers(scope=scope).get("host", "")
        if allowed and "*" not in allowed and host and host not in allowed:
            await PlainTextResponse("This is not the name of this server.", 403)(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Frame-Options"] = "DENY"
                headers["Content-Security-Policy"] = "frame-ancestors 'none'"
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Cross-Origin-Resource-Policy"] = "same-origin"
            await send(message)

        await self._app(scope, receive, guarded)


ROUTES = [
    Route("/thumbnail/{project}/{content:str}.jpg", _thumbnail),
    Route("/picture/{project}/{content:str}.jpg", _picture),
]
MIDDLEWARE = [Middleware(_Guard)]
