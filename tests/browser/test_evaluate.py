"""From a cell of the confusion matrix to its pictures, to a label put right, and to a training that shows the change."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core import Project, TrainConfig, train
from core.datasets.splits import make_split
from tests.browser.conftest import PATIENCE
from tests.browser.test_label import open_folder, saved
from tests.pictures import COLOURS, flat_project, shaded

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
CONFIG = TrainConfig()


def with_wrong_labels(folder: Path, wanted: int) -> Path:
    """Three colours, where some red pictures that are for the test lie in the folder of the blue ones."""
    flat_project(folder, COLOURS, each=16)
    project = Project.open(folder)
    for number in range(100, 160):
        path = folder / "blue" / f"wrong-{number}.png"
        shaded(COLOURS["red"], number).save(path)
        split = make_split(project.scan(), CONFIG.split, CONFIG.seed)
        wrong = {part: sum("wrong" in p.path for p in split.part(part)) for part in ("train", "val", "test")}
        if wrong["train"] or wrong["val"]:
            path.unlink()
        elif wrong["test"] == wanted:
            return folder
    raise AssertionError("no pictures fell into the test part")


def evaluate(page: Page) -> None:
    page.get_by_role("link", name="4 Evaluate").click()
    expect(page.get_by_role("button", name=re.compile("^blue, right"))).to_be_visible(timeout=PATIENCE)


def cell(page: Page, count: int) -> None:
    name = re.compile(rf"^blue, taken for red: {count} of ")
    expect(page.get_by_role("button", name=name)).to_be_visible(timeout=PATIENCE)


@pytest.mark.slow
def test_a_cell_of_the_matrix_leads_to_a_better_label(page: Page, asked: list[str], home: Path, tmp_path: Path) -> None:
    folder = with_wrong_labels(tmp_path / "p", 2)
    train(Project.open(folder), CONFIG)
    open_folder(page, folder)
    page.get_by_role("link", name="3 Train").click()
    cell(page, 2)
    page.get_by_role("button", name=re.compile("^blue, taken for red")).click()  # leads to Evaluate
    tiles = page.locator(".tile")
    expect(page.get_by_text("blue, taken for red · 2")).to_be_visible(timeout=PATIENCE)
    expect(tiles).to_have_count(2)
    tiles.first.click()
    page.get_by_title("Put into red").first.click()
    saved(page)
    expect(page.get_by_text("1 label changed since this training")).to_be_visible(timeout=PATIENCE)
    assert len(list((folder / "red").glob("wrong-*"))) == 1
    page.get_by_role("button", name=re.compile("^Undo")).click()
    expect(page.get_by_text("changed since this training")).to_have_count(0)
    assert not list((folder / "red").glob("wrong-*"))

    # By keyboard alone: back to the matrix, to another cell and back, its pictures, a label, undone, given again.
    page.get_by_role("button", name=re.compile("^blue, taken for red")).focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("button", name=re.compile("^blue, taken for red"))).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("All mistakes · 2")).to_be_visible(timeout=PATIENCE)
    page.keyboard.press("Enter")
    expect(page.get_by_text("blue, taken for red · 2")).to_be_visible(timeout=PATIENCE)
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.shadowRoot?.activeElement?.className ?? ''").find("sheet") >= 0:
            break
    page.keyboard.press("Home")
    page.keyboard.press("3")
    saved(page)
    page.keyboard.press("Control+z")
    saved(page)
    assert not list((folder / "red").glob("wrong-*"))
    page.keyboard.press("Home")
    page.keyboard.press("3")
    page.keyboard.press("3")
    saved(page)
    expect(page.get_by_text("2 labels changed since this training")).to_be_visible(timeout=PATIENCE)
    assert len(list((folder / "red").glob("wrong-*"))) == 2

    page.get_by_role("button", name="Train again with them").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("which it had never seen")).to_be_visible(timeout=PATIENCE)
    evaluate(page)
    cell(page, 0)
    assert asked == []
