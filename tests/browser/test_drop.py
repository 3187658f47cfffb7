"""Files and folders that are dropped on a page, in a real browser: all arrive, and the page answers meanwhile."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PATIENCE
from tests.browser.test_label import on_disk, open_folder
from tests.pictures import COLOURS, encoded, flat_project, noise, zipped
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

MANY = 1100
NOTE_STEPS = """(bar) => {
    window.steps = [];
    new MutationObserver(() => window.steps.push(bar.value)).observe(bar, {attributes: true, attributeFilter: ["value"]});
}"""


def begin(page: Page, folder: Path) -> None:
    """Opens a folder without a picture, and the dialog that adds some."""
    folder.mkdir()
    open_folder(page, folder)
    page.get_by_role("button", name="Drop pictures").click()
    expect(page.get_by_role("button", name="Choose a folder")).to_be_visible()


def drop(page: Page, *paths: Path, area: Locator | None = None) -> None:
    """What a hand does that drags files and folders from another window onto an area."""
    box = (area or page.locator("#area")).bounding_box()
    assert box
    devtools = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + 12}
        devtools.send("Input.dispatchDragEvent", {"type": kind, **at, "data": data})


@pytest.mark.slow
def test_folders_files_and_a_zip_are_dropped_and_come_in(page: Page, asked: list[str], tmp_path: Path) -> None:
    begin(page, tmp_path / "empty")
    source = flat_project(tmp_path / "leaves", COLOURS, each=3)
    (source / "red" / "notes.txt").write_text("x")
    (source / "red" / "inner").mkdir()
    (source / "red" / "inner" / "ä b.png").write_bytes(encoded(noise(1)))
    drop(page, source)
    expect(page.locator("#count")).to_have_text("11 files are here")
    expect(page.get_by_text("10 pictures in 3 classes")).to_be_visible()
    expect(page.get_by_text("Left out: 1 file")).to_be_visible()

    more = tmp_path / "more.zip"
    more.write_bytes(zipped({"red/new.png": encoded(noise(2)), "green/new.png": encoded(noise(3))}))
    large = tmp_path / "large.png"
    large.touch()
    with large.open("r+b") as file:
        file.truncate(200_000_001)
    drop(page, more, large)
    expect(page.locator("#count")).to_have_text("12 files are here")
    page.get_by_text("1 file could not be sent").click()
    expect(page.get_by_text("large.png: larger than 200 MB")).to_be_visible()
    page.get_by_role("button", name="Add 12 pictures").click()
    expect(page.get_by_text("12 pictures added, 1 skipped")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("1 rejected")).to_be_visible()
    assert on_disk(tmp_path / "empty") == {"red": 5, "green": 4, "blue": 3}
    assert not [path for path in (tmp_path / "newcomer" / ".arriving").rglob("*") if path.is_file()]
    assert asked == []


@pytest.mark.slow
def test_the_page_answers_while_many_files_are_sent(page: Page, asked: list[str], tmp_path: Path) -> None:
    begin(page, tmp_path / "empty")
    content = encoded(noise(0))
    for number in range(MANY):
        place = tmp_path / "many" / f"kind {number % 3}" / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content + str(number).encode())  # a picture that ends earlier
    page.locator("#bar").evaluate(NOTE_STEPS)
    page.locator("#pickFolder").set_input_files(tmp_path / "many")
    page.get_by_role("button", name="Stop", exact=True).click()
    stopped = page.locator("#count", has_text=re.compile(r"^Stopped: [0-9,]+ of 1,100 files are here$"))
    expect(stopped).to_be_visible()
    arrived = int(re.sub(r"\D", "", stopped.inner_text().partition(" of ")[0]))
    assert arrived < MANY
    if arrived:  # what is here can be taken already
        expect(page.get_by_role("button", name=re.compile(rf"^Add {arrived} picture"))).to_be_visible()
    expect(page.get_by_role("button", name="Go on")).to_be_focused()  # the button that was pressed is gone
    page.keyboard.press("Enter")
    expect(page.locator("#count")).to_have_text("1,100 files are here")
    expect(page.get_by_role("button", name="Add 1,100 pictures")).to_be_visible()
    expect(page.locator("#missed")).to_be_hidden()
    steps = page.evaluate("window.steps")
    assert steps == sorted(steps)
    assert len(set(steps)) >= 10
    assert steps[-1] == 1
    kept = list((tmp_path / "newcomer" / ".arriving").rglob("*.png"))
    assert len(kept) == MANY
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Drop pictures").click()
    expect(page.get_by_role("button", name="Add 1,100 pictures")).to_be_visible()
    page.get_by_role("button", name="Start again").click()
    expect(page.get_by_text("Drop pictures, folders or a zip here")).to_be_visible()
    expect(page.get_by_role("button", name="Add 1,100 pictures")).to_have_count(0)
    # The page forgets at once; the server is told, and deletes.
    until(lambda: not [path for path in (tmp_path / "newcomer" / ".arriving").rglob("*") if path.is_file()])
    assert asked == []
