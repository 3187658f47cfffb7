"""The same training with several seeds, without training: what each leaves behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core import Project, TrainConfig
from core.runs.lifecycle import freeze, list_runs, settled
from core.runs.records import RunPlan, RunRecords
from core.system.errors import RunError
from core.system.tasks.records import TaskState
from core.training import worker
from core.training.experiments.seeds import _trained
from core.training.job import Job
from tests.pictures import COLOURS, flat_project


def study_of(project: Project, folder: Path, config: TrainConfig) -> Job:
    """The job of a study, in this process."""
    folder.mkdir()
    config = settled(project, config)
    split, pictures = freeze(project.scan(), config)
    plan = RunPlan(folder.name, str(project.root), 1.0, config, split.classes, pictures)
    return Job(RunRecords(folder), TaskState("running", "fit"), plan=plan, quiet=True)


def test_no_training_of_a_study_leaves_its_decoded_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=6))

    def failing(job: Job) -> None:
        np.save(job.records.folder / "train-180.npy", np.zeros(3, np.uint8))  # as read_parts does with many pictures
        raise RunError("It does not work.", "")

    monkeypatch.setattr(worker, "train_frozen", failing)
    job = study_of(project, tmp_path / "study", TrainConfig())
    with pytest.raises(RunError, match="It does not work"):
        _trained(job, project, project.scan(), 1)
    (run,) = list_runs(project)
    assert run.records.state().state == "failed"
    assert not list(run.folder.glob("*.npy"))
