"""What the web server answers besides the pages: thumbnails and pictures, by content, so that a grid loads them as it scrolls;
what a model says of a live picture; files too large for Streamlit's memory; and the door for files that are dropped.

Each address holds a key that this process made up for the project, model or file: no page elsewhere can ask. A picture is
asked for by the SHA-256 of its file, and the browser may keep what it got.
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from core.config.framing import Framing
from core.datasets.project import Project
from core.imaging.decode import open_picture
from core.inference.classifier import Classifier
from core.system.errors import FieldguideError
from pages.shared.http import arriving
from pages.shared.http.guard import Guard, Uploads, same_origin

_SECRET = secrets.token_bytes(16)
_LARGE = 1600
_SHOWN: dict[str, tuple[Project, Framing]] = {}
_DECODING = threading.Semaphore(os.cpu_count() or 1)  # a page asks for hundreds at once; each may need much memory
_KEEP = {"Cache-Control": "private, max-age=31536000, immutable"}
MAX_LIVE = 2_000_000
"""Bytes of a live picture: more than the whole one of a camera has, 1280 x 720 pixels of noise."""
_MODELS: dict[str, Classifier] = {}
_MOST_MODELS = 6  # some 36 MB each
_BUSY: set[str] = set()
_FILES: dict[str, Path] = {}


def picture_url(project: Project, content: str, kind: str = "thumbnail", framing: Framing | None = None) -> str:
    """Where the browser finds a picture of a project, by its id. `kind`: "thumbnail", 256 pixels square, as a model sees it,
    without a `framing` as the project says, or "picture", whole, at most 1600 pixels wide and high."""
    return f"/{kind}/{_key(project, framing)}/{content}.jpg"


def thumbnails(project: Project, framing: Framing | None = None) -> str:
    """What the address of every thumbnail of a project begins with; an id and ".jpg" follow. `framing`: see picture_url."""
    return f"/thumbnail/{_key(project, framing)}/"


@lru_cache(maxsize=64)
def _key_of(root: str) -> str:
    return hashlib.blake2b(root.encode("utf-8", "surrogateescape"), key=_SECRET, digest_size=12).hexdigest()


def _key(project: Project, framing: Framing | None = None) -> str:
    """Another one for each framing, since the browser keeps what it got."""
    framing = framing or project.framing()
    key = _key_of(f"{project.root} {framing.mark}".rstrip())
    _SHOWN[key] = project, framing
    return key


def _thumbnail(request: Request) -> Response:
    return _answer(request, _small)


def _picture(request: Request) -> Response:
    return _answer(request, _large)


def _small(project: Project, framing: Framing, content: str) -> bytes:
    with _DECODING:
        return project.thumbnail(content, framing)


def _large(project: Project, _: Framing, content: str) -> bytes:
    with _DECODING:
        image = open_picture(project.file_with(content), at_least=_LARGE // 2)
    image.thumbnail((_LARGE, _LARGE))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)
    return out.getvalue()


def _answer(request: Request, make: Callable[[Project, Framing, str], bytes]) -> Response:
    shown = _SHOWN.get(request.path_params["project"])
    if shown is None:
        return Response(status_code=404)
    try:
        return Response(make(*shown, request.path_params["content"]), media_type="image/jpeg", headers=_KEEP)
    except (FieldguideError, OSError, sqlite3.Error):  # gone, or its whole folder is
        return Response(status_code=404)


def live_url(model: Classifier, name: str) -> str:
    """Where the browser asks a model about pictures: POST of a JPEG, answered by {probabilities, sure, milliseconds}.

    `name` tells models apart; it is asked for one picture at a time (429 while it is busy). The six that were shown or asked
    last are known.
    """
    key = _key_of(f"model {name}")
    _MODELS.pop(key, None)
    _MODELS[key] = model
    for old in list(_MODELS)[:-_MOST_MODELS]:
        _MODELS.pop(old, None)
    return f"/live/{key}"


def file_url(path: Path) -> str:
    """Where the browser downloads a file of this computer, under its own name."""
    key = _key_of(f"file {path}")
    _FILES[key] = path
    return f"/file/{key}"


def _file(request: Request) -> Response:
    path = _FILES.get(request.path_params["key"])
    if path is None or not path.is_file():
        return Response(status_code=404)
    return FileResponse(path, filename=path.name, media_type="application/zip", headers={"Cache-Control": "no-store"})


async def _live(request: Request) -> Response:
    key = request.path_params["key"]
    model = _MODELS.pop(key, None)
    if model is None:
        return Response(status_code=404)
    _MODELS[key] = model  # at the end: the one asked last
    # A page elsewhere cannot send this content type without asking first, and is not answered.
    if not same_origin(request) or request.headers.get("content-type") != "image/jpeg":
        return Response(status_code=403)
    content = bytearray()
    async for piece in request.stream():
        content += piece
        if len(content) > MAX_LIVE:
            return Response(status_code=413)
    if key in _BUSY:
        return Response(status_code=429)
    _BUSY.add(key)
    try:
        return JSONResponse(
            await run_in_threadpool(_said, model, bytes(content)), headers={"Cache-Control": "no-store"}
        )
    except FieldguideError as error:
        return JSONResponse({"error": str(error)}, status_code=422)
    finally:
        _BUSY.discard(key)


def _said(model: Classifier, content: bytes) -> dict[str, object]:
    began = time.perf_counter()
    answer = model.predict([content], ["live"])
    spent = (time.perf_counter() - began) * 1000
    row = [round(float(share), 4) for share in answer.probabilities[0]]
    return {"probabilities": row, "sure": answer.sure[0], "milliseconds": round(spent, 2)}


ROUTES = [
    Route("/thumbnail/{project}/{content:str}.jpg", _thumbnail),
    Route("/picture/{project}/{content:str}.jpg", _picture),
    Route("/live/{key}", _live, methods=["POST"]),
    Route("/file/{key}", _file),
    Route("/arriving/{token}", arriving.receive, methods=["PUT"]),
]
MIDDLEWARE = [Middleware(Guard), Middleware(Uploads)]
