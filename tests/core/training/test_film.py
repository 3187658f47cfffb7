"""What trainings keep of their rounds: from chance to what the model says in the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import Run
from core.config.training import TrainConfig
from core.runs.film import Film, read_film
from core.runs.records import RunPlan, RunRecords
from core.system.tasks.records import TaskState
from core.training.job import Job
from tests.core.training.test_linear_probe import CLASSES, toy
from tests.runs import picture


def check_film(run: Run) -> Film:
    """It begins with round 0, goes on with each round of the curves, and has at the round that is kept what the model says."""
    records, result = run.records, run.records.result()
    film = read_film(records)
    assert film is not None
    assert result is not None
    assert film.rounds.tolist() == [0, *(epoch["epoch"] for epoch in records.history())]
    assert film.pictures == tuple(records.plan().part("val"))
    kept = film.said[film.rounds.tolist().index(result.best_epoch)]
    assert kept.tolist() == records.predictions("val").argmax(axis=1).tolist()
    assert (kept == film.labels).sum() == result.val.right
    return film


@pytest.mark.slow
def test_a_solved_training_goes_from_guessing_to_its_answers(trained: Run) -> None:
    film = check_film(trained)
    assert (film.own[0] == film.own[0, 0]).all()
    assert film.own[0, 0] == pytest.approx(1 / 3, abs=1e-3)
    assert film.right[0] < film.right[-1] == len(film.pictures)
    for number, epoch in enumerate(trained.records.history(), 1):
        assert film.right[number] / len(film.pictures) == pytest.approx(epoch["val_accuracy"])
        assert film.losses[number] == pytest.approx(epoch["val_loss"], abs=1e-3)


@pytest.mark.parametrize(
    "changes", [{"optimizer": "lbfgs"}, {"optimizer": "adam", "learning_rate": 0.02, "dropout": 0.2}]
)
def test_heads_are_filmed_however_they_learn(tmp_path: Path, changes: dict[str, Any]) -> None:
    from core.training import fit
    from core.training.linear_probe import learn_head

    config = TrainConfig(epochs=12, patience=0).model_copy(update=changes)
    features, labels = toy((20, 20, 20))
    pictures = [
        picture(n + 100 * number, int(label), part, CLASSES)
        for number, part in enumerate(("train", "val"))
        for n, label in enumerate(labels)
    ]
    plan = RunPlan("run", str(tmp_path), 1.5, config, CLASSES, tuple(pictures))
    records = RunRecords(tmp_path)
    records.write_plan(plan)
    job = Job(records, TaskState("running", "fit"), plan=plan)
    fit.seed_everything(0)
    head = learn_head(job, config, {"train": features, "val": features})
    job.film.close(head.best_epoch, head.probabilities(features))
    film = read_film(records)
    assert film is not None
    assert film.rounds.tolist() == [0, *(epoch["epoch"] for epoch in records.history())]
    assert 8 < film.right[0] < 35
    assert np.bincount(film.said[0], minlength=3).min() > 8
    assert film.right[-1] > 54
    for number, epoch in enumerate(records.history(), 1):
        assert film.right[number] / 60 == pytest.approx(epoch["val_accuracy"], abs=1e-6)


def test_what_nobody_wants_to_see_is_not_filmed(tmp_path: Path) -> None:
    plan = RunPlan("run", str(tmp_path), 1.5, TrainConfig(), CLASSES, (picture(1, 0, "val", CLASSES),))
    search = RunPlan("run", str(tmp_path), 1.5, TrainConfig(minutes=2), CLASSES, plan.pictures)

    def ask(_: np.ndarray) -> np.ndarray:
        raise AssertionError("asked")

    for job in (
        Job(RunRecords(tmp_path), TaskState(), plan=plan, quiet=True),
        Job(RunRecords(tmp_path), TaskState(), plan=search),
    ):
        job.answered(0, ask)
        job.film.close(1, np.eye(3)[:1])
    assert not list(tmp_path.iterdir())
