"""A Keras network made ready for integer weights: rounded beforehand, and each layer's mean answer put right again.

Rounded weights move what a layer answers by the mean of its input times what rounding changed, on all pictures alike; that is
taken off again (bias correction: Nagel et al. 2019, arXiv 1906.04721, section 4.2). The converter rounds weights that are on
its steps already to themselves. Needs TensorFlow: only worker processes import this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from core.models.rounding import rounded, scale_of


@dataclass
class _Seen:
    """The mean of a layer's input for each channel, over all that it was asked: a sum float64 (C,), and of how many."""

    layer: keras.layers.Layer
    total: np.ndarray | float = 0.0
    times: int = 0

    def note(self, values: tf.Tensor) -> None:
        """Adds an input, (N, H, W, C) or (N, C)."""
        self.total = self.total + tf.reduce_mean(values, axis=tuple(range(len(values.shape) - 1))).numpy().astype(float)
        self.times += 1

    def shift(self, changed: np.ndarray) -> np.ndarray:
        """How far the mean answer is moved, float32 (K,), by a `changed` kernel."""
        mean = np.asarray(self.total / self.times)
        if isinstance(self.layer, keras.layers.Dense):
            return np.asarray(mean @ changed, np.float32)
        inside = changed.sum(axis=(0, 1), dtype=np.float64)  # (C, K) of each group; (C, M) of a depthwise one
        if isinstance(self.layer, keras.layers.DepthwiseConv2D):
            return (mean[:, None] * inside).reshape(-1).astype(np.float32)
        groups = self.layer.groups
        by_group = inside.reshape(len(inside), groups, -1)
        return np.einsum("gc,cgk->gk", mean.reshape(groups, -1), by_group).reshape(-1).astype(np.float32)


@contextmanager
def rounded_for_integers(model: keras.Model, look: Callable[[], object]) -> Iterator[None]:
    """While it lasts, the weights of convolutions and dense layers are whole multiples of a step for each output channel, and
    their biases make up for that. `look` lets the model answer typical pictures. Afterwards all is as it was."""
    seen = _inputs(model, look)
    kept = [(variable, variable.numpy()) for each in seen for variable in each.layer.weights]
    called: list[keras.Layer] = []
    try:
        for each in seen:
            layer = each.layer
            shift = _round(each)
            if layer.bias is not None:
                layer.bias.assign(layer.bias - shift)
            elif layer.activation is keras.activations.linear:
                layer.call = lambda picture, layer=layer, shift=shift: tf.nn.bias_add(
                    type(layer).call(layer, picture), -shift
                )
                called.append(layer)
        yield
    finally:
        for layer in called:
            del layer.call
        for variable, value in kept:
            variable.assign(value)


def _inputs(model: keras.Model, look: Callable[[], object]) -> list[_Seen]:
    seen = {
        id(layer): _Seen(layer)
        for layer in model._flatten_layers()
        if type(layer) in (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)
    }
    try:
        for each in seen.values():

            def noting(values: tf.Tensor, training: bool | None = None, each: _Seen = each) -> tf.Tensor:  # noqa: ARG001
                each.note(values)
                return type(each.layer).call(each.layer, values)

            each.layer.call = noting
        look()
    finally:
        for each in seen.values():
            del each.layer.call
    return [each for each in seen.values() if each.times]


def _round(each: _Seen) -> np.ndarray:
    """Rounds the kernel of a layer; returns how far that moved its mean answer, float32 (K,)."""
    layer = each.layer
    before = layer.kernel.numpy()
    if isinstance(layer, keras.layers.Dense):
        scale = scale_of(before, (0,))
        after = np.rint(before / scale) * scale
    else:
        scale = scale_of(before, (0, 1) if isinstance(layer, keras.layers.DepthwiseConv2D) else (0, 1, 2))
        after = rounded(before, scale, (0, 1)) * scale
    layer.kernel.assign(after)
    return each.shift(after.astype(np.float64) - before)
