"""The web page in the zip, in a real browser, against the program beside it."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from core import Run, export
from tests.browser.conftest import ARGUMENTS, FAKE_CAMERA, PATIENCE
from tests.conftest import CHROMIUM

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.network]  # it fetches LiteRT.js


@pytest.fixture
def served(trained: Run, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    with zipfile.ZipFile(export(trained, "float32").zip) as bundle:
        bundle.extractall(tmp_path)
    program = [sys.executable, str(tmp_path / "web" / "start.py"), "--no-browser"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        yield tmp_path, next(line.strip() for line in server.stdout if line.startswith("http:"))
        server.terminate()


def test_the_page_answers_as_the_program_does(served: tuple[Path, str]) -> None:
    folder, address = served
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS + FAKE_CAMERA)
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        elsewhere: list[str] = []
        page.on("request", lambda request: request.url.startswith(address[:21]) or elsewhere.append(request.url[:80]))
        page.goto(address)
        page.wait_for_function("!document.getElementById('file').disabled")
        for one in expected:
            row = page.evaluate(
                "async (name) => { const picture = await createImageBitmap(await (await fetch(name)).blob());"
                " return await classify(picture, picture.width, picture.height) }",
                f"../{one['file']}",
            )
            assert row == pytest.approx(one["probabilities"], abs=1e-3)
            page.set_input_files("#file", folder / one["file"])
            page.wait_for_function(f"document.getElementById('said').textContent.startsWith('{one['label']} (')")
        page.get_by_role("button", name="Use the camera").click()
        page.wait_for_function("document.querySelector('video').readyState === 4")
        assert [url for url in elsewhere if not url.startswith(("data:", "blob:"))] == []
        browser.close()
