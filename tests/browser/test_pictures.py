"""Adding pictures and setting them in order, by mouse, in a real browser."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PATIENCE
from tests.browser.test_label import on_disk, open_folder, saved
from tests.pictures import COLOURS, encoded, flat_project, shaded

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

INSET = 8  # pixels, of a line round the whole map: its corners are round


def view(page: Page, name: str) -> None:
    page.get_by_text(re.compile(f"^{name}")).first.click()


@pytest.mark.slow
def test_pictures_a_zip_and_a_webcam_burst_come_in(page: Page, asked: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    open_folder(page, folder)
    page.get_by_role("button", name="Drop pictures").click()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, colour in COLOURS.items():
            for number in range(3):
                file.writestr(f"set/{name}/{number}.png", encoded(shaded(colour, number)))
        file.writestr("../../evil.png", encoded(shaded((1, 2, 3), 0)))
    files = [
        {"name": "set.zip", "mimeType": "application/zip", "buffer": archive.getvalue()},
        {"name": "one.png", "mimeType": "image/png", "buffer": encoded(shaded((9, 9, 9), 1))},
        {"name": "bad.jpg", "mimeType": "image/jpeg", "buffer": b"not a picture"},
    ]
    page.locator("#pickFiles").set_input_files(files)
    expect(page.get_by_text("its path leads out of the archive")).to_be_visible()
    page.get_by_role("button", name="Add 11 pictures").click()
    expect(page.get_by_text("10 pictures added, 2 rejected")).to_be_visible(timeout=PATIENCE)
    assert on_disk(folder) == {"blue": 3, "green": 3, "red": 3, "": 1}
    assert not list(tmp_path.rglob("evil*"))

    page.get_by_role("button", name="Add pictures").click()
    page.get_by_role("dialog").get_by_text("Webcam", exact=True).click()
    page.get_by_role("button", name="Switch the camera on").click()
    take = page.get_by_role("button", name="Take one picture")
    for number in range(1, 4):
        take.click()
        expect(page.locator("#count")).to_have_text(re.compile(f"^{number} picture"))
    page.locator("select#class").select_option(label="red")
    page.get_by_role("button", name="Save 3 pictures into red").click()
    expect(page.get_by_text("3 pictures saved: red")).to_be_visible(timeout=PATIENCE)
    expect(page.locator("#count")).not_to_have_text(re.compile("^3 pictures"))
    page.keyboard.press("Escape")
    expect(page.get_by_text(re.compile(r"^red · 6$"))).to_be_visible(timeout=PATIENCE)
    assert len(list((folder / "red").glob("webcam-*.jpg"))) == 3
    assert asked == []


@pytest.mark.slow
def test_problems_and_the_map(page: Page, asked: list[str], tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "p", COLOURS, each=9)
    wrong = folder / "blue" / "swapped.png"
    shaded(COLOURS["red"], 77).save(wrong)
    (folder / "red" / "copy.png").write_bytes((folder / "red" / "000.png").read_bytes())
    for number in range(12):
        shaded(list(COLOURS.values())[number % 3], 100 + number).save(folder / f"{number:02}.png")
    open_folder(page, folder)

    view(page, "Problems")
    expect(page.get_by_text("may be in the wrong class")).to_be_visible(timeout=PATIENCE)
    section = page.locator(".section", has_text="The same picture 2 times")
    section.get_by_role("button", name="Keep one").click()
    expect(section).to_have_count(0)
    assert not (folder / "red" / "copy.png").exists()
    page.locator(".section", has_text="wrong class").get_by_role("button", name="Move as suggested").click()
    expect(page.locator(".section", has_text="wrong class")).to_have_count(0)
    assert (folder / "red" / "swapped.png").exists()

    view(page, "Map")
    canvas = page.locator("canvas")
    expect(canvas).to_be_visible(timeout=PATIENCE)
    box = canvas.bounding_box()
    assert box
    right, low = box["width"] - INSET, box["height"] - INSET
    corners = [(INSET, INSET), (right, INSET), (right, low), (INSET, low), (INSET, INSET)]
    page.mouse.move(box["x"] + INSET, box["y"] + INSET)
    page.mouse.down()
    for x, y in corners:
        page.mouse.move(box["x"] + x, box["y"] + y, steps=4)
    page.mouse.up()
    expect(page.get_by_text(re.compile("pictures chosen"))).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".tile").first).to_be_visible()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert asked == []


@pytest.mark.slow
def test_suggestions_and_look_alikes(page: Page, asked: list[str], tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "p", COLOURS, each=9)
    for number in range(12):
        shaded(list(COLOURS.values())[number % 3], 100 + number).save(folder / f"{number:02}.png")
    open_folder(page, folder)
    view(page, "Label what is new")
    expect(page.get_by_text("Suggested by what you labelled so far")).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".tile")).to_have_count(12)
    first = page.locator(".tile").first
    expect(first.locator(".asked")).to_be_visible()
    first.click()
    page.keyboard.press("a")
    expect(page.locator(".tile")).to_have_count(11, timeout=PATIENCE)
    assert on_disk(folder)[""] == 11
    view(page, "Look-alikes")
    group = page.locator(".section").first
    size = int(re.sub(r"\D", "", group.locator("h2").inner_text()) or 1)
    group.get_by_title("Put into green").click()
    expect(page.locator(".status")).to_have_text(re.compile("into green"), timeout=PATIENCE)
    assert on_disk(folder)[""] == 11 - size
    # It stays in its place, so that one can put right what did not belong.
    expect(group.get_by_text("labelled")).to_be_visible(timeout=PATIENCE)
    tile = page.locator(".tile").first
    expect(tile.get_by_text("green")).to_be_visible()
    tile.click()
    group.get_by_title("Put into blue").click()
    expect(tile.get_by_text("blue")).to_be_visible()
    saved(page)
    assert on_disk(folder)["blue"] >= 10
    page.keyboard.press("Control+z")
    expect(tile.get_by_text("green")).to_be_visible()
    assert asked == []


@pytest.mark.slow
def test_classes_are_renamed_merged_and_brought_back(page: Page, asked: list[str], tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "p", COLOURS, each=4)
    open_folder(page, folder)
    page.get_by_role("button", name="Classes", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("navy")
    dialog.get_by_label("Name", exact=True).press("Tab")
    dialog.get_by_role("button", name="Rename").click()
    expect(dialog.get_by_text("Blue renamed to navy.")).to_be_visible()
    assert on_disk(folder) == {"navy": 4, "green": 4, "red": 4}
    dialog.get_by_text("History and bin").click()
    dialog.get_by_role("button", name="Undo").click()
    expect(dialog.get_by_text("Undone: blue renamed to navy.")).to_be_visible()
    assert on_disk(folder) == {"blue": 4, "green": 4, "red": 4}
    dialog.get_by_label("New class").fill("../x")
    dialog.get_by_role("button", name="Make it").click()
    expect(dialog.get_by_text("cannot be the name of a class")).to_be_visible()
    assert asked == []
