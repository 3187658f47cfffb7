"""A head on the features of frozen backbones: each picture is looked at once, and only the small head is trained."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.config.backbones import get_backbone
from core.config.estimate import note_speed
from core.config.training import TrainConfig
from core.inference.calibration import softmax
from core.models.feature_extractor import ExtractorSpec, prepare, specs_of
from core.models.frozen import FrozenClassifier, exact
from core.runs.records import RunPicture
from core.system.errors import RunError
from core.system.tasks.job import Stopped, load_in_background
from core.system.threads import serial_linear_algebra
from core.training.feature_matrix import Features, StoredFeatures, logits, side_by_side
from core.training.features import Extractor, FeatureExtractor, FeatureStore, PictureView, Views, features_of
from core.training.job import Job, Trained
from core.training.logistic_regression import solve
from core.training.standardise import class_weights, fold, raw, standard
from core.training.whitening import Whitening

_ENOUGH = 100
"""Pictures from which a speed, or the scale of features, can be told."""


@dataclass(frozen=True)
class Head:
    """What a head has learned, for raw features: kernel float32 (F, K), bias float32 (K,). `scale` is the mean and the
    deviation (F,) by which features were standardised while it learned; both are folded into kernel and bias."""

    kernel: np.ndarray
    bias: np.ndarray
    scale: tuple[np.ndarray, np.ndarray]
    best_epoch: int
    stopped: bool

    def probabilities(self, features: Features) -> np.ndarray:
        """Raw features (N, F) -> float32 (N, K), rows sum to 1."""
        return softmax(logits(features, self.kernel, self.bias))


def open_extractor(spec: ExtractorSpec, job: Job) -> Extractor:
    """Something that computes the features of `spec`: by LiteRT where the backbone converts, else by Keras.

    Fetches the weights and converts them where that has not been done. Raises Stopped, ModelError.
    """
    fetch_weights(spec, job)
    file = spec.path if spec.ready else None
    if file is None and not spec.needs_keras:
        job.phase("prepare")
        file = job.waiting_for(lambda: prepare(spec))
    if file is not None:
        return FeatureExtractor(file, spec.pixels)
    from core.training.keras_features import KerasExtractor

    job.phase("prepare")
    return job.waiting_for(lambda: KerasExtractor(spec))


def fetch_weights(spec: ExtractorSpec, job: Job) -> None:
    """Downloads what a backbone needs and this machine does not have. Raises Stopped, ModelError."""
    from core.models.weights_store import fetch, is_here

    if not is_here(spec.backbone):
        job.phase("download")
        fetch(spec.backbone, job.progress, job.should_stop)


def look(
    job: Job,
    specs: Sequence[ExtractorSpec],
    sights: Sequence[PictureView],
    config: TrainConfig | None = None,
    folder: Path | None = None,
) -> Features:
    """Features (N, F) of all sights through all extractors, side by side. Raises Stopped, PictureError, RunError."""
    seen, config = [], config or job.config
    for number, spec in enumerate(specs):
        extractor = open_extractor(spec, job)
        kept = FeatureStore((folder or feature_folder(job.plan.project)) / f"{spec.id}.sqlite")
        job.phase("features", len(sights) * len(specs))

        def said(done: int, _: int, before: int = number * len(sights)) -> None:
            job.progress(before + done, len(sights) * len(specs))

        seen.append(features_of(sights, extractor, kept, config.augment, config.seed, said, job.should_stop))
        _note_speed(spec, extractor)
        job.spend("decode", extractor.spent.decode)
        job.spend("features", extractor.spent.features)
    return side_by_side(seen)


def parts_of(job: Job, specs: Sequence[ExtractorSpec], config: TrainConfig) -> dict[str, Features]:
    """Features of the parts, (N, F) each: "train" (each picture plain, then its changed copies), "val", "test"."""
    plan = job.plan
    train = [(picture, draw) for draw in range(copies(config)) for picture in plan.part("train")]
    held_out = [(picture, 0) for part in ("val", "test") for picture in plan.part(part)]

    def views(looks: list[tuple[RunPicture, int]]) -> Views:
        return Views(lambda one: PictureView(one[0].id, plan.file(one[0]), job.config.input_framing, one[1]), looks)

    if any(spec.integer for spec in specs):
        # The file that is taken away looks by floats: the numbers on the screen must be its own.
        count = len(plan.part("val"))
        some = slice(0, count, max(1, count // _ENOUGH))
        whole = look(job, specs, views(train + held_out[some]), config)
        rest = look(job, exact(specs), views(held_out), config)
        learned = aligned(whole[: len(train)], np.asarray(whole[len(train) :]), np.asarray(rest[some]))
    else:
        whole = look(job, specs, views(train + held_out), config)
        learned, rest = whole[: len(train)], whole[len(train) :]
    checked = len(plan.part("val"))
    return {"train": learned, "val": rest[:checked], "test": rest[checked:]}


def aligned(features: Features, seen: np.ndarray, wanted: np.ndarray) -> Features:
    """Features (N, F) of one extractor on the scale of another: both looked at the same pictures, `seen` and `wanted` (M, F).

    Mean and deviation of each feature are moved from those of `seen` to those of `wanted`; a deviation by half or double
    at most.
    """
    before, after = seen.std(axis=0), wanted.std(axis=0)
    ratio = np.divide(after, before, out=np.ones_like(after), where=before > 0).clip(0.5, 2)
    there, here = seen.mean(axis=0), wanted.mean(axis=0)

    def align(piece: np.ndarray) -> np.ndarray:
        moved: np.ndarray = (piece - there) * ratio + here
        return moved

    return align(features) if isinstance(features, np.ndarray) else features.changed(align)


def copies(config: TrainConfig) -> int:
    """How often each training picture is looked at: once plain, and once for each changed copy."""
    return 1 + (config.draws if config.augment.active else 0)


def learn_head(
    job: Job,
    config: TrainConfig,
    parts: Mapping[str, Features],
    labels: dict[str, np.ndarray] | None = None,
) -> Head:
    """Trains a head on "train" and watches "val": features as from `parts_of`, and labels int (N,), by default the plan's.

    Raises RunError when the loss or a feature is not finite, Stopped if there is nothing to keep.
    """
    train, val, classes = parts["train"], parts["val"], len(job.plan.classes)
    if labels is None:
        labels = {part: job.labels(part) for part in ("train", "val")}
    truth = np.tile(labels["train"], len(train) // len(labels["train"]))  # the changed copies follow the pictures
    if config.solved and isinstance(train, StoredFeatures):  # a round may take minutes
        train = train.changed(lambda piece: _unless_stopped(job, piece))
    scale = (standard if config.standardise else raw)(train)
    if config.solved:
        return _solved(job, config, (train, truth), (val, labels["val"]), scale)
    from core.training import fit
    from core.training.batches import feature_batches

    with fit.on_cpu():
        model = fit.head(train.shape[1], classes, len(truth), config)
        learned_from = feature_batches(train, truth, classes, config, scale, training=True)
        recorder = fit.Recorder(job, config, len(learned_from))
        job.phase("fit", len(learned_from) * config.epochs)
        held_out = feature_batches(val, labels["val"], classes, config, scale, training=False)
        fit.fit(model, learned_from, held_out, config, recorder)
    learned = model.layers[-1].get_weights()
    kernel, bias = fold(learned[0], learned[1], *scale)
    return Head(kernel, bias, scale, recorder.best_epoch, recorder.stopped)


def _solved(
    job: Job,
    config: TrainConfig,
    train: tuple[Features, np.ndarray],
    val: tuple[Features, np.ndarray],
    scale: tuple[np.ndarray, np.ndarray],
) -> Head:
    """A head that is solved (see logistic_regression), each of (features, labels); its rounds are told as epochs."""
    (features, truth), classes = train, len(job.plan.classes)
    if not np.isfinite(scale[0]).all():
        raise RunError("What the model sees is no number (features).", "Choose another model.")
    balanced = config.class_weights or config.sampling == "over-sampling"
    weights = class_weights(truth, classes) if balanced else np.ones(len(truth))
    penalty = config.l2 / len(truth) + config.l2_plain
    rounds, began, last = 0, time.perf_counter(), np.empty(0, np.float32)
    job.phase("fit", config.epochs)
    job.answered(0, lambda rows: np.full((len(rows), classes), 1 / classes, np.float32))  # all weights are 0

    def watch(kernel: np.ndarray, right: float, loss: float) -> bool:
        nonlocal rounds, began, last
        rounds, last = rounds + 1, kernel
        now = time.perf_counter()
        folded, bias = fold(kernel[:-1], kernel[-1], *scale)
        said = softmax(logits(val[0], folded, bias))
        own = said[np.arange(len(said)), val[1]].clip(1e-12)
        job.epoch({
            "epoch": rounds,
            "accuracy": right,
            "loss": loss,
            "val_accuracy": float((said.argmax(axis=1) == val[1]).mean()),
            "val_loss": -float(np.log(own).mean()),
            "seconds": now - began,
        })  # fmt: skip
        began = now
        job.answered(rounds, lambda rows: said[rows])
        job.progress(rounds, config.epochs)
        return not job.should_stop()

    try:
        with serial_linear_algebra():
            white = Whitening.of(features, truth, scale) if config.whitening and config.standardise else None
            kernel = solve(
                features,
                truth,
                weights,
                classes,
                penalty,
                rounds=config.epochs,
                watch=watch,
                scale=scale,
                whitening=white,
            )
    except Stopped:
        if not rounds:
            raise
        kernel = last
    return Head(*fold(kernel[:-1], kernel[-1], *scale), scale, rounds, job.should_stop())


def _unless_stopped(job: Job, piece: np.ndarray) -> np.ndarray:
    if job.should_stop():
        raise Stopped
    return piece


def train_frozen(job: Job) -> tuple[Trained, Head]:
    """A head on features of one or two frozen backbones."""
    config = job.config
    specs = specs_of(config)
    if config.solved:
        parts = parts_of(job, specs, config)
    else:
        loading = load_in_background("core.training.fit")  # meanwhile LiteRT already computes features
        parts = parts_of(job, specs, config)
        job.until_loaded(loading)
        from core.training import fit

        fit.seed_everything(config.seed)
    began = time.perf_counter()
    head = learn_head(job, config, parts)
    job.spend("fit", time.perf_counter() - began)
    return Trained(
        lambda part: head.probabilities(parts[part]),
        head.best_epoch,
        head.stopped,
        sum(get_backbone(name).parameters for name in config.backbones) + head.kernel.size + head.bias.size,
        FrozenClassifier(exact(specs), head.kernel, head.bias),
    ), head


def _note_speed(spec: ExtractorSpec, extractor: Extractor) -> None:
    """Only of a backbone as it is, and of so many pictures that the start does not count."""
    plain = ExtractorSpec(spec.backbone, spec.backbone.input_pixels, spec.multi_level, expanded=spec.expanded)
    computed = extractor.spent.pictures
    if spec == plain and computed >= _ENOUGH:
        note_speed(spec.backbone.name, extractor.spent.features / computed * 1000)


def feature_folder(project: str) -> Path:
    """Where a project keeps the features of its pictures."""
    from core.datasets.project import Project

    return Project.open(project).home / "features"
