"""Training on the pictures themselves: a network from scratch, or a pretrained one that goes on from its head."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from core.config.split import PARTS
from core.config.training import TrainConfig
from core.inference.calibration import score, softmax
from core.models.devices import training_scope
from core.models.feature_extractor import ExtractorSpec, build_extractor, mirrored, specs_of
from core.models.frozen import classifier
from core.models.loading import blocks
from core.models.scratch import build_network
from core.system.errors import ModelError
from core.system.tasks.job import Stopped
from core.training import fit, pipeline
from core.training.job import Job, Trained
from core.training.linear_probe import Head
from core.training.pace import seconds_a_step
from core.training.standardise import fold
from core.training.weight_averaging import WeightAverage, weigh_views

_ASKING = 0.3
"""What a batch costs that is only asked about, against one that is learned from."""

Load = Callable[..., np.ndarray]
"""As `pipeline.load_squares`."""


class NoTime(Exception):  # noqa: N818 - an answer, which the caller knows how to go on from
    """Not one epoch fits into the time that is left."""


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
    penalty = fit.regularizer(config.model_copy(update={"l2": 0}), 1)
    name = config.backbone.replace("-", "_")

    def build() -> keras.Model:
        classes = len(job.plan.classes)
        return build_network(config.architecture, config.input_pixels, classes, config.dropout, penalty, name)

    with training_scope():
        model = build()
    recorder, learned, _ = _fit(job, model, squares, config)
    plain = build()
    plain.set_weights(learned)
    return recorder, fit.with_softmax(plain)


@dataclass(frozen=True)
class FineTuned:
    """A pretrained network that went on learning: its answers by part, float32 (N, K), and the weights of its parts.

    `mirrored`: whether it looks at the mirror image, too; `rounds`: how many epochs it learned for; `tried`: see Weighed.
    """

    logits: dict[str, np.ndarray]
    extractor: list[np.ndarray]
    kernel: np.ndarray
    bias: np.ndarray
    best_epoch: int
    stopped: bool
    mirrored: bool
    rounds: int
    tried: tuple[tuple[str, np.ndarray], ...]


def build_tuned(spec: ExtractorSpec, weights: list[np.ndarray]) -> keras.Model:
    """The extractor with what it has learned; it looks twice if `spec` says so, though it learned by looking once."""
    model = build_extractor(replace(spec, mirrored=False))
    model.set_weights(weights)
    return mirrored(model) if spec.mirrored else model


def fine_tune(
    job: Job,
    spec: ExtractorSpec,
    head: Head,
    config: TrainConfig,
    rival: tuple[float, float],
    seconds: float = 0.0,
    clock: Callable[[], float] = time.perf_counter,
    *,
    weigh: bool = False,
) -> FineTuned:
    """Trains the last blocks, or all, of a backbone on changed pictures, from a head that fits it; batch norm stays frozen.

    The rate grows from 0 over the warm-up, then falls as a cosine, so that the first gradients destroy nothing.
    `rival`: the `score` of what there is already. With `seconds`, told by `clock`, the number of epochs is what fits into
    them, with what is asked afterwards, at most those of the settings. `weigh`, with `seconds`: averaged weights, and then
    mirrored views whatever `spec` says of them, are taken where the validation part is answered better with them.

    Raises Stopped if it was stopped before an epoch was better than the rival: it is not worth waiting for the test of it then.
    Raises NoTime if no epoch would fit.
    """
    start = clock()
    squares = read_parts(job, spec.pixels)
    began = time.perf_counter()
    fit.seed_everything(config.seed)
    job.phase("building")
    extractor, model = job.waiting_for(lambda: _tunable(spec, head, config, len(squares["train"])))
    # What will answer is made ready now: after a stop nobody wants to wait for that.
    twin, answering = job.waiting_for(lambda: _answering(spec, len(head.bias), squares["val"][:1]))
    places = {id(variable): place for place, variable in enumerate(model.weights)}

    def learned(weights: Sequence[np.ndarray]) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
        """The extractor's weights, and the head's kernel and bias, of those of the model that learns."""
        inner = [weights[places[id(variable)]] for variable in extractor.weights]
        kernel, offset = (weights[places[id(variable)]] for variable in model.layers[-1].weights)
        return inner, *fold(kernel, offset, *head.scale)

    def ask(weights: Sequence[np.ndarray], part: str, mirror: bool) -> np.ndarray:
        """Logits (N, K) of the pictures, or of their mirror images: the head is linear, so that the mean of both is what it
        says of the mean of their features."""
        inner, kernel, bias = learned(weights)
        twin.set_weights(inner)
        answering.layers[-1].set_weights([kernel, bias])
        return answers_of(answering, squares[part][:, :, :: -1 if mirror else 1], job.should_stop)

    def views(weights: Sequence[np.ndarray], part: str, both: bool) -> np.ndarray:
        seen = ask(weights, part, False)
        return (seen + ask(weights, part, True)) / 2 if both else seen

    def answers(weights: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        return {part: views(weights, part, spec.mirrored) for part in ("val", "test")}

    config = config.model_copy(
        update={
            "epochs": config.fine_tune_epochs,
            "learning_rate": config.fine_tune_rate,
            "schedule": "cosine",
            "batch_size": min(config.batch_size, 32),
        }
    )
    # An epoch that beats the rival is asked at once: whoever stops afterwards waits for no answers.
    recorder, kept, averaged = _fit(
        job,
        model,
        squares,
        config,
        warm_up=config.fine_tune_warm_up,
        seconds=seconds and seconds - (clock() - start),
        ask=lambda weights, reached: answers(weights) if reached > rival else None,
        clock=clock,
        average=weigh,
    )
    logits = recorder.best.answers if recorder.best and kept is recorder.best.weights else None
    if recorder.stopped and logits is None:
        raise Stopped
    twice = spec.mirrored
    tried: tuple[tuple[str, np.ndarray], ...] = ()
    if logits is None:
        job.phase("evaluate")
        if averaged is None:
            logits = answers(kept)
        else:
            both, later = (kept, averaged), len(squares["test"]) / len(squares["val"])
            taken = weigh_views(
                lambda mean, mirror: ask(both[mean], "val", mirror), job.labels("val"), later, start + seconds, clock
            )
            kept, twice, tried = both[taken.averaged], taken.mirrored, taken.tried
            logits = {"val": taken.logits, "test": views(kept, "test", twice)}
    job.spend("fine_tune", time.perf_counter() - began)
    return FineTuned(
        logits,
        *learned(kept),
        recorder.best_epoch,
        recorder.stopped,
        twice,
        recorder.rounds,
        tried,
    )


def fine_tuned_or_frozen(job: Job, frozen: Trained, head: Head) -> Trained:
    """Fine-tunes, and keeps whichever is better on the validation part: a small set can lose by it.

    A stop keeps what there is by then. Raises ModelError where nothing can be fine-tuned.
    """
    (spec,) = specs_of(job.config)
    truth = job.labels("val")
    rival = score(frozen.predict("val"), truth)
    try:
        tuned = fine_tune(job, spec, head, job.config, rival)
    except Stopped:  # the head alone is a model, too
        return replace(frozen, stopped=True)
    better = score(softmax(tuned.logits["val"]), truth) > rival
    if not better:
        return replace(frozen, stopped=tuned.stopped)
    return Trained(
        lambda part: softmax(tuned.logits[part]),
        tuned.best_epoch,
        tuned.stopped,
        frozen.parameters,
        lambda: classifier([build_tuned(spec, tuned.extractor)], tuned.kernel, tuned.bias),
    )


def _tunable(spec: ExtractorSpec, head: Head, config: TrainConfig, examples: int) -> tuple[keras.Model, keras.Model]:
    """The extractor, and the model that learns: the extractor with the head, of which those layers learn that shall."""
    with training_scope():
        extractor = build_extractor(replace(spec, mirrored=False))
        model = _with_head(extractor, head, config, examples)
        _unfreeze(extractor, config)
    return extractor, model


def _answering(spec: ExtractorSpec, classes: int, one: np.ndarray) -> tuple[keras.Model, keras.Model]:
    """An extractor, and the logits that a head gives on it, in float32 as the model will be used; both without what was
    learned. `one` picture uint8 (1, S, S, 3) is asked about, so that the others take no longer than they must."""
    twin = build_extractor(replace(spec, mirrored=False))
    answers = keras.Model(twin.input, keras.layers.Dense(classes)(twin.output))
    answers_of(answers, one)
    return twin, answers


def _with_head(extractor: keras.Model, head: Head, config: TrainConfig, examples: int) -> keras.Model:
    """Logits from the extractor, the head's own scale, and the head as it was trained."""
    mean, deviation = head.scale
    standard = keras.layers.Normalization(mean=mean, variance=deviation**2, name="standard")(extractor.output)
    if config.dropout:
        standard = keras.layers.Dropout(config.dropout, seed=config.seed)(standard)
    dense = keras.layers.Dense(
        len(head.bias), kernel_regularizer=fit.regularizer(config, examples), dtype="float32", name="logits"
    )
    model = keras.Model(extractor.input, dense(standard))
    dense.set_weights([head.kernel * deviation[:, None], head.bias + mean @ head.kernel])
    return model


