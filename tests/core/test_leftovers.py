"""What a worker leaves behind: its records, and nothing in the folder for temporary files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core import Project, TrainConfig, train
from core.export import export
from core.recipes import get_recipe
from core.studies import mirror, wait_for
from tests.pictures import COLOURS, flat_project

pytestmark = pytest.mark.slow
RECORDS = {
    "run.json", "state.json", "history.jsonl", "result.json", "predictions.npz", "model.keras", "model.tflite",
    "fieldguide.json", "worker.log",
}  # fmt: skip


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.mark.parametrize(
    "config",
    [
        TrainConfig(epochs=3),
        TrainConfig(epochs=2, fine_tune="last", fine_tune_epochs=1, pixels=64),
        get_recipe("small-cnn").config.model_copy(update={"epochs": 1}),
    ],
    ids=["solved", "fine-tuned", "from scratch"],
)
def test_a_training_leaves_its_records_only(config: TrainConfig, temporary: Path, tmp_path: Path) -> None:
    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=6))
    run = train(project, config)
    assert {path.name for path in run.folder.iterdir()} == RECORDS
    export(run, "int8")
    assert list(temporary.iterdir()) == []


def test_a_study_leaves_nothing_either(temporary: Path, tmp_path: Path) -> None:
    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=6))
    study = mirror.start(project, TrainConfig(), project.scan())
    wait_for(study)
    assert list(temporary.iterdir()) == []


def test_a_process_that_leaves_removes_what_was_written_for_its_functions(tmp_path: Path) -> None:
    code = (
        "import tensorflow as tf\n"
        "from core.processes import leave\n"
        "f = tf.function(lambda x: x + 1 if x > 0 else x)\n"
        "f(tf.constant(1))\n"
        "print(len(__import__('os').listdir(__import__('tempfile').gettempdir())))\n"
        "leave(7)\n"
    )
    (tmp_path / "program.py").write_text(code)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "program.py")], capture_output=True, text=True, check=False,
        env={"TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert (done.returncode, int(done.stdout)) == (7, 2), done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["program.py"]
