"""Row 26 of the fault list: names of classes that are markup are words on every page, in the plots and in the download."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from pages.shared.ui.text import short
from tests.browser.conftest import PATIENCE
from tests.browser.test_label import open_folder
from tests.browser.test_walk import heading, press
from tests.pictures import noise
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
NAMES = [
    "<script>alert(1)<|script>",  # no folder can have a slash in its name
    "<img src=x onerror=alert(1)>",
    "<b>bold<|b> &amp; <a href='http:evil.example'>",
    "**md** [a](http:evil.example)",
    ":red[x] `c`",
    "$x^2$",
    "=HYPERLINK(1)",
]
EVALUATE = {
    "Numbers": "(true positives)",
    "Sure or not": "When should it say",
    "Why": "It reminds me of these",
    "Harder pictures": "Try harder pictures",
    "Compare": "There is nothing to compare with yet",
}
"""Each view, and words that stand there when it is whole."""

REPLACED = [":material_home:", ":smile:", "a -> b", "a <- b", "a -- b", "2 >= 1", "(c) x", "www.evil.example"]
"""Words that Streamlit puts a sign in the place of, even where each of their characters is escaped."""


def shown(page: Page, words: str, where: str = "body") -> None:
    """Waits until the words are there, as they are; a word joiner between them is not seen."""
    page.wait_for_function(
        """([where, words]) => [...document.querySelectorAll(where)]
            .some(one => one.textContent.replaceAll("\u2060", "").includes(words))""",
        arg=[where, words],
    )


def nothing_ran(page: Page, asked: list[str]) -> None:
    """The page is at rest, and none of the names became an element of it."""
    page.wait_for_load_state("networkidle")
    assert asked == []
    assert page.locator("img[src='x'], a[href*='evil'], .katex").count() == 0
    assert page.locator("script", has_text="alert(1)").count() == 0
    expect(page.get_by_role("heading").first).to_be_visible()


@pytest.mark.slow
def test_row_26_class_names_are_shown_literally(page: Page, asked: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "p"
    for number, name in enumerate(NAMES):
        (folder / name).mkdir(parents=True)
        for n in range(8):  # by chance: so it errs, and the mistakes are shown with both names
            noise(100 * number + n, (48, 48)).save(folder / name / f"{n} {NAMES[1]}.png")
    open_folder(page, folder)
    for name in NAMES:
        shown(page, f"{short(name)} · 8")
    expect(page.locator(".tile").first).to_be_visible(timeout=PATIENCE)
    nothing_ran(page, asked)
    press(page, "How to train")
    heading(page, "Configure")
    nothing_ran(page, asked)
    press(page, "Train")
    heading(page, "Train")
    expect(page.get_by_text("which it had never seen")).to_be_visible(timeout=PATIENCE)
    nothing_ran(page, asked)
    page.get_by_role("link", name="Its mistakes").click()  # what comes next depends on how many there are
    heading(page, "Evaluate")
    for name in NAMES:
        expect(page.get_by_role("button", name=f"All pictures of {name}: ")).to_be_visible(timeout=PATIENCE)
    nothing_ran(page, asked)
    for view, words in EVALUATE.items():
        page.get_by_role("radio", name=view, exact=True).click()
        expect(page.get_by_text(words).first).to_be_visible(timeout=PATIENCE)
        nothing_ran(page, asked)
    page.get_by_role("link", name="5 Test").click()
    heading(page, "Test")
    page.locator("input[type=file]").set_input_files(folder / NAMES[1] / f"0 {NAMES[1]}.png")
    expect(page.get_by_text("sure (confidence)")).to_be_visible(timeout=PATIENCE)
    shown(page, NAMES[1])
    nothing_ran(page, asked)
    page.get_by_role("link", name="Export").click()
    heading(page, "Export")
    press(page, "Prepare the download")
    download = page.get_by_role("button", name="Download (")
    expect(download).to_be_visible(timeout=PATIENCE)
    nothing_ran(page, asked)
    with page.expect_download() as waiting:
        download.click()
    waiting.value.save_as(tmp_path / "model.zip")
    with zipfile.ZipFile(tmp_path / "model.zip") as bundle:
        assert bundle.read("labels.txt").decode().splitlines() == sorted(NAMES)
        assert json.loads(bundle.read("fieldguide.json"))["classes"] == sorted(NAMES)


@pytest.mark.slow
def test_row_26_names_that_streamlit_would_replace(page: Page, asked: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "p"
    for number, name in enumerate(REPLACED):
        (folder / name).mkdir(parents=True)
        noise(number, (48, 48)).save(folder / name / "1.png")
    open_folder(page, folder)
    expect(page.locator(".tile").first).to_be_visible(timeout=PATIENCE)

    def missing() -> list[str]:
        pills = " ".join(page.get_by_role("radio").all_text_contents()).replace("\u2060", "")
        return [name for name in REPLACED if f"{name} · 1" not in pills]

    until(lambda: missing() == [])
    nothing_ran(page, asked)
