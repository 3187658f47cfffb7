"""Rows 56 and 58 of the fault list: what lies in the hidden folder of a project that comes from someone whom nobody knows."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from pydantic import ValidationError

from core import Project
from core.datasets import labels
from core.datasets.edit_journal import HIDDEN
from core.datasets.opened import open_project
from core.imaging import decode
from core.quality import result
from core.quality.analysis import Analysis, Suspect
from core.runs.history import history
from core.runs.lifecycle import live_run
from core.runs.result import RunResult, Shape, is_epoch
from core.system import storage
from core.system.errors import PictureError, ProjectError, RunError
from core.system.tasks.processes import birth_of, is_alive
from core.system.tasks.records import TaskRecords
from core.training.experiments import KINDS, Kind, Study
from core.training.experiments.found import (
    CurveFound,
    FoldsFound,
    MirrorFound,
    RatesFound,
    SearchFound,
    SearchOptions,
    SeedsFound,
)
from core.training.experiments.space import space_of
from tests.pages.test_pages import visit
from tests.pictures import COLOURS, flat_project
from tests.runs import make_run

pytestmark = pytest.mark.skipif(os.name == "nt", reason="makes pipes and links as POSIX has them")
HUGE = 10**400


@pytest.fixture
def gift(tmp_path: Path) -> Path:
    root = flat_project(tmp_path / "gift", {name: COLOURS[name] for name in ("blue", "red")}, each=2)
    Project.open(root).scan()
    return root


def _replaced(root: Path, tmp_path: Path) -> None:
    """Puts another folder of the same name in the place of one that is open."""
    root.rename(tmp_path / "before")
    flat_project(root, {name: COLOURS[name] for name in ("blue", "red")}, each=2)


@pytest.mark.parametrize("what", ["runs", ""])
def test_a_folder_that_takes_the_place_of_an_open_one_is_looked_at_anew(gift: Path, tmp_path: Path, what: str) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    _replaced(gift, tmp_path)
    if what:
        (gift / HIDDEN).mkdir()
    (gift / HIDDEN / what).symlink_to(victim)
    project = Project.open(gift)
    project.scan()
    assert project.runs_dir.resolve() != victim / what
    assert not project.home.is_symlink()
    storage.make_folder(project.runs_dir)
    (project.runs_dir / "x").touch()
    assert not list(victim.iterdir())


def test_no_link_hides_in_a_folder_that_is_called_as_the_quarantine(gift: Path, tmp_path: Path) -> None:
    _replaced(gift, tmp_path)
    hidden = gift / HIDDEN / "runs" / "quarantine-x"
    hidden.mkdir(parents=True)
    (hidden / "exports").symlink_to(tmp_path)
    (hidden / "run.json").write_text("{}")
    Project.open(gift)
    assert sorted(path.name for path in hidden.iterdir()) == ["run.json"]
    (aside,) = (gift / HIDDEN).glob("quarantine-*/*")
    Project.open(gift)  # what was put aside stays where it is
    assert aside.is_symlink()


@pytest.mark.parametrize("version", [1, 2])
def test_a_journal_of_views_that_never_end_is_neither_shown_nor_waited_for(gift: Path, version: int) -> None:
    columns = "1 AS id, 1.0 AS at, '' AS kind, '' AS sentence, '[]' AS steps, '' AS state, '' AS token, '' AS seal"
    with closing(sqlite3.connect(gift / HIDDEN / "edits.sqlite")) as db:
        db.executescript(
            "CREATE VIEW edits AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
            f" SELECT {columns} FROM n WHERE x < 0; CREATE VIEW origins AS SELECT '' AS picture, kind AS name,"
            f" kind AS source FROM edits; PRAGMA user_version = {version}"
        )
    project = Project.open(gift)
    assert project.journal.history() == []
    assert project.journal.next_undo() == project.journal.next_redo() == ""
    assert project.journal.origins(["x"]) == {}
    labels.move(project, [project.scan().pictures[0]], "green")
    assert len(project.journal.history()) == 1


def test_a_sentence_that_fills_the_memory_is_not_read(gift: Path) -> None:
    project = Project.open(gift)
    labels.move(project, [project.scan().pictures[0]], "green")
    with closing(sqlite3.connect(gift / HIDDEN / "edits.sqlite")) as db:
        db.execute("UPDATE edits SET sentence = zeroblob(200000000)")
        db.commit()
    assert project.journal.history() == []
    assert Project.open(gift).journal.next_undo() == ""


@pytest.mark.parametrize(
    "roots", [{"..": "train"}, {"../gift": "train", "../x": "test"}, {"/tmp": "val"}, {"": "test"}]
)
def test_the_parts_of_a_split_lie_inside(gift: Path, tmp_path: Path, roots: dict[str, str]) -> None:
    (tmp_path / "x" / "secret").mkdir(parents=True)
    (gift / HIDDEN / "split.json").write_text(json.dumps({"roots": roots}))
    project = Project.open(gift)
    assert project.division().roots == {}
    assert set(project.layout().classes) == {"blue", "red"}
    labels.move(project, [project.scan().pictures[0]], "green")
    assert (gift / "green").is_dir()


def _index(root: Path, path: str) -> str:
    """Says of a picture, by its id, that it lies elsewhere: by a row that no look at the folders can have written."""
    with closing(sqlite3.connect(root / HIDDEN / "index.sqlite")) as db:
        names = [name for _, name, *_ in db.execute("PRAGMA table_info(files)")]
        wrong = {"path": "?", "width": "-1"}
        db.execute(
            f"INSERT INTO files SELECT {', '.join(wrong.get(name, name) for name in names)} FROM files LIMIT 1", (path,)
        )
        db.commit()
        return str(db.execute("SELECT sha256 FROM files WHERE path = ?", (path,)).fetchone()[0])


@pytest.mark.parametrize("path", ["../secret.png", "/dev/zero", "!pipe.png", "!\0"])
def test_the_index_leads_to_no_file_outside_and_to_no_pipe(gift: Path, tmp_path: Path, path: str) -> None:
    (tmp_path / "secret.png").write_bytes((gift / "red" / "000.png").read_bytes())
    os.mkfifo(gift / "!pipe.png")
    content = _index(gift, path)
    project = Project.open(gift)
    assert all(file.is_relative_to(gift) for file in project.glance()[2])
    with pytest.raises((PictureError, ProjectError)):
        project.file_with(content)
    assert not visit("app.py", gift).exception


def test_pictures_are_read_from_plain_files_of_bounded_size(gift: Path, tmp_path: Path) -> None:
    picture = gift / "red" / "000.png"
    (tmp_path / "link.png").symlink_to(picture)
    assert decode.open_picture(tmp_path / "link.png").size == decode.open_picture(picture).size
    os.mkfifo(tmp_path / "pipe.png")
    for odd in (tmp_path / "pipe.png", Path("/dev/zero"), tmp_path):
        with pytest.raises(PictureError, match="not a picture"):
            decode.open_picture(odd)
    with (tmp_path / "large.png").open("wb") as file:
        file.write(picture.read_bytes())
        file.truncate(decode.MAX_FILE + 1)
    with pytest.raises(PictureError, match="larger"):
        decode.open_picture(tmp_path / "large.png")


def test_a_thumbnail_that_is_none_is_made_again(gift: Path) -> None:
    project = Project.open(gift)
    content = project.scan().pictures[0].id
    kept = gift / HIDDEN / "thumbnails" / content[:2] / f"{content}.jpg"
    made = project.thumbnail(content)
    with kept.open("wb") as file:
        file.truncate(decode.MAX_THUMBNAIL + 1)
    assert project.thumbnail(content) == made == kept.read_bytes()


def test_a_process_that_runs_something_else_is_no_training(gift: Path) -> None:
    assert is_alive(os.getpid(), birth_of(os.getpid()))
    first = psutil.Process(1)
    try:
        other = "python" not in first.exe()
    except psutil.Error:
        other = True
    if not other or sys.platform != "linux":
        pytest.skip("the first process here runs Python itself")
    run = make_run(open_project(gift), "gift", classes=("blue", "red"))
    state = storage.read_json(run.folder / "state.json")
    claims = {"state": "running", "phase": "fit", "ended": False, "pid": 1, "born": birth_of(1)}
    storage.write_json(run.folder / "state.json", state | claims)
    assert live_run(Project.open(gift)) is None


EPOCH = {"epoch": 1, "accuracy": 0.5, "val_accuracy": 0.5, "loss": 0.5, "val_loss": 0.5}


def test_numbers_of_an_epoch_may_have_no_meaning_but_are_numbers() -> None:
    assert is_epoch(EPOCH)
    assert is_epoch(EPOCH | {"loss": float("nan"), "val_loss": float("inf"), "rate": 0.1})  # of a rate too high
    for wrong in (
        {"epoch": HUGE},
        {"epoch": float("nan")},
        {"loss": HUGE},
        {"rate": HUGE},
        {"rate": "x"},
        {"loss": True},
    ):
        assert not is_epoch(EPOCH | wrong)


SCORES = {"accuracy": 0.5, "right": 1, "total": 2, "log_loss": 0.5, "macro_f1": 0.5}
RESULT = {"diagnosis": "", "parameters": 1, "best_epoch": 1, "seconds": {"total": 1.0}, "val": SCORES, "test": SCORES}
STATE = {"state": "running", "phase": "", "done": 1, "total": 2, "seconds_left": 1.0, "pid": 1, "born": 0.0,
         "ended": False, "message": "", "hint": "", "updated": 0.0}  # fmt: skip


def test_numbers_that_no_page_can_show_are_damage() -> None:
    RunResult.model_validate(RESULT)
    wrong: list[dict[str, Any]] = [{"seconds": {"total": float("nan")}}, {"seconds": {"x": float("inf")}}]
    wrong += [{"parameters": HUGE}, {"test": SCORES | {"right": 3}}, {"test": SCORES | {"right": HUGE, "total": HUGE}}]
    for one in wrong:
        with pytest.raises(ValidationError):
            RunResult.model_validate(RESULT | one)


def test_a_state_that_no_page_can_show_is_damage(tmp_path: Path) -> None:
    records = TaskRecords(tmp_path)
    storage.write_json(tmp_path / "state.json", STATE | {"ended": True, "of a later version": 1})
    assert (records.state().done, records.state().message) == (1, "")
    for one in (
        {"done": HUGE},
        {"seconds_left": float("nan")},
        {"seconds_left": float("inf")},
        {"born": float("nan")},
        {"before": -1},
        {"state": "flying"},
        {"phase": 3},
    ):
        storage.write_json(tmp_path / "state.json", STATE | one)
        assert "damaged" in records.state().message


PLANS: dict[str, Callable[[dict[str, Any]], object]] = {
    "a class that is no text": lambda plan: plan["classes"].__setitem__(0, "\ud800"),
    "begun in the year 1901326280": lambda plan: plan.__setitem__("created", 6e16),
    "begun before computers": lambda plan: plan.__setitem__("created", -1e10),
}


@pytest.mark.parametrize("what", PLANS)
def test_a_plan_that_no_training_can_have_had_is_damaged(gift: Path, what: str) -> None:
    run = make_run(open_project(gift), "gift", classes=("blue", "red"))
    plan = storage.read_json(run.folder / "run.json")
    PLANS[what](plan)
    storage.write_json(run.folder / "run.json", plan)
    with pytest.raises(RunError, match="damaged"):
        run.records.plan()
    history(Project.open(gift))
    assert not visit("pages/4_Evaluate.py", gift, view="Compare").exception


def test_true_and_false_are_no_labels(gift: Path) -> None:
    run = make_run(open_project(gift), "gift", classes=("blue", "red"))
    pictures = storage.read_json(run.folder / "pictures.json")
    for one in pictures:
        one["label"] = bool(one["label"])
    storage.write_json(run.folder / "pictures.json", pictures)
    with pytest.raises(RunError, match="damaged"):
        run.records.plan()
    assert not visit("pages/4_Evaluate.py", gift, view="Compare").exception


def _found(kind: str) -> dict[str, Any]:
    fold = {"accuracy": 0.5, "right": 1, "total": 2}
    step = {"pictures": 4.5, "accuracy": 0.5, "log_loss": 1.0, "interval": [0.1, 0.9], "recalls": [0.5, None]}
    tried = {"class": "red", "pictures": 4, "recall": 0.5, "recall_with_fewer": 0.4}
    one = {
        "number": 0,
        "state": "done",
        "values": {"l2": 1.0},
        "val_accuracy": 0.5,
        "val_log_loss": 1.0,
        "seconds": 1.0,
    }
    seed = {"seed": 1, "run": "x", "accuracy": 0.5, "right": 1, "total": 2, "val_accuracy": 0.5}
    every: dict[str, dict[str, Any]] = {
        "search": {"trials": [one, one | {"val_accuracy": None, "val_log_loss": None}], "best": one, "before": None},
        "learning-rate": {"rates": [0.1, 0.2], "losses": [1.0, float("nan")], "suggestion": None},
        "cross-validation": {"of": 5, "note": "", "folds": [fold], "right": 1, "total": 2, "mean": 0.5, "deviation": 0.0,
                             "interval": [0.1, 0.9]},
        "learning-curve": {"classes": ["blue", "red"], "steps": [step], "tried": [tried]},
        "mirror": {"kind": "harm", "sentence": "It harms."},
        "seeds": {"of": 3, "seeds": [seed], "mean": 0.5, "deviation": 0.0},
    }  # fmt: skip
    return every[kind]


SHAPES: dict[str, type[Shape]] = {
    "search": SearchFound,
    "learning-rate": RatesFound,
    "cross-validation": FoldsFound,
    "learning-curve": CurveFound,
    "mirror": MirrorFound,
    "seeds": SeedsFound,
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_study_found_is_shown_or_passed_over(gift: Path, kind: Kind) -> None:
    project = open_project(gift)
    run = make_run(project, "gift", classes=("blue", "red"))
    study = Study(gift / HIDDEN / "studies" / f"2026-01-01-000000-{kind}")
    study.folder.mkdir(parents=True)
    for name in ("run.json", "state.json"):
        (study.folder / name).write_bytes((run.folder / name).read_bytes())
    space = {"l2": {"low": 0.1, "high": 10.0, "log": True, "step": 0.0, "grid": [1.0], "choices": []}}
    options = {"method": "random", "space": space, "trials": 5, "minutes": 0.0, "workers": 1}
    storage.write_json(study.folder / "study.json", {"kind": kind, "options": options})
    good, file, shape = _found(kind), study.folder / "found.json", SHAPES[kind]
    storage.write_json(file, good)
    page = "pages/2_Configure.py" if kind in ("search", "learning-rate") else "pages/3_Train.py"
    assert study.found(shape)
    assert not visit(page, gift).exception
    for name in good:
        for wrong in ("x", [1, None, "x"], {"a": 1}, HUGE):
            if not isinstance(good[name], str) or wrong != "x":
                storage.write_json(file, good | {name: wrong})
                assert study.found(shape) is None or isinstance(good[name], type(wrong)), (name, wrong)
    storage.write_json(file, {"x": 1})
    assert study.found(shape) is None
    assert not visit(page, gift).exception


@pytest.mark.parametrize(
    "space",
    [None, [], {"password": {"low": 0.1, "high": 1.0}}, {"l2": {"low": "x", "high": 1.0}}, {"l2": {"low": 2, "high": 1}},
     {"l2": {"low": -1.0, "high": 1.0, "log": True}}, {"l2": {"low": 0.0, "high": float("inf")}}],
    ids=str,
)  # fmt: skip
def test_ranges_that_have_no_axis_are_a_damaged_record(space: Any) -> None:
    with pytest.raises(RunError, match="damaged"):
        space_of(SearchOptions.model_construct(space=space))


NO_LOOK: dict[str, dict[str, Any]] = {
    "places that are no numbers": {"xy": np.full((4, 2), "a")},
    "places nowhere": {"xy": np.full((4, 2), np.nan, np.float32)},
    "ids that are lists": {"ids": ([1],) * 4},
    "labels of too few": {"labels": ("red",)},
    "labels that are lists": {"labels": (["red"],) * 4},
    "groups of numbers": {"groups": ((1, None),)},
    "a suspect of nothing": {"suspects": (Suspect("x", None, 5, "y", True),)},  # type: ignore[arg-type]
    "judged by text": {"judged": {"x": ("red", "sure")}},
}


def test_a_look_of_nonsense_is_none(gift: Path) -> None:
    project = open_project(gift)
    catalogue = project.scan()
    ids, labels = (tuple(getattr(one, name) for one in catalogue.pictures) for name in ("id", "class_name"))
    look = Analysis(ids, labels, np.zeros((4, 2), np.float32), "PCA", (), (), None, {}, "x")
    for what, wrong in ({"": {}} | NO_LOOK).items():
        result.write(project, replace(look, **wrong))
        result._read.cache_clear()
        assert (result.read(project) is None) == bool(what), what
