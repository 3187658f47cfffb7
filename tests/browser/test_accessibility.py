"""Every page for everybody: what axe-core finds in a hundred states, and where the keyboard and a screen reader are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from core import Project, Run
from core.quality.result import FROM_LABELS, Analysis, Suggestions, Suspect, fingerprint, write
from core.runs.predictions import probabilities
from core.system.tasks import queue
from tests.browser.accessibility import STREAMLITS, WIDE, Walk
from tests.browser.test_label import open_board, open_folder
from tests.browser.test_markup import EVALUATE
from tests.pictures import COLOURS, flat_project, noise_project, shaded
from tests.runs import copy_with, make_run, pictures_for

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]


@contextmanager
def somebody_computes(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever is begun meanwhile waits for its turn, and nothing on a page changes by itself."""
    monkeypatch.setenv("FIELDGUIDE_HOME", str(home))
    with queue.turn_lock():
        yield


def looked_at(project: Project) -> None:
    """Writes what a look at the pictures could have found: a wrong label, a map, look-alikes and suggestions."""
    catalogue = project.scan()
    pictures = {picture.id: picture.class_name for picture in catalogue.pictures}
    loose = tuple(id_ for id_, name in pictures.items() if name is None)
    classes = tuple(COLOURS)
    rows = np.full((len(loose), len(classes)), 0.1, np.float32)
    rows[np.arange(len(loose)), np.arange(len(loose)) % len(classes)] = 0.8
    wrong = next(picture for picture in catalogue.pictures if picture.class_name == "blue")
    write(
        project,
        Analysis(
            ids=tuple(pictures),
            labels=tuple(pictures.values()),
            xy=np.random.default_rng(0).random((len(pictures), 2), np.float32),
            map_method="PCA",
            suspects=(Suspect(wrong.id, "blue", "red", 0.01, likely=True),),
            groups=tuple(loose[start : start + 4] for start in range(0, len(loose), 4)),
            suggestions=Suggestions(FROM_LABELS, classes, loose, rows),
            judged={},
            fingerprint=fingerprint(catalogue, None, project.framing()),
        ),
    )


def go(page: Page, step: str) -> None:
    """Follows a link of the way: the page is the current one then, and the keyboard is at its heading."""
    link = page.get_by_role("navigation", name="Steps").get_by_role("link", name=re.compile(rf"^(\d )?{step}"))
    unfold(page)
    link.click()
    expect(page.get_by_role("heading", name=step, exact=True, level=1)).to_be_focused()
    expect(link).to_have_attribute("aria-current", "page")
    assert page.title().startswith(f"{step} - ")
    assert page.locator("h1").count() == 1


UNFOLDED = """() => {
    document.querySelector("[data-testid=stExpandSidebarButton]")?.click();
    const { dataset } = document.querySelector(".stSidebar");
    return dataset.collapsed === "false" && !document.querySelector("[data-testid=stSidebarContent]").inert;
}"""


def unfold(page: Page) -> None:
    """Brings back the side bar, which a narrow window has folded away, unless Streamlit did it by itself."""
    page.wait_for_function(UNFOLDED, polling=200)


def close(page: Page) -> None:
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def choose(page: Page, name: str, shows: Locator) -> None:
    """Chooses a view, and waits for what it shows."""
    page.get_by_role("radio", name=re.compile(rf"^{name}")).first.click()
    expect(shows.first).to_be_visible()


def unfold_all(page: Page) -> None:
    """Opens everything that is folded away on a page, one after the other."""
    folded = page.locator("main details:not([open]) > summary")
    for _ in range(folded.count()):
        folded.first.click()


def judge(walk: Walk, asked: list[str], fewest: int) -> None:
    assert walk.found == []
    assert walk.states >= fewest
    assert asked == []
    assert walk.known == set(range(len(STREAMLITS))), "an exception that no longer occurs"


