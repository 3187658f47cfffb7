"""Fitting: the head on cached features, or a whole network on pictures, with records of every epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from core.backbones import get_backbone
from core.config import TrainConfig
from core.errors import RunError
from core.training.features import Stopped

_REPORT_SECONDS = 0.25


class Recorder(keras.callbacks.Callback):
    """Reports progress, records epochs, remembers the best weights, and ends early on a stop, on NaN, or for patience."""

    def __init__(
        self,
        config: TrainConfig,
        steps: int,
        progress: Callable[[int, int], None],
        on_epoch: Callable[[dict[str, float]], None],
        should_stop: Callable[[], bool],
    ) -> None:
        super().__init__()
        self._config, self._steps = config, steps
        self._progress, self._on_epoch, self._should_stop = progress, on_epoch, should_stop
        self._reported = self._epoch_began = 0.0
        self._epoch = 0
        self._best_loss = math.inf
        self._best_weights: list[np.ndarray] | None = None
        self.best_epoch = 0
        self.stopped = False

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:  # noqa: ARG002, D102
        self._epoch, self._epoch_began = epoch, time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:  # noqa: ARG002, D102
        now = time.perf_counter()
        if now - self._reported < _REPORT_SECONDS:
            return
        self._reported = now
        self._progress(self._epoch * self._steps + batch + 1, self._config.epochs * self._steps)
        if self._should_stop():
            # Leaves fit at once: an epoch, with its validation, may last longer than a person waits.
            raise Stopped

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: D102
        values = {name: float(value) for name, value in (logs or {}).items()}
        # Keras adds the L2 penalty to both losses; the curves show the cross-entropy alone, as in their definition.
        for prefix in ("", "val_"):
            values[f"{prefix}loss"] = values.pop(f"{prefix}cross_entropy")
        if not math.isfinite(values["loss"]):
            raise RunError(
                "The training went astray: its loss is no longer a number.",
                "Try a smaller learning rate, such as 0.0001.",
            )
        self._on_epoch({"epoch": epoch + 1, **values, "seconds": time.perf_counter() - self._epoch_began})
        if values["val_loss"] < self._best_loss:
            self._best_loss, self.best_epoch = values["val_loss"], epoch + 1
            self._best_weights = self.model.get_weights()
        elif self._config.patience and epoch + 1 - self.best_epoch >= self._config.patience:
            self.model.stop_training = True
        if self._should_stop():
            raise Stopped

    def restore_best(self) -> bool:
        """Puts the best weights back; False if no epoch has been completed."""
        if self._best_weights is None:
            return False
        self.model.set_weights(self._best_weights)
        return True


def fit(
    model: keras.Model, train: tf.data.Dataset, val: tf.data.Dataset, config: TrainConfig, recorder: Recorder
) -> None:
    """Trains a model that gives logits. `train` yields (x, label, weight) batches, `val` too; sets the recorder's fields.

    Raises RunError when the loss is no longer finite. When stopped, the best weights so far are put back and
    `recorder.stopped` is True; raises Stopped if there are none yet.
    """
    rate: float | keras.optimizers.schedules.LearningRateSchedule = config.learning_rate
    if config.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(config.learning_rate, config.epochs * len(train))
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[
            keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
            keras.metrics.SparseCategoricalCrossentropy(from_logits=True, name="cross_entropy"),
        ],
        weighted_metrics=[],
    )
    try:
        model.fit(train, validation_data=val, epochs=config.epochs, callbacks=[recorder], shuffle=False, verbose=0)
    except Stopped:
        recorder.stopped = True
        if not recorder.restore_best():
            raise
        return
    if config.keep_best:
        recorder.restore_best()
    else:
        recorder.best_epoch = recorder._epoch + 1


def seed_everything(seed: int) -> None:
    """Makes every random choice of Keras and TensorFlow in this process the same for the same seed."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def standard(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation (F,) by which features (N, F) are standardised.

    A deviation is at least half of the median one: blowing up features that hardly vary gains nothing (measured on
    three sets), and makes the folded weights so uneven that integer exports suffer.
    """
    deviation = features.std(axis=0)
    return features.mean(axis=0), np.maximum(deviation, 0.5 * np.median(deviation)) + 1e-6


def class_weights(labels: np.ndarray, classes: int) -> np.ndarray:
    """Weight of each example, float32 (N,): small classes count for more, the mean is 1. `labels` int (N,)."""
    counts = np.bincount(labels, minlength=classes)
    return (len(labels) / (np.count_nonzero(counts) * counts[labels])).astype(np.float32)


def feature_batches(
    features: np.ndarray, labels: np.ndarray, weights: np.ndarray, config: TrainConfig, *, training: bool
) -> tf.data.Dataset:
    """Batches of (float32 (B, F), int32 (B,), float32 (B,)), shuffled anew in each epoch if `training`."""
    data = tf.data.Dataset.from_tensor_slices((features, labels.astype(np.int32), weights))
    if training:
        return data.shuffle(len(labels), seed=config.seed).batch(config.batch_size).prefetch(tf.data.AUTOTUNE)
    return data.batch(1024)


def head(features: int, classes: int, examples: int, config: TrainConfig) -> keras.Model:
    """The part that learns on a frozen backbone: standardised float32 (N, F) -> logits (N, K), L2-regularised."""
    layers: list[keras.Layer] = [keras.Input((features,))]
    if config.dropout:
        layers.append(keras.layers.Dropout(config.dropout, seed=config.seed))
    regularizer = keras.regularizers.L2(config.l2 / examples) if config.l2 else None
    # Zeros: features are standardised, and the loss is convex, so that nothing has to be broken by chance.
    layers.append(keras.layers.Dense(classes, kernel_initializer="zeros", kernel_regularizer=regularizer))
    return keras.Sequential(layers, name="head")


def fold(
    kernel: np.ndarray, bias: np.ndarray, mean: np.ndarray, deviation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Kernel (F, K) and bias (K,) for raw features, from those for standardised ones: the exported graph stays plain."""
    folded = kernel / deviation[:, None]
    return folded.astype(np.float32), (bias - mean @ folded).astype(np.float32)


def join_frozen(config: TrainConfig, kernel: np.ndarray, bias: np.ndarray) -> keras.Model:
    """Backbone, head and softmax in one model: float32 (N, S, S, 3) in 0..255 -> probabilities (N, K)."""
    from core.backbones.lite import build

    backbone = build(get_backbone(config.backbone), multi_level=config.multi_level)
    dense = keras.layers.Dense(kernel.shape[1], name="logits")
    outputs = keras.layers.Softmax(name="probabilities")(dense(backbone.output))
    dense.set_weights([kernel, bias])
    return keras.Model(backbone.input, outputs, name="classifier")


def with_softmax(model: keras.Model) -> keras.Model:
    """A model that gives logits, made to give probabilities."""
    return keras.Model(model.inputs, keras.layers.Softmax(name="probabilities")(model.outputs[0]), name="classifier")
