"""One file from its address to the disk: in pieces, resumable, and held against its size and SHA-256."""

from __future__ import annotations

import errno
import hashlib
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from core import store
from core.errors import FieldguideError
from core.starters.table import Starter

TIMEOUT = 10.0
"""Seconds that a server may be silent, when called and between two pieces."""
PAUSES = (1.0, 3.0, 9.0)
"""Seconds before each new attempt after a connection broke; as many attempts as pauses, unless some of it came."""

_PIECE = 256 * 1024
_SOME = 1_000_000  # bytes that make an attempt count as one that got on
_KEPT = "What has arrived is kept: the next try goes on from there."
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)$")
_BUSY = (408, 425, 429, 500, 502, 503, 504)

Said = Callable[[int], None]
"""Called with how many bytes are there, a few times a second at least while any come; may raise to cancel."""


class DownloadError(FieldguideError):
    """A file that could not be fetched, or is not what it should be."""


class _BrokenError(DownloadError):
    """What another attempt may cure. `reached`: whether the server was heard of at all."""

    def __init__(self, message: str, hint: str, *, reached: bool = True) -> None:
        super().__init__(message, hint)
        self.reached = reached


class _WebOnly(urllib.request.HTTPRedirectHandler):
    """Follows redirects from web address to web address only."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme not in ("http", "https"):
            raise DownloadError("The address leads to something that is not on the web.", "Choose another set.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """For web addresses only: no files, no FTP. Uses the proxy that the system has been told of."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _WebOnly(),
    ):
        opener.add_handler(handler)
    return opener


def download(
    starter: Starter, part: Path, said: Said, *, timeout: float = TIMEOUT, pauses: Sequence[float] = PAUSES
) -> None:
    """Fetches the archive of a set into `part`, going on with what is there; never writes more than `starter.bytes`.

    A note of the address and the version (ETag) lies beside `part`. Its content is not checked here. Raises
    DownloadError, with what to do; what has come is kept unless it is of no use.
    """
    note = _note(part)
    if (store.read_json(note) or {}).get("url") != starter.url or size_of(part) > starter.bytes:
        part.unlink(missing_ok=True)
    failures, reached = 0, False
    while (before := size_of(part)) < starter.bytes:
        said(before)
        try:
            _attempt(starter, part, said, timeout)
        except _BrokenError as broken:
            reached = reached or broken.reached
            failures = 1 if size_of(part) - before >= _SOME else failures + 1
            if failures > len(pauses) or not reached:
                raise DownloadError(broken.message, broken.hint) from None
            time.sleep(pauses[failures - 1])


def check(starter: Starter, part: Path, said: Said) -> None:
    """Holds a whole file against its SHA-256. Raises DownloadError if it is another one, which is then removed."""
    digest, done = hashlib.sha256(), 0
    with part.open("rb") as file:
        while piece := file.read(4 * _PIECE):
            digest.update(piece)
            done += len(piece)
            said(done)
    if digest.hexdigest() != starter.sha256:
        forget(part)
        raise DownloadError(
            "The file that came is not the right one: its checksum (SHA-256) differs.",
            "It was thrown away. Try again; if it happens again, the set was changed, or this network changes files.",
        )


def size_of(path: Path) -> int:
    """Bytes of a file, 0 if there is none."""
    return path.stat().st_size if path.is_file() else 0


def forget(part: Path) -> None:
    """Removes a half file and its note."""
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)


