"""What the studies share: the features of all pictures they may look at, and heads fitted on some of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.config import TrainConfig
from core.training.frozen import Head, learn_head, parts_of
from core.training.job import Job, load_in_background
from core.training.prepare import specs_of


@dataclass(frozen=True)
class Bench:
    """Features float32 (N, F) and labels int (N,) of the training and validation parts; `train` says who is in which,
    bool (N,). The test part stays apart: no study sees it."""

    job: Job
    features: np.ndarray
    labels: np.ndarray
    train: np.ndarray

    def head(self, config: TrainConfig, train: np.ndarray, val: np.ndarray) -> Head:
        """A head that learned from the pictures at positions `train`, int (T,), watched on those at `val`, int (V,).

        Raises RunError when the loss is no longer finite, Stopped.
        """
        parts = {"train": self.features[train], "val": self.features[val]}
        labels = {"train": self.labels[train], "val": self.labels[val]}
        return learn_head(self.job, config, parts, labels)


def set_up(job: Job) -> Bench:
    """Looks at all pictures of the training and validation parts that were not looked at before. Raises Stopped."""
    from core.augmentation import AugmentConfig

    loading = load_in_background("core.training.fit")
    plain = job.config.model_copy(update={"augment": AugmentConfig()})
    parts = parts_of(job, specs_of(plain), plain)
    job.until_loaded(loading)
    from core.training import fit

    fit.seed_everything(job.config.seed)
    return Bench(
        job,
        np.concatenate([parts["train"], parts["val"]]),
        np.concatenate([job.labels("train"), job.labels("val")]),
        np.arange(len(parts["train"]) + len(parts["val"])) < len(parts["train"]),
    )
