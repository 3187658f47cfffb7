"""The door for files that are dropped: who may send, what is taken, and that nothing is half there."""

from __future__ import annotations

import asyncio
import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.applications import Starlette

from core.datasets.importing import archives
from core.datasets.importing.arrivals import Arrivals
from pages.shared.http import arriving, routes
from tests import asgi

APP = Starlette(routes=routes.ROUTES)


@pytest.fixture
def here(own_home: Path) -> Iterator[Arrivals]:
    arrivals = Arrivals()
    arriving._KNOWN[arrivals.token] = arrivals
    yield arrivals
    arriving._KNOWN.pop(arrivals.token, None)


def put(
    here: Arrivals, path: str | None = "a/b.png", body: bytes = b"abc", *, cut: bool = False, **more: str
) -> tuple[int, str]:
    """(status, what is said) of a file that is sent; headers with `_` for `-`."""
    headers = {"content-length": str(len(body)), **{key.replace("_", "-"): value for key, value in more.items()}}
    if path is not None:
        headers["x-path"] = quote(path, safe="")
    status, _, said = asyncio.run(asgi.answer(APP, "PUT", arriving.url(here), body, headers, cut=cut))
    return status, json.loads(said)["error"] if said else ""


def files(here: Arrivals) -> dict[str, bytes]:
    return {str(path.relative_to(here.folder)): path.read_bytes() for path in here.folder.rglob("*") if path.is_file()}


def test_a_file_is_kept_by_its_path(here: Arrivals) -> None:
    assert put(here, "bäume/a b.png", host="localhost:8501", origin="http://localhost:8501") == (204, "")
    assert put(here, "bäume/a b.png", b"other") == (409, "another file of this name came along")
    assert files(here) == {"files/bäume/a b.png": b"abc"}


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://localhost:9999"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
)
def test_other_pages_are_refused(here: Arrivals, headers: dict[str, str]) -> None:
    assert put(here, **headers) == (403, "")
    assert not files(here)


def test_without_the_header_that_no_form_sends(here: Arrivals) -> None:
    assert put(here, None) == (403, "")


def test_without_the_token(here: Arrivals) -> None:
    for token in ("x", "..", "%2e%2e", "x" * 24):
        assert asgi.ask(APP, "PUT", f"/arriving/{token}", b"x", x_path="a.png", content_length="1")[0] == 404
    assert asgi.ask(APP, "GET", arriving.url(here))[0] == 405
    assert asgi.ask(APP, "POST", arriving.url(here), b"x", x_path="a.png", content_length="1")[0] == 405
    here.remove()
    arriving._KNOWN.pop(here.token)
    assert asgi.ask(APP, "PUT", arriving.url(here), b"x", x_path="a.png", content_length="1")[0] == 404


@pytest.mark.parametrize(
    "path", ["../x", "a/../../x", "/etc/x", "a\\..\\x", "a\0", "", "x" * 300, "a\r\nb", "%2e%2e/.."]
)
def test_paths_that_lead_elsewhere(here: Arrivals, path: str) -> None:
    status, said = put(here, path)
    assert status == 422
    assert said
    assert not files(here)
    assert sorted(child.name for child in here.folder.iterdir()) == ["archives", "coming", "files"]


def test_too_large_or_of_no_size_or_another(here: Arrivals) -> None:
    assert put(here, content_length=str(archives.MAX_FILE + 1)) == (422, "larger than 200 MB")
    assert put(here, content_length="") == (411, "")
    assert put(here, content_length="-1") == (411, "")
    assert put(here, content_length="9" * 5000) == (411, "")
    assert put(here, content_length="2") == (422, "It did not come whole.")
    assert put(here, content_length="4") == (422, "It did not come whole.")
    assert not files(here)


def test_more_than_may_wait_ends_it(here: Arrivals, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_ENTRIES", 1)
    assert put(here, "a.png")[0] == 204
    status, said = put(here, "b.png")
    assert status == 507
    assert said == "More than 1 files at once are not taken. Add those that are here, then drop the others."
    assert list(files(here)) == ["files/a.png"]


def test_who_stops_leaves_nothing_half(here: Arrivals) -> None:
    assert put(here, body=b"abc", content_length="9", cut=True)[0] == 400
    assert not files(here)
    assert put(here)[0] == 204


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_disk_that_refuses_is_a_sentence(here: Arrivals, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    assert put(here, "first.png")[0] == 204

    def refuse(*_: Any) -> Any:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", refuse)
        status, said = put(here, "second.png")
        assert status == 507
        assert said.endswith(".")
        assert "Errno" not in said
    assert files(here) == {"files/first.png": b"abc"}
    assert put(here, "second.png")[0] == 204


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
def test_a_disk_that_is_full_in_the_middle(here: Arrivals, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Path.open
    monkeypatch.setattr(
        Path, "open", lambda path, mode: whole(Path("/dev/full"), "wb") if "x" in mode else whole(path, mode)
    )
    status, said = put(here, body=b"x" * 100_000)
    assert status == 507
    assert said.startswith("The disk is full.")
    assert not files(here)
    assert here.count == 0
