"""A training that lasts about as long as it may: how long a step takes here, and how many epochs fit in. Needs TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from core.training.fit import Recorder

_OVER = 1.1


class Pace(keras.callbacks.Callback):
    """Makes a training last about so many seconds, however fast its first steps were: counts after each epoch how many more
    fit in, at most those of `fit`, and lets the rate come down by the last one (warm-up, then cosine)."""

    def __init__(
        self, recorder: Recorder, seconds: float, steps: int, rate: float, warm_up: float, clock: Callable[[], float]
    ) -> None:
        super().__init__()
        self._recorder, self._rate, self._warm_up, self._steps = recorder, rate, warm_up, steps
        self._clock = clock
        self._seconds, self._step = seconds, 0
        self._began = self._epoch_began = 0.0

    def on_train_begin(self, logs: object = None) -> None:  # noqa: ARG002, D102
        self._began = self._clock()

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:  # noqa: ARG002, D102
        self._epoch_began = self._clock()

    def on_train_batch_begin(self, batch: int, logs: object = None) -> None:  # noqa: ARG002, D102
        total = self._recorder.epochs * self._steps
        growing = max(1, round(self._warm_up * total))
        over = (self._step - growing) / max(1, total - growing)
        share = (self._step + 1) / growing if over < 0 else 0.5 * (1 + math.cos(math.pi * over))
        self.model.optimizer.learning_rate.assign(self._rate * min(1.0, share))
        self._step += 1

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:  # noqa: ARG002, D102
        now, done = self._clock(), epoch + 1
        fitting = round((self._began + self._seconds - now) / (now - self._epoch_began))
        self._recorder.epochs = min(self.params["epochs"], done + max(0, fitting))
        if done >= self._recorder.epochs:
            self.model.stop_training = True

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:  # noqa: ARG002, D102
        # An epoch that lasts longer than those before it, because the computer has become busy, is cut short.
        if self._clock() - self._began > _OVER * self._seconds:
            self.model.stop_training = True


class _Steps(keras.callbacks.Callback):
    """Seconds that each step takes, its sums included, which a graphics card does while others wait."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock, self._began = clock, 0.0
        self.seconds: list[float] = []

    def on_train_batch_begin(self, batch: int, logs: object = None) -> None:  # noqa: ARG002
        self._began = self._clock()

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:  # noqa: ARG002
        np.asarray(self.model.trainable_variables[-1])
        self.seconds.append(self._clock() - self._began)


def seconds_a_step(model: keras.Model, train: tf.data.Dataset, clock: Callable[[], float]) -> float:
    """How long one step of training takes here, once the first is done, which takes longer: what that makes serves the training
    that follows. The model was made ready for it (see core.training.fit), and is as before afterwards."""
    with model.distribute_strategy.scope():
        model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *model.optimizer.variables]
    before = [np.asarray(variable) for variable in variables]
    steps = _Steps(clock)
    model.fit(train.repeat().take(4), epochs=1, callbacks=[steps], shuffle=False, verbose=0)
    for variable, value in zip(variables, before, strict=True):
        variable.assign(value)
    return min(steps.seconds[1:])
