"""A newcomer's way through every page, in a real browser, with the real server: from the sample to a working zip."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core import Project, list_runs
from core.runs.film import read_film
from tests.browser import room
from tests.browser.conftest import PATIENCE
from tests.serving import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def heading(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible(timeout=PATIENCE)


def download(page: Page, file: Path) -> None:
    """Makes a file on Export, and keeps it."""
    heading(page, "Export")
    press(page, "Prepare the download")
    button = page.get_by_role("button", name="Download (")
    expect(button).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("on 35 of 35 test pictures")).to_be_visible(timeout=PATIENCE)
    with page.expect_download() as waiting:
        button.click()
    waiting.value.save_as(file)


@pytest.mark.slow
def test_from_the_sample_to_a_zip_that_works(page: Page, home: Path, asked: list[str], tmp_path: Path) -> None:
    room.furnish(page)
    page.reload()
    press(page, "Try the sample")
    heading(page, "Board")
    press(page, "Train")
    expect(page.locator("#score")).to_contain_text("of 35 right")
    press(page, "Download the model")
    bundle = tmp_path / "model.zip"
    download(page, bundle)
    assert room.clicks(page) <= 6

    page.get_by_role("link", name="Pictures").click()
    expect(page.get_by_text("220 pictures in 5 classes")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("img", name="birch: birch/001.jpg")).to_be_visible(timeout=PATIENCE)
    press(page, "How to train")
    heading(page, "Configure")
    page.get_by_role("link", name="Train").click()
    heading(page, "Train")
    expect(page.get_by_text("which it had never seen")).to_be_visible(timeout=PATIENCE)
    press(page, "See its mistakes")
    heading(page, "Evaluate")
    press(page, "Try it live")
    heading(page, "Test")
    expect(page.get_by_role("heading", name="Kept apart")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("img", name="Picture 5 to try")).to_be_visible()
    assert page.locator("img[alt*=maple]").count() == 0  # nothing gives the answer away
    page.get_by_role("button", name="Try", exact=True).nth(4).click()
    expect(page.get_by_text("Its label: ")).to_be_visible(timeout=PATIENCE)
    page.keyboard.press("Escape")
    page.locator("input[type=file]").set_input_files(ROOT / "sample_data" / "new_pictures" / "willow-1.jpg")
    expect(page.get_by_role("heading", name="willow", exact=True)).to_be_visible(timeout=PATIENCE)
    page.get_by_text("Take one picture, and ask why").click()
    page.wait_for_function("document.querySelector('video')?.readyState === 4")  # a picture has arrived
    page.get_by_role("button", name="Take Photo").click()
    expect(page.get_by_text("sure (confidence) · webcam")).to_be_visible(timeout=PATIENCE)

    with zipfile.ZipFile(bundle) as content:
        content.extractall(tmp_path / "unpacked")
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "tensorflow.py").write_text("raise ImportError('this program must run without it')")
    picture = ROOT / "sample_data" / "new_pictures" / "maple-1.jpg"
    out = subprocess.check_output(
        [sys.executable, str(tmp_path / "unpacked" / "predict.py"), str(picture)],
        text=True,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "none")},
    )
    assert json.loads(out)["label"] == "maple"
    assert asked == []
    run, *_ = list_runs(Project.open(home / "Leaves"))
    film = read_film(run.records)
    assert film is not None
    right = film.said == film.labels
    assert right.shape[1] == 35
    assert right[0].sum() <= 14  # 7 are to be expected of guessing
    assert (right[0] != right[-1]).sum() >= 10
