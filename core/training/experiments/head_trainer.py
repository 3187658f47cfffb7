"""What the studies share: the features of all pictures they may look at, and heads fitted on some of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from core.config.augmentation import AugmentConfig
from core.config.training import TrainConfig
from core.datasets.folds import GroupedFolds
from core.models.feature_extractor import specs_of
from core.runs.pictures import grouped_folds, learned_from
from core.system.tasks.job import load_in_background
from core.training.feature_matrix import Features
from core.training.features import PictureView
from core.training.job import Job
from core.training.linear_probe import Head, learn_head, look

Positions = np.ndarray | slice
"""Which rows: int (N,), or a slice, which copies nothing."""
Watch = Callable[[dict[str, float]], None]
"""What is given the numbers of each epoch: "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds"; what it raises
ends the fitting."""


@dataclass
class SilentJob(Job):
    """A job whose phases and progress nobody hears of; `watch` is given the numbers of each epoch, if anything is.

    For one try among many, whose progress is not the study's, and for a process that helps another.
    """

    watch: Watch | None = field(default=None, kw_only=True)

    @classmethod
    def of(cls, job: Job, watch: Watch | None = None) -> SilentJob:
        """For a try that is part of a job."""
        return cls(job.records, job.state, job.seconds, plan=job.plan, quiet=True, watch=watch)

    def phase(self, name: str, total: int = 0, done: int = 0, subject: str = "") -> None:  # noqa: ARG002, D102
        return

    def progress(self, done: int, total: int) -> None:  # noqa: ARG002, D102
        return

    def epoch(self, values: dict[str, float]) -> None:  # noqa: D102
        if self.watch:
            self.watch(values)


@dataclass(frozen=True)
class HeadTrainer:
    """Features (N, F) of the training and validation parts, and who these pictures are; `train` says who is in which,
    bool (N,), the training part first. The test part stays apart: no study sees it."""

    job: Job
    features: Features
    deal: GroupedFolds
    train: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """int (N,)."""
        return self.deal.labels

    @property
    def parts(self) -> tuple[slice, slice]:
        """Where the training and the validation part lie."""
        learn = int(self.train.sum())
        return slice(0, learn), slice(learn, len(self.train))

    def learned(self, config: TrainConfig, train: Positions) -> Positions:
        """Those of the pictures at positions `train` that a head with these settings learns from."""
        if config.sampling != "under-sampling":
            return train
        return learned_from(self.deal, np.arange(len(self.features))[train], config)

    def head(
        self,
        config: TrainConfig,
        train: Positions,
        val: Positions,
        watch: Watch | None = None,
    ) -> Head:
        """A head that learned from the pictures at positions `train`, watched on those at `val`.

        The study's own phase and progress stay as they are. Raises RunError when the loss is no longer finite, Stopped.
        """
        train = self.learned(config, train)
        parts = {"train": self.features[train], "val": self.features[val]}
        labels = {"train": self.labels[train], "val": self.labels[val]}
        job = SilentJob.of(self.job, watch)
        if config.solved:
            return learn_head(job, config, parts, labels)
        job.until_loaded(load_in_background("core.training.fit"))
        import keras

        from core.training import fit

        fit.seed_everything(config.seed)  # so that a head does not hang on those before it
        try:
            return learn_head(job, config, parts, labels)
        finally:
            keras.utils.clear_session()  # else each head leaves some 7 MB behind


def set_up(job: Job, config: TrainConfig | None = None) -> HeadTrainer:
    """Looks at all pictures of the training and validation parts, as `config` (by default the plan's) says, that were not
    looked at before; changes at random are left out. Raises Stopped."""
    plain = (config or job.config).model_copy(update={"augment": AugmentConfig()})
    pictures = [*job.plan.part("train"), *job.plan.part("val")]
    sights = [PictureView(p.id, job.plan.file(p), plain.input_framing) for p in pictures]
    features = look(job, specs_of(plain), sights, plain)
    return HeadTrainer(
        job,
        features,
        grouped_folds(pictures, job.config.seed),
        np.array([picture.part == "train" for picture in pictures]),
    )
