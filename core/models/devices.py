"""Which processors a training uses: all graphics cards there are, else the CPU. Needs TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf


def cards() -> int:
    """How many graphics cards TensorFlow finds."""
    return len(tf.config.list_physical_devices("GPU"))


@contextmanager
def training_scope() -> Iterator[None]:
    """Networks built inside are trained on every graphics card (mirrored variables), in mixed precision where there is one.

    With several cards each batch is divided between them. Their float16 parts are for speed only: what is kept and
    exported is built outside, in float32, with the same weights.
    """
    found = cards()
    if not found:
        yield
        return
    strategy = tf.distribute.MirroredStrategy() if found > 1 else tf.distribute.get_strategy()
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        with strategy.scope():
            yield
    finally:
        keras.config.set_dtype_policy(before)
