"""Run folders as a worker would have left them, without training."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core import Project, Run, TrainConfig
from core.inference.metrics import evaluate_predictions
from core.runs.records import RunPicture, RunPlan, RunRecords
from core.runs.result import RunResult
from core.system.tasks.records import TaskState

CLASSES = ("cat", "dog")


def picture(number: int, label: int, part: str, classes: Sequence[str] = CLASSES) -> RunPicture:
    """The same number is the same picture."""
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    folder = classes[label].replace("/", "_")  # as a class with such a name would have
    return RunPicture(digest, f"{folder}/{number}.png", label, part)


def pictures_for(classes: Sequence[str] = CLASSES, *, test: int = 10) -> list[RunPicture]:
    """Six pictures to learn from, four to check, and `test` to test with, the classes in turn."""
    parts = ["train"] * 6 + ["val"] * 4 + ["test"] * test
    return [picture(n, n % len(classes), part, classes) for n, part in enumerate(parts)]


def make_run(
    project: Project,
    name: str,
    said: Sequence[int] | None = None,
    *,
    classes: Sequence[str] = CLASSES,
    pictures: Sequence[RunPicture] | None = None,
    config: TrainConfig | None = None,
    created: float = 1_800_000_000.0,
    sure: float = 0.8,
    rows: Mapping[str, np.ndarray] | None = None,
    **result: Any,
) -> Run:
    """A finished run; `said`: the answers to the test pictures, as positions in `classes`, right for all by default, or
    `rows`: float32 (N, K) for "val" and "test"."""
    folder = project.runs_dir / name
    project.runs_dir.mkdir(exist_ok=True)
    folder.mkdir()
    records = RunRecords(folder)
    listed = tuple(pictures if pictures is not None else pictures_for(classes))
    plan = RunPlan(name, str(project.root), created, config or TrainConfig(), tuple(classes), listed)
    records.write_plan(plan)
    truth = {part: np.array([p.label for p in plan.part(part)]) for part in ("val", "test")}
    answers = truth | ({"test": np.array(said)} if said is not None else {})
    rows = rows or {part: _rows(answer, len(classes), sure) for part, answer in answers.items()}
    records.write_predictions(dict(rows))
    scores: Mapping[str, Any] = {
        part: evaluate_predictions(rows[part], truth[part], classes).as_dict() for part in ("val", "test")
    }
    told = {"parameters": 1234, "best_epoch": 2, "diagnosis": "It works.", "seconds": {"total": 12.5}}
    records.write_result(RunResult.model_validate({**told, **scores, **result}))
    for epoch in (1, 2):
        accuracy = {"accuracy": 0.5 + epoch / 10, "val_accuracy": 0.4 + epoch / 10}
        records.append_epoch({"epoch": epoch, "loss": 0.5, "val_loss": 0.6} | accuracy)
    records.write_state(TaskState("done", "", ended=True))
    return Run(folder)


def copy_with(run: Run, target: Path) -> Project:
    """The project of a run, copied with this one run only: other tests may have trained there, too."""
    runs = run.folder.parent

    def others(folder: str, names: list[str]) -> list[str]:
        if Path(folder) == runs:
            return [name for name in names if name != run.id]
        return [name for name in names if name in ("exports", "explain", "robustness", "studies", "analysis")]

    shutil.copytree(runs.parents[1], target, ignore=others)
    return Project.open(target)


def _rows(answers: np.ndarray, classes: int, sure: float) -> np.ndarray:
    rows = np.full((len(answers), classes), (1 - sure) / (classes - 1), np.float32)
    rows[np.arange(len(answers)), answers] = sure
    return rows
