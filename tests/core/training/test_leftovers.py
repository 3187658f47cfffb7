"""What a worker leaves behind: its records, and nothing in the folder for temporary files."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import Project, TrainConfig, start, train
from core.config.recipes import get_recipe
from core.export.exports import export
from core.system import storage
from core.system.tasks.handle import TaskHandle
from core.system.tasks.processes import ROOT, birth_of
from core.system.tasks.records import TaskState
from core.training.experiments import mirror, start_study
from tests.pictures import COLOURS, flat_project
from tests.runs import make_run
from tests.waiting import until

RECORDS = {
    "run.json", "pictures.json", "state.json", "history.jsonl", "result.json", "predictions.npz", "film.npz", "model.tflite",
    "fieldguide.json", "signatures.json", "worker.log", ".lock",
}  # fmt: skip


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    return folder


@pytest.mark.parametrize(
    ("config", "learned"),
    [
        (TrainConfig(epochs=3, pixels=64), {"head.npz"}),
        pytest.param(
            get_recipe("small-cnn").config.model_copy(update={"epochs": 1}),
            {"model.keras"},
            marks=pytest.mark.thorough,
        ),
    ],
    ids=["solved", "from scratch"],
)
@pytest.mark.slow
def test_a_training_leaves_its_records_only(
    config: TrainConfig, learned: set[str], temporary: Path, tmp_path: Path
) -> None:
    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=6))
    run = train(project, config)
    assert {path.name for path in run.folder.iterdir()} == RECORDS | learned
    export(run, "int8")
    until(lambda: list(temporary.iterdir()) == [])  # a worker has said that it is done a moment before it leaves


@pytest.mark.slow
def test_a_study_leaves_nothing_either(temporary: Path, tmp_path: Path) -> None:
    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=6))
    study = mirror.start(project, TrainConfig(), project.scan())
    study.task.wait()
    until(lambda: list(temporary.iterdir()) == [])


@pytest.mark.slow
def test_a_process_that_leaves_removes_what_was_written_for_its_functions(temporary: Path) -> None:
    code = (
        "import os, tempfile, tensorflow as tf\n"
        "from core.system.tasks.processes import leave\n"
        "f = tf.function(lambda x: x + 1 if x > 0 else x)\n"
        "f(tf.constant(1))\n"
        "print(len(os.listdir(tempfile.gettempdir())))\n"
        "leave(7)\n"
    )
    program = temporary.with_name("program.py")
    program.write_text(code)
    own = temporary / "fieldguide-worker-1"  # as a worker has one
    own.mkdir()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(own)}
    command = [sys.executable, str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stdout) == (7, "1\n"), done.stderr
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    "begin",
    [
        lambda project, folder: start(project, TrainConfig(), out=folder),
        lambda project, _: start_study(project, "mirror", TrainConfig()),
    ],
    ids=["training", "study"],
)
def test_what_a_killed_training_decoded_goes_when_the_next_begins(
    begin: Callable[[Project, Path], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=6))
    killed, living, elsewhere = (make_run(project, name) for name in ("killed", "living", "elsewhere"))
    long_ago, lives = time.time() - 2 * 24 * 3600, birth_of(os.getpid())
    for run, born, when in ((killed, 1.0, long_ago), (living, lives, long_ago), (elsewhere, 1.0, time.time())):
        run.records.write_state(TaskState("running", "fit", pid=os.getpid(), born=born))
        file = run.folder / "state.json"
        storage.write_json(file, storage.read_json(file) | {"updated": when})
        np.save(run.folder / "train-180.npy", np.zeros(3, np.uint8))
    monkeypatch.setattr(TaskHandle, "start", lambda *_, **__: True)
    begin(project, tmp_path / "out")
    assert killed.records.state().state == "interrupted"
    assert not list(killed.folder.glob("*.npy"))
    assert (killed.folder / "run.json").is_file()
    assert list(living.folder.glob("*.npy"))
    assert list(elsewhere.folder.glob("*.npy"))  # another computer may be at it
