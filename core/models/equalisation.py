"""Features side by side share one scale when they become integers; those with a small range would keep few steps.

While a network is converted, each block of features is multiplied so that all have the same range, and the kernel of the head
makes up for it (scales moved from one layer to the next: Nagel et al. 2019, arXiv 1906.04721, section 4.1). Needs
TensorFlow: only worker processes import this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf

_OFF = 1e-3
"""How far features may be from their multiples, as a share of the largest: there is something between them and the head."""


def head_of(model: keras.Model) -> keras.layers.Dense | None:
    """The dense layer that makes the logits; None where there is more than one, or none."""
    heads = [layer for layer in model._flatten_layers() if type(layer) is keras.layers.Dense]
    return heads[0] if len(heads) == 1 else None


def features_of(head: keras.layers.Dense, look: Callable[[], object]) -> np.ndarray:
    """What comes to the head while `look` lets the model answer N pictures, float64 (N, F)."""
    seen: list[np.ndarray] = []

    def noting(features: tf.Tensor, training: bool | None = None) -> tf.Tensor:  # noqa: ARG001
        seen.append(features.numpy().astype(np.float64).reshape(-1, features.shape[-1]))
        return keras.layers.Dense.call(head, features)

    head.call = noting
    try:
        look()
    finally:
        del head.call
    return np.concatenate(seen)


@contextmanager
def equalised(model: keras.Model, look: Callable[[], object]) -> Iterator[None]:
    """While it lasts, what is joined to a vector of features has one range, where a dense layer makes the logits of them.
    `look` lets the model answer typical pictures. The model answers as before; afterwards all is as it was."""
    head = head_of(model)
    joins = [layer for layer in model._flatten_layers() if type(layer) is keras.layers.Concatenate]
    if not joins or head is None:
        yield
        return
    kernel = head.kernel.numpy()
    factors: dict[int, np.ndarray] = {}
    ranges: dict[int, np.ndarray] = {}

    def joined(layer: keras.Layer, parts: Sequence[tf.Tensor]) -> tf.Tensor:
        if len(parts[0].shape) == 2:
            if tf.executing_eagerly():
                seen = np.array([float(tf.reduce_max(tf.abs(part))) for part in parts])
                ranges[id(layer)] = np.maximum(ranges.get(id(layer), 0), seen)
            known = factors.get(id(layer), np.ones(len(parts), np.float32))
            parts = [part * factor for part, factor in zip(parts, known, strict=True)]
        return type(layer).call(layer, parts)

    def level() -> None:
        factors.update({layer: _factors(seen) for layer, seen in ranges.items()})
        ranges.clear()

    for layer in joins:
        layer.call = lambda parts, layer=layer: joined(layer, parts)
    try:
        before = features_of(head, look)
        level()
        look()  # what is joined may have been joined before, and has another range by now
        level()
        after = features_of(head, look)
        # Joined once or twice, averaged over mirror images: what stands between need not be known, it is seen.
        size = (before**2).sum(axis=0)
        factor = np.divide((before * after).sum(axis=0), size, out=np.ones_like(size), where=size > 0)
        if np.abs(after - before * factor).max(initial=0) <= _OFF * np.abs(after).max(initial=0) and (factor > 0).all():
            head.kernel.assign(kernel / factor[:, None])
        else:
            _as_they_were(joins)
        yield
    finally:
        _as_they_were(joins)
        head.kernel.assign(kernel)


def _factors(ranges: np.ndarray) -> np.ndarray:
    return np.divide(1, ranges, out=np.ones_like(ranges), where=ranges > 0).astype(np.float32)


def _as_they_were(joins: Sequence[keras.Layer]) -> None:
    for layer in joins:
        layer.__dict__.pop("call", None)
