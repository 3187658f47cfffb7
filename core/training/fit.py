"""Fitting: the head on cached features, or a whole network on pictures, with records of every epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from core.config.training import RATES, TrainConfig
from core.inference.calibration import softmax
from core.system.errors import RunError
from core.system.tasks.job import Stopped
from core.training.job import Job
from core.training.pace import Pace

_REPORT_SECONDS = 0.25
_LISTEN_SECONDS = 0.05


@dataclass(frozen=True)
class Best:
    """The best epoch by the validation loss: its score (see `score`), the weights after it in the order of the model's, and
    what `ask` of the recorder made of them; None if there was nothing to ask."""

    score: tuple[float, float]
    weights: list[np.ndarray]
    answers: Any = None


class Listener(keras.callbacks.Callback):
    """Leaves between two batches that a model is asked about when it is told to."""

    def __init__(self, should_stop: Callable[[], bool]) -> None:
        super().__init__()
        self._should_stop = should_stop

    def on_predict_batch_end(self, batch: int, logs: object = None) -> None:  # noqa: ARG002, D102
        if self._should_stop():
            raise Stopped


class Recorder(keras.callbacks.Callback):
    """Checks the model after each epoch on `val`, reports progress, records epochs and what was said for the film, remembers
    the best weights, and ends early on a stop, on NaN, or for patience."""

    val: tf.data.Dataset  # of `fit`, which is where it becomes known
    _truth: np.ndarray

    def __init__(
        self,
        job: Job,
        config: TrainConfig,
        steps: int,
        rate: str = "learning_rate",
        ask: Callable[[Sequence[np.ndarray], tuple[float, float]], Any] | None = None,
    ) -> None:
        """`rate`: the setting (see RATES) that `config.learning_rate` is from. `ask`: called with the weights and
        the score of each epoch that is better than those before; where it raises Stopped, the one before stays the best."""
        super().__init__()
        self._job, self._config, self._steps, self._rate, self._ask = job, config, steps, rate, ask
        self.epochs = config.epochs
        self._before = len(job.records.history())  # a fine-tuning goes on where the head ended
        self._reported = self._listened = self._epoch_began = 0.0
        self._epoch = 0
        self.best: Best | None = None
        self.best_epoch = 0
        self.stopped = False

    def on_train_begin(self, logs: object = None) -> None:  # noqa: ARG002, D102
        self._truth = np.concatenate([truth.argmax(axis=1) for _, truth, _ in self.val.as_numpy_iterator()])
        self._job.answered(self._before, lambda rows: _shares(self._logits()[rows]))

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:  # noqa: ARG002, D102
        self._epoch, self._epoch_began = epoch, time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:  # noqa: ARG002, D102
        self._leave_if_stopped()
        now = time.perf_counter()
        if now - self._reported < _REPORT_SECONDS:
            return
        self._reported = now
        self._job.progress(self._epoch * self._steps + batch + 1, self.epochs * self._steps)

    def _logits(self) -> np.ndarray:
        """What the model says of `val` as it is: float32 (N, K). Not by Keras' own validation, which keeps no answers."""
        listener = [Listener(self._job.should_stop)]
        return np.asarray(self.model.predict(self.val, verbose=0, callbacks=listener), np.float32)

    def _leave_if_stopped(self) -> None:
        """Leaves fit at once: an epoch, with its validation, may last longer than a person waits."""
        now = time.perf_counter()
        if now - self._listened >= _LISTEN_SECONDS:
            self._listened = now
            if self._job.should_stop():
                raise Stopped

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: D102
        values = {name: float(value) for name, value in (logs or {}).items()}
        # Keras adds the L2 penalty to the loss; the curves show the cross-entropy alone, as in their definition.
        values["loss"] = values.pop("cross_entropy")
        if not math.isfinite(values["loss"]):
            raise RunError(
                "The training failed: its numbers grew without end (the loss is no longer a number).",
                f"Try a smaller {RATES[self._rate]}, such as {self._config.learning_rate / 10:g}.",
            )
        logits = self._logits()
        values["val_accuracy"] = float((logits.argmax(axis=1) == self._truth).mean())
        values["val_loss"] = cross_entropy(logits, self._truth)
        number = self._before + epoch + 1
        seconds = time.perf_counter() - self._epoch_began
        self._job.epoch({"epoch": number, **values, "seconds": seconds, self._rate: self._config.learning_rate})
        if -values["val_loss"] > (self.best.score[1] if self.best else -math.inf):
            weights, reached = self.model.get_weights(), (values["val_accuracy"], -values["val_loss"])
            answers = self._ask(weights, reached) if self._ask else None
            self.best, self.best_epoch = Best(reached, weights, answers), number
        elif self._config.patience and number - self.best_epoch >= self._config.patience:
            self.model.stop_training = True
        self._job.answered(number, lambda rows: _shares(logits[rows]))
        if self._job.should_stop():
            raise Stopped

    @property
    def rounds(self) -> int:
        """How many epochs have come to their end."""
        return len(self._job.records.history()) - self._before

    def restore_best(self) -> bool:
        """Puts the best weights back; False if no epoch has been completed."""
        if self.best is None:
            return False
        self.model.set_weights(self.best.weights)
        return True


