"""A trained network -> a .tflite file that also says where it looked. Needs TensorFlow: only worker processes import this.

The map is HiResCAM (Draelos and Carin 2020): gradient times activation, summed over the channels of the feature maps that
the head reads. Where the head is linear behind global averages, that is the class activation map of Zhou et al. 2016.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree
from tensorflow.lite.python.convert_phase import ConverterError

from core.models.litert_conversion import Frozen, Refused

_STILL_MAPS = ("Subtract", "Absolute")
"""Steps of a mean distance from the mean (core.models.feature_extractor), which belong to the pooling, not to the network."""


class _Walk:
    """One pass through a network, of a picture float32 (1, S, S, 3), that notes the feature maps which the head reads.

    Each map is copied for the head alone: gradients with respect to the copy leave out the way through later stages.
    `taken`: (copy (1, h, w, C), whether it is of the mirror image). With `logits`, softmax is left out.
    """

    def __init__(self, tape: tf.GradientTape, *, logits: bool) -> None:
        self.taken: list[tuple[tf.Tensor, bool]] = []
        self.softmaxes = 0
        self._tape, self._logits = tape, logits
        self._mirrored: list[tf.Tensor] = []

    def through(self, network: Any, picture: tf.Tensor) -> tf.Tensor:
        """What the network says of a picture. Raises Refused if its head reads no feature map that can be seen."""
        network = getattr(network, "_functional", network)  # a Sequential holds what is meant
        head, cut = _head(network)
        mirrored = self._is_mirrored(picture)
        values = {id(network.inputs[0]): picture}
        copies: dict[int, tf.Tensor] = {}
        for node in _in_order(network):
            arguments, named = node.arguments.fill_in(values | copies if id(node) in head else values)
            answer = self._step(node.operation, arguments, named)
            for symbol, value in zip(node.outputs, tree.flatten(answer), strict=True):
                values[id(symbol)] = value
                if id(symbol) in cut:
                    copy = copies[id(symbol)] = tf.identity(value)
                    self._tape.watch(copy)
                    self.taken.append((copy, mirrored))
        return values[id(network.outputs[0])]

    def _step(self, operation: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        if isinstance(operation, keras.Model):
            return self.through(operation, tree.flatten(arguments)[0])
        if isinstance(operation, keras.layers.Softmax):
            self.softmaxes += 1
            if self._logits:
                return arguments[0]
        if isinstance(operation, keras.layers.Dense) and operation.activation is keras.activations.relu:
            # The gradient of ReLU itself is no step that LiteRT knows.
            sums = tf.matmul(arguments[0], operation.kernel) + operation.bias
            return sums * tf.cast(sums > 0, sums.dtype)
        answer = operation(*arguments, **named)
        if type(operation).__name__ == "Flip" and not self._is_mirrored(arguments[0]):
            self._mirrored.append(answer)
        return answer

    def _is_mirrored(self, picture: tf.Tensor) -> bool:
        return any(picture is one for one in self._mirrored)


def _in_order(network: Any) -> list[Any]:
    """The steps of a network, each after those that it needs."""
    depths = network._nodes_by_depth
    return [node for depth in sorted(depths, reverse=True) for node in depths[depth] if not node.is_input]


def _has_places(symbol: Any) -> bool:
    return len(symbol.shape) == 4 and symbol.shape[1] * symbol.shape[2] > 1


def _head(network: Any) -> tuple[set[int], set[int]]:
    """Which steps are the head, and which feature maps it reads, both by their ids in Python.

    The head is what comes after the last step that knows places: poolings, flattening, dense layers. Raises Refused if a
    step of it is a network in one block.
    """
    steps = _in_order(network)
    readers: dict[int, list[int]] = {}
    for node in steps:
        for symbol in node.input_tensors:
            readers.setdefault(id(symbol), []).append(id(node))
    head: set[int] = set()
    read: set[int] = set()
    made: set[int] = set()
    for node in reversed(steps):
        placeless = not any(map(_has_places, node.outputs)) or type(node.operation).__name__ in _STILL_MAPS
        ends = all(one in head for symbol in node.outputs for one in readers.get(id(symbol), ()))
        if isinstance(node.operation, keras.Model) or not placeless or not ends:
            continue
        maps = [symbol for symbol in node.input_tensors if _has_places(symbol)]
        if maps and isinstance(node.operation, keras.Layer) and node.operation.weights:
            raise Refused("One block looks at the whole picture, and cannot be seen into.")
        head.add(id(node))
        read |= {id(symbol) for symbol in maps}
        made |= {id(symbol) for symbol in node.outputs}
    return head, read - made


def _resampling(size: int, wanted: int) -> np.ndarray:
    """float32 (wanted, size): bilinear interpolation of a row of `size` values whose sum stays what it was."""
    place = (np.arange(wanted) + 0.5) * size / wanted - 0.5
    weights = np.maximum(0, 1 - np.abs(place.clip(0, size - 1)[:, None] - np.arange(size)))
    return (weights / weights.sum(axis=0)).astype(np.float32)


def _explained(model: keras.Model, picture: tf.Tensor, chosen: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Probabilities (1, K), and the map (1, h, w) of the chosen class, (1, K) with a single one."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        walk = _Walk(tape, logits=True)
        logits = walk.through(model, picture)
        score = tf.reduce_sum(logits * chosen)
    if not walk.taken:
        raise Refused("The network has no feature maps.")
    slopes = tape.gradient(score, [copy for copy, _ in walk.taken])
    side = max(max(copy.shape[1:3]) for copy, _ in walk.taken)
    total = tf.zeros((1, side, side))
    for (copy, mirrored), slope in zip(walk.taken, slopes, strict=True):
        if slope is None:
            continue
        found = tf.reduce_sum(copy * slope, axis=3)
        found = found[:, :, ::-1] if mirrored else found
        down, across = (_resampling(size, side) for size in copy.shape[1:3])
        total += tf.reshape(tf.matmul(tf.matmul(down, found[0]), across, transpose_b=True), (1, side, side))
    probabilities = tf.nn.softmax(logits) if walk.softmaxes == 1 else model(picture, training=False)
    return probabilities, total


def to_explaining_tflite(model: keras.Model) -> bytes:
    """A .tflite file: picture float32 (1, S, S, 3) in 0..255 and class (1, K), one at its place and else zeros
    -> probabilities (1, K), and a map (1, h, w) of what speaks for that class.

    Where the head is linear behind global averages and mean distances, the map's sum is the class's logit less the bias,
    whose share in each place is the same. Raises Refused for a model that cannot be seen into.
    """
    frozen = Frozen(
        model,
        lambda picture, chosen: _explained(model, picture, chosen),
        tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, name="picture"),
        tf.TensorSpec((1, model.output_shape[1]), tf.float32, name="class"),
    )
    try:
        return bytes(frozen.converter.convert())
    except ConverterError as error:
        raise Refused(str(error).splitlines()[0]) from error