def _unfreeze(extractor: keras.Model, config: TrainConfig) -> None:
    groups = blocks(extractor)
    chosen: Sequence[list[keras.Layer]] = groups if config.fine_tune == "all" else groups[-config.fine_tune_blocks :]
    extractor.trainable = True
    free = {id(layer) for group in chosen for layer in group}
    for group in groups:
        for layer in group:
            layer.trainable = id(layer) in free and not isinstance(layer, keras.layers.BatchNormalization)
    if not extractor.trainable_weights:
        raise ModelError("Nothing of this model can be fine-tuned.", "Choose another model, or switch fine-tuning off.")


def _fit(
    job: Job,
    model: keras.Model,
    squares: dict[str, np.ndarray],
    config: TrainConfig,
    *,
    warm_up: float = 0.0,
    seconds: float = 0.0,
    ask: Callable[[Sequence[np.ndarray], tuple[float, float]], Any] | None = None,
    clock: Callable[[], float] = time.perf_counter,
    average: bool = False,
) -> tuple[fit.Recorder, list[np.ndarray], list[np.ndarray] | None]:
    """Trains the model; returns the recorder, the weights that are kept, in the order of the model's, and with `average` their
    average over the last epoch. Raises as `fine_tune` does."""
    classes = len(job.plan.classes)
    train = pipeline.picture_batches(squares["train"], job.labels("train"), classes, config, training=True)
    val = pipeline.picture_batches(squares["val"], job.labels("val"), classes, config, training=False)
    rate = "fine_tune_rate" if config.pretrained else "learning_rate"
    recorder = fit.Recorder(job, config, len(train), rate, ask)
    beside = [WeightAverage(len(train))] if average else []

    def work() -> None:
        left, began = seconds, clock()
        if seconds:
            fit.make_ready(model, config.model_copy(update={"schedule": "constant"}), 1)
            step = seconds_a_step(model, train, clock)
            each = step * (len(train) + _ASKING * len(val))
            later = 4 * len(val) + 2 * len(squares["test"]) / config.batch_size  # batches that weigh_views asks about
            left -= clock() - began + 1.5 * _ASKING * step * later
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
