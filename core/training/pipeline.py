"""Pictures -> tf.data batches for networks that learn from pictures themselves: from scratch, or by fine-tuning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from core.config.framing import Framing
from core.config.training import TrainConfig
from core.imaging.augment import augment, generator
from core.imaging.mixing import mix
from core.system import storage
from core.system.tasks.job import Stopped
from core.system.threads import in_threads
from core.training.batches import batches, example_weights, one_hot, order_of
from core.training.features import CHUNK, read_named

IN_MEMORY_BYTES = 1_000_000_000
"""Decoded pictures beyond this lie in a file that is mapped into memory."""


def load_squares(
    files: Sequence[tuple[Path, str]],
    pixels: int,
    framing: Framing,
    scratch: Path,
    progress: Callable[[int, int], None],
    should_stop: Callable[[], bool],
) -> np.ndarray:
    """All pictures, (file, id) each, decoded: uint8 (N, S, S, 3), in memory or, where that is too much, in the file `scratch`.

    Raises Stopped when `should_stop` says so, PictureError if a file went bad since it was checked.
    """
    shape = (len(files), pixels, pixels, 3)
    squares = np.empty(shape, np.uint8) if np.prod(shape) <= IN_MEMORY_BYTES else _mapped(scratch, shape)
    _decode(files, pixels, framing, squares, progress, should_stop)
    return squares


def load_once(
    files: Sequence[tuple[Path, str]],
    pixels: int,
    framing: Framing,
    kept: Path,
    progress: Callable[[int, int], None],
    should_stop: Callable[[], bool],
) -> np.ndarray:
    """As `load_squares`, but always of the file `kept`, where they are found by other processes that need the same, and by one
    that goes on. It is mapped into memory, to be read only. Raises OSError, too, if it cannot be written."""

    def write(path: Path) -> None:
        squares = _mapped(path, (len(files), pixels, pixels, 3))
        _decode(files, pixels, framing, squares, progress, should_stop)
        squares.flush()

    if not kept.is_file():
        storage.write_with(kept, write)
    return np.load(kept, mmap_mode="r")


def _mapped(file: Path, shape: tuple[int, ...]) -> np.memmap:
    return np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=shape)


def _decode(
    files: Sequence[tuple[Path, str]],
    pixels: int,
    framing: Framing,
    squares: np.ndarray,
    progress: Callable[[int, int], None],
    should_stop: Callable[[], bool],
) -> None:
    for row, square in enumerate(in_threads(lambda file: read_named(file[0], pixels, framing, file[1]), files)):
        if row % CHUNK == 0 and should_stop():
            raise Stopped
        squares[row] = square
        progress(row + 1, len(files))


def plain_batches(squares: np.ndarray, size: int = 64) -> tf.data.Dataset:
    """Batches of pictures float32 (B, S, S, 3), in their order, without labels."""
    return tf.data.Dataset.range(0, len(squares), size).map(
        lambda start: tf.ensure_shape(
            tf.numpy_function(lambda at: squares[at : at + size].astype(np.float32), (start,), tf.float32),
            (None, *squares.shape[1:]),
        )
    )


def picture_batches(
    squares: np.ndarray, labels: np.ndarray, classes: int, config: TrainConfig, *, training: bool
) -> tf.data.Dataset:
    """Batches (see core.training.batches.batches) of pictures float32 (B, S, S, 3) in 0..255.

    With `training` they are shuffled anew, changed at random and mixed in every epoch, the same way for the same seed.
    """
    weights = example_weights(labels, classes, config) if training else np.ones(len(labels), np.float32)
    changes = config.augment

    def load(epoch: int, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        pictures, truth = squares[rows], one_hot(labels[rows], classes)
        if training and changes.active:
            draws = (generator(config.seed, "draw", epoch, row) for row in rows)
            pictures = np.stack([augment(p, changes, rng) for p, rng in zip(pictures, draws, strict=True)])
        pictures = pictures.astype(np.float32)
        if training and changes.mixes:
            pictures, truth = mix(pictures, truth, changes, generator(config.seed, "mix", epoch, *rows[:2]))
        return pictures, truth, weights[rows]

    order = order_of(labels, config, training=training)
    return batches(len(order(0)), load, squares.shape[1:], classes, config.batch_size, order)
