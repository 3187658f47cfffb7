"""Who is in which part, as Configure shows it and lets it be chosen."""

from __future__ import annotations

from pathlib import Path

from core import Project
from core.config.split import SplitConfig
from core.datasets.splits import make_split
from tests.core.datasets.test_layout import split_folder
from tests.core.datasets.test_splits import still
from tests.pages.test_pages import visit, words
from tests.pictures import COLOURS, flat_project, shaded

CONFIGURE = "pages/2_Configure.py"


def test_the_split_is_the_projects(tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "p", COLOURS, each=20)
    at = visit(CONFIGURE, folder)
    assert "42 to learn from, 9 to check with, 9 for the test" in words(at)
    at.slider(key=f"split test 0 {folder}").set_value(0.3)
    at.run()
    assert "33 to learn from, 9 to check with, 18 for the test" in words(at)
    assert Project.open(folder).division().config == SplitConfig(test=0.3, seed=0)
    at.button(key="recipe tutorial-cnn").click()
    at.run()
    assert not at.exception
    assert "33 to learn from, 9 to check with, 18 for the test" in words(at)  # a recipe has no split of its own ...
    next(toggle for toggle in at.toggle if "source" in toggle.label).set_value(True)
    at.run()
    assert "45 to learn from, 12 to check with, 3 for the test" in words(at)  # ... unless someone wants it
    assert Project.open(folder).division().config.test == 0.3


def test_under_sampling_says_what_is_left_to_learn_from(tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "p", COLOURS, each=20)
    for number in range(20):
        shaded(COLOURS["red"], 60 + number).save(folder / "red" / f"more {number}.png")
    at = visit(CONFIGURE, folder)
    assert "56 to learn from" in words(at)
    assert "under-sampling)" not in words(at)
    (sampling,) = [group for group in at.button_group if "under-sampling" in group.options]
    sampling.set_value("under-sampling").run()
    assert not at.exception
    assert "42 to learn from" in words(at)
    assert "14 pictures of the larger classes (under-sampling)" in words(at)


def test_ready_made_parts_are_used_or_dealt_anew(tmp_path: Path) -> None:
    folder = split_folder(tmp_path / "p", {"Training": 10, "Validation": 3, "Testing": 2})
    at = visit(CONFIGURE, folder)
    assert "30 to learn from, 9 to check with, 6 for the test" in words(at)
    assert "came split already" in words(at)
    at.toggle(key=f"split ready-made 0 {folder}").set_value(False)
    at.run()
    assert "33 to learn from, 6 to check with, 6 for the test" in words(at)
    assert "came split already" not in words(at)


def test_a_folder_without_parts_is_not_asked_about_them(tmp_path: Path) -> None:
    at = visit(CONFIGURE, flat_project(tmp_path / "p", COLOURS, each=4))
    assert not any("parts that the pictures came in" in toggle.label for toggle in at.toggle)
    assert "film" not in words(at).replace("frames of one film", "")


def test_classes_before_one_wall_can_train_and_are_told(tmp_path: Path) -> None:
    at = visit(CONFIGURE, still(tmp_path / "p", {"cup": 20, "pie": 20}))
    assert not next(button for button in at.button if button.label == "Train").disabled
    assert "look almost the same. It can train" in words(at).replace("\\", "")
    assert "Left out: 4 pictures between two pieces of a film." in words(at)


def test_what_stays_together_is_chosen(tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "p", COLOURS, each=12)
    at = visit(CONFIGURE, folder)
    at.selectbox(key=f"split together 0 {folder}").set_value("pattern")
    at.run()
    at.text_input(key=f"split pattern 0 {folder}").set_value("(")
    at.run()
    assert "not a regular expression" in words(at)
    at.text_input(key=f"split pattern 0 {folder}").set_value("/0(.)")
    at.run()
    assert not at.exception
    config = Project.open(folder).division().config
    assert (config.together, config.pattern) == ("pattern", "/0(.)")
    groups = make_split(Project.open(folder).scan(), config).groups
    assert groups["red/010.png"] == groups["blue/011.png"] != groups["red/000.png"]


def test_a_table_is_taken(tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "p", COLOURS, each=6)
    at = visit(CONFIGURE, folder)
    at.selectbox(key=f"split together 0 {folder}").set_value("table")
    at.run()
    table = "file,plant\n" + "".join(f"red/{n:03}.png,{n // 2}\n" for n in range(6))
    at.file_uploader(key="groups table").set_value([("t.csv", table.encode(), "text/csv")])
    at.run()
    next(button for button in at.button if button.label == "Take these groups").click()
    at.run()
    assert not at.exception
    assert "6 of 18 pictures have a group by a table." in words(at)


def test_what_another_tab_has_chosen_is_not_taken_back(tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "p", COLOURS, each=20)
    at = visit(CONFIGURE, folder)
    Project.open(folder).keep_split(SplitConfig(test=0.3))
    at.run()
    assert at.slider(key=f"split test 1 {folder}").value == 0.3
    at.slider(key=f"split validation 1 {folder}").set_value(0.2)
    at.run()
    assert Project.open(folder).division().config == SplitConfig(validation=0.2, test=0.3, seed=0)
