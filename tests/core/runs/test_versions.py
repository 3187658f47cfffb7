"""Projects and trainings of older versions open, are migrated where need be, and those of newer ones are refused untouched.

`tests/fixtures/project-0.1.0.zip` was made once by 0.1.0 before run records kept their pictures in a file of their own: three
classes of eight pictures, an edit that was undone, a training of which only records are left, and a second one with a name, a
star, a temperature, a threshold and an export, all as on another computer.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from core import Project, Run, evaluate, export, list_runs
from core.config.framing import Framing
from core.datasets import project_home
from core.datasets.adoption import adopt
from core.datasets.edit_journal import HIDDEN
from core.export.exports import exports_of
from core.inference.decision import Decision, decision_of
from core.inference.sandbox import load_model
from core.runs.film import read_film
from core.runs.history import history
from core.runs.provenance import is_foreign
from core.system.errors import ProjectError, RunError

FIXTURES = Path(__file__).parents[2] / "fixtures"


@pytest.fixture
def older(tmp_path: Path) -> Path:
    with zipfile.ZipFile(FIXTURES / "project-0.1.0.zip") as archive:
        archive.extractall(tmp_path)
    return tmp_path / "colours"


def newest(project: Project) -> Run:
    return next(run for run in list_runs(project) if run.records.tflite.is_file())


def test_a_project_of_0_1_0_opens_with_all_that_is_in_it(older: Path) -> None:
    project = Project.open(older)
    catalogue = project.scan()
    assert catalogue.counts == {"blue": 8, "green": 8, "red": 8}
    assert [sentence for _, sentence, *_ in project.journal.history()] == ["1 picture into blue"]
    rows = history(project)
    assert [row.problem for row in rows] == ["", ""]
    assert sorted(row.pictures for row in rows) == [24, 24]
    kept = next(row for row in rows if row.about.star)
    assert kept.title == "The one to keep"
    assert (kept.right, kept.total) == (3, 3)


def test_its_training_is_evaluated_asked_and_exported(older: Path) -> None:
    project = Project.open(older)
    run = newest(project)
    plan = run.records.plan()
    assert {p.id for p in plan.pictures} == {p.id for p in project.scan().pictures}
    assert plan.counts == run.records.head().counts
    assert project.framing() == plan.config.framing == Framing()  # there was no choice
    assert decision_of(run.folder) == Decision(1.5, 0.4)
    assert evaluate(run).right == 3
    assert read_film(run.records) is None
    assert is_foreign(run)
    tested = [plan.file(picture) for picture in plan.part("test")]
    assert load_model(run.folder).predict(tested).labels == [plan.classes[p.label] for p in plan.part("test")]
    assert exports_of(run) == {}  # they were measured on another computer
    adopt(project)
    made = export(run)
    assert made.good
    assert (made.pictures, made.accuracy) == (3, 1.0)


def test_a_run_of_a_newer_version_is_refused_untouched(older: Path) -> None:
    run = newest(Project.open(older))
    record = run.folder / "run.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"schema": 3}))
    before = {path: path.read_bytes() for path in sorted(run.folder.rglob("*")) if path.is_file()}
    with pytest.raises(RunError, match="another version"):
        run.records.plan()
    with pytest.raises(RunError, match="another version"):
        run.records.head()
    assert any("another version" in row.problem for row in history(Project(older, older / HIDDEN)))
    assert before == {path: path.read_bytes() for path in sorted(run.folder.rglob("*")) if path.is_file()}


def test_notes_of_a_newer_version_are_refused_untouched(older: Path) -> None:
    adopt(Project.open(older))
    file = older / HIDDEN / "version.json"
    assert json.loads(file.read_text()) == {"version": 1}  # notes that said none are of the first
    file.write_text(json.dumps({"version": 2}))
    before = {path: path.read_bytes() for path in sorted(older.rglob("*")) if path.is_file()}
    project_home._known.clear()
    with pytest.raises(ProjectError, match="A newer Fieldguide"):
        Project.open(older)
    assert before == {path: path.read_bytes() for path in sorted(older.rglob("*")) if path.is_file()}
