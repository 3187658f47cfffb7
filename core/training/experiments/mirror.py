"""May pictures be mirrored? Learns with and without mirror images, and compares (see core.training.experiments.flip_test).

Asks about the pictures, not the settings: whatever is configured, it looks with the network of the recipe Quick, which is
quick and has mostly looked at the pictures already. The pictures are those of the training and validation parts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import numpy as np

from core.config.training import TrainConfig
from core.datasets.catalogue import Catalogue
from core.datasets.project import Project
from core.models.feature_extractor import specs_of
from core.runs.pictures import grouped_folds
from core.system.tasks.records import TaskState
from core.training.experiments import Study, start_study
from core.training.experiments.flip_test import mirror_matters
from core.training.experiments.found import MirrorFound
from core.training.experiments.preconditions import outcome
from core.training.features import PictureView
from core.training.job import Job
from core.training.linear_probe import look


def start(project: Project, config: TrainConfig, catalogue: Catalogue | None = None) -> Study:
    """Starts it, on the split of `config`; does not wait. Raises ProjectError for too few pictures."""
    return start_study(project, "mirror", _quick(config), catalogue=catalogue)


def mirror_check(
    project: Project, config: TrainConfig | None = None, watch: Callable[[TaskState], None] | None = None
) -> MirrorFound:
    """Starts it, waits, and gives what was found (see `run`). Raises as `start`, and RunError if it fails."""
    config = _quick(config or TrainConfig())
    return outcome(project, start(project, config), config, MirrorFound, watch)


def run(job: Job, study: Study) -> None:
    """The study's own process; found.json has the fields of core.training.experiments.flip_test.FlipVerdict and its "sentence".

    Raises Stopped.
    """
    pictures = [*job.plan.part("train"), *job.plan.part("val")]
    framing = job.config.input_framing
    sights = [PictureView(p.id, job.plan.file(p), framing, mirror=mirror) for mirror in (False, True) for p in pictures]
    plain, mirrored = np.split(np.asarray(look(job, specs_of(job.config), sights)), 2)
    deal = grouped_folds(pictures, job.config.seed)
    labels, groups = deal.labels, deal.groups
    job.phase("compare")
    classes = len(job.plan.classes)
    verdict = job.waiting_for(lambda: mirror_matters(plain, mirrored, labels, classes, job.config.seed, groups))
    study.keep(MirrorFound(**asdict(verdict), sentence=verdict.sentence))


def _quick(config: TrainConfig) -> TrainConfig:
    return TrainConfig(split=config.split, own_split=config.own_split, framing=config.framing, seed=config.seed)
