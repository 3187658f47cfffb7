"""The real server with the whole app, and a real browser before it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from tests.conftest import CHROMIUM
from tests.serving import ROOT, serving

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
FAKE_CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
PATIENCE = 180_000
expect.set_options(timeout=PATIENCE)  # five seconds, as it is otherwise, are short on a machine that is busy


@pytest.fixture
def home(tmp_path: Path, data_home: Path) -> Path:
    """A newcomer's empty data home, but for the backbone, which other tests have converted already."""
    home = tmp_path / "newcomer"
    home.mkdir()
    (data_home / "backbones").mkdir(exist_ok=True)
    (home / "backbones").symlink_to(data_home / "backbones")
    return home


@pytest.fixture
def asked() -> list[str]:
    """Addresses outside of this machine that the page asked for, dialogs that it opened, and errors of its scripts."""
    return []


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """One for all, and for nobody else: while it is there, nothing else in this process can run an event loop."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture
def browser(playwright: Playwright) -> Iterator[Browser]:
    """With a camera; each test has one of its own."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS + FAKE_CAMERA)
    yield browser
    browser.close()


@pytest.fixture
def page(home: Path, asked: list[str], browser: Browser) -> Iterator[Page]:
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    with serving(command, cwd=ROOT, environment={"FIELDGUIDE_HOME": str(home)}) as server:
        page = browser.new_page(viewport={"width": 1280, "height": 900}, accept_downloads=True)
        page.set_default_timeout(PATIENCE)

        def note(url: str) -> None:
            if not url.startswith((server.url, server.url.replace("http", "ws"), "data:", "blob:")):
                asked.append(url)

        page.on("request", lambda request: note(request.url))
        page.on("websocket", lambda socket: note(socket.url))
        page.on("dialog", lambda dialog: asked.append(f"dialog: {dialog.message}"))
        page.on("pageerror", lambda error: asked.append(f"error: {error}"))
        page.goto(server.url)
        yield page
        browser.close()  # before the server goes, which the page would miss
