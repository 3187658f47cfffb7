"""The film of learning in a real browser: where the pictures lie is what was said of them, by slider, keys and in motion."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.runs.film import read_film
from tests.browser.test_label import open_folder
from tests.pages.test_film import made_run

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
WALL = """() => {
  const root = [...document.querySelectorAll('*')].map((e) => e.shadowRoot?.querySelector('.fg-film')).find(Boolean)
    ?? document.querySelector('.fg-film');
  const box = (node) => node.getBoundingClientRect();
  const fields = [...root.querySelectorAll('.field')];
  return [...root.querySelectorAll('.tile')].map((tile) => {
    const { left, top, width } = box(tile);
    const field = fields.findIndex((one) => {
      const room = box(one);
      return room.left <= left + width / 2 && left + width / 2 <= room.right && room.top <= top && top <= room.bottom;
    });
    return [field, tile.classList.contains('right'), tile.lastElementChild.textContent];
  });
}"""


def lies_as(page: Page, said: list[int], truth: list[int]) -> None:
    """Waits until each picture lies in the field of what was said of it, with the right frame and sign."""
    wanted = [[one, one == real, "\u2713" if one == real else "\u2715"] for one, real in zip(said, truth, strict=True)]
    deadline = time.monotonic() + 20
    while (found := page.evaluate(WALL)) != wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    assert found == wanted


@pytest.mark.slow
def test_the_pictures_lie_where_the_model_puts_them(page: Page, asked: list[str], tmp_path: Path) -> None:
    run = made_run(tmp_path / "p")
    film = read_film(run.records)
    assert film is not None
    said, truth = film.said.tolist(), film.labels.tolist()
    open_folder(page, tmp_path / "p")
    page.get_by_role("link", name="3 Train").click()
    expect(page.get_by_text("Round 2, which is kept: 15 of 15 right", exact=True).first).to_be_visible()
    lies_as(page, said[2], truth)

    slider = page.get_by_role("slider", name="Round")
    slider.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", "Round 0, before it has learned anything: 5 of 15 right")
    lies_as(page, said[0], truth)
    slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "Round 1: 5 of 15 right")
    lies_as(page, said[1], truth)

    play = page.get_by_role("button", name="Play")
    slider.press("Home")
    play.click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    began = time.monotonic()
    expect(play).to_be_visible()
    assert 3 < time.monotonic() - began < 12
    expect(slider).to_have_attribute("aria-valuetext", re.compile("^Round 2, which is kept"))
    lies_as(page, said[2], truth)
    told = page.get_by_role("status").filter(has_text="Round 2, which is kept: 15 of 15 right")
    expect(told).to_be_attached()  # for who does not see it

    page.emulate_media(reduced_motion="reduce")
    page.set_viewport_size({"width": 390, "height": 844})
    slider.press("Home")
    lies_as(page, said[0], truth)
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert asked == []
