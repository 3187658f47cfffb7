"""Labelling by keyboard in a real browser: what the grid shows, what the counts say and what lies on the disk agree."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PATIENCE
from tests.pictures import noise, shaded

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
CLASSES = ("ash", "beech", "cedar", "doum", "elm")
LOOSE, UNDONE = 100, 20


def open_folder(page: Page, folder: Path) -> None:
    """Opens a folder on the first page; its pictures are shown then."""
    open_board(page, folder)
    page.goto(page.url.replace("/Board?", "/Pictures?"))
    expect(page.get_by_role("heading", name="Pictures", exact=True)).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=PATIENCE)


def open_board(page: Page, folder: Path) -> None:
    """Opens a folder on the first page, which leads to its board, or to its pictures where something was trained."""
    form = page.get_by_test_id("stForm").filter(has_text="Folder on this computer")
    form.get_by_role("textbox").fill(str(folder))
    form.get_by_role("button", name="Open").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^(Board|Pictures)$"), timeout=PATIENCE)


def on_disk(folder: Path) -> Counter[str]:
    pictures = [path for path in folder.rglob("*.png") if ".fieldguide" not in path.parts]
    return Counter("" if path.parent == folder else path.parent.name for path in pictures)


def pill(page: Page, name: str) -> int:
    """The number that stands beside a class."""
    text = page.get_by_text(re.compile(rf"^{name} · [0-9,]+$")).first.inner_text()
    return int(text.rsplit("·", 1)[1].strip().replace(",", ""))


def saved(page: Page) -> None:
    expect(page.locator(".status")).not_to_have_text("Saving ...", timeout=PATIENCE)


@pytest.mark.slow
def test_a_hundred_pictures_by_keyboard(page: Page, asked: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "trees"
    for number, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        shaded((40 * number, 80, 120), number).save(folder / name / "first.png")
    for number in range(LOOSE):
        noise(number).save(folder / f"{number:03}.png")
    open_folder(page, folder)
    expect(page.locator(".tile")).to_have_count(LOOSE)  # most pictures have no class: those are shown first
    page.locator(".sheet").focus()
    page.keyboard.press("Home")
    wanted = Counter(dict.fromkeys(CLASSES, 1))
    for number in range(LOOSE):
        page.keyboard.press(str(number % 5 + 1))
        wanted[CLASSES[number % 5]] += 1
    saved(page)
    expect(page.get_by_text("All pictures have a class.")).to_be_visible(timeout=PATIENCE)
    assert on_disk(folder) == wanted
    # The order of the keys is the order of the pictures: the first one, by name, went to the first class.
    assert (folder / "ash" / "000.png").is_file()
    assert (folder / "elm" / "004.png").is_file()

    for number in range(LOOSE - 1, LOOSE - 1 - UNDONE, -1):
        page.keyboard.press("Control+z")
        wanted[CLASSES[number % 5]] -= 1
    saved(page)
    wanted[""] = UNDONE
    expect(page.locator(".tile")).to_have_count(UNDONE)
    page.reload()
    expect(page.locator(".tile").first).to_be_visible(timeout=PATIENCE)
    assert on_disk(folder) == wanted
    for name in CLASSES:
        assert pill(page, name) == wanted[name]
    assert pill(page, "without a class") == UNDONE
    assert pill(page, "all classes") == LOOSE + len(CLASSES)
    page.get_by_text(re.compile("^without a class · ")).click()
    expect(page.locator(".tile")).to_have_count(UNDONE)
    assert asked == []


def two_classes(folder: Path) -> Path:
    for name in ("ash", "<img src=x onerror=alert(1)>"):
        (folder / name).mkdir(parents=True)
        for number in range(12):
            shaded((len(name) * 5, 80, 120), number).save(folder / name / f"{number:02}.png")
    return folder


def of_ash(page: Page, folder: Path) -> Locator:
    """The twelve tiles of the first class."""
    open_folder(page, folder)
    page.get_by_text(re.compile("^ash · ")).click()
    tiles = page.locator(".tile")
    expect(tiles).to_have_count(12)
    return tiles


def into_new_class(page: Page, name: str) -> None:
    """The first tile."""
    page.locator(".tile").nth(0).click()
    page.get_by_role("button", name="+ new class").click()
    page.get_by_label("Name of the new class").fill(name)
    page.keyboard.press("Enter")


@pytest.mark.slow
def test_mouse_range_delete_and_a_new_class(page: Page, asked: list[str], tmp_path: Path) -> None:
    folder = two_classes(tmp_path / "p")
    tiles = of_ash(page, folder)
    tiles.nth(1).click()
    tiles.nth(4).click(modifiers=["Shift"])
    expect(page.locator(".count")).to_have_text("4 selected")
    tiles.nth(7).click(modifiers=["Control"])
    expect(page.locator(".count")).to_have_text("5 selected")
    page.keyboard.press("Delete")
    expect(tiles).to_have_count(7)
    saved(page)
    assert on_disk(folder)["ash"] == 7
    expect(page.locator(".status")).to_have_text("5 pictures to the bin.")
    page.get_by_role("button", name=re.compile("^Undo")).click()
    expect(tiles).to_have_count(12)

    tiles.nth(0).click()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.press("Delete")  # so many are asked about
    expect(page.get_by_text("Delete: 12 pictures?")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(tiles).to_have_count(12)
    page.keyboard.press("Delete")
    page.get_by_role("button", name="Yes", exact=True).click()
    expect(tiles).to_have_count(0)
    saved(page)
    assert "ash" not in on_disk(folder)
    page.get_by_role("button", name=re.compile("^Undo")).click()
    expect(tiles).to_have_count(12)

    into_new_class(page, "../../evil")
    expect(page.locator(".status.trouble")).to_contain_text("cannot be the name of a class")
    expect(tiles).to_have_count(12)
    assert not (tmp_path.parent / "evil").exists()
    into_new_class(page, "oak")
    expect(tiles).to_have_count(11)
    saved(page)
    assert on_disk(folder)["oak"] == 1
    assert asked == []


@pytest.mark.slow
def test_a_band_of_the_mouse_and_the_large_view(page: Page, asked: list[str], tmp_path: Path) -> None:
    folder = two_classes(tmp_path / "p")
    tiles = of_ash(page, folder)
    # From the gap after the second tile to the first.
    box = page.locator(".sheets").bounding_box()
    second = tiles.nth(1).bounding_box()
    assert box
    assert second
    assert box["y"] <= 200  # what the page is about is seen at once
    page.mouse.move(second["x"] + second["width"] + 3, second["y"] + second["height"] - 5)
    page.mouse.down()
    page.mouse.move(box["x"] + 10, box["y"] + 20, steps=5)
    page.mouse.up()
    expect(page.locator(".count")).to_have_text("2 selected")
    page.keyboard.press("Escape")
    viewer = page.get_by_role("dialog")
    tiles.last.dblclick()  # nothing comes under the pointer between the two presses
    expect(viewer).to_be_visible()
    expect(viewer.get_by_text("64 pixels")).to_be_visible()
    page.keyboard.press("Escape")
    expect(tiles).to_have_count(12)
    page.keyboard.press("Escape")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(viewer).to_be_visible()
    expect(viewer.get_by_text("64 pixels")).to_be_visible()
    expect(viewer.get_by_role("button", name="<img src=x onerror=alert(1)>")).to_be_visible()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    expect(viewer).not_to_be_visible()
    assert asked == []


@pytest.mark.slow
def test_keys_in_the_large_view_corrections_and_new_classes(page: Page, asked: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "trees"
    for number, name in enumerate(("beech", "cedar")):
        (folder / name).mkdir(parents=True)
        shaded((40 * number, 80, 120), number).save(folder / name / "first.png")
    for number in range(12):
        noise(number).save(folder / f"{number:02}.png")
    open_folder(page, folder)
    expect(page.locator(".tile")).to_have_count(12)
    page.locator(".sheet").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    for _ in range(3):
        page.keyboard.press("1")
    page.keyboard.press("Escape")
    saved(page)
    assert sorted(path.name for path in (folder / "beech").glob("[0-9]*")) == ["00.png", "01.png", "02.png"]
    # A key, and at once the other one for the same picture.
    page.keyboard.press("1")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("2")
    saved(page)
    expect(page.locator(".status")).to_have_text("1 picture into cedar.")
    assert (folder / "cedar" / "03.png").exists()
    # Undone, and then the right key: it is the picture that came back.
    expect(page.locator(".tile")).to_have_count(8)
    page.keyboard.press("1")
    saved(page)
    expect(page.locator(".tile")).to_have_count(7)
    page.keyboard.press("Control+z")
    expect(page.locator(".tile")).to_have_count(8)
    page.keyboard.press("2")
    saved(page)
    assert (folder / "cedar" / "04.png").exists()
    # A class that comes by name before the others takes none of their keys.
    page.get_by_role("button", name="+ new class").click()
    page.get_by_label("Name of the new class").fill("ash")
    page.keyboard.press("Enter")
    saved(page)
    expect(page.get_by_title("Put into ash").locator("kbd")).to_have_text("3")
    page.keyboard.press("1")
    saved(page)
    assert (folder / "ash" / "05.png").exists()
    assert (folder / "beech" / "06.png").exists()
    assert asked == []
