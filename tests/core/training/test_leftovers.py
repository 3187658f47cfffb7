"""What a worker leaves behind: its records, and nothing in the folder for temporary files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core import Project, TrainConfig, train
from core.config.recipes import get_recipe
from core.export.exports import export
from core.system.tasks.processes import ROOT
from core.training.experiments import mirror
from tests.pictures import COLOURS, flat_project
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