def _note(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _attempt(starter: Starter, part: Path, said: Said, timeout: float) -> None:
    """Asks once for what is missing and writes what comes."""
    have = size_of(part)
    with _ask(starter, have, (store.read_json(_note(part)) or {}).get("etag"), timeout) as response:
        if response.headers.get_content_type() in ("text/html", "application/xhtml+xml"):
            raise _web_page()
        if response.status == 206:
            _check_range(starter, part, response)
        else:  # from the beginning, although not all of it may have been asked for
            have = 0
            length = response.headers.get("Content-Length", "")
            if length.isdecimal() and int(length) != starter.bytes:
                raise _wrong_size(starter, part, f"{int(length):,}")
        try:
            store.write_json(_note(part), {"url": starter.url, "etag": response.headers.get("ETag")})
            with part.open("ab" if have else "wb") as file:
                _copy(starter, part, response, file, have, said)
        except OSError as error:
            raise _not_written(error) from None
    if size_of(part) < starter.bytes:
        raise _BrokenError("The connection broke off.", f"Try again. {_KEPT}")


def _ask(starter: Starter, have: int, etag: object, timeout: float) -> HTTPResponse:
    request = urllib.request.Request(  # noqa: S310 - the opener knows the web only
        starter.url, headers={"User-Agent": "Fieldguide", "Accept-Encoding": "identity"}
    )
    if have:
        request.add_header("Range", f"bytes={have}-")
        if isinstance(etag, str) and etag.startswith('"'):  # a weak one promises nothing about the bytes
            request.add_header("If-Range", etag)
    try:
        response: HTTPResponse = _opener().open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        raise _refused(error.code) from None
    except ssl.SSLError as error:
        raise _not_reached(error) from None
    except (OSError, HTTPException) as error:
        raise _not_reached(getattr(error, "reason", error)) from None
    return response


def _check_range(starter: Starter, part: Path, response: HTTPResponse) -> None:
    """Whether the answer goes on where the half file ends, and is of the same version."""
    found = _RANGE.match(response.headers.get("Content-Range", ""))
    if found and found[2] not in ("*", str(starter.bytes)):
        raise _wrong_size(starter, part, f"{int(found[2]):,}")
    etag = (store.read_json(_note(part)) or {}).get("etag")
    if not found or int(found[1]) != size_of(part) or response.headers.get("ETag") != etag:
        forget(part)
        raise _BrokenError("The server did not go on where it was.", "Try again.")


def _copy(starter: Starter, part: Path, response: HTTPResponse, file: IO[bytes], have: int, said: Said) -> None:
    while True:
        try:
            piece = response.read1(_PIECE)
        except (OSError, HTTPException, ValueError):
            silent = "The server does not answer any more, or the connection is gone."
            raise _BrokenError(silent, f"Try again in a while. {_KEPT}") from None
        if not piece:
            return
        if not have and piece.lstrip().startswith(b"<"):
            raise _web_page()
        said(have)  # before anything is written: whoever cancels may have stopped waiting for this
        if have + len(piece) > starter.bytes:
            raise _wrong_size(starter, part, f"more than {starter.bytes:,}")
        file.write(piece)
        have += len(piece)


def _web_page() -> DownloadError:
    return DownloadError(
        "A web page came instead of the pictures.",
        "This network may want a login first, or block the address. Open a page in the browser, then try again.",
    )


def _wrong_size(starter: Starter, part: Path, found: str) -> DownloadError:
    forget(part)
    return DownloadError(
        f"The file at this address has {found} bytes, not {starter.bytes:,}: it is another one.",
        "It is not used. Look for a newer Fieldguide, or choose another set.",
    )


def _not_written(error: OSError) -> DownloadError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DownloadError("The disk is full.", f"Make space, then try again. {_KEPT}")
    return DownloadError(f"The file could not be written: {error.strerror or error}.", "Allow writing, then try again.")


def _not_reached(reason: Any) -> DownloadError:
    if isinstance(reason, ssl.SSLCertVerificationError):
        return DownloadError(
            "The address could not prove that it is the right one (certificate).",
            "Check the date and time of this computer. If they are right, this network reads along: ask its keeper.",
        )
    if isinstance(reason, TimeoutError):
        return _BrokenError("The server does not answer.", f"Try again in a while. {_KEPT}", reached=False)
    return _BrokenError(
        "The internet cannot be reached from here.", "Connect this computer, then try again.", reached=False
    )


def _refused(code: int) -> DownloadError:
    if code in _BUSY:
        return _BrokenError(f"The server has trouble at the moment (HTTP {code}).", f"Try again later. {_KEPT}")
    if code in (404, 410):
        return DownloadError(
            f"The file is not at its address any more (HTTP {code}).",
            "Look for a newer Fieldguide, or choose another set.",
        )
    if code == 416:
        return _BrokenError("The server could not go on where it was (HTTP 416).", "Try again.")
    return DownloadError(
        f"The file is not given out here (HTTP {code}).",
        "This network may block the address: ask its keeper, or try at another place.",
    )
