"""The door for files that a person drops on a page: one a request, into the folder of its tab, never held in memory."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from core.datasets.importing import archives
from core.datasets.importing.arrivals import Arrivals, NameTakenError, NoRoomError, most_bytes
from core.datasets.unread import FILMS
from core.system.errors import ProjectError, as_sentence, in_words
from pages.shared.http.guard import same_origin
from pages.shared.session import tab

_KNOWN: dict[str, Arrivals] = {}
_PATH = "x-path"
_MOST_DIGITS = 18  # of a number of bytes


def of_tab(place: str = "arriving") -> Arrivals:
    """The files that arrived at a place in this tab and wait, or that are to come. Raises ProjectError if the disk is full."""
    known = _KNOWN.get(tab.get(place, ""))
    if known is None or not known.folder.is_dir():
        with as_sentence(ProjectError):
            known = Arrivals()
        for token in [token for token, each in _KNOWN.items() if not each.folder.is_dir()]:
            del _KNOWN[token]
        _KNOWN[known.token] = known
        tab.put(place, known.token)
    return known


def forget(place: str = "arriving") -> None:
    """Removes what arrived at a place in this tab."""
    known = _KNOWN.pop(tab.take(place, ""), None)
    if known:
        known.remove()


def limits() -> dict[str, Any]:
    """What the browser must know of what is taken: bytes of a file, and of one that may be larger, by its ending."""
    return {
        "file": archives.MAX_FILE,
        "large": archives.MAX_BYTES,
        "archives": list(archives.SUFFIXES),
        "films": list(FILMS),
    }


def url(arrivals: Arrivals) -> str:
    """Where the browser sends a file: PUT of its bytes, its path in the header `x-path`, percent-encoded. Answered by 204,
    or by {error} and 409 where there is such a file, 422 for another that is not taken, 507 where none can be."""
    return f"/arriving/{arrivals.token}"


async def receive(request: Request) -> Response:
    """Takes a file."""
    arrivals = _KNOWN.get(request.path_params["token"])
    if arrivals is None:
        return Response(status_code=404)
    # A page elsewhere cannot send this header without asking first, and is not answered.
    path, size = request.headers.get(_PATH), request.headers.get("content-length", "")
    if path is None or not same_origin(request):
        return Response(status_code=403)
    if not size.isdecimal() or len(size) > _MOST_DIGITS:
        return Response(status_code=411)
    path = unquote(path, errors="replace")
    try:
        with arrivals.receiving(path, int(size)) as write:
            async for piece in request.stream():
                await run_in_threadpool(write, piece)
    except ClientDisconnect:
        return Response(status_code=400)
    except NameTakenError as error:
        return await _refused(request, 409, error, most_bytes(path))
    except (NoRoomError, OSError) as error:
        return await _refused(request, 507, in_words(error), most_bytes(path))
    except ProjectError as error:
        return await _refused(request, 422, error, min(int(size), most_bytes(path)))
    return Response(status_code=204)


async def _refused(request: Request, status: int, error: Exception, most: int) -> Response:
    """Says no once all has been sent, as far as it may: a browser that is still sending does not hear an answer."""
    try:
        async for piece in request.stream():
            most -= len(piece)
            if most < 0:
                break
    except (ClientDisconnect, RuntimeError):  # or it had come whole
        pass
    return JSONResponse({"error": str(error)}, status_code=status)
