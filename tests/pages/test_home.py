"""The first page and projects as files: what is packed for whom, what is opened, and what a crash left."""

from __future__ import annotations

import io
import json
import os
import time
import zipfile
from pathlib import Path

import pytest
from starlette.applications import Starlette
from streamlit.testing.v1 import AppTest

from core import Project
from pages.shared.http import routes
from tests import asgi
from tests.core.datasets.test_packing import about, project_file
from tests.pages.test_pages import button, visit, words
from tests.pictures import COLOURS, encoded, flat_project, noise

APP = Starlette(routes=routes.ROUTES)


def download(at: AppTest) -> bytes:
    (link,) = at.get("link_button")
    status, headers, content = asgi.ask(APP, "GET", link.proto.url)
    assert status == 200
    assert 'filename="birds.fieldguide.zip"' in headers["content-disposition"]
    return content


def test_each_of_two_projects_of_one_name_gets_its_own_file(own_home: Path, tmp_path: Path) -> None:
    roots = [
        flat_project(tmp_path / letter / "birds", {colour: COLOURS[colour]}, each=2)
        for letter, colour in (("a", "red"), ("b", "blue"))
    ]
    opened = [visit("app.py", root) for root in roots]
    packed = [at.button(key=f"pack {root}").click().run() for at, root in zip(opened, roots, strict=True)]
    for at, colour in zip(packed, ("red", "blue"), strict=True):
        names = zipfile.ZipFile(io.BytesIO(download(at))).namelist()
        assert {name.split("/")[1] for name in names if name.startswith("pictures/")} == {colour}


def test_a_project_file_of_nonsense_is_a_sentence(own_home: Path) -> None:
    at = visit("app.py")
    evil = project_file(json.dumps(about(pictures=7)).replace("7", "1e999"))
    at.file_uploader(key="project file").set_value(("evil.zip", evil, "")).run()
    assert not at.exception
    assert "This project file is damaged" in words(at).replace("\\", "")


@pytest.mark.parametrize("open_before", [False, True])
def test_what_was_left_out_of_a_project_file_is_told(own_home: Path, tmp_path: Path, open_before: bool) -> None:
    at = visit("app.py", flat_project(tmp_path / "other", COLOURS, each=1) if open_before else None)
    inside = {"oak/1.jpg": encoded(noise(1), "JPEG"), "oak/page.jpg": b"<html>"}
    content = project_file(json.dumps(about(name="trees", pictures=2, classes=["oak"])), inside)
    at.file_uploader(key="project file").set_value(("trees.zip", content, "")).run()
    button(at, "Open this project").click().run()
    assert not at.exception, at.exception
    assert "**1 picture added, 1 rejected**" in words(at)
    assert [picture.path for picture in Project.open(own_home / "trees").scan().pictures] == ["oak/1.jpg"]


@pytest.mark.parametrize("age", [0, 4000])
def test_it_sweeps_what_a_crash_left(own_home: Path, age: int) -> None:
    left = [own_home / "Packed projects" / "0a" / ".fieldguide-tmp-1.zip", own_home / ".unpacking-1" / "oak" / "1.png"]
    for path in left:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x")
        for touched in (path, path.parent, path.parent.parent):
            os.utime(touched, (time.time() - age, time.time() - age))
    visit("app.py")
    assert [path.exists() for path in left] == [age == 0] * 2
    assert (own_home / ".unpacking-1").exists() == (age == 0)
