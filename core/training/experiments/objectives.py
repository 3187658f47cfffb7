"""What the tries of a search are judged by: a head on the features of pictures, or a network that learns from the pictures.

Both look at the pictures once, and keep what they saw for the other processes of the search. The test part stays apart.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
from filelock import FileLock, Timeout

from core.config.estimate import require_room
from core.config.training import TrainConfig
from core.inference.calibration import score
from core.models.feature_extractor import specs_of
from core.system.tasks.job import Stopped, load_in_background
from core.training.experiments.head_trainer import HeadTrainer, SilentJob, Watch, set_up
from core.training.job import Job

_IN_MEMORY = 2  # feature sets


class Objective(Protocol):
    """How well some settings do, after `prepare` was called for them."""

    def prepare(self, config: TrainConfig) -> None:
        """Looks at the pictures, if that has not been done. Raises Stopped."""

    def score(self, config: TrainConfig, watch: Watch | None = None) -> tuple[float, float]:
        """Accuracy and log-loss on the validation part of what learned with these settings; `watch` is given the numbers of
        each epoch.

        Raises RunError when the loss is no longer finite, ConfigError if there is no room for it, Stopped, and what `watch`
        raises.
        """


def objective_of(job: Job) -> Objective:
    """The one that is for the settings of a search."""
    return Heads(job) if job.config.pretrained else Networks(job)


class Heads:
    """Heads on features that are kept in the project; only so many sets of them stay in memory."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._trainers: OrderedDict[Any, HeadTrainer] = OrderedDict()

    def prepare(self, config: TrainConfig) -> None:  # noqa: D102
        key = specs_of(config)
        if key not in self._trainers:
            while len(self._trainers) >= _IN_MEMORY:
                self._trainers.popitem(last=False)
            with _alone(self._job):
                self._trainers[key] = set_up(self._job, config)
        self._trainers.move_to_end(key)

    def score(self, config: TrainConfig, watch: Watch | None = None) -> tuple[float, float]:  # noqa: D102
        trainer = self._trainers[specs_of(config)]
        head = trainer.head(config, *trainer.parts, watch)
        held_out = trainer.parts[1]
        return _score(head.probabilities(trainer.features[held_out]), trainer.labels[held_out], stopped=head.stopped)


class Networks:
    """Networks that learn from scratch, of decoded pictures that lie in the folder of the search while it lasts."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._squares: dict[str, np.ndarray] = {}

    def prepare(self, config: TrainConfig) -> None:  # noqa: D102
        if self._squares:
            return
        self._job.until_loaded(load_in_background("core.training.whole"))
        from core.training import pipeline, whole

        with _alone(self._job):
            self._squares = whole.read_parts(self._job, config.input_pixels, ("train", "val"), load=pipeline.load_once)

    def score(self, config: TrainConfig, watch: Watch | None = None) -> tuple[float, float]:  # noqa: D102
        import keras

        from core.training import whole

        job, held_out = SilentJob.of(self._job, watch), self._squares["val"]
        require_room(config, len(job.plan.classes))
        try:
            recorder, network = whole.learn_from_scratch(job, config, self._squares)
            probabilities = whole.answers_of(network, held_out, job.should_stop)
        finally:
            keras.utils.clear_session()  # else each network stays in memory
        return _score(probabilities, job.labels("val"), stopped=recorder.stopped)


def _score(probabilities: np.ndarray, truth: np.ndarray, *, stopped: bool) -> tuple[float, float]:
    if stopped:
        raise Stopped  # half a try tells nothing
    accuracy, likelihood = score(probabilities, truth)
    return accuracy, -likelihood


@contextmanager
def _alone(job: Job) -> Iterator[None]:
    """Of several processes one looks at the pictures, and the others find what it saw. Raises Stopped."""
    lock = FileLock(job.records.folder / ".features.lock")
    while not lock.is_locked:
        try:
            lock.acquire(timeout=0.2)
        except Timeout:
            if job.should_stop():
                raise Stopped from None
    try:
        yield
    finally:
        lock.release()
