"""Each page without a browser: what it says with nothing, with pictures, and with a trained model."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core import Project, Run
from core.config.recipes import all_recipes, get_recipe, recipe_file
from core.datasets import importing, labels
from core.datasets.edit_journal import HIDDEN
from core.datasets.opened import open_project, opened
from core.quality import analysis
from tests.pictures import COLOURS, encoded, flat_project, shaded

ROOT = Path(__file__).parents[2]
PAGES = sorted(str(page.relative_to(ROOT)) for page in (ROOT / "pages").glob("*.py"))


def visit(page: str, project: Path | None = None, **params: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    if project:
        if project.is_dir():
            open_project(project)
        at.query_params["project"] = str(project)
    for name, value in params.items():
        at.query_params[name] = value
    at.run()
    if page != "app.py":
        at.switch_page(page).run()
    assert not at.exception, at.exception
    return at


def words(at: AppTest) -> str:
    kinds: tuple[Any, ...] = (at.title, at.markdown, at.caption, at.info, at.error, at.success, at.warning)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def button(at: AppTest, label: str) -> Any:
    return next(b for b in at.button if b.label == label)


@pytest.mark.parametrize("page", PAGES)
def test_without_a_project_every_page_leads_home(page: str) -> None:
    assert "No project is open" in words(visit(page))


@pytest.mark.parametrize("page", PAGES)
def test_a_project_that_is_gone_leads_home(page: str, tmp_path: Path) -> None:
    said = words(visit(page, tmp_path / "gone")).replace("\\", "")
    assert f"There is no folder {tmp_path / 'gone'}" in said


def test_a_link_makes_no_project_of_a_folder_that_was_never_opened(tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "private", COLOURS, each=4)
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    at.query_params["project"] = str(folder)
    at.query_params["view"] = "Map"
    at.run()
    for page in ("app.py", *PAGES):
        at.switch_page(page).run()
        assert "Open this folder?" in words(at)
        assert str(folder) in words(at).replace("\\", "")
    assert not (folder / HIDDEN).exists()
    assert str(folder) not in opened()
    button(at, "Open this folder").click().run()
    assert not at.exception
    assert (folder / HIDDEN).is_dir()
    assert str(folder) in opened()


@pytest.mark.parametrize(
    "name",
    [
        "relative/folder",
        ".",
        "~",
        "/tmp/\0x",
        "/" + "a" * 5000,
        "/etc/passwd",
        "/dev/zero",
        "<img src=x onerror=alert(1)>",
    ],
)
def test_an_address_that_names_no_folder_is_a_sentence(name: str) -> None:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    at.query_params["project"] = name
    at.run()
    assert not at.exception
    assert "There is no folder" in words(at)


def test_a_stick_that_is_not_there_does_not_become_an_empty_project(tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "stick", COLOURS, each=4)
    visit("pages/1_Pictures.py", folder)
    folder.rename(tmp_path / "elsewhere")
    folder.mkdir()
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    at.query_params["project"] = str(folder)
    at.run()
    assert "What Fieldguide knew of it is not there any more" in words(at)
    assert not (folder / HIDDEN).exists()
    folder.rmdir()
    (tmp_path / "elsewhere").rename(folder)
    assert "Open this folder?" not in words(at.run())


@pytest.mark.parametrize("page", PAGES[4:])
def test_without_a_model_the_later_pages_say_what_comes_first(page: str, tmp_path: Path) -> None:
    at = visit(page, flat_project(tmp_path / "p", COLOURS, each=4))
    assert "train first" in words(at).lower()
    assert button(at, "Go to Train")


def typed(at: AppTest, key: str, words: str, pressed: str) -> None:
    """Types into a field, and presses the button of its form."""
    at.text_input(key=key).set_value(words)
    at.button(key=f"FormSubmitter:{pressed}").click()
    at.run()


def test_home_opens_a_folder_and_remembers_it(own_home: Path, tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "mine", COLOURS, each=4)
    at = visit("app.py")
    assert "Teach a computer" in words(at)
    typed(at, "folder", str(folder), "open a folder-Open")
    assert not at.exception
    assert at.session_state["project"] == str(folder)
    again = visit("app.py")
    assert "mine" in words(again)


def test_home_begins_an_empty_project(own_home: Path) -> None:
    at = visit("app.py")
    typed(at, "new project name", "birds", "new project-Begin")
    assert not at.exception
    assert at.session_state["project"] == str(own_home / "birds")
    again = visit("app.py")
    typed(again, "new project name", "birds", "new project-Begin")
    assert "There is a project birds already" in words(again)


def test_home_says_what_is_wrong_with_a_folder(own_home: Path) -> None:
    at = visit("app.py")
    typed(at, "folder", "/no/such/folder", "open a folder-Open")
    assert "There is no folder" in words(at).replace("\\", "")


def test_pictures_tells_counts_and_what_was_left_out(tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "p", COLOURS, each=12)
    (folder / "red" / "bad.jpg").write_text("x")
    at = visit("pages/1_Pictures.py", folder)
    assert "36 pictures in 3 classes" in words(at)
    see(at, folder, "Problems")
    assert "red/bad.jpg - not a picture" in words(at).replace("\\", "")


def test_pictures_says_what_is_missing(tmp_path: Path) -> None:
    at = visit("pages/1_Pictures.py", flat_project(tmp_path / "p", {"red": (200, 0, 0)}, each=5))
    assert "only one class" in words(at)
    assert not [b for b in at.button if b.label.startswith("Next")]


def test_classes_that_are_set_aside_are_counted_apart(tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "p", COLOURS, each=12)
    labels.set_aside(Project.open(folder), "red", aside=True)
    shaded(COLOURS["green"], 1).save(folder / "green" / "copy.png")
    at = visit("pages/1_Pictures.py", folder)
    assert "25 pictures in 2 classes. 12 more pictures in classes that are set aside." in words(at)
    at.switch_page("pages/2_Configure.py").run()
    assert "Left out: 1 copy." in words(at)
    other = flat_project(tmp_path / "q", COLOURS, each=12)
    for name in ("red", "green"):
        labels.set_aside(Project.open(other), name, aside=True)
    assert "All classes but blue are set aside" in words(visit("pages/1_Pictures.py", other))


def test_the_report_of_an_import_goes_when_it_is_undone_or_another_project_is_open(tmp_path: Path) -> None:
    folder, other = (flat_project(tmp_path / name, COLOURS, each=12) for name in ("p", "q"))
    project = Project.open(folder)
    plan = importing.from_pictures([("new.png", encoded(shaded(COLOURS["red"], 90), "PNG"))]).into("red")
    report = importing.take(project, plan)

    def told(project: Project) -> AppTest:
        at = visit("pages/1_Pictures.py", folder)
        at.session_state["report"] = [
            [str(folder), project.journal.history(1)],
            [[row.name, row.outcome, row.reason, row.path] for row in report.rows],
        ]
        return at.run()

    at = told(project)
    assert "1 picture added" in words(at)
    labels.undo(project)
    assert "1 picture added" not in words(at.run())
    at = told(project)
    Project.open(other)
    at.query_params["project"] = str(other)
    assert "1 picture added" not in words(at.run())


def test_an_empty_folder_offers_the_ways_to_begin(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    at = visit("pages/1_Pictures.py", tmp_path / "empty")
    assert {"Drop pictures", "Use the webcam", "Take a folder"} <= {b.label for b in at.button}


def see(at: AppTest, folder: Path, view: str) -> None:
    """Chooses a view of the Pictures page, and waits for the look at all pictures if the view needs one."""
    at.button_group(key="view").set_value(view).run()
    project = Project.open(folder)
    while (now := analysis.task(project).state()) and not now.ended:
        time.sleep(0.1)
    at.run()
    assert not at.exception, at.exception


def test_the_views_of_pictures_without_a_class(tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "p", COLOURS, each=8)
    for number in range(9):
        shaded(list(COLOURS.values())[number % 3], 50 + number).save(folder / f"{number}.png")
    shaded(COLOURS["red"], 0).save(folder / "red" / "copy.png")
    at = visit("pages/1_Pictures.py", folder)
    see(at, folder, "Label what is new")
    assert "Suggested by what you labelled so far" in words(at)
    at.selectbox(key="suggested").set_value("red").run()
    accept = next(b for b in at.button if b.label.startswith("Accept"))
    assert accept.label == "Accept 3 suggestions"
    accept.click().run()
    assert not at.exception, at.exception
    assert len(list((folder / "red").glob("*.png"))) == 12
    assert len(list(folder.glob("*.png"))) == 6
    see(at, folder, "Problems")
    assert "would be better with more pictures" in " ".join(e.label for e in at.expander)
    see(at, folder, "Map")
    assert "look alike lie close together" in words(at)


def test_configure_keeps_what_was_chosen(tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "p", COLOURS, each=12)
    at = visit("pages/2_Configure.py", folder)
    unchanged = len(at.get("image"))
    next(b for b in at.button_group if "augmentation level" in (b.key or "")).set_value("light")
    at.run()
    assert not at.exception
    assert len(at.get("image")) == unchanged + 9
    next(n for n in at.number_input if "epochs" in n.label).set_value(7)
    at.run()
    draft = (folder / HIDDEN / "draft.json").read_text()
    assert '"flip": "horizontal"' in draft
    assert '"epochs": 7' in draft
    assert "up to 7 rounds" in words(visit("pages/2_Configure.py", folder))


def test_a_recipe_fills_the_form(tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "p", COLOURS, each=12)
    at = visit("pages/2_Configure.py", folder)
    at.button(key="recipe tutorial-cnn-improved").click()
    at.run()
    assert not at.exception
    assert re.search("improved: .*, up to 15 rounds", words(at))
    assert next(b for b in at.button_group if "augmentation level" in (b.key or "")).value == "own"
    assert next(b for b in at.slider if "rotation" in b.label).value == 0.1
    next(n for n in at.number_input if "epochs" in n.label).set_value(3)
    at.run()
    assert re.search("improved, changed: .*, up to 3 rounds", words(at))
    next(b for b in at.button if "own settings" in b.label).click()
    at.run()
    assert re.search("improved: .*, up to 15 rounds", words(at))


def test_settings_are_saved_as_a_recipe_downloaded_and_loaded(tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "p", COLOURS, each=12)
    at = visit("pages/2_Configure.py", folder)
    next(n for n in at.number_input if "epochs" in n.label).set_value(4)
    at.text_input(key="recipe title").set_value("*Mine* & yours")
    next(b for b in at.button if b.label == "Save").click()
    at.run()
    assert not at.exception
    saved = get_recipe("mine-yours")
    assert (saved.title, saved.config.epochs) == ("*Mine* & yours", 4)
    at.button(key="recipe mine-yours").click()
    at.run()
    assert re.search("yours: .*, up to 4 rounds", words(at))
    at.file_uploader[0].set_value([("broken.json", b'{"config": 1}', "application/json")])
    at.run()
    assert "not a recipe" in words(at)
    at.file_uploader[0].set_value([("quick.json", recipe_file(get_recipe("quick")), "application/json")])
    at.run()
    assert get_recipe("quick-loaded").config == get_recipe("quick").config.model_copy(update={"recipe": "quick-loaded"})
    at.button(key="forget mine-yours").click()
    at.run()
    assert "mine-yours" not in all_recipes()


def test_split_that_leaves_nothing_is_a_sentence(tmp_path: Path) -> None:
    at = visit("pages/2_Configure.py", flat_project(tmp_path / "p", COLOURS, each=12))
    for slider in at.slider[:2]:
        slider.set_value(0.5)
    at.run()
    assert not at.exception
    assert next(b for b in at.button if b.label == "Train").disabled
    assert "something is left to learn from" in words(at).replace("\\", "")


def test_train_shows_the_result_in_words(trained: Run, colours: Path) -> None:
    at = visit("pages/3_Train.py", colours, run=trained.id)
    result = trained.records.result()
    assert result
    assert f"{result.test.right} of {result.test.total} right" in words(at)
    assert result.diagnosis[:20] in words(at).replace("\\", "")


def test_a_run_that_failed_says_why(tmp_path: Path, trained: Run) -> None:
    import shutil

    from core.system.tasks.records import TaskState

    folder = flat_project(tmp_path / "p", COLOURS, each=4)
    Project.open(folder)
    copy = folder / HIDDEN / "runs" / "failed"
    shutil.copytree(trained.folder, copy)
    run = Run(copy)
    (copy / "result.json").unlink()
    run.records.write_state(TaskState("failed", "", ended=True, message="Out of memory.", hint="Try a smaller batch."))
    said = words(visit("pages/3_Train.py", folder)).replace("\\", "")
    assert "Out of memory." in said
    assert "Try a smaller batch." in said


def test_evaluate_and_export_open_with_a_model(trained: Run, colours: Path) -> None:
    assert "on the test part" in words(visit("pages/4_Evaluate.py", colours, run=trained.id))
    assert "Where will it run?" in words(visit("pages/6_Export.py", colours, run=trained.id))


def test_a_picture_is_answered_and_a_bad_one_explained(trained: Run, colours: Path) -> None:
    at = visit("pages/5_Test.py", colours, run=trained.id)
    good = (colours / "red" / "000.png").read_bytes()
    at.file_uploader(key="files").set_value([("red.png", good, "image/png"), ("bad.jpg", b"x", "image/jpeg")])
    at.run()
    assert not at.exception
    said = words(at).replace("\\", "")
    assert "## red" in said
    assert "bad.jpg could not be read: not a picture" in said


NASTY = [
    "<script>alert(1)</script>".replace("/", "|"),
    "<img src=x onerror=alert(1)>",
    "**md**",
    ":red[x]",
    "$x$",
    "# head",
]


def test_strange_class_names_are_shown_as_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    for number, name in enumerate(NASTY):
        (folder / name).mkdir(parents=True)
        for n in range(4):
            shaded((40 * number, 90, 200 - 30 * number), n).save(folder / name / f"{n}.png")
    at = visit("pages/1_Pictures.py", folder)
    options = at.pills[0].options if hasattr(at, "pills") else at.button_group[0].options
    shown = " ".join(str(getattr(option, "content", option)) for option in options).replace("\u2060", "")
    for name in NASTY:
        escaped = "".join(f"\\{c}" if c in "\\`*_{}[]()<>#+-.!|~:$^&" else c for c in name)
        assert escaped in shown
    visit("pages/2_Configure.py", folder)


def test_a_dialog_stays_open_when_its_page_is_drawn_anew_and_closes_with_the_page(colours: Path) -> None:
    at = visit("pages/1_Pictures.py", colours)
    assert not any(b.label == "Make it" for b in at.button)
    button(at, "Classes").click().run()
    assert button(at.run(), "Make it")
    at.switch_page("pages/2_Configure.py").run()
    at.switch_page("pages/1_Pictures.py").run()
    assert not any(b.label == "Make it" for b in at.button)


def test_a_folder_is_looked_for_by_clicking_where_a_path_is_asked_for(
    colours: Path, trained: Run, tmp_path: Path
) -> None:
    (tmp_path / "new ones").mkdir()
    for page, field in (("pages/5_Test.py", "test folder"), ("pages/1_Pictures.py", "place")):
        at = visit(page, colours, run=trained.id)
        at.session_state["looking_in"] = str(tmp_path)
        if field == "place":
            at.session_state["add from"] = "Folder or zip here"
            button(at, "Add pictures").click()
        at.run()
        at.button(key=f"for {field} into {tmp_path / 'new ones'}").click().run()
        at.button(key=f"take for {field}").click().run()
        assert not at.exception
        assert at.text_input(key=field).value == str(tmp_path / "new ones")
        assert "There are no pictures in" in words(at)
