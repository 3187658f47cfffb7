"""Fine-tuning: a pretrained network that goes on learning from the head that fits it. Needs TensorFlow."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import keras
import numpy as np

from core.config.split import PARTS
from core.config.training import TrainConfig
from core.inference.calibration import score, softmax
from core.models.devices import training_scope
from core.models.divided import divided
from core.models.feature_extractor import ExtractorSpec, build_extractor, mirrored, specs_of
from core.models.frozen import classifier
from core.models.loading import blocks
from core.system.errors import ModelError
from core.system.tasks.job import Stopped
from core.training import fit
from core.training.activations import batches_above
from core.training.job import Job, Trained
from core.training.linear_probe import Head
from core.training.standardise import fold
from core.training.weight_averaging import weigh_views
from core.training.whole import ASKING, answers_of, batches_of, learn, read_parts

BATCH = 32
"""Pictures of a step, at most."""
_WHOLE = 2.0
"""A step of the whole network against one of its later part."""


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
    thorough: bool = False,
) -> FineTuned:
    """Trains the last blocks, or all, of a backbone on changed pictures, from a head that fits it; batch norm stays frozen.

    The rate grows from 0 over the warm-up, then falls as a cosine, so that the first gradients destroy nothing.
    `rival`: the `score` of what there is already. With `seconds`, told by `clock`, the number of epochs is what fits into
    them, with what is asked afterwards, at most those of the settings. `thorough`, with `seconds`: the head stays as it is; of
    a network that can be divided only the later part learns, from what is kept of the earlier one; averaged weights, and then
    mirrored views whatever `spec` says of them, are taken where the validation part is answered better with them.

    Raises Stopped if it was stopped before an epoch was better than the rival: it is not worth waiting for the test of it then.
    Raises NoTime if no epoch would fit.
    """
    start, building = clock(), time.perf_counter()
    fit.seed_everything(config.seed)
    job.phase("building")
    examples = len(job.plan.part("train"))
    extractor, model, in_parts = job.waiting_for(lambda: _tunable(spec, head, config, examples, thorough))
    built = time.perf_counter() - building
    squares = read_parts(job, spec.pixels, PARTS[1:] if in_parts else PARTS)
    began = time.perf_counter() - built
    # What will answer is made ready now: after a stop nobody wants to wait for that.
    twin, answering = job.waiting_for(lambda: _answering(spec, len(head.bias), squares["val"][:1]))
    places = {id(variable): place for place, variable in enumerate(model.weights)}

    def learned(weights: Sequence[np.ndarray]) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
        """The extractor's weights, and the head's kernel and bias, of those of the model that learns."""
        inner = [
            weights[place] if (place := places.get(id(variable))) is not None else np.asarray(variable)
            for variable in extractor.weights
        ]
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
            "batch_size": min(config.batch_size, BATCH),
        }
    )
    parts = divided(twin) if in_parts else None
    batches = batches_above(job, parts.lower, config) if parts else batches_of(job, squares, config)
    # What weigh_views asks about, by the whole network.
    asked = 4 * len(batches.val) + 2 * len(squares["test"]) / config.batch_size if thorough else 0.0
    # An epoch that beats the rival is asked at once: whoever stops afterwards waits for no answers.
    recorder, kept, averaged = learn(
        job,
        model,
        batches,
        config,
        warm_up=config.fine_tune_warm_up,
        seconds=seconds and seconds - (clock() - start),
        later=_WHOLE * ASKING * asked,
        ask=lambda weights, reached: answers(weights) if reached > rival else None,
        clock=clock,
        average=thorough,
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


def _tunable(
    spec: ExtractorSpec, head: Head, config: TrainConfig, examples: int, thorough: bool
) -> tuple[keras.Model, keras.Model, bool]:
    """The extractor; the model that learns, which is the extractor or its later part, with the head, of which those layers
    learn that shall; and whether it is the later part."""
    with training_scope():
        extractor = build_extractor(replace(spec, mirrored=False))
        # A patch of another picture can be put into a picture only.
        parts = divided(extractor) if thorough and not config.augment.cutmix else None
        model = _with_head(parts.upper if parts else extractor, head, config, examples)
        _unfreeze(extractor, config)
        model.layers[-1].trainable = not thorough
    return extractor, model, parts is not None


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