def test_before_the_first_training(
    page: Page, asked: list[str], home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = Walk(page)
    walk.begin()
    walk_home(walk)
    walk_an_empty_project(walk, tmp_path / "empty")
    walk_pictures(walk, tmp_path / "p")
    go(page, "Configure")
    walk.look("Configure")
    page.get_by_text("Practise with changed copies").click()
    choose(page, "Own", page.get_by_text("Light and colour"))
    unfold_all(page)
    walk.look("Configure, everything open")
    with somebody_computes(home, monkeypatch):
        walk_training(walk)
    follow_on_a_phone(walk)
    page.goto(page.url.partition("/Pictures")[0])
    walk.look("Home, with projects")
    judge(walk, asked, fewest=60)


def walk_home(walk: Walk) -> None:
    walk.look("Home, new")
    walk.page.get_by_role("button", name="Look for it by clicking").click()
    expect(walk.page.get_by_role("dialog")).to_be_visible()
    walk.look("Home, looking for a folder")
    close(walk.page)


def walk_an_empty_project(walk: Walk, folder: Path) -> None:
    page = walk.page
    folder.mkdir()
    open_board(page, folder)
    expect(page.get_by_role("button", name="Switch the camera on")).to_be_visible()
    walk.look("Board, none yet")
    go(page, "Pictures")
    walk.look("Pictures, none yet")
    page.get_by_role("button", name="Drop pictures").click()
    ways = {
        "Files": page.get_by_text("Drop pictures, folders or a zip here"),
        "Folder or zip here": page.get_by_label("A folder, a zip, or a table"),
        "Webcam": page.get_by_role("button", name="Switch the camera on"),
        "Ready-made sets": page.get_by_role("button", name="Fetch"),
    }
    for way, shows in ways.items():
        choose(page, way, shows)
        walk.look(f"Add pictures, {way}")
    close(page)
    unfold(page)
    page.get_by_role("link", name="Fieldguide").click()


def walk_pictures(walk: Walk, folder: Path) -> None:
    page = walk.page
    project = Project.open(flat_project(folder, COLOURS, each=9))
    (folder / "red" / "copy.png").write_bytes((folder / "red" / "000.png").read_bytes())
    for number in range(12):
        shaded(list(COLOURS.values())[number % 3], 100 + number).save(folder / f"{number:02}.png")
    looked_at(project)
    open_folder(page, folder)
    expect(page.locator(".tile").first).to_be_visible()
    other = page.get_by_role("link", name="empty", exact=True)
    expect(other).to_be_hidden()
    page.get_by_title("Go to another project").click()
    expect(other).to_have_attribute("href", re.compile(r"^Board\?project=.*empty$"))
    walk.look("Pictures, Browse")
    page.locator(".tile").nth(3).click()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    walk.look("Pictures, one of them large")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Filter and sort").click()
    walk.look("Pictures, filters")
    page.keyboard.press("Escape")
    choose(page, "Label what is new", page.get_by_text("Suggested by"))
    walk.look("Pictures, suggestions")
    choose(page, "Look-alikes", page.get_by_text("that look alike"))
    walk.look("Pictures, look-alikes")
    choose(page, "Problems", page.get_by_text("The same picture 2 times"))
    walk.look("Pictures, Problems")
    choose(page, "Map", page.locator("canvas"))
    walk_the_map(page)
    walk.look("Pictures, Map")
    page.get_by_role("button", name="Classes", exact=True).click()
    page.get_by_role("dialog").get_by_text("History and bin").click()
    walk.look("Pictures, classes and trash")
    close(page)


def walk_training(walk: Walk) -> None:
    """Train before a training, while it waits and after it was stopped; what comes of it is read aloud."""
    page = walk.page
    go(page, "Train")
    walk.look("Train, before")
    unfold(page)
    way = page.get_by_role("navigation", name="Steps")
    way.get_by_role("link", name="3 Train").focus()
    page.keyboard.press("Shift+Tab")
    ringed = way.get_by_role("link", name="2 Configure")
    expect(ringed).to_be_focused()
    assert ringed.evaluate("(it) => getComputedStyle(it).outlineStyle") == "solid"
    later = way.get_by_role("link", name="4 Evaluate")
    expect(later).to_be_disabled()
    expect(later).to_have_attribute("title", "Train first.")
    page.get_by_role("button", name="Train", exact=True).click()
    bar, heard = page.get_by_role("progressbar", name="Waiting for its turn"), page.locator(".fg-heard")
    expect(bar).to_be_visible()
    expect(heard).to_have_text(re.compile("is under way|Waiting for its turn"))
    walk.look("Train, waiting")
    go(page, "Test")
    expect(bar).to_be_visible()
    walk.look("Test, while a training waits")
    go(page, "Train")
    page.get_by_role("button", name="Stop").click()
    expect(heard).to_have_text(re.compile("[Ss]topped"))
    walk.look("Train, stopped")


def follow_on_a_phone(walk: Walk) -> None:
    """On a phone the side bar lies over the page: it is folded away once a link of it was followed, also for the keyboard."""
    page = walk.page
    walk.narrow()
    unfold(page)
    page.get_by_role("navigation").get_by_role("link", name="1 Pictures").click()
    expect(page.get_by_role("heading", name="Pictures", exact=True, level=1)).to_be_focused()
    expect(page.get_by_test_id("stSidebar")).to_have_attribute("data-collapsed", "true")
    assert page.get_by_test_id("stSidebarContent").evaluate("(it) => it.inert")
    assert page.get_by_test_id("stSidebar").evaluate("(it) => getComputedStyle(it).transitionProperty") == "none"
    page.set_viewport_size(WIDE)


def walk_the_map(page: Page) -> None:
    """By keys alone: a picture is shown, chosen and let go again; then it and those near it."""
    told = page.locator(".told")
    page.locator("canvas").focus()
    page.keyboard.press("ArrowRight")
    expect(told).to_have_text(re.compile(r", picture 1 of \d+\. 0 chosen\.$"))
    page.keyboard.press("ArrowRight")
    expect(told).not_to_have_text(re.compile(r"picture 1 of"))
    page.keyboard.press("Space")
    expect(told).to_have_text(re.compile(r"Chosen\. 1 chosen\.$"))
    expect(page.get_by_text("1 picture chosen")).to_be_visible()
    page.locator("canvas").focus()
    page.keyboard.press("Escape")
    expect(told).to_have_text(re.compile(r"0 chosen\.$"))
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.locator(".tile").first).to_be_visible()


