"""The same training with several seeds, without training: how they deal and stop, and what each leaves behind."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from core import Project, TrainConfig
from core.config.changes import with_changes
from core.config.split import SplitConfig
from core.runs.lifecycle import freeze, list_runs, settled
from core.runs.records import RunPlan, RunRecords
from core.system.errors import RunError
from core.system.tasks.handle import TaskHandle
from core.system.tasks.job import Stopped
from core.system.tasks.records import TaskState
from core.training import budgeted_search, worker
from core.training.candidates import Candidate, Look
from core.training.experiments.seeds import _trained, _Within, start
from core.training.job import Job
from core.training.tuned_attempts import Search
from tests.pictures import COLOURS, flat_project


def study_of(project: Project, folder: Path, config: TrainConfig) -> Job:
    """The job of a study, in this process."""
    folder.mkdir()
    config = settled(project, config)
    split, pictures = freeze(project.scan(), config)
    plan = RunPlan(folder.name, str(project.root), 1.0, config, split.classes, pictures)
    return Job(RunRecords(folder), TaskState("running", "fit"), plan=plan, quiet=True)


@pytest.mark.parametrize("own", [True, False])
def test_each_seed_deals_anew_whatever_the_seed_of_the_split(
    own: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=6))
    project.keep_split(SplitConfig(test=0.2, seed=5))
    config = with_changes(TrainConfig(), ["split.seed=5", "split.test=0.3"] if own else [])
    monkeypatch.setattr(TaskHandle, "start", lambda *_, prepare, **__: prepare())
    kept = start(project, config, [1, 2]).records.plan().config
    assert kept.split == SplitConfig(test=0.3 if own else 0.2)
    dealt = {freeze(project.scan(), kept.model_copy(update={"seed": seed}))[1] for seed in (1, 2)}
    assert len(dealt) == 2


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


def test_a_stop_of_the_study_ends_the_search_of_a_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=6))
    study = study_of(project, tmp_path / "study", TrainConfig(recipe="best", minutes=1, pixels=224))
    (tmp_path / "run").mkdir()
    one = _Within(RunRecords(tmp_path / "run"), TaskState("running", "fit"), plan=study.plan, study=study)
    begun: list[str] = []

    def try_all(found: Search) -> None:
        looks = {"lite0": Look(NotImplemented, np.zeros((0, 3)), 1)}
        found.best = Candidate("Lite0", {"val": np.zeros((1, 3))}, looks, np.zeros(3), 224)
        found.log.attempt("before", partial(begun.append, "before"))
        study.records.ask_to_stop()
        for what in ("this", "the next"):
            found.log.attempt(what, partial(stopping, what))

    def stopping(what: str) -> None:
        begun.append(what)
        assert one.should_stop()
        raise Stopped

    monkeypatch.setattr(budgeted_search, "try_all", try_all)
    trained = budgeted_search.search(one)
    assert begun == ["before", "this"]
    assert trained.stopped
    assert (trained.told["why_stopped"], trained.told["left_out"]) == ("Someone stopped it.", [])
