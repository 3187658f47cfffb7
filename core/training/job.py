"""A training under way, beside what every task has, and what it leaves. Loads no TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from core.config.training import TrainConfig
from core.models.frozen import FrozenClassifier
from core.runs.film import FilmRecorder
from core.runs.records import RunPlan, RunRecords
from core.system.tasks.job import TaskJob

if TYPE_CHECKING:
    import keras


@dataclass
class Job(TaskJob):
    """One training under way, or another task with a plan: what was asked, beside what every task has."""

    records: RunRecords
    plan: RunPlan = field(kw_only=True)
    quiet: bool = field(default=False, kw_only=True)  # while a search tries heads, whose epochs nobody wants to see
    due: Callable[[], bool] = field(default=lambda: False, kw_only=True)  # whether a search has no time left

    @property
    def config(self) -> TrainConfig:
        """The plan's settings."""
        return self.plan.config

    def should_stop(self) -> bool:
        """Whether someone asked to stop, or the time of a search is over."""
        return super().should_stop() or self.due()

    def epoch(self, values: dict[str, float]) -> None:
        """Records the numbers of an epoch."""
        if not self.quiet:
            self.records.append_epoch(values)

    @cached_property
    def film(self) -> FilmRecorder:
        """What keeps the answers of the rounds."""
        return FilmRecorder(self.records, self.plan)

    def answered(self, number: int, ask: Callable[[np.ndarray], np.ndarray]) -> None:
        """Keeps for the film what the model says after a round; 0 is before the first. `ask`: positions int (N,) in the
        validation part -> probabilities float32 (N, K); it is called only for rounds that are kept. A search shows none: it
        may keep something else than what it showed last."""
        if not self.quiet and not self.config.minutes and self.film.wants(number):
            self.film.add(number, ask(self.film.rows))

    def labels(self, part: str) -> np.ndarray:
        """int (N,): positions of the classes of a part's pictures."""
        return np.array([picture.label for picture in self.plan.part(part)])


@dataclass
class Trained:
    """What a training leaves: how to predict a part, the epoch it comes from, and the model: a head on frozen backbones, or how
    to make a whole network."""

    predict: Callable[[str], np.ndarray]
    best_epoch: int
    stopped: bool
    parameters: int
    model: FrozenClassifier | Callable[[], keras.Model]
    told: dict[str, Any] = field(default_factory=dict)  # joins the result: what a search tried, say
