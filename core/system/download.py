"""One file from its address to the disk: in pieces, resumable, and held against its size and its checksum."""

from __future__ import annotations

import errno
import hashlib
import re
import ssl
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

from core.system import disk, storage
from core.system.errors import FieldguideError

TIMEOUT = 10.0
"""Seconds that a server may be silent, when called and between two pieces."""
PAUSES = (1.0, 3.0, 9.0)
"""Seconds before each new attempt after a connection broke; as many attempts as pauses, unless one of them got on."""
LIMIT = 3_000_000_000
"""Bytes that a file of unknown size may have."""

_PIECE = 256 * 1024
_SOME = 1_000_000  # bytes that make an attempt one that got on
_KEPT = "What has arrived is kept: the next try goes on from there."
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)$")
_LINKED = "X-Linked-ETag"
"""In which Hugging Face tells the SHA-256 of a large file, in quotes, while it leads to where that lies; huggingface_hub goes
by it, too (`src/huggingface_hub/file_download.py`)."""
_SHA256 = re.compile(r'"?([0-9a-f]{64})"?$')
_BUSY = (408, 425, 429, 500, 502, 503, 504)

Said = Callable[[int, int], None]
"""Called with how many bytes are there and how many there will be (0: unknown), at every piece; may raise to cancel."""


@dataclass(frozen=True)
class Remote:
    """A file on the web. `bytes` 0: unknown; `checksum`: SHA-256, or MD5 where only that is known, in hex, or "".

    `what` and `another` complete the sentences about it: what should come from there, and what could be chosen instead.
    """

    url: str
    bytes: int = 0
    checksum: str = ""
    what: str = "pictures"
    another: str = "set"


class DownloadError(FieldguideError):
    """A file that could not be fetched, or is not what it should be."""


class _BrokenError(DownloadError):
    """What another attempt may cure. `reached`: whether the server was heard of at all; `useless`: whether that attempt
    must begin anew."""

    def __init__(self, message: str, hint: str, *, reached: bool = True, useless: bool = False) -> None:
        super().__init__(message, hint)
        self.reached, self.useless = reached, useless


def download(
    remote: Remote, part: Path, said: Said, *, timeout: float = TIMEOUT, pauses: Sequence[float] = PAUSES
) -> None:
    """Fetches a file into `part`, going on with what is there; never writes more than its size, or LIMIT.

    A note of the address and the version (ETag) lies beside `part`. Its content is not checked here. Raises
    DownloadError, with what to do; what has come is kept unless it is of no use.
    """
    if _noted(part).get("url") != remote.url or size_of(part) > (remote.bytes or LIMIT) or not _resumable(remote, part):
        forget(part)
    most, failures, reached = size_of(part), 0, False
    while not (total := _total(remote, part)) or size_of(part) < total:
        said(size_of(part), total)
        try:
            _attempt(remote, part, said, timeout)
        except _BrokenError as broken:
            reached = reached or broken.reached
            failures = 1 if size_of(part) - most >= _SOME else failures + 1
            most = max(most, size_of(part))
            if broken.useless or not _resumable(remote, part):
                forget(part)
            if failures > len(pauses) or not reached:
                raise DownloadError(broken.message, broken.hint) from None
            time.sleep(pauses[failures - 1])
        else:
            return


def check(remote: Remote, file: Path, said: Said) -> None:
    """Holds a whole file against its checksum. Raises DownloadError if it is another one, which is then removed."""
    if not has_checksum(file, remote.checksum, lambda done: said(done, remote.bytes)):
        disk.remove(file)
        name = "MD5" if len(remote.checksum) == 32 else "SHA-256"
        raise DownloadError(
            f"The file that came is not the right one: its checksum ({name}) differs.",
            f"It was thrown away. Try again; if it happens again, the {remote.another} was changed, or this network "
            "changes files.",
        )


