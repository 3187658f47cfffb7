"""The board: from nothing to a model that answers to the camera, as a pupil does it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from core import Project
from tests.browser import room
from tests.browser.test_drop import drop
from tests.pictures import COLOURS, flat_project

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
CLICKS_ON_EXPORT = 2
"""From the page to the file, as the newcomer's walk has it."""
RECORDED = 1600  # milliseconds, some six pictures


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def card(page: Page, name: str) -> Locator:
    return page.get_by_role("article", name=name, exact=True)


def hold(page: Page, name: str) -> None:
    """Records a class for some time, by the mouse."""
    button = card(page, name).get_by_role("button", name=f"Hold to record {name}")
    button.hover()
    page.mouse.down()
    page.wait_for_timeout(RECORDED)
    expect(card(page, name).locator("img[src^=blob]")).not_to_have_count(0)  # what is taken is seen at once
    page.mouse.up()


def record_scenes(page: Page) -> None:
    """Three classes of the same still room."""
    page.get_by_role("button", name="Switch off").wait_for()
    for name, scene in zip(("Class 1", "Class 2", "Class 3"), room.SCENES, strict=True):
        room.show(page, scene)
        if name == "Class 3":
            press(page, "+ Add a class")
        hold(page, name)
    expect(card(page, "Class 3").locator(".status")).to_have_text("")


def go_by_the_bar_of_a_phone(page: Page) -> None:
    """To Pictures."""
    bar = page.get_by_role("navigation", name="Steps, at the lower edge")
    expect(bar).to_be_hidden()
    page.set_viewport_size({"width": 390, "height": 844})
    bar.get_by_role("link", name="Pictures").click()
    expect(page.get_by_role("heading", name="Pictures", level=1)).to_be_visible()
    expect(bar.get_by_role("link", name="Pictures")).to_have_attribute("aria-current", "page")


@pytest.mark.slow
def test_three_classes_by_webcam_answer_after_eight_clicks(page: Page, home: Path, asked: list[str]) -> None:
    room.furnish(page)
    page.reload()
    press(page, "Use the camera")
    record_scenes(page)
    press(page, "Train")
    expect(page.locator("#score")).to_contain_text("right")
    answer = page.locator(".panels .label")
    for name, scene in zip(("Class 1", "Class 2", "Class 3"), room.SCENES, strict=True):
        room.show(page, scene)
        expect(answer).to_have_text(name)
    assert room.clicks(page) <= 8

    press(page, "See how it learned")
    expect(page.get_by_role("heading", name="How it learned")).to_be_in_viewport()
    page.get_by_label("Keep this picture as").select_option("Class 2")
    expect(page.locator("#said")).to_have_text("1 picture saved in Class 2.")
    page.get_by_role("button", name="Undo: 1 picture added from the camera").click()
    expect(page.locator("#said")).to_contain_text("Undone")
    name = card(page, "Class 1").get_by_label("Name of this class")
    name.fill("cup")
    name.press("Enter")
    expect(card(page, "cup").locator("img")).not_to_have_count(0)
    name = card(page, "cup").get_by_label("Name of this class")
    name.fill("Class 2")  # there is one
    name.press("Enter")
    expect(page.locator("#said")).to_contain_text("There is a class")
    expect(name).to_have_value("cup")
    button = card(page, "cup").get_by_role("button", name="Hold to record cup")
    before = card(page, "cup").locator(".number").inner_text()
    button.focus()
    page.keyboard.down(" ")  # by the keyboard, too
    page.wait_for_timeout(600)
    page.keyboard.up(" ")
    expect(card(page, "cup").locator(".number")).not_to_have_text(before)
    press(page, "Why?")
    expect(page.get_by_role("dialog").get_by_role("img", name="speaks for")).to_be_visible()
    page.keyboard.press("Escape")
    project = Project.open(home / "My project")
    counts = project.scan().counts
    assert set(counts) == {"cup", "Class 2", "Class 3"}
    assert all(number >= 5 for number in counts.values())
    press(page, "More for Class 3")
    press(page, "Delete (can be undone)")
    expect(card(page, "Class 3")).to_have_count(0)
    page.get_by_role("button", name="Undo: Class 3 and all in it to the bin").click()
    expect(card(page, "Class 3")).to_be_visible()
    expect(page.get_by_role("button", name="Redo: Class 3 and all in it to the bin")).to_be_visible()
    go_by_the_bar_of_a_phone(page)
    assert asked == []


@pytest.mark.slow
def test_three_classes_by_upload_become_a_file_after_twelve_clicks(
    page: Page, asked: list[str], tmp_path: Path
) -> None:
    source = flat_project(tmp_path / "colours", COLOURS, each=6)
    room.furnish(page)
    page.reload()
    press(page, "Begin")
    expect(card(page, "Class 2")).to_be_visible()
    for number, name in enumerate(COLOURS, 1):
        if number == 3:
            press(page, "+ Add a class")
        title = card(page, f"Class {number}").get_by_label("Name of this class")
        if number == 3:
            expect(title).to_be_focused()
        else:
            title.click()
        page.keyboard.press("ControlOrMeta+A")
        page.keyboard.type(name)
        page.keyboard.press("Enter")
        with page.expect_file_chooser() as choosing:
            card(page, name).get_by_role("button", name=f"Choose files for {name}").click()
        choosing.value.set_files(sorted((source / name).iterdir()))
        expect(page.locator("#said")).to_have_text(f"6 pictures saved in {name}.")
    press(page, "Train")
    expect(page.locator("#score")).to_contain_text("right")
    press(page, "Download the model")
    expect(page.get_by_role("heading", name="Export", exact=True)).to_be_visible()
    assert room.clicks(page) + CLICKS_ON_EXPORT <= 12
    page.get_by_role("link", name="Board").click()
    more = flat_project(tmp_path / "more", {"pink": (250, 100, 180)}, each=2)
    drop(page, more, area=page.get_by_role("heading", name="Classes"))  # beside the cards: its folders are classes
    expect(card(page, "pink").get_by_text("2 pictures")).to_be_visible()
    drop(page, source / "red", area=card(page, "blue"))  # a folder on a card: its pictures come into that class
    expect(page.locator("#said")).to_have_text("6 pictures saved in blue.")
    two = flat_project(tmp_path / "two", {"violet": (120, 40, 200), "white": (240, 240, 240)}, each=2)
    drop(page, two / "violet", two / "white", area=card(page, "blue"))  # several on a card: each says what it is
    expect(card(page, "violet").get_by_text("2 pictures")).to_be_visible()
    expect(card(page, "white").get_by_text("2 pictures")).to_be_visible()
    notes = tmp_path / "notes.docx"
    notes.write_text("x")
    drop(page, notes, area=card(page, "blue"))
    expect(page.locator("#said")).to_contain_text("1 file not taken: notes.docx")
    assert asked == []
