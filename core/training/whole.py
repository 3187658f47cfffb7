"""Training a network on the pictures themselves: one from scratch here; what fine-tuning needs of the same, too."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from core.config.split import PARTS
from core.config.training import TrainConfig
from core.models.devices import training_scope
from core.models.scratch import build_network
from core.system.tasks.job import Stopped
from core.training import fit, pipeline
from core.training.job import Job, Trained
from core.training.pace import seconds_a_step
from core.training.weight_averaging import WeightAverage

ASKING = 0.3
"""What a batch costs that is only asked about, against one that is learned from."""

Load = Callable[..., np.ndarray]
"""As `pipeline.load_squares`."""


class NoTime(Exception):  # noqa: N818 - an answer, which the caller knows how to go on from
    """Not one epoch fits into the time that is left."""


@dataclass(frozen=True)
class Batches:
    """What a network learns from, and is checked with: see core.training.fit.fit."""

    train: tf.data.Dataset
    val: tf.data.Dataset


def read_parts(
    job: Job, pixels: int, parts: Sequence[str] = PARTS, *, load: Load = pipeline.load_squares
) -> dict[str, np.ndarray]:
    """All pictures of these parts decoded: part -> uint8 (N, S, S, 3). Raises Stopped, PictureError."""
    began, offset, total = time.perf_counter(), 0, sum(len(job.plan.part(part)) for part in parts)
    job.phase("reading", total)
    squares = {}
    for part in parts:
        files = [(job.plan.file(picture), picture.id) for picture in job.plan.part(part)]

        def said(done: int, _: int, before: int = offset) -> None:
            job.progress(before + done, total)

        scratch = job.records.folder / f"{part}-{pixels}.npy"
        framing = job.config.input_framing
        squares[part] = load(files, pixels, framing, scratch, said, job.should_stop)
        offset += len(files)
    job.spend("decode", time.perf_counter() - began)
    return squares


def train_from_scratch(job: Job) -> Trained:
    """A whole network on pictures."""
    squares = read_parts(job, job.config.input_pixels)
    began = time.perf_counter()
    recorder, network = learn_from_scratch(job, job.config, squares)
    job.spend("fit", time.perf_counter() - began)
    return Trained(
        lambda part: answers_of(network, squares[part]),
        recorder.best_epoch,
        recorder.stopped,
        network.count_params(),
        lambda: network,
    )


def learn_from_scratch(
    job: Job, config: TrainConfig, squares: dict[str, np.ndarray]
) -> tuple[fit.Recorder, keras.Model]:
    """The recorder, and the network that gives probabilities (N, K), which learned from the pictures of "train" and was watched
    on those of "val", both uint8 (N, S, S, 3). Raises RunError when the loss is no longer finite, Stopped if there is nothing
    to keep."""
    fit.seed_everything(config.seed)
    classes = len(job.plan.classes)
    model = from_scratch(config, classes)
    recorder, learned, _ = learn(job, model, batches_of(job, squares, config), config)
    plain = _build(config, classes)
    plain.set_weights(learned)
    return recorder, fit.with_softmax(plain)


def from_scratch(config: TrainConfig, classes: int) -> keras.Model:
    """A new network that gives logits, on all cards that learn."""
    with training_scope():
        return _build(config, classes)


def _build(config: TrainConfig, classes: int) -> keras.Model:
    penalty = fit.regularizer(config.model_copy(update={"l2": 0}), 1)
    name = config.backbone.replace("-", "_")
    return build_network(config.architecture, config.input_pixels, classes, config.dropout, penalty, name)


def batches_of(job: Job, squares: dict[str, np.ndarray], config: TrainConfig) -> Batches:
    """Batches of the pictures of "train", changed at random, and of those of "val", both uint8 (N, S, S, 3)."""
    classes = len(job.plan.classes)
    return Batches(
        pipeline.picture_batches(squares["train"], job.labels("train"), classes, config, training=True),
        pipeline.picture_batches(squares["val"], job.labels("val"), classes, config, training=False),
    )


def learn(
    job: Job,
    model: keras.Model,
    batches: Batches,
    config: TrainConfig,
    *,
    warm_up: float = 0.0,
    seconds: float = 0.0,
    later: float = 0.0,
    ask: Callable[[Sequence[np.ndarray], tuple[float, float]], Any] | None = None,
    clock: Callable[[], float] = time.perf_counter,
    average: bool = False,
) -> tuple[fit.Recorder, list[np.ndarray], list[np.ndarray] | None]:
    """Trains the model; returns the recorder, the weights that are kept, in the order of the model's, and with `average` their
    average over the last epoch. With `seconds`, told by `clock`, there are as many epochs as fit into them, at most those of
    the settings, and are then followed by what takes as long as `later` steps of learning.

    Raises as core.training.fit.fit does, and NoTime if not one epoch would fit.
    """
    train, val = batches.train, batches.val
    rate = "fine_tune_rate" if config.pretrained else "learning_rate"
    recorder = fit.Recorder(job, config, len(train), rate, ask)
    beside = [WeightAverage(len(train))] if average else []

    def work() -> None:
        left, began = seconds, clock()
        if seconds:
            fit.make_ready(model, config.model_copy(update={"schedule": "constant"}), 1)
            step = seconds_a_step(model, train, clock)
            each = step * (len(train) + ASKING * len(val))
            left -= clock() - began + 1.5 * step * later
            if each > left:
                raise NoTime
            recorder.epochs = min(config.epochs, int(left / each))
        job.phase("fine-tune" if config.pretrained else "fit", len(train) * recorder.epochs)
        fit.fit(model, train, val, config, recorder, warm_up, left, beside, clock)

    try:
        job.waiting_for(work)  # the first step takes long, and the others of a large network, too
    except Stopped:
        if recorder.best is None:
            raise
        recorder.stopped = True
        return recorder, recorder.best.weights, None
    best = recorder.best
    kept = best.weights if best and (config.keep_best or recorder.stopped) else model.get_weights()
    return recorder, kept, beside[0].weights() if beside and not recorder.stopped else None


def answers_of(model: keras.Model, squares: np.ndarray, should_stop: Callable[[], bool] = lambda: False) -> np.ndarray:
    """What the model gives for the pictures uint8 (N, S, S, 3). Raises Stopped when `should_stop` says so."""
    listener = [fit.Listener(should_stop)]
    return np.asarray(model.predict(pipeline.plain_batches(squares), verbose=0, callbacks=listener))
