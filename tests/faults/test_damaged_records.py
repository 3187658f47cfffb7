"""Rows 41 and 58 of the fault list: records of trainings that are damaged, or were written to do harm."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core import Project, Run, TrainConfig
from core.datasets import opened
from core.datasets.edit_journal import HIDDEN
from core.runs.history import history
from core.runs.lifecycle import list_runs
from core.system import storage
from core.system.errors import FieldguideError, RunError
from core.system.tasks.handle import TaskHandle
from core.system.tasks.records import TaskState
from tests.pages.test_pages import visit, words
from tests.pictures import COLOURS, flat_project
from tests.runs import make_run


def _set(**values: object) -> Callable[[Path], None]:
    return lambda file: file.write_text(json.dumps(json.loads(file.read_text()) | values))


def _within(key: str, **values: object) -> Callable[[Path], None]:
    def change(file: Path) -> None:
        value = json.loads(file.read_text())
        value[key] |= values
        file.write_text(json.dumps(value))

    return change


def _first_picture(**values: object) -> Callable[[Path], None]:
    def change(file: Path) -> None:
        value = json.loads(file.read_text())
        value[0] |= values
        file.write_text(json.dumps(value))

    return change


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _text(text: str | bytes) -> Callable[[Path], None]:
    return lambda file: file.write_bytes(text.encode() if isinstance(text, str) else text) and None


def _folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


DAMAGE: dict[str, list[Callable[[Path], None]]] = {
    "run.json": [
        _cut, _text(b"\0\xff" * 500), _text(""), _folder, _set(schema=0), _set(classes=[]), _set(classes="red"),
        _set(classes=[1, 2]), _set(classes=["a", "a"]), _set(created="x"), _set(created=1e30), _set(counts=None),
        _set(config={"recipe": 5}), _set(counts={"train": -1}), _set(schema=True), _set(schema=1), _set(id=None),
        _text("[1, 2]"), _text("[" * 100_000),
    ],
    "pictures.json": [
        _cut, _text(b"\0\xff" * 500), _text(""), _folder, _text("[]"), _text("null"), _text("[1, 2]"), _text("[" * 100_000),
        _first_picture(label=77), _first_picture(label=-1), _first_picture(part="other"), _first_picture(part="train"),
        _first_picture(path="../../../etc/passwd"), _first_picture(path="/etc/passwd"), _first_picture(id="../../x"),
        _first_picture(extra=1), Path.unlink,
    ],
    "state.json": [
        _cut, _text(b"\0\xff"), _text(""), _folder, _set(state="flying"), _set(ended="yes"), _set(done="many"), _set(extra=1),
        _set(pid=-1, ended=False), _set(pid=1, born=0, ended=False, state="running"), _set(message=None), _text("[]"),
    ],
    "result.json": [
        _cut, _text(b"\0\xff"), _text("{}"), _folder, _set(test={}), _set(test=None), _set(val=None), _set(seconds=None),
        _within("test", right="x"), _within("test", total=0), _within("test", accuracy=7), _set(best_epoch="last"),
        _set(parameters=None), _set(diagnosis=7), _set(ensemble="x"), _set(ensemble=[{"run": 5}]), _set(chosen=5),
        _set(pixels=10**9),
    ],
    "history.jsonl": [
        _cut, _text(b"\0\xff"), _text(""), _folder, _text("[1,2]\n3\n"), _text('{"epoch": 1}\n'), _text("[" * 100_000),
        _text('{"epoch": NaN, "accuracy": "x", "val_accuracy": null, "loss": NaN, "val_loss": Infinity}\n'),
    ],
    "predictions.npz": [_cut, _text(b"\0\xff" * 100), _text(""), _folder],
    "film.npz": [_cut, _text(b"\0\xff" * 100), _folder],
    "tried.json": [_text("5"), _text("[5]"), _text('[{"what": 5}]')],
    "about.json": [_text("[]"), _text('{"name": 5}')],
    "sureness.json": [_text("[]"), _text('{"temperature": NaN}'), _text('{"temperature": "x"}')],
}  # fmt: skip


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = flat_project(
        tmp_path_factory.mktemp("damaged") / "p", {name: COLOURS[name] for name in ("blue", "red")}, each=4
    )
    project = opened.open_project(root)
    project.scan()
    for name in ("older", "newer"):
        run = make_run(project, name, classes=("blue", "red"))
        os.utime(run.folder / "run.json", (1, 1) if name == "older" else (2_000_000_000, 2_000_000_000))
    return root


@pytest.mark.parametrize("file", DAMAGE)
def test_one_damaged_record_hides_nothing_else(two_runs: Path, tmp_path: Path, file: str) -> None:
    pages = [
        ("pages/3_Train.py", ""),
        ("pages/4_Evaluate.py", "Mistakes"),
        ("app.py", ""),
        ("pages/4_Evaluate.py", "Compare"),
    ]
    for number, damage in enumerate(DAMAGE[file]):
        root = tmp_path / str(number)
        shutil.copytree(two_runs, root)
        record = root / HIDDEN / "runs" / "newer" / file
        record.touch()
        damage(record)
        if file == "run.json" and record.is_file():
            os.utime(record, (2_000_000_000, 2_000_000_000))
        project = opened.open_project(root)
        assert {run.id for run in list_runs(project)} == {"older", "newer"}
        assert [row.id for row in history(project) if not row.problem][-1] == "older"
        page, view = pages[number % len(pages)]
        at = visit(page, root, **({"view": view} if view else {}))
        assert not at.exception, (file, number, page)
        if file == "run.json" and record.is_file():
            assert "cannot be read" in words(at), number


def test_records_beyond_their_bounds_are_not_read(
    two_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(two_runs, tmp_path / "p")
    run = next(run for run in list_runs(Project.open(tmp_path / "p")) if run.id == "newer")
    monkeypatch.setattr(storage, "MAX_JSON", 1000)
    (run.folder / "history.jsonl").write_text("x" * 1001)
    assert run.records.history() == []
    with pytest.raises(OSError, match="larger"):
        storage.read_bytes(run.folder / "run.json", 10)
    monkeypatch.setattr(storage, "MAX_ARRAYS", 1000)
    np.savez_compressed(run.folder / "predictions.npz", val=np.zeros(10_000_000, np.float32))
    with pytest.raises(RunError, match="no predictions"):
        run.records.predictions("val")


def test_objects_in_arrays_are_never_unpickled(tmp_path: Path) -> None:
    mark = tmp_path / "ran"

    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (mark,)

    np.savez(tmp_path / "x.npz", val=np.array([Evil()], dtype=object))
    with pytest.raises(OSError, match="damaged"):
        storage.read_arrays(tmp_path / "x.npz")
    assert not mark.exists()


def test_a_run_of_a_folder_that_was_never_opened_opens_it_not(two_runs: Path, tmp_path: Path) -> None:
    """A run that lies outside of a project names the project's folder; that makes no project of it."""
    private = flat_project(tmp_path / "private", COLOURS, each=1)
    shutil.copytree(two_runs / HIDDEN / "runs" / "newer", tmp_path / "run")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    (tmp_path / "run" / "run.json").write_text(json.dumps(record | {"project": str(private)}))
    from core.evaluation import training_predictions

    with pytest.raises(FieldguideError):
        training_predictions.ask(Run(tmp_path / "run").records, lambda *_: None)
    assert not (private / HIDDEN).exists()


def test_presses_of_train_in_many_tabs_are_one_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.runs import lifecycle

    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=4))
    seen = ""

    def ended(task: TaskHandle, *_: object, prepare: Callable[[], None]) -> bool:
        prepare()
        task.folder.mkdir(exist_ok=True)
        task.records.write_state(TaskState("done", "", ended=True))
        return True

    monkeypatch.setattr(TaskHandle, "start", ended)  # it is over before the next press is heard
    made = {lifecycle.start(project, TrainConfig(), seen=seen).id for _ in range(10)}
    assert len(made) == 1
    (first,) = made
    assert lifecycle.start(project, TrainConfig(), seen=first).id != first  # who has seen it asks for another
    assert lifecycle.start(project, TrainConfig()).id not in made
