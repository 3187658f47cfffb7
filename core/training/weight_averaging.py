"""What a fine-tuned network can gain without learning more: the average of its weights along the way, and a look at the mirror
image. Needs TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from core.inference.calibration import fit_temperature, softmax
from core.training.candidates import worth

_SAFE = 1.5
"""Another look may take so much longer than those before."""
_SLOW = 10
"""The first steps count for less than a step later on: what they left soon is a small part of the average."""


class WeightAverage(keras.callbacks.Callback):
    """Keeps the exponential moving average (EMA; Tarvainen and Valpola 2017) of the weights that learn, of about the last
    `steps` steps, beside them: they go on as if nobody looked.

    Not by `use_ema` of Keras' optimizers, which puts the average in the place of the weights when `fit` ends, so that the two
    could not be compared.
    """

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._keep, self._step = 1 - 1 / max(2, steps), 0

    def on_train_begin(self, logs: object = None) -> None:  # noqa: ARG002, D102
        own = [variable.value for variable in self.model.trainable_variables]
        self._averages = [tf.Variable(tf.convert_to_tensor(value)) for value in own]

        def update(keep: tf.Tensor) -> None:
            for average, value in zip(self._averages, own, strict=True):
                average.assign(keep * average + (1 - keep) * tf.cast(value, average.dtype))

        self._update = tf.function(update)

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:  # noqa: ARG002, D102
        self._step += 1
        self._update(tf.constant(min(self._keep, (1 + self._step) / (_SLOW + self._step)), tf.float32))

    def weights(self) -> list[np.ndarray]:
        """Those of the model, in its order, with the averages of what learned; the others as they are."""
        averages = dict(zip(map(id, self.model.trainable_variables), self._averages, strict=True))
        return [np.asarray(averages.get(id(variable), variable)) for variable in self.model.weights]


@dataclass(frozen=True)
class Weighed:
    """What answers the validation part best, its logits float32 (N, K); and all that was tried, in that order, by name."""

    averaged: bool
    mirrored: bool
    logits: np.ndarray
    tried: tuple[tuple[str, np.ndarray], ...]


def weigh_views(
    ask: Callable[[bool, bool], np.ndarray], truth: np.ndarray, later: float, until: float, clock: Callable[[], float]
) -> Weighed:
    """Takes averaged weights, and then the mean of both views, where the validation part is answered better with them, each at
    the temperature of the least log-loss; as long as there is time to ask.

    `ask`: what is said of it, logits (N, K), with averaged weights or not, of mirror images or not; `truth` int (N,). By
    `until` of the `clock` another part, `later` times as large, must have been asked about, too.
    """
    began = clock()

    def better(this: np.ndarray, that: np.ndarray) -> bool:
        one, other = (worth(each / fit_temperature(softmax(each), truth), truth) for each in (this, that))
        return one > other

    best = ask(False, False)
    averaged, mirrored, tried = False, False, [("", best)]

    def enough() -> bool:
        now = clock()
        return until - now > _SAFE * (now - began) / len(tried) * (1 + 2 * later)

    if enough():
        average = ask(True, False)
        tried.append(("averaged weights", average))
        averaged = better(average, best)
        best = average if averaged else best
    if enough():
        both = (best + ask(averaged, True)) / 2
        tried.append(("averaged weights, mirrored views" if averaged else "mirrored views", both))
        mirrored = better(both, best)
        best = both if mirrored else best
    return Weighed(averaged, mirrored, best, tuple(tried))
