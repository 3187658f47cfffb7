"""The same training with several seeds: how much of one result is chance.

Each is a whole training with a run of its own, on the machine that did it, and deals the pictures anew, in the shares and
groups of the project: of a solved head nothing else hangs on the seed. With `own_split` the shares are those of the settings.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.config.training import TrainConfig, make_config
from core.datasets.catalogue import Catalogue
from core.datasets.project import Project
from core.runs.lifecycle import freeze, new_folder
from core.runs.pictures import without_left_out
from core.runs.records import RunPlan, RunRecords
from core.system.errors import ConfigError, RunError
from core.system.naming import count, percent
from core.system.tasks.job import Stopped
from core.system.tasks.processes import birth_of
from core.system.tasks.records import TaskState
from core.training.experiments import Study
from core.training.experiments.found import Seed, SeedsFound, SeedsOptions
from core.training.experiments.joint import begin
from core.training.experiments.lists import carry_out
from core.training.job import Job
from core.training.worker import complete

FEWEST, MOST = 2, 100


def start(
    project: Project,
    config: TrainConfig,
    seeds: Sequence[int],
    catalogue: Catalogue | None = None,
    storage: str | None = None,
) -> Study:
    """Starts it; does not wait. `storage`: where other machines take part in it, see joint.lead. Raises ConfigError for seeds
    that are no such, ProjectError for too few pictures, RunError for what is wrong with the storage."""
    if not FEWEST <= len(set(seeds)) == len(seeds) <= MOST:
        raise ConfigError("These are no several seeds.", f"Name {FEWEST} to {MOST} different ones: 0,1,2")
    for seed in seeds:
        make_config(config.model_dump() | {"seed": seed})
    shares = config.split if config.own_split else project.division().config
    # Each deals by its own seed: with one of the split itself they would differ in nothing.
    config = config.model_copy(update={"split": shares.model_copy(update={"seed": None}), "own_split": True})
    return begin(project, "seeds", config, SeedsOptions(seeds=list(seeds)), catalogue, storage)


def run(job: Job, study: Study) -> None:
    """The study's own process, which writes what it found after each training. Raises Stopped, RunError."""
    seeds = study.options(SeedsOptions).seeds
    project = Project.open(job.plan.project)
    catalogue = project.scan()
    last = study.found(SeedsFound)
    known = last.seeds if last and [one.seed for one in last.seeds] == seeds[: len(last.seeds)] else []

    def told(parts: list[Any]) -> None:
        found = [Seed.model_validate(one) for one in parts]
        accuracies = [one.accuracy for one in found]
        deviation = float(np.std(accuracies, ddof=1)) if len(found) > 1 else 0.0
        study.keep(SeedsFound(of=len(seeds), seeds=found, mean=float(np.mean(accuracies)), deviation=deviation))
        job.progress(len(found), len(seeds))

    job.phase("fit", len(seeds), len(known))
    parts = [one.model_dump() for one in known]
    carry_out(job, study, len(seeds), lambda number: _trained(job, project, catalogue, seeds[number]), told, parts)


def in_words(found: SeedsFound) -> str:
    """One sentence on what was found."""
    accuracies = [one.accuracy for one in found.seeds]
    return (
        f"{percent(found.mean, 1)} of the test pictures right on average of {count(len(accuracies), 'training')}, "
        f"{percent(min(accuracies), 1)} to {percent(max(accuracies), 1)}."
    )


@dataclass
class _Within(Job):
    """A training in the process of a study, which stops with it."""

    study: Job = field(kw_only=True)

    def stop_asked(self) -> bool:
        return super().stop_asked() or self.study.stop_asked()


def _trained(job: Job, project: Project, catalogue: Catalogue, seed: int) -> dict[str, Any]:
    """One training, and what came of it, as plain values of a Seed. Raises Stopped, RunError."""
    began, config = time.time(), job.config.model_copy(update={"seed": seed})
    split, pictures = freeze(catalogue, config)
    pictures, left_out = without_left_out(pictures, config)
    project.runs_dir.mkdir(exist_ok=True)
    records = RunRecords(new_folder(project, config, None))
    remarks = (*split.remarks, *left_out)
    records.write_plan(RunPlan(records.folder.name, str(project.root), began, config, split.classes, pictures, remarks))
    state = TaskState("running", pid=os.getpid(), born=birth_of(os.getpid()))
    records.write_state(state)
    seconds = {"start": 0.0, "decode": 0.0, "features": 0.0, "fit": 0.0}
    one = _Within(records, state, seconds, plan=records.plan(), study=job)
    complete(one, queued=False)  # the study has its turn
    if "keras" in sys.modules:
        sys.modules["keras"].utils.clear_session()  # else each network stays in memory
    if job.should_stop():
        raise Stopped
    result = records.result()
    if state.state != "done" or result is None:
        raise RunError(state.message or f"The training with seed {seed} was stopped.", state.hint or "Start it again.")
    test = result.test
    scores = {"accuracy": test.accuracy, "right": test.right, "total": test.total}
    return {"seed": seed, "run": records.folder.name, "val_accuracy": result.val.accuracy} | scores