def test_after_a_training(
    page: Page, asked: list[str], trained: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = Walk(page)
    walk.begin()
    project = copy_with(trained, tmp_path / "p")
    records, plan = Run(project.runs_dir / trained.id).records, trained.records.plan()
    rows = {part: probabilities(records, part).copy() for part in ("val", "test")}
    rows["test"][:2] = np.roll(rows["test"][:2], 1, axis=1)  # so that there are mistakes
    records.write_predictions(rows)
    make_run(project, "another", classes=plan.classes, pictures=plan.pictures, created=1.0)
    (project.runs_dir / trained.id / "run.json").touch()  # it is the newest all the same
    open_folder(page, project.root)
    go(page, "Board")
    expect(page.get_by_role("heading", name="How it learned")).to_be_visible()
    page.get_by_role("button", name="Switch the camera on").click()
    expect(page.get_by_label("Keep this picture as")).to_be_visible()
    page.get_by_role("button", name="More for red").click()
    walk.look("Board, after")
    go(page, "Train")
    unfold_all(page)
    walk.look("Train, after")
    with somebody_computes(home, monkeypatch):  # so that Why asks at once what it can
        go(page, "Evaluate")
        for view, words in {"Mistakes": "All mistakes", **EVALUATE, "Compare": "Pictures that changed sides"}.items():
            choose(page, view, page.get_by_text(words))
            walk.look(f"Evaluate, {view}")
    go(page, "Test")
    expect(page.locator(".label")).not_to_have_text("\u2013")
    walk.look("Test, live")
    files = page.locator("input[type=file]").first
    files.set_input_files(project.root / "red" / "000.png")
    expect(page.get_by_text("sure (confidence)")).to_be_visible()
    walk.look("Test, one picture")
    files.set_input_files([project.root / "red" / "001.png", project.root / "blue" / "000.png"])
    expect(page.get_by_text("3 pictures")).to_be_visible()
    walk.look("Test, some pictures")
    page.get_by_role("button", name="Open a model file").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    walk.look("Test, a model file")
    close(page)
    go(page, "Export")
    walk.look("Export, of a training from elsewhere")
    page.get_by_role("button", name="I know who made it").click()
    page.get_by_role("button", name="Prepare the download").focus()
    walk.look("Export, before")
    page.get_by_role("button", name="Prepare the download").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Download (")).to_be_focused()
    walk.look("Export, after")
    walk_many_classes(walk, tmp_path / "many")
    judge(walk, asked, fewest=50)


def walk_many_classes(walk: Walk, folder: Path) -> None:
    """A matrix whose cells have no numbers in them, and classes that are chosen from a list."""
    page = walk.page
    noise_project(folder, 24, 1)
    names = sorted(path.name for path in folder.iterdir())
    make_run(Project.open(folder), "run", classes=names, pictures=pictures_for(names, test=24))
    page.goto(page.url.partition("/Export")[0])
    open_folder(page, folder)
    walk.look("Pictures, of many classes")
    go(page, "Evaluate")
    expect(page.get_by_role("button", name="All pictures of class 23")).to_be_visible()
    walk.look("Evaluate, many classes")
