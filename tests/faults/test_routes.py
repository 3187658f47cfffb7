"""What the server answers besides the pages: no address leads out of a project, and uploads have a budget of memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from core import Project
from core.system.errors import PictureError
from pages.shared._streamlit_compat import UPLOADS, uploaded_bytes
from pages.shared.http import routes
from pages.shared.http.guard import Uploads
from tests import asgi
from tests.pictures import flat_project, shaded

APP = Starlette(routes=routes.ROUTES)


@pytest.mark.parametrize("content", ["..", "../../x", "%2e%2e%2fx", "0" * 63, "Z" * 64, "/etc/passwd", "..%00"])
def test_no_route_leads_out_of_a_project(tmp_path: Path, content: str) -> None:
    project = Project.open(flat_project(tmp_path / "ours", {"y": (200, 3, 1)}, each=2))
    known = project.scan().pictures[0].id
    url = routes.picture_url(project, known)
    assert asgi.ask(APP, "GET", url)[0] == 200
    for kind in ("thumbnail", "picture"):
        base = routes.picture_url(project, known, kind).rpartition("/")[0]
        assert asgi.ask(APP, "GET", f"{base}/{content}.jpg")[0] == 404
    with pytest.raises(PictureError):
        project.thumbnail(content)


def test_a_project_s_address_gives_no_picture_of_another(tmp_path: Path) -> None:
    ours = Project.open(flat_project(tmp_path / "ours", {"y": (200, 3, 1)}, each=2))
    other = Project.open(flat_project(tmp_path / "other", {"x": (1, 200, 3)}, each=1))
    (foreign,) = other.scan().pictures
    base = routes.picture_url(ours, foreign.id).rpartition("/")[0]
    assert asgi.ask(APP, "GET", f"{base}/{foreign.id}.jpg")[0] == 404
    for path in ("/file/x", "/file/../../etc/passwd", "/live/x", "/thumbnail/x/y.jpg"):
        assert asgi.ask(APP, "POST" if "live" in path else "GET", path)[0] == 404


def test_a_picture_that_became_a_link_leads_nowhere(tmp_path: Path) -> None:
    project = Project.open(flat_project(tmp_path / "p", {"x": (1, 200, 3)}, each=1))
    (picture,) = project.scan().pictures
    secret = tmp_path / "secret.png"
    shaded((9, 9, 9), 1).save(secret)
    (project.root / picture.path).unlink()
    (project.root / picture.path).symlink_to(secret)
    for kind in ("thumbnail", "picture"):
        assert asgi.ask(APP, "GET", routes.picture_url(project, picture.id, kind))[0] == 404


async def _taken(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


def test_uploads_beyond_the_budget_wait_and_are_then_refused() -> None:
    held = [0]
    inner = Starlette(routes=[Route(f"{UPLOADS}{{rest:path}}", _taken, methods=["PUT"])])
    app = Uploads(inner, budget=1000, patience=0.0, held=lambda: held[0])
    sizes = {"content-length": "600"}

    def send(size: int) -> int:
        return asgi.ask(app, "PUT", f"{UPLOADS}s/f", b"x" * size, content_length=str(size))[0]

    assert send(1000) == 200
    assert send(1001) == 413
    held[0] = 500
    assert send(600) == 413
    assert send(500) == 200
    assert asgi.ask(app, "PUT", f"{UPLOADS}s/f", b"x")[0] == 413  # of unknown size: it may be the largest
    turns = iter([900, 900, 0])
    waiting = Uploads(inner, budget=1000, patience=60.0, held=lambda: next(turns))
    assert asgi.ask(waiting, "PUT", f"{UPLOADS}s/f", b"x" * 600, content_length=sizes["content-length"])[0] == 200


def test_streamlit_still_tells_how_much_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
    from streamlit.runtime.uploaded_file_manager import UploadedFileRec
    from streamlit.web.server.starlette.starlette_routes import BASE_ROUTE_UPLOAD_FILE

    manager = MemoryUploadedFileManager("/x")

    class Running:
        uploaded_file_mgr = manager

    monkeypatch.setattr("pages.shared._streamlit_compat.get_instance", Running)
    assert uploaded_bytes() == 0
    manager.add_file("one", UploadedFileRec("a", "a.jpg", "image/jpeg", b"x" * 70))
    manager.add_file("two", UploadedFileRec("b", "b.jpg", "image/jpeg", b"x" * 30))
    assert uploaded_bytes() == 100
    assert f"/{BASE_ROUTE_UPLOAD_FILE}/" == UPLOADS