def told_checksum(part: Path) -> str:
    """The SHA-256 in hex that the publisher told of what is fetched into `part`, "" if none; to be asked before `forget`."""
    told = _noted(part).get("sha256")
    return told if isinstance(told, str) else ""


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def has_checksum(file: Path, checksum: str, said: Callable[[int], object] = bool) -> bool:
    """Whether a file has this SHA-256 or MD5, in hex; "" fits any. `said` is called with how many bytes were read."""
    if not checksum:
        return True
    digest, done = hashlib.new("md5" if len(checksum) == 32 else "sha256", usedforsecurity=False), 0
    with file.open("rb") as opened:
        while piece := opened.read(4 * _PIECE):
            digest.update(piece)
            done += len(piece)
            said(done)
    return digest.hexdigest() == checksum


def size_of(path: Path) -> int:
    """Bytes of a file, 0 if there is none."""
    return path.stat().st_size if path.is_file() else 0


def forget(part: Path) -> None:
    """Removes a half file and its note."""
    disk.remove(part)
    disk.remove(_note(part))


def _note(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _noted(part: Path) -> dict[str, Any]:
    found = storage.read_json(_note(part))
    return found if isinstance(found, dict) else {}


def _total(remote: Remote, part: Path) -> int:
    """The size of the whole file: as it must be, or as its server said; 0 if it is not known."""
    said = _noted(part).get("bytes")
    return remote.bytes or (said if isinstance(said, int) else 0)


def _resumable(remote: Remote, part: Path) -> bool:
    """Whether two parts can be joined: the checksum will tell, or the server, who told it the version of the first."""
    return bool(remote.checksum) or _strong(_noted(part).get("etag"))


def _strong(etag: object) -> bool:
    return isinstance(etag, str) and etag.startswith('"')  # a weak one promises nothing about the bytes


class _Redirect(urllib.request.HTTPRedirectHandler):
    """Remembers the checksum that was told on the way, by who knows the file; where it lies need not know it."""

    linked = ""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """Called with what an answer said that leads elsewhere."""
        self.linked = self.linked or headers.get(_LINKED, "")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(redirect: _Redirect) -> urllib.request.OpenerDirector:
    """For web addresses only, also after a redirect: no files, no FTP. Uses the proxy that the system was told of."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        redirect,
    ):
        opener.add_handler(handler)
    return opener


def ask(url: str, timeout: float = TIMEOUT, *, another: str = "set", **headers: str) -> HTTPResponse:
    """The answer of a web address, to be closed by the caller; among its headers also _LINKED where that was told on the way.
    Raises DownloadError."""
    redirect = _Redirect()
    request = urllib.request.Request(  # noqa: S310 - the opener knows the web only
        url, headers={"User-Agent": "Fieldguide", "Accept-Encoding": "identity"} | headers
    )
    try:
        response: HTTPResponse = _opener(redirect).open(request, timeout=timeout)
    except HTTPError as error:
        error.close()
        raise _refused(error.code, another) from None
    except URLError as error:
        raise _not_reached(error.reason) from None
    except (OSError, HTTPException):
        raise _silent() from None
    if redirect.linked:
        del response.headers[_LINKED]
        response.headers[_LINKED] = redirect.linked
    return response


def _attempt(remote: Remote, part: Path, said: Said, timeout: float) -> None:
    """Asks once for what is missing and writes what comes."""
    have, etag, headers = size_of(part), _noted(part).get("etag"), {}
    if have:
        headers["Range"] = f"bytes={have}-"
        if _strong(etag):
            headers["If-Range"] = str(etag)
    with ask(remote.url, timeout, another=remote.another, **headers) as response:
        if response.headers.get_content_type() in ("text/html", "application/xhtml+xml"):
            raise _web_page(remote)
        if response.status == 206:
            total = _check_range(remote, part, response)
        else:  # from the beginning, although the rest would have done
            have = 0
            length = response.headers.get("Content-Length", "")
            total = int(length) if length.isdecimal() else remote.bytes
            if total != remote.bytes and (remote.bytes or total > LIMIT):
                raise _wrong_size(remote, part, f"{total:,}")
        piece = _piece(response)
        if not have and piece.lstrip().startswith(b"<"):  # seen before it replaces what has come
            raise _web_page(remote)
        if not piece:
            raise _broke_off()
        most = total or LIMIT
        linked = _SHA256.match(response.headers.get(_LINKED, ""))
        note = {"url": remote.url, "etag": response.headers.get("ETag"), "bytes": total or None}
        try:
            storage.write_json(_note(part), note | ({"sha256": linked[1]} if linked else {}))
            with part.open("ab" if have else "wb") as file:
                while piece and have + len(piece) <= most:
                    said(have, total)  # before anything is written: who cancels may not be waiting for this any more
                    file.write(piece)
                    have += len(piece)
                    piece = _piece(response)
        except OSError as error:
            raise not_written(error) from None
    if piece:
        raise _wrong_size(remote, part, f"more than {most:,}")
    if size_of(part) < total:
        raise _broke_off()


def _check_range(remote: Remote, part: Path, response: HTTPResponse) -> int:
    """Whether the answer goes on where the half file ends, and is of the same version; the size of the whole."""
    found, total = _RANGE.match(response.headers.get("Content-Range", "")), _total(remote, part)
    if found and found[2] not in ("*", str(total)):
        raise _wrong_size(remote, part, f"{int(found[2]):,}")
    if not found or int(found[1]) != size_of(part) or response.headers.get("ETag") != _noted(part).get("etag"):
        raise _no_more_of_it()
    return total


def _piece(response: HTTPResponse) -> bytes:
    """What has come since the last one; empty at the end, also at an early one."""
    try:
        return response.read1(_PIECE)
    except (OSError, HTTPException, ValueError):
        raise _silent() from None


def _web_page(remote: Remote) -> DownloadError:
    return DownloadError(
        f"A web page came instead of the {remote.what}.",
        "This network may want a login first, or block the address. Open a page in the browser, then try again.",
    )


def _wrong_size(remote: Remote, part: Path, found: str) -> DownloadError:
    wanted = _total(remote, part) or LIMIT
    forget(part)
    return DownloadError(
        f"The file at this address has {found} bytes, not {wanted:,}: it is another one.",
        f"It is not used. Look for a newer Fieldguide, or choose another {remote.another}.",
    )


def not_written(error: OSError) -> DownloadError:
    """A disk that does not take a file, as a sentence."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DownloadError("The disk is full.", f"Make space, then try again. {_KEPT}")
    return DownloadError(f"The file could not be written: {error.strerror or error}.", "Allow writing, then try again.")


def _broke_off() -> _BrokenError:
    return _BrokenError("The connection broke off.", f"Try again. {_KEPT}")


def _no_more_of_it() -> _BrokenError:
    return _BrokenError("The server does not go on where it was.", "Try again: it begins anew.", useless=True)


def _silent() -> _BrokenError:
    return _BrokenError("The server does not answer any more.", f"Try again in a while. {_KEPT}")


def _not_reached(reason: object) -> DownloadError:
    if isinstance(reason, ssl.SSLCertVerificationError):
        return DownloadError(
            "The address could not prove that it is the right one (certificate).",
            "Check the date and time of this computer. If they are right, somebody may read along in this network: "
            "ask who runs it.",
        )
    return _BrokenError(
        "The address cannot be reached: this computer seems to be offline.",
        "Connect it to the internet, then try again.",
        reached=False,
    )


def _refused(code: int, another: str) -> DownloadError:
    if code in _BUSY:
        return _BrokenError(f"The server has trouble at the moment (HTTP {code}).", f"Try again later. {_KEPT}")
    if code == 416:  # it ends before what we have
        return _no_more_of_it()
    if code in (404, 410):
        return DownloadError(
            f"The file is not at its address any more (HTTP {code}).",
            f"Look for a newer Fieldguide, or choose another {another}.",
        )
    return DownloadError(
        f"The file is not given out here (HTTP {code}).",
        "This network may block the address: ask who runs it, or try at another place.",
    )
