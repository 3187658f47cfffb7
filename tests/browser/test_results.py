"""What comes of a training, where classes have long names: nothing of it is cut off, on a wide screen and on a phone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from core import Project
from core.runs.records import RunPicture
from tests.browser.accessibility import PHONE, WIDE
from tests.browser.test_label import open_folder
from tests.pictures import COLOURS, flat_project
from tests.runs import make_run, picture

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
NAMES = ("bluebirdsofthemeadow", "greentreefrogofmarch", "red admiral in autum")
LEAST = 160  # pixels of a picture in which a mistake can be seen
HIGH = 180  # pixels from the top of the page, under which what one came for begins
CUT = """nodes => nodes.filter(({ scrollWidth, clientWidth, scrollHeight, clientHeight }) =>
    scrollWidth > clientWidth + 1 || scrollHeight > clientHeight + 1).map(({ textContent }) => textContent)"""


@pytest.fixture
def opened(page: Page, tmp_path: Path) -> Page:
    """Evaluate of a training of long names, which takes some of each class for the next."""
    assert {len(name) for name in NAMES} == {20}
    folder = flat_project(tmp_path / "p", dict(zip(NAMES, COLOURS.values(), strict=True)), each=11)
    project = Project.open(folder)
    parts = ["test"] * 10 + ["val"]
    pictures = [
        RunPicture(each.id, each.path, label, part)
        for label, name in enumerate(NAMES)
        for each, part in zip(project.scan().by_class[name], parts, strict=True)
    ]
    pictures += [picture(number, number % 3, "train", NAMES) for number in range(60)]
    said = np.repeat(np.arange(3), 10)
    said[::4] = (said[::4] + 1) % 3
    make_run(project, "run", said.tolist(), classes=NAMES, pictures=pictures)
    open_folder(page, folder)
    page.get_by_role("navigation", name="Steps").get_by_role("link", name="4 Evaluate").click()
    expect(page.get_by_role("heading", name="Evaluate")).to_be_visible()
    expect(page.locator(".tile.wrong").first).to_be_visible()
    return page


def test_names_are_whole_and_mistakes_large(opened: Page) -> None:
    page = opened
    names, lines, tiles = page.locator(".fg-matrix .name"), page.locator(".tile .lines span"), page.locator(".tile")
    assert page.locator(".fg-matrix").bounding_box()["y"] <= HIGH  # type: ignore[index]
    assert lines.all_text_contents()[0].startswith("really ")
    assert lines.all_text_contents()[1].startswith("said ")
    for size in (WIDE, PHONE):
        page.set_viewport_size(size)
        expect(page.locator(".fg-matrix")).to_be_visible()
        for texts in (names, lines):
            assert texts.evaluate_all(CUT) == []
        assert tiles.locator("img").first.evaluate("(it) => it.getBoundingClientRect().width") >= LEAST
        frame = page.locator(".fg-matrix .frame")
        assert frame.evaluate("(it) => it.scrollWidth <= it.clientWidth && it.scrollHeight <= it.clientHeight")
        right = tiles.first.evaluate("(it) => it.getBoundingClientRect().right")
        assert right <= size["width"]


def test_the_same_matrix_leads_from_train_to_the_same_pictures(opened: Page) -> None:
    page = opened
    names = page.locator(".fg-matrix tbody .name")
    expect(names).to_have_text(list(NAMES))
    page.get_by_role("navigation", name="Steps").get_by_role("link", name="3 Train").click()
    expect(page.get_by_role("heading", name="Class by class")).to_be_visible()
    expect(names).to_have_text(list(NAMES))
    page.get_by_role("button", name=f"{NAMES[0]}, taken for {NAMES[1]}").click()
    expect(page.get_by_text(f"{NAMES[0]}, taken for {NAMES[1]} · ")).to_be_visible()
    assert set(page.locator(".tile .lines span:first-child").all_text_contents()) == {f"really {NAMES[0]}"}