def make_ready(model: keras.Model, config: TrainConfig, steps: int, warm_up: float = 0.0) -> None:
    """Gives a model its optimizer, loss and metrics, for so many steps."""
    with model.distribute_strategy.scope():  # optimizer and metrics live on all cards, as the model does
        model.compile(
            optimizer=optimizer(config, steps, warm_up),
            loss=loss(config),
            metrics=[
                keras.metrics.CategoricalAccuracy(name="accuracy"),
                keras.metrics.CategoricalCrossentropy(from_logits=True, name="cross_entropy"),
            ],
            weighted_metrics=[],
        )


def fit(
    model: keras.Model,
    train: tf.data.Dataset,
    val: tf.data.Dataset,
    config: TrainConfig,
    recorder: Recorder,
    warm_up: float = 0.0,
    seconds: float = 0.0,
    beside: Sequence[keras.callbacks.Callback] = (),
    clock: Callable[[], float] = time.perf_counter,
) -> None:
    """Trains a model that gives logits. `train` and `val` yield batches of (x, truth (B, K), weight (B,)), `val` always in the
    same order; sets the recorder's fields. `seconds`, by `clock`: about how long it may take; the number of epochs is then an
    upper bound, that of the recorder what is expected, and the model was made ready before. `beside`: what else hears of its
    steps.

    Raises RunError when the loss is no longer finite. When stopped, the best weights so far are put back and
    `recorder.stopped` is True; raises Stopped if there are none yet.
    """
    recorder.val = val
    callbacks: list[keras.callbacks.Callback] = [*beside, recorder]
    if seconds:
        callbacks.append(Pace(recorder, seconds, len(train), config.learning_rate, warm_up, clock))
    else:
        make_ready(model, config, config.epochs * len(train), warm_up)
    try:
        model.fit(train, epochs=config.epochs, callbacks=callbacks, shuffle=False, verbose=0)
    except Stopped:
        recorder.stopped = True
        if not recorder.restore_best():
            raise
        return
    if config.keep_best:
        recorder.restore_best()
    else:
        recorder.best_epoch = recorder._before + recorder._epoch + 1


@np.errstate(invalid="ignore")
def _shares(logits: np.ndarray) -> np.ndarray:
    """Probabilities (N, K); 0 where logits are no numbers, which the training will soon end for."""
    return np.nan_to_num(softmax(logits))


@np.errstate(invalid="ignore")
def cross_entropy(logits: np.ndarray, truth: np.ndarray) -> float:
    """The mean cross-entropy of logits (N, K), for true classes int (N,); NaN where they are no numbers."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return float((np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(truth)), truth]).mean())


def optimizer(config: TrainConfig, steps: int, warm_up: float = 0.0) -> keras.optimizers.Optimizer:
    """What steps through `steps` batches; `warm_up` is the share of them in which the rate grows from 0 (cosine only)."""
    rate: float | keras.optimizers.schedules.LearningRateSchedule = config.learning_rate
    if config.schedule == "cosine":
        growing = round(warm_up * steps)
        rate = keras.optimizers.schedules.CosineDecay(
            0.0 if growing else config.learning_rate,
            steps - growing,
            warmup_target=config.learning_rate if growing else None,
            warmup_steps=growing,
        )
    if config.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=config.momentum)
    if config.optimizer == "adamw":
        return keras.optimizers.AdamW(rate, weight_decay=config.weight_decay)
    return keras.optimizers.Adam(rate)


def loss(config: TrainConfig) -> keras.losses.Loss:
    """Cross-entropy or focal loss (Lin et al. 2017, gamma 2) of logits against truth (B, K), with label smoothing."""
    if config.loss == "focal":
        return keras.losses.CategoricalFocalCrossentropy(
            alpha=1.0, gamma=2.0, from_logits=True, label_smoothing=config.label_smoothing
        )
    return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=config.label_smoothing)


def regularizer(config: TrainConfig, examples: int) -> keras.regularizers.Regularizer | None:
    """L1 and L2 penalties on weights that learn from so many examples; None where both are 0."""
    l2 = config.l2 / examples + config.l2_plain
    return keras.regularizers.L1L2(config.l1, l2) if config.l1 or l2 else None


def seed_everything(seed: int) -> None:
    """Makes every random choice of Keras and TensorFlow in this process the same for the same seed."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def on_cpu() -> AbstractContextManager[None]:
    """Where a head learns: it is so small that a graphics card would take longer."""
    device: AbstractContextManager[None] = tf.device("CPU")
    return device


def head(features: int, classes: int, examples: int, config: TrainConfig) -> keras.Model:
    """The part that learns on a frozen backbone: standardised float32 (N, F) -> logits (N, K), regularised."""
    layers: list[keras.Layer] = [keras.Input((features,))]
    if config.dropout:
        layers.append(keras.layers.Dropout(config.dropout, seed=config.seed))
    # Zeros: the loss is convex, so that nothing has to be broken by chance.
    dense = keras.layers.Dense(
        classes, kernel_initializer="zeros", kernel_regularizer=regularizer(config, examples), name="logits"
    )
    return keras.Sequential([*layers, dense], name="head")


def with_softmax(model: keras.Model) -> keras.Model:
    """A model that gives logits, made to give probabilities."""
    return keras.Model(model.inputs, keras.layers.Softmax(name="probabilities")(model.outputs[0]), name="classifier")
