"""The wheel alone, made from the packed sources and away from the checkout: from the sample to a model that answers, and the
page."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.serving import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]
SOURCES = ("core", "pages", "sample_data", "app.py", "pyproject.toml", "README.md", "LICENSE")
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, data_home: Path) -> dict[str, str]:
    """In which what the wheel holds is found before the checkout."""
    folder = tmp_path_factory.mktemp("installed")
    source, installed = folder / "source", folder / "site"
    source.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", ".fieldguide"))
        else:
            shutil.copy(ROOT / name, source)
    pack = [sys.executable, "-c", f"from setuptools import build_meta; build_meta.build_sdist({str(folder)!r})"]
    subprocess.run(pack, cwd=source, check=True, timeout=300, stdout=subprocess.DEVNULL)
    (sources,) = folder.glob("*.tar.gz")
    wheels = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(sources)]
    subprocess.run([*PIP, *wheels], cwd=folder, check=True, timeout=300)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([*PIP, "install", "--no-deps", "--target", str(installed), str(wheel)], check=True, timeout=300)
    shutil.rmtree(source)
    return os.environ | {"PYTHONPATH": str(installed), "FIELDGUIDE_HOME": str(data_home)}


@pytest.fixture
def page(environment: dict[str, str], tmp_path: Path, browser: Browser) -> Iterator[Page]:
    """What `fieldguide` opens."""
    program = Path(environment["PYTHONPATH"]) / "bin" / "fieldguide"
    home = {"FIELDGUIDE_HOME": str(tmp_path), "STREAMLIT_SERVER_HEADLESS": "true"}
    with subprocess.Popen([program], env=environment | home, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        address = re.search(r"http://\S+", server.stdout.readline())
        assert address
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        for _ in range(600):
            try:
                page.goto(address[0])
                break
            except Exception:  # noqa: BLE001 - the server is not there yet
                page.wait_for_timeout(100)
        yield page
        browser.close()
        server.terminate()


def test_from_the_sample_to_an_answer(environment: dict[str, str], tmp_path: Path) -> None:
    def fieldguide(*arguments: str) -> str:
        command = [sys.executable, "-m", "core", *arguments]
        kept = {"cwd": tmp_path, "env": environment, "stdout": subprocess.PIPE, "text": True}
        return str(subprocess.run(command, check=True, timeout=300, **kept).stdout)

    installed = Path(environment["PYTHONPATH"])
    shutil.copytree(installed / "sample_data" / "leaves", tmp_path / "leaves")
    assert "Ready to train." in fieldguide("check", "leaves", "--quick")
    trained = json.loads(fieldguide("train", "leaves", "--json", "--out", "run").splitlines()[-1])
    assert trained["test"]["accuracy"] > 0.6  # of five classes
    fieldguide("export", "run", "--out", "leaves.tflite")
    picture = next((tmp_path / "leaves" / "oak").iterdir())
    assert "oak" in fieldguide("predict", "leaves.tflite", str(picture))
    where = "import core, sys; assert core.__file__.startswith(sys.argv[1]), core.__file__"
    subprocess.run([sys.executable, "-c", where, str(installed)], env=environment, cwd=tmp_path, check=True)


def test_the_page_opens_as_it_should_look(page: Page) -> None:
    sample = page.get_by_role("button", name="Try the sample")
    expect(sample).to_have_css("background-color", "rgb(47, 107, 60)")
    sample.click()
    expect(page.get_by_text("Hold to record").first).to_be_visible()
    expect(page.get_by_role("article")).to_have_count(5)
