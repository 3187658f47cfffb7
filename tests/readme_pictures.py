"""Draws the pictures and the film of README anew, from the running app: `python -m tests.readme_pictures`."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.conftest import ARGUMENTS, PATIENCE
from tests.conftest import CHROMIUM
from tests.serving import ROOT, serving

TARGET = ROOT / ".github"
SIZE, TALL = {"width": 1280, "height": 900}, {"width": 1280, "height": 1400}
FILM_WIDTH = 720
STEP_MS, SECONDS, REST_MS = 200, 8, 2500


def draw(page: Page) -> None:
    """Trains the sample and takes the film of it; then the grid with three pictures selected."""
    page.get_by_role("button", name="Try the sample").click()
    expect(page.get_by_role("heading", name="Board", level=1)).to_be_visible()
    page.get_by_role("link", name="3 Train").click()
    expect(page.get_by_role("heading", name="Train", level=1)).to_be_visible()
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text("which it had never seen")).to_be_visible(timeout=PATIENCE)
    film(page)
    page.get_by_role("link", name="1 Pictures").click()
    expect(page.locator(".fg-film")).to_have_count(0, timeout=PATIENCE)
    tiles = page.locator(".tile")
    expect(tiles.nth(20)).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning")
    for count, number in enumerate((1, 3, 8), 1):
        tiles.nth(number).click(modifiers=["Control"])
        expect(page.locator(".count")).to_have_text(f"{count} selected")
    page.wait_for_timeout(1500)
    _keep(page.screenshot(), "pictures.jpg")


def film(page: Page) -> None:
    """Plays the film by a clock that stands still while a picture is taken, a picture each fifth of a second."""
    play, slider = page.get_by_role("button", name="Play"), page.get_by_role("slider", name="Round")
    expect(play).to_be_visible(timeout=PATIENCE)
    slider.press("Home")
    page.mouse.move(0, 0)
    page.set_viewport_size(TALL)
    box = page.locator(".fg-film").bounding_box()
    assert box
    clip = {"x": box["x"] - 8, "y": box["y"] - 8, "width": box["width"] + 16, "height": box["height"] + 16}
    page.clock.install(time=0)
    play.click()
    page.clock.pause_at(60_000)
    slider.press("Home")
    play.click()
    frames = []
    for _ in range(SECONDS * 1000 // STEP_MS):
        page.clock.run_for(STEP_MS)
        frames.append(_narrow(page.screenshot(clip=clip)))
    times = [STEP_MS] * (len(frames) - 1) + [REST_MS]
    place = TARGET / "film.webp"
    frames[0].save(place, save_all=True, append_images=frames[1:], duration=times, loop=0, quality=45, method=6)
    print(place.name, f"{place.stat().st_size / 1e6:.2f} MB, {len(frames)} pictures")
    page.clock.resume()
    page.set_viewport_size(SIZE)


def _narrow(picture: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    return image.resize((FILM_WIDTH, round(image.height * FILM_WIDTH / image.width)), Image.Resampling.LANCZOS)


def _keep(picture: bytes, name: str) -> None:
    Image.open(io.BytesIO(picture)).convert("RGB").save(TARGET / name, quality=82, optimize=True)


def main() -> None:
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    with (
        TemporaryDirectory() as home,
        serving(command, cwd=ROOT, environment={"FIELDGUIDE_HOME": str(Path(home))}) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.set_default_timeout(PATIENCE)
        page.goto(server.url)
        draw(page)
        browser.close()


if __name__ == "__main__":
    main()
