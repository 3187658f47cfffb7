"""The Compare view and the harder pictures, by themselves; and what the Train page tells of earlier trainings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core import Project, Run, TrainConfig
from core.evaluation import robustness
from core.evaluation.corruptions import CHANGES
from core.evaluation.robustness import Outcome, Robustness
from core.runs import history
from core.runs.lifecycle import list_runs
from core.runs.notes import About, about, change
from core.runs.records import RunPicture, RunRecords
from core.system.tasks.processes import birth_of
from core.system.tasks.records import TaskState
from tests.pages.test_pages import visit
from tests.pictures import COLOURS, flat_project
from tests.runs import make_run

NASTY = "**b** <img src=x onerror=alert(1)> :red[x] $y$ =1+1"
CLASSES = tuple(COLOURS)


def alone() -> None:
    import streamlit as st

    from core import Project
    from core.runs.lifecycle import open_run
    from pages.shared.evaluate import compare, stress
    from pages.shared.ui.page import Here

    project = Project.open(st.session_state["folder"])
    run = open_run(st.session_state["looked at"]).snapshot()
    view = {"compare": compare, "stress": stress}[st.session_state["asked"]]
    view.show(Here(project, project.scan(), run), run)


def opened(run: Run, view: str = "compare") -> AppTest:
    at = AppTest.from_function(alone, default_timeout=60)
    at.session_state["folder"], at.session_state["looked at"] = str(run.folder.parents[2]), str(run.folder)
    at.session_state["asked"] = view
    return ran(at)


def ran(at: AppTest) -> AppTest:
    at.run()
    assert not at.exception, at.exception
    return at


def pressed(at: AppTest, button: Any) -> AppTest:
    button.click()
    return ran(at)


def words(at: AppTest) -> str:
    kinds: tuple[Any, ...] = (at.markdown, at.caption, at.error)
    return "\n".join(str(element.value) for kind in kinds for element in kind).replace("\\", "").replace("\u2060", "")


def labelled(at: AppTest, label: str) -> Any:
    return next(button for button in at.button if button.label == label)


def field(at: AppTest, kind: str, name: str) -> Any:
    return next(element for element in getattr(at, kind) if str(element.key).startswith(name))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.open(flat_project(tmp_path / "p", COLOURS, each=8))


@pytest.fixture
def pictures(project: Project) -> list[RunPicture]:
    """Five of each class are for the test."""
    parts = ["train", "train", "val", *["test"] * 5] * 3
    found = project.scan().pictures
    return [
        RunPicture(p.id, p.path, CLASSES.index(str(p.class_name)), part) for p, part in zip(found, parts, strict=True)
    ]


@pytest.fixture
def run(project: Project, pictures: list[RunPicture]) -> Run:
    """It takes all of the first and half of the second class for the third."""
    return make_run(project, "one", [2] * 8 + [1] * 2 + [2] * 5, classes=CLASSES, pictures=pictures)


@pytest.fixture
def better(project: Project, pictures: list[RunPicture], run: Run) -> Run:
    """A second one, with one mistake, where the first has none."""
    said = [0] * 5 + [1] * 5 + [2] * 4 + [0]
    return make_run(project, "two", said, classes=CLASSES, pictures=pictures, config=TrainConfig(epochs=7))


def test_with_one_training_it_says_what_will_be_here(run: Run) -> None:
    at = opened(run)
    assert "nothing to compare with yet" in words(at)
    assert len(at.dataframe[0].value) == 1
    assert field(at, "text_input", "name").value == ""
    assert [element.label for element in at.get("download_button")] == [
        "As a web page (HTML)", "As text (Markdown)", "All as a table (CSV)",
    ]  # fmt: skip
    assert not at.multiselect


def test_two_are_laid_beside_each_other(run: Run, better: Run) -> None:
    at = opened(run)
    assert at.multiselect[0].value == ["two"]
    assert "A is right on 1 picture where B is wrong, B on 8 where A is wrong: more than chance. B is better." in words(
        at
    )
    assert len(at.get("plotly_chart")) == 3
    assert at.dataframe[0].value.to_numpy().tolist() == [["Rounds (epochs)", "60", "7"]]
    sides = next(pills for pills in at.get("button_group") if "sides" in str(pills.key))
    assert sides.value == "only B is right, not A"
    assert len(at.get("image")) == 8
    sides.set_value("only A is right, not B").run()
    assert not at.exception
    assert len(at.get("image")) == 1


def test_three_are_laid_beside_each_other(project: Project, run: Run, better: Run, pictures: list[RunPicture]) -> None:
    make_run(project, "three", classes=CLASSES, pictures=pictures)
    at = opened(run)
    at.multiselect[0].set_value(["two", "three"])
    ran(at)
    said = words(at)
    assert "B on 8 where A is wrong" in said
    assert "A is right on 0 pictures where C is wrong, C on 8 where A is wrong: more than chance. C is better." in said
    assert len(at.get("plotly_chart")) == 4
    at.multiselect[0].set_value([])
    assert not ran(at).get("plotly_chart")


def test_a_name_notes_and_a_star_are_kept_and_shown_as_they_are(run: Run, better: Run) -> None:
    at = opened(run)
    field(at, "text_input", "name").set_value(NASTY)
    field(at, "text_area", "notes").set_value("=2+2")
    field(at, "toggle", "star").set_value(True)
    pressed(at, labelled(at, "Keep"))
    assert about(run) == About(NASTY, "=2+2", star=True)
    table = at.dataframe[-1].value
    assert "**b**" in " ".join(table["Training"])
    assert "'=2+2" in table["Notes"].tolist()
    assert field(at, "text_input", "name").value == NASTY
    at = opened(better)
    assert at.multiselect[0].options == [f"★ {NASTY}"]


def test_what_another_tab_wrote_meanwhile_is_not_lost(run: Run) -> None:
    at = opened(run)
    change(run, About(), notes="theirs")
    field(at, "text_area", "notes").set_value("mine")
    pressed(at, labelled(at, "Keep"))
    assert about(run).notes == "theirs"
    assert "Someone else has changed the notes" in words(at)
    assert "theirs" in words(at)
    assert field(at, "text_area", "notes").value == "mine"
    pressed(at, labelled(at, "Keep"))
    assert about(run).notes == "mine"


def test_a_training_is_deleted_and_comes_back(project: Project, run: Run, better: Run) -> None:
    at = opened(run)
    field(at, "selectbox", "chosen").set_value("two")
    ran(at)
    assert "goes to the bin, with its model" in words(at)
    pressed(at, at.button(key="delete two"))
    assert [one.id for one in list_runs(project)] == ["one"]
    assert "nothing to compare with yet" in words(at)
    pressed(at, at.button(key="undo last"))
    assert {one.id for one in list_runs(project)} == {"one", "two"}
    assert at.multiselect[0].options
    assert not [button for button in at.button if button.key == "undo last"]


def test_one_that_is_under_way_cannot_be_deleted(run: Run, better: Run) -> None:
    better.records.write_state(TaskState("running", "fit", pid=os.getpid(), born=birth_of(os.getpid())))
    at = opened(run)
    field(at, "selectbox", "chosen").set_value("two")
    ran(at)
    assert "It is under way: stop it first" in words(at)
    assert not [button for button in at.button if button.key == "delete two"]


def test_one_that_was_deleted_in_another_tab_is_no_error(project: Project, run: Run, better: Run) -> None:
    at = opened(run)
    field(at, "selectbox", "chosen").set_value("two")
    ran(at)
    history.delete(project, better)
    field(at, "text_input", "name").set_value("too late")
    pressed(at, labelled(at, "Keep"))
    assert "nothing to compare with yet" in words(at)
    assert not better.folder.exists()


def test_damaged_records_are_named_and_the_rest_is_there(project: Project, run: Run, better: Run) -> None:
    make_run(project, "bad", classes=CLASSES)
    (project.runs_dir / "bad" / "run.json").write_text("{")
    (better.folder / "predictions.npz").write_bytes(b"PK")
    at = opened(run)
    assert "The training two has no predictions." in words(at)
    assert "The record of the training bad is damaged." in at.dataframe[-1].value["State"].tolist()
    field(at, "selectbox", "chosen").set_value("bad")
    ran(at)
    assert at.button(key="delete bad")


def test_pictures_that_are_gone_are_counted(project: Project, run: Run, better: Run) -> None:
    for path in (project.root / "blue").glob("*.png"):
        path.unlink()
    at = opened(run)
    assert "5 pictures no longer in the folder" in words(at)
    assert len(at.get("image")) == 3


def kept(run: Run, state: TaskState, found: Robustness | None = None) -> None:
    """What the process that tries harder pictures would have left."""
    run.records.tflite.write_bytes(b"x")
    RunRecords(robustness.folder_of(run)).folder.mkdir()
    RunRecords(robustness.folder_of(run)).write_state(state)
    if found:
        robustness.write(run, found)


def test_harder_pictures_say_what_costs_most(run: Run) -> None:
    outcomes = tuple(Outcome(one, 90, 4, 0) for one in CHANGES[:-1])
    kept(
        run,
        TaskState("done", "", ended=True),
        Robustness(200, 900, 190, (*outcomes, Outcome(CHANGES[-1], 60, 130, 0)), 20),
    )
    at = opened(run, "stress")
    said = words(at)
    assert "Turned by 90 degrees it is right on only 30 % instead of 95 %" in said
    assert "200 of the 900 test pictures (at most 200, evenly over the classes)" in said
    assert at.dataframe[0].value["right"].tolist()[0] == 0.95
    assert len(at.get("plotly_chart")) == 1
    assert len(at.get("image")) == 8


def test_harder_pictures_under_way_can_be_stopped(run: Run) -> None:
    mine = {"pid": os.getpid(), "born": birth_of(os.getpid())}
    kept(run, TaskState("running", "trying harder pictures", 3, 9, **mine))
    at = opened(run, "stress")
    pressed(at, at.button(key="stop harder"))
    assert robustness.task(run).records.stop_asked()
    assert at.button(key="stop harder").disabled


def test_harder_pictures_that_failed_can_be_tried_again(run: Run) -> None:
    kept(run, TaskState("failed", "", ended=True, message="Out of memory.", hint="Close something."))
    at = opened(run, "stress")
    assert "Out of memory." in words(at)
    assert at.button(key="start harder").label == "Try harder pictures"
    run.records.tflite.unlink()
    assert "no model file" in words(ran(at))


def test_the_train_page_shows_names_and_stars_and_leads_to_compare(project: Project, run: Run, better: Run) -> None:
    change(run, About(), name=NASTY, star=True)
    at = visit("pages/3_Train.py", project.root)
    links = [(link.proto.label.replace("\\", "").replace("\u2060", ""), link.proto) for link in at.get("page_link")]
    (starred,) = [proto for label, proto in links if NASTY in label]
    assert starred.icon == ":material/star:"
    (beside,) = [proto for label, proto in links if "side by side" in label]
    assert "view=Compare" in beside.query_string
