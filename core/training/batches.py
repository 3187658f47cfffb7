"""What a training is fed: pictures or features in batches, shuffled anew in every epoch, weighted or drawn by class."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from core.config.training import TrainConfig
from core.imaging.augment import generator
from core.training.feature_matrix import Features, StoredFeatures
from core.training.standardise import class_weights, scaled

KEPT_BYTES = 256_000_000
"""Features beyond this are scaled batch by batch: a scaled copy of all would not always fit into memory."""


def sampled(labels: np.ndarray, config: TrainConfig, rng: np.random.Generator) -> np.ndarray:
    """Positions to learn from in one epoch, shuffled: int (M,). With over-sampling each class comes as often as the
    largest, its pictures as evenly as can be; else each picture once. `labels` int (N,)."""
    if config.sampling != "over-sampling":
        return rng.permutation(len(labels))
    most = np.bincount(labels).max()
    drawn = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        whole = np.tile(rows, most // len(rows))
        drawn += [whole, rng.choice(rows, most - len(whole), replace=False)]
    return rng.permutation(np.concatenate(drawn))


def order_of(labels: np.ndarray, config: TrainConfig, *, training: bool) -> Callable[[int], np.ndarray]:
    """What gives the positions int (M,) of an epoch, by its number: as they are, or, with `training`, as `sampled` draws them
    anew each time, the same way for the same seed. `labels` int (N,)."""
    if not training:
        return lambda _: np.arange(len(labels))
    return lambda epoch: sampled(labels, config, generator(config.seed, "order", epoch))


def example_weights(labels: np.ndarray, classes: int, config: TrainConfig) -> np.ndarray:
    """Weight of each training example, float32 (N,)."""
    if config.class_weights and config.sampling != "over-sampling":
        return class_weights(labels, classes)
    return np.ones(len(labels), np.float32)


def batches(
    count: int,
    load: Callable[[int, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]],
    shape: tuple[int, ...],
    classes: int,
    batch_size: int,
    order: Callable[[int], np.ndarray],
) -> tf.data.Dataset:
    """Batches of (float32 (B, *shape), truth float32 (B, K), weight float32 (B,)), made as they are needed.

    `order(epoch)` gives the positions int (count,) of an epoch, `load(epoch, positions)` the batch's arrays. The last
    batch may be smaller: nothing is left out.
    """
    epochs = itertools.count()

    def one_epoch() -> Iterator[tuple[int, np.ndarray]]:
        epoch = next(epochs)
        positions = order(epoch)
        for start in range(0, count, batch_size):
            yield epoch, positions[start : start + batch_size]

    def one_batch(epoch: tf.Tensor, positions: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        x, truth, weight = tf.numpy_function(load, (epoch, positions), (tf.float32, tf.float32, tf.float32))
        return (
            tf.ensure_shape(x, (None, *shape)),
            tf.ensure_shape(truth, (None, classes)),
            tf.ensure_shape(weight, (None,)),
        )

    signature = (tf.TensorSpec((), tf.int64), tf.TensorSpec((None,), tf.int64))
    return (
        tf.data.Dataset.from_generator(one_epoch, output_signature=signature)
        .map(one_batch, num_parallel_calls=2, deterministic=True)
        .apply(tf.data.experimental.assert_cardinality(-(-count // batch_size)))
        .prefetch(2)
    )


def one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    """int (N,) -> float32 (N, K)."""
    truth = np.zeros((len(labels), classes), np.float32)
    truth[np.arange(len(labels)), labels] = 1
    return truth


def feature_batches(
    features: Features,
    labels: np.ndarray,
    classes: int,
    config: TrainConfig,
    scale: tuple[np.ndarray, np.ndarray],
    *,
    training: bool,
) -> tf.data.Dataset:
    """Batches (see `batches`) of standardised features, shuffled anew in each epoch if `training`. `features` (N, F)."""
    weights = example_weights(labels, classes, config) if training else np.ones(len(labels), np.float32)

    def load(_: int, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return scaled(features[rows], *scale), one_hot(labels[rows], classes), weights[rows]

    order = order_of(labels, config, training=training)
    # Few pictures in large batches would be too few steps: the head would end before it has learned.
    size = min(config.batch_size, max(8, len(labels) // 16)) if training else 1024
    if isinstance(features, StoredFeatures) or features.nbytes > KEPT_BYTES:
        return batches(len(order(0)), load, features.shape[1:], classes, size, order)
    return _gathered(load(0, np.arange(len(labels))), len(order(0)), size, order)


def _gathered(
    whole: tuple[np.ndarray, np.ndarray, np.ndarray], count: int, batch_size: int, order: Callable[[int], np.ndarray]
) -> tf.data.Dataset:
    """As `batches`, of arrays that TensorFlow keeps: twice as fast, because no batch waits for Python."""
    epochs = itertools.count()
    with tf.device("CPU"):  # where batches are made: a graphics card's memory is for the network
        kept = tuple(tf.constant(array) for array in whole)
    positions = tf.data.Dataset.range(1).map(
        lambda _: tf.ensure_shape(tf.numpy_function(lambda: order(next(epochs)), (), tf.int64), (count,))
    )
    return (
        positions.unbatch()
        .batch(batch_size)
        .map(lambda rows: tuple(tf.gather(array, rows) for array in kept))
        .apply(tf.data.experimental.assert_cardinality(-(-count // batch_size)))
        .prefetch(2)
    )
