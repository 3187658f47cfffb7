"""All trainings in one table, what a person adds to one, and deleting one."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest

from core import Project, Run, TrainConfig
from core.datasets import labels
from core.datasets.edit_journal import TRASH
from core.runs import history
from core.runs.lifecycle import list_runs
from core.runs.notes import MAX_NAME, MAX_NOTES, About, about, change, title
from core.runs.records import RunRecords
from core.system import storage
from core.system.errors import ProjectError, RunError
from core.system.statistics import wilson
from core.system.tasks.processes import birth_of
from core.system.tasks.records import TaskState
from tests.runs import make_run, picture, pictures_for

NASTY = '=HYPERLINK("x")|**b** <img src=x onerror=alert(1)> 👩‍🌾'


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "p").mkdir()
    return Project.open(tmp_path / "p")


@pytest.fixture
def run(project: Project) -> Run:
    return make_run(project, "one", [0, 1] * 4 + [1, 1])


def older(run: Run) -> None:
    """Makes its record an hour older, as that of a training that began before the others."""
    status = (run.folder / "run.json").stat()
    os.utime(run.folder / "run.json", (status.st_atime - 3600, status.st_mtime - 3600))


def test_a_row_has_the_numbers_of_the_result(project: Project, run: Run) -> None:
    (row,) = history.history(project)
    result = run.records.result()
    assert result
    assert (row.id, row.state, row.classes, row.pictures, row.seconds) == ("one", "done", 2, 20, 12.5)
    assert (row.right, row.total, row.accuracy) == (9, 10, 0.9)
    assert (row.low, row.high) == wilson(9, 10)
    assert (row.log_loss, row.macro_f1) == (result.test.log_loss, result.test.macro_f1)
    assert row.val_accuracy == 1
    assert (row.recipe, row.backbone, row.created) == ("Quick", "efficientnet-lite0", 1_800_000_000.0)


def test_the_newest_is_first_and_titles_are_told_apart(project: Project, run: Run) -> None:
    older(run)
    make_run(project, "two")
    rows = history.history(project)
    assert [row.id for row in rows] == ["two", "one"]
    assert rows[0].title == f"{rows[1].title} (2)"
    change(rows[0].run, rows[0].about, name="After the rain")
    assert [row.title for row in history.history(project)] == ["After the rain", rows[1].title]
    change(rows[0].run, about(rows[0].run), name="")
    change(rows[1].run, rows[1].about, name="After the rain")
    assert [row.title for row in history.history(project)] == [rows[0].title, "After the rain"]
    change(rows[0].run, about(rows[0].run), name="After the rain")
    assert [row.title for row in history.history(project)] == ["After the rain (2)", "After the rain"]


def test_what_differs_from_the_recipe_is_told(project: Project) -> None:
    make_run(project, "own", config=TrainConfig(epochs=7, augment={"flip": "horizontal"}))
    (row,) = history.history(project)
    assert [str(one) for one in row.differs] == ["epochs: 60 -> 7", "augment.flip: off -> horizontal"]


def test_the_numbers_follow_when_a_training_ends(project: Project, run: Run) -> None:
    result = run.records.result()
    assert result
    (run.folder / "result.json").unlink()
    assert history.history(project)[0].accuracy is None
    run.records.write_result(result)
    assert history.history(project)[0].accuracy == 0.9


def test_the_list_of_pictures_is_not_read(project: Project) -> None:
    nasty = ['"part": "train"', '\n "pictures": [\n', "\n ]"]
    pictures = [picture(n, n % 3, part, nasty) for n, part in enumerate(["train"] * 5 + ["val"] * 3 + ["test"] * 3)]
    run = make_run(project, "nasty", classes=nasty, pictures=pictures)
    (run.folder / "pictures.json").write_text("damaged")
    (row,) = history.history(project)
    assert (row.classes, row.pictures, row.problem) == (3, 11, "")


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"schema": 1}', '{"schema": 1, "config": 3}'])
def test_damaged_records_do_not_hide_the_others(project: Project, run: Run, content: str) -> None:
    for name in ("bad", "worse"):
        make_run(project, name)
    (project.runs_dir / "bad" / "run.json").write_text(content)
    (project.runs_dir / "worse" / "result.json").write_text(content)
    (project.runs_dir / "worse" / "state.json").write_text(content)
    (project.runs_dir / "worse" / "about.json").write_text(content)
    rows = {row.id: row for row in history.history(project)}
    assert "damaged" in rows["bad"].problem or "another version" in rows["bad"].problem
    assert rows["bad"].title == "bad"
    assert (rows["worse"].accuracy, rows["worse"].state) == (None, "failed")
    assert rows["one"].accuracy == 0.9
    assert len(list(csv.reader(io.StringIO(history.as_csv(list(rows.values())))))) == 4


def test_a_record_of_another_version_says_so(project: Project, run: Run) -> None:
    values = json.loads((run.folder / "run.json").read_text())
    (run.folder / "run.json").write_text(json.dumps(values | {"schema": 99}, indent=1))
    assert "another version" in history.history(project)[0].problem


def test_a_result_without_some_numbers_is_no_error(project: Project, run: Run) -> None:
    result = storage.read_json(run.folder / "result.json")
    storage.write_json(run.folder / "result.json", result | {"test": {"right": 3}})
    assert history.history(project)[0].accuracy is None


def test_names_notes_and_stars_are_kept(run: Run) -> None:
    change(run, About(), name=f"  {NASTY}\n ", notes="first\nsecond\u202e\x00", star=True)
    assert about(run) == About(NASTY, "first\nsecond", star=True)
    assert title(run.records.plan(), about(run)) == NASTY
    change(run, about(run), name="")
    assert about(run).name == ""
    assert about(run).star


def test_what_is_too_long_is_refused_and_nothing_changes(run: Run) -> None:
    with pytest.raises(RunError, match="name would be longer"):
        change(run, About(), name="x" * (MAX_NAME + 1), star=True)
    with pytest.raises(RunError, match="notes would be longer"):
        change(run, About(), notes="x" * (MAX_NOTES + 1))
    assert about(run) == About()
    storage.write_json(run.folder / "about.json", {"name": "x" * 999, "notes": 5, "star": "yes"})
    assert about(run) == About("x" * MAX_NAME)


def test_two_tabs_do_not_undo_each_other(run: Run) -> None:
    seen = about(run)
    change(run, seen, notes="mine")
    assert change(run, seen, name="theirs") == About("theirs", "mine")
    with pytest.raises(RunError, match="Someone else has changed the notes"):
        change(run, seen, notes="other")
    assert about(run).notes == "mine"
    assert change(run, seen, notes="mine").notes == "mine"


def test_a_full_disk_is_a_sentence_and_keeps_what_was(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    change(run, About(), name="before")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.system.storage.write_json", full)
    with pytest.raises(RunError, match="The disk is full"):
        change(run, About("before"), name="after")
    assert about(run).name == "before"


def test_nothing_is_added_to_a_run_that_is_gone(project: Project, run: Run) -> None:
    history.delete(project, run)
    with pytest.raises(RunError, match="gone"):
        change(run, About(), name="ghost")
    assert not run.folder.exists()


def test_the_table_for_a_spreadsheet_is_safe(project: Project, run: Run) -> None:
    change(run, About(), name="=1+1", notes="@x, 'y'\n\"z\"")
    (line,) = csv.DictReader(io.StringIO(history.as_csv(history.history(project))))
    assert line["name"] == "'=1+1"
    assert line["notes"] == "'@x, 'y'\n\"z\""
    assert float(line["test accuracy"]) == 0.9
    assert line["id"] == "one"


def test_a_deleted_run_is_in_the_trash_and_comes_back(project: Project, run: Run) -> None:
    change(run, About(), name="mine", star=True)
    before = {path.name: path.read_bytes() for path in run.folder.iterdir()}
    edit = history.delete(project, run)
    assert edit.sentence == "training mine to the bin"
    assert not list_runs(project)
    assert {path.name: path.read_bytes() for path in (project.root / TRASH).glob("*/one/*")} == before
    undone = labels.undo(project)
    assert undone
    assert [row.title for row in history.history(project)] == ["mine"]
    assert {path.name: path.read_bytes() for path in run.folder.iterdir()} == before


def test_a_damaged_run_can_be_deleted(project: Project, run: Run) -> None:
    (run.folder / "run.json").write_text("{")
    assert "training one" in history.delete(project, run).sentence
    assert not run.folder.exists()


def test_a_run_under_way_is_not_deleted(project: Project, run: Run) -> None:
    mine = {"pid": os.getpid(), "born": birth_of(os.getpid())}
    run.records.write_state(TaskState("running", "fit", **mine))
    with pytest.raises(RunError, match="under way"):
        history.delete(project, run)
    run.records.write_state(TaskState("done", "", ended=True))
    (run.folder / "exports").mkdir()
    RunRecords(run.folder / "exports").write_state(TaskState("running", "loading", **mine))
    with pytest.raises(RunError, match="being made from it"):
        history.delete(project, run)
    assert run.folder.is_dir()


def test_only_runs_of_the_project_are_deleted(project: Project, run: Run, tmp_path: Path) -> None:
    elsewhere = Run(run.folder.rename(tmp_path / "elsewhere"))
    with pytest.raises(RunError, match="outside of this project"):
        history.delete(project, elsewhere)
    with pytest.raises((RunError, ProjectError), match=r"gone|deleted"):
        history.delete(project, run)
    assert elsewhere.folder.is_dir()


def test_two_hundred_runs_are_read_without_their_pictures(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        make_run(project, f"run {number}", pictures=pictures_for(test=200))

    def never(*_: object) -> None:
        raise AssertionError("pictures or predictions were read")

    monkeypatch.setattr(RunRecords, "plan", never)
    monkeypatch.setattr(RunRecords, "predictions", never)
    assert [row.pictures for row in history.history(project)] == [210] * 3


def test_rows_are_plain_enough_to_print(project: Project, run: Run) -> None:
    (row,) = history.history(project)
    assert asdict(row)["about"] == {"name": "", "notes": "", "star": False}
