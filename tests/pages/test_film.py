"""What the film of learning is given to show: of a run with answers, of one without, and of one under way."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import Project, Run, TrainConfig
from core.datasets import labels
from core.inference.decision import Decision, keep_decision
from core.runs.film import FilmRecorder
from core.runs.records import RunPicture
from core.system.tasks.records import TaskState
from pages.shared.components.film import film
from pages.shared.ui.palette import colour
from tests.pages.test_pages import visit
from tests.pictures import COLOURS, flat_project
from tests.runs import make_run


def made_run(root: Path, *, filmed: bool = True) -> Run:
    """A run on pictures that are there; in its film the validation pictures are all taken for blue at first."""
    project = Project.open(flat_project(root, COLOURS, each=12))
    catalogue = project.scan()
    place = {name: position for position, name in enumerate(catalogue.classes)}
    parts = ["train"] * 4 + ["val"] * 5 + ["test"] * 3
    listed = [
        RunPicture(one.id, one.path, place[name], parts[number])
        for name, pictures in catalogue.by_class.items()
        for number, one in enumerate(pictures)
    ]
    run = make_run(project, "made-up", classes=catalogue.classes, pictures=listed)
    if filmed:
        recorder = FilmRecorder(run.records, run.records.plan())
        truth = run.records.predictions("val")
        recorder.add(0, np.tile(np.array([0.5, 0.25, 0.25], np.float32), (15, 1)))
        recorder.add(1, truth[::-1])
        recorder.close(2, truth)
    return run


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the component was given, each time that it was drawn."""
    given: list[dict[str, Any]] = []
    monkeypatch.setattr(film, "_COMPONENT", lambda key, data: given.append(data))
    return given


def train_page(run: Run) -> None:
    visit("pages/3_Train.py", Path(run.records.plan().project), run=run.id)


def test_it_stands_at_the_round_that_is_kept(tmp_path: Path, shown: list[dict[str, Any]]) -> None:
    run = made_run(tmp_path / "p")
    train_page(run)
    data = json.loads(json.dumps(shown[-1], allow_nan=False))
    assert data["classes"] == ["blue", "green", "red"]
    assert data["rounds"] == [0, 1, 2]
    assert data["said"][0] == [0] * 15
    assert data["said"][2] == data["labels"] == [0] * 5 + [1] * 5 + [2] * 5
    assert data["sure"][0] == [50] * 15
    assert (data["kept"], data["epochs"], data["total"]) == (2, 0, 15)
    assert (data["live"], data["play"]) == (False, False)
    assert data["history"]["val_accuracy"] == [0.5, 0.6]
    assert data["why"].startswith("Round 2 is kept")
    assert data["ids"] == [picture.id for picture in run.records.plan().part("val")]


def test_an_older_training_has_its_curves_and_no_wall(tmp_path: Path, shown: list[dict[str, Any]]) -> None:
    train_page(made_run(tmp_path / "p", filmed=False))
    data = shown[-1]
    assert data["rounds"] == data["said"] == data["ids"] == []
    assert data["history"]["epoch"] == [1, 2]


def test_one_under_way_has_its_pictures_before_the_first_round(tmp_path: Path, shown: list[dict[str, Any]]) -> None:
    run = made_run(tmp_path / "p", filmed=False)
    (run.folder / "result.json").unlink()
    (run.folder / "history.jsonl").unlink()
    run.records.write_state(TaskState("done", "save", pid=1, born=1.0))
    snapshot = run.snapshot()
    assert not snapshot.live
    assert film._data(Project.open(tmp_path / "p"), snapshot)["ids"] == []
    data = film._data(Project.open(tmp_path / "p"), type(snapshot)(run, snapshot.plan, TaskState("running"), (), None))
    assert len(data["ids"]) == 15
    assert (data["live"], data["epochs"], data["kept"], data["why"]) == (True, TrainConfig().epochs, 0, "")


def test_what_became_of_the_pictures_does_not_matter(tmp_path: Path, shown: list[dict[str, Any]]) -> None:
    run = made_run(tmp_path / "p")
    project = Project.open(tmp_path / "p")
    labels.rename_class(project, "green", "grass")
    shutil.rmtree(tmp_path / "p" / "red")
    train_page(run)
    assert shown[-1]["classes"] == ["blue", "green", "red"]
    assert len(set(shown[-1]["colours"])) == 3
    assert shown[-1]["colours"][0] == colour(0)


def test_confidence_is_left_out_where_it_is_used_in_another_way(tmp_path: Path, shown: list[dict[str, Any]]) -> None:
    run = made_run(tmp_path / "p")
    keep_decision(run.folder, Decision(temperature=2.0))
    train_page(run)
    assert shown[-1]["sure"] == []
    assert shown[-1]["said"]


def test_numbers_that_are_none_are_null(tmp_path: Path, shown: list[dict[str, Any]]) -> None:
    run = made_run(tmp_path / "p")
    run.records.append_epoch({"epoch": 3, "accuracy": 0.5, "val_accuracy": 0.5, "loss": 0.5, "val_loss": float("nan")})
    train_page(run)
    assert json.loads(json.dumps(shown[-1], allow_nan=False))["history"]["val_loss"] == [0.6, 0.6, None]


def test_it_plays_once_for_those_who_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = made_run(tmp_path / "p")
    memory: dict[str, Any] = {}
    monkeypatch.setattr(film.tab, "put", memory.__setitem__)
    monkeypatch.setattr(film.tab, "get", memory.get)
    film.watched(run.snapshot())
    assert film._data(Project.open(tmp_path / "p"), run.snapshot())["play"]
