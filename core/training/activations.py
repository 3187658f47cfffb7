"""What the earlier part of a network makes of pictures (activations), kept while the later part learns: each picture is looked
at as it is, and some of its changed copies, and not again in every epoch. Needs TensorFlow."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from core.config.training import TrainConfig
from core.imaging.augment import generator
from core.imaging.mixing import mix
from core.models.litert_conversion import to_tflite
from core.system.tasks.job import Stopped
from core.training.batches import batches, example_weights, one_hot, order_of
from core.training.feature_matrix import FeatureFile
from core.training.features import CHUNK, FeatureExtractor, PictureView, Views
from core.training.job import Job
from core.training.linear_probe import copies
from core.training.whole import Batches


def batches_above(job: Job, lower: keras.Model, config: TrainConfig) -> Batches:
    """Batches of what `lower` makes of the pictures, float32 (B, D): of the training part shuffled anew in each epoch, each
    time of the picture or of one of its copies. Raises Stopped, PictureError, and RunError where the disk has no room."""
    job.phase("building")
    below = FeatureExtractor(job.waiting_for(lambda: to_tflite(lower)), lower.input_shape[1])
    ways = {"train": copies(config), "val": 1}
    job.phase("activations", sum(count * len(job.plan.part(part)) for part, count in ways.items()))
    kept = {part: _kept(job, below, lower.output_shape[1], config, part, count) for part, count in ways.items()}
    job.spend("decode", below.spent.decode)
    job.spend("features", below.spent.features)
    return Batches(
        _batches(kept["train"], job.labels("train"), len(job.plan.classes), config, training=True),
        _batches(kept["val"], job.labels("val"), len(job.plan.classes), config, training=False),
    )


def _kept(job: Job, below: FeatureExtractor, width: int, config: TrainConfig, part: str, ways: int) -> FeatureFile:
    """Activations (ways * N, D) of a part: of all pictures as they are, then of a copy of each, and so on."""
    pictures, framing = job.plan.part(part), config.input_framing
    sights = Views(
        lambda row: PictureView(
            pictures[row % len(pictures)].id,
            job.plan.file(pictures[row % len(pictures)]),
            framing,
            row // len(pictures),
        ),
        range(ways * len(pictures)),
    )
    room, before = FeatureFile(len(sights), width, job.records.folder), below.spent.pictures
    total = job.state.total
    for row, activations in enumerate(below.compute(sights, config.augment, config.seed)):
        if row % CHUNK == 0 and job.should_stop():
            raise Stopped
        room[row] = activations
        job.progress(before + row + 1, total)
    return room


def _batches(
    kept: FeatureFile, labels: np.ndarray, classes: int, config: TrainConfig, *, training: bool
) -> tf.data.Dataset:
    weights = example_weights(labels, classes, config) if training else np.ones(len(labels), np.float32)
    ways = kept.shape[0] // len(labels)

    def load(epoch: int, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rng = generator(config.seed, "draw", epoch, *rows[:2])
        activations = kept[rng.integers(ways, size=len(rows)) * len(labels) + rows].astype(np.float32)
        truth = one_hot(labels[rows], classes)
        if training:
            activations, truth = mix(activations, truth, config.augment, rng)
        return activations, truth, weights[rows]

    order = order_of(labels, config, training=training)
    return batches(len(order(0)), load, kept.shape[1:], classes, config.batch_size, order)
