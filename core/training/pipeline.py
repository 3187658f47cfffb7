"""Pictures -> tf.data batches for networks that train from scratch."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tensorflow as tf

from core.augmentation import augment, generator
from core.config import TrainConfig
from core.training.features import CHUNK, Stopped, read_named

IN_MEMORY_BYTES = 1_000_000_000
"""Decoded pictures beyond this lie in a file that is mapped into memory."""


def load_squares(
    paths: Sequence[Path],
    pixels: int,
    scratch: Path,
    progress: Callable[[int, int], None],
    should_stop: Callable[[], bool],
) -> np.ndarray:
    """All pictures decoded: uint8 (N, S, S, 3), in memory or, where that is too much, in the file `scratch`.

    Raises Stopped when `should_stop` says so, PictureError if a file went bad since it was checked.
    """
    shape = (len(paths), pixels, pixels, 3)
    if np.prod(shape) <= IN_MEMORY_BYTES:
        squares = np.empty(shape, np.uint8)
    else:
        squares = np.lib.format.open_memmap(scratch, mode="w+", dtype=np.uint8, shape=shape)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for start in range(0, len(paths), CHUNK):
            if should_stop():
                raise Stopped
            chunk = paths[start : start + CHUNK]
            for offset, square in enumerate(pool.map(lambda path: read_named(path, pixels), chunk)):
                squares[start + offset] = square
            progress(start + len(chunk), len(paths))
    return squares


def batches(
    squares: np.ndarray, labels: np.ndarray, config: TrainConfig, *, training: bool, weights: np.ndarray | None = None
) -> tf.data.Dataset:
    """Batches of (float32 (B, S, S, 3) in 0..255, int32 (B,), float32 weight (B,)).

    With `training` they are shuffled anew and changed at random in every epoch, the same way for the same seed.
    The last batch may be smaller: no picture is left out.
    """
    count, side = len(squares), squares.shape[1]
    weights = np.ones(count, np.float32) if weights is None else weights
    epochs = itertools.count()

    def one_epoch() -> Iterator[tuple[int, np.ndarray]]:
        epoch = next(epochs)
        order = generator(config.seed, "order", epoch).permutation(count) if training else np.arange(count)
        for start in range(0, count, config.batch_size):
            yield epoch, order[start : start + config.batch_size]

    def load(epoch: np.ndarray, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        pictures = squares[indices]
        if training and config.augment.active:
            draws = (generator(config.seed, "draw", epoch, index) for index in indices)
            pictures = np.stack([augment(p, config.augment, rng) for p, rng in zip(pictures, draws, strict=True)])
        return pictures.astype(np.float32), labels[indices].astype(np.int32), weights[indices].astype(np.float32)

    def one_batch(epoch: tf.Tensor, indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        pictures, truth, weight = tf.numpy_function(load, (epoch, indices), (tf.float32, tf.int32, tf.float32))
        shape = (None, side, side, 3)
        return tf.ensure_shape(pictures, shape), tf.ensure_shape(truth, (None,)), tf.ensure_shape(weight, (None,))

    signature = (tf.TensorSpec((), tf.int64), tf.TensorSpec((None,), tf.int64))
    steps = -(-count // config.batch_size)
    return (
        tf.data.Dataset.from_generator(one_epoch, output_signature=signature)
        .map(one_batch, num_parallel_calls=2, deterministic=True)
        .apply(tf.data.experimental.assert_cardinality(steps))
        .prefetch(2)
    )
