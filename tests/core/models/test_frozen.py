"""What a training with frozen backbones keeps: a small file, from which both kinds of model are made."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core import Run
from core.models.frozen import FrozenClassifier
from core.models.saved import load_model
from core.runs.records import RunRecords
from core.system.errors import ModelError
from tests.core.models.test_litert_join import PIXELS, said


def changed(file: Path, **values: np.ndarray) -> Path:
    kept = dict(np.load(file))
    target = file.with_name("changed.npz")
    np.savez(target, **{name: value for name, value in (kept | values).items() if value.size})  # type: ignore[arg-type]
    return target


@pytest.fixture
def head(trained: Run, tmp_path: Path) -> Path:
    return Path(shutil.copy(trained.records.frozen, tmp_path / "head.npz"))


def test_it_is_small_and_what_was_written_is_read(head: Path) -> None:
    assert head.stat().st_size < 100_000
    one = FrozenClassifier.read(head)
    head.write_bytes(one.as_bytes())
    again = FrozenClassifier.read(head)
    assert (again.extractors, again.kernel.tolist()) == (one.extractors, one.kernel.tolist())


@pytest.mark.slow
def test_both_models_answer_the_same_and_a_temperature_softens(trained: Run) -> None:
    one = FrozenClassifier.read(trained.records.frozen)
    picture = np.random.default_rng(0).integers(0, 256, (1, PIXELS, PIXELS, 3)).astype(np.float32)
    asked = said(trained.records.tflite.read_bytes(), picture)
    assert np.abs(np.asarray(load_model(trained.records.frozen)(picture)) - asked).max() < 1e-4
    soft = one.tflite(temperature=2)
    assert soft
    wanted = np.sqrt(asked) / np.sqrt(asked).sum()
    assert np.abs(said(soft, picture) - wanted).max() < 1e-4


def test_without_a_backbone_there_is_no_file(head: Path, own_home: Path) -> None:
    assert FrozenClassifier.read(head).tflite() is None


@pytest.mark.parametrize(
    "values",
    [
        {"kernel": np.empty(0)},
        {"extractors": np.array("[")},
        {"extractors": np.array("[" * 100_000)},
        {"extractors": np.array("[5]")},
        {"extractors": np.array('[{"id": "x", "backbone": "efficientnet-lite0"}]')},
        {"extractors": np.zeros(3)},
        {"kernel": np.array("x")},
    ],
    ids=lambda values: next(iter(values)),
)
def test_a_damaged_one_is_a_sentence(head: Path, values: dict[str, np.ndarray]) -> None:
    with pytest.raises(ModelError, match="damaged"):
        FrozenClassifier.read(changed(head, **values))
    head.write_bytes(head.read_bytes()[:-30])
    with pytest.raises(ModelError, match="damaged"):
        FrozenClassifier.read(head)


def test_one_of_another_version_of_the_networks_is_a_sentence(head: Path) -> None:
    told = json.loads(str(np.load(head)["extractors"]))
    told[0]["id"] += "0"
    with pytest.raises(ModelError, match="look at pictures in another way"):
        FrozenClassifier.read(changed(head, extractors=np.array(json.dumps(told))))


def test_one_from_elsewhere_is_not_loaded(head: Path) -> None:
    with pytest.raises(ModelError, match="made on another computer"):
        load_model(head)


@pytest.mark.slow
def test_a_training_of_a_solved_head_loads_no_tensorflow(trained: Run, tmp_path: Path) -> None:
    RunRecords(tmp_path / "run").write_plan(trained.records.plan())
    code = """
import sys
from pathlib import Path
from core.runs.records import RunRecords
from core.system.tasks.processes import birth_of
from core.system.tasks.records import TaskState
from core.training import worker
import os
folder = Path(sys.argv[1])
RunRecords(folder).write_state(TaskState("running", "loading", pid=os.getpid(), born=birth_of(os.getpid())))
assert worker.run(folder, 0.0) == 0
assert "tensorflow" not in sys.modules
assert "keras" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "run")], check=True)
    assert RunRecords(tmp_path / "run").tflite.is_file()
