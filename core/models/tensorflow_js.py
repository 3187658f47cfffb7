"""Keras model -> TensorFlow.js' layers format, as Teachable Machine lays it out: model.json, which describes the layers, and
weights.bin beside it. Needs TensorFlow: only worker processes import this.

Google's own converter (tensorflowjs 4.22.0) takes TensorFlow back to 2.19. Programs for Teachable Machine bring
TensorFlow.js 1.3.1, which has few layers: the model is drawn anew of those. They feed squares of 224 pixels, bytes / 127 - 1
(@teachablemachine/image, src/utils/tf.ts; ml5, imgToTensor), which become the model's own size and range inside.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from core.config.export_formats import TEACHABLE_PIXELS
from core.models.flattening import Flattening, described

WEIGHTS = "weights.bin"
_HALF = 127.0
"""What programs for Teachable Machine divide bytes by, before they take 1 away."""
_LAYERS = {
    "Add",
    "Average",
    "AveragePooling2D",
    "BatchNormalization",
    "Concatenate",
    "Conv2D",
    "Dense",
    "DepthwiseConv2D",
    "Dropout",
    "Flatten",
    "GlobalAveragePooling2D",
    "MaxPooling2D",
    "Multiply",
    "Permute",
    "ReLU",
    "Reshape",
    "SeparableConv2D",
    "Softmax",
    "ZeroPadding2D",
}
"""Of the layers that TensorFlow.js 1.3.1 has, those that our networks need and that were seen to answer the same there."""
_ZEROS = {"class_name": "Zeros", "config": {}}
_BEGIN = {
    "Conv2D": ("kernel",),
    "Dense": ("kernel",),
    "DepthwiseConv2D": ("depthwise",),
    "SeparableConv2D": ("depthwise", "pointwise"),
}
"""Layers whose weights would be drawn at random before they are read, which takes seconds."""
_OTHER_NAMES = {("DepthwiseConv2D", "kernel"): "depthwise_kernel"}
"""Weights that are called otherwise there, as in Keras 2; it goes by their names."""
_ACTIVATIONS = {"linear", "relu", "sigmoid"}
"""Likewise."""


def write(model: keras.Model, target: Path) -> None:
    """Writes the model as `target`, and its weights beside it. Raises NoSuchLayerError where it has a step that cannot be made
    of layers of TensorFlow.js."""
    flat = _ForTensorFlowJs().flat(model)
    topology = described(flat) | {"class_name": "Model", "keras_version": keras.__version__, "backend": "tensorflow"}
    for step in topology["config"]["layers"]:
        step["config"] |= {f"{name}_initializer": _ZEROS for name in _BEGIN.get(step["class_name"], ())}
    arrays = [
        (
            f"{layer.name}/{_OTHER_NAMES.get((type(layer).__name__, weight.name), weight.name)}",
            np.asarray(weight, "<f4"),
        )
        for layer in flat.layers
        for weight in layer.weights
    ]
    manifest = [{"name": name, "shape": list(array.shape), "dtype": "float32"} for name, array in arrays]
    written = {
        "format": "layers-model",
        "generatedBy": "Fieldguide",
        "convertedBy": None,
        "modelTopology": topology,
        "weightsManifest": [{"paths": [WEIGHTS], "weights": manifest}],
    }
    target.with_name(WEIGHTS).write_bytes(b"".join(array.tobytes() for _, array in arrays))
    target.write_text(json.dumps(written), encoding="utf-8")


class _ForTensorFlowJs(Flattening):
    """Draws a model of layers of TensorFlow.js, for what programs for Teachable Machine feed."""

    program = "TensorFlow.js"

    def begin(self, model: keras.Model) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Squares of 224 pixels, bytes / 127 - 1 -> pictures as `model` takes them."""
        own = model.input_shape[1]
        picture = keras.Input((TEACHABLE_PIXELS, TEACHABLE_PIXELS, 3), name=self.name("picture"))
        x = self._scaled(picture, _HALF, _HALF, "bytes")
        if own != TEACHABLE_PIXELS:
            for axis in (1, 2):
                x = self.along(x, axis, shares(TEACHABLE_PIXELS, own), "resized")
        return picture, x

    def has(self, step: keras.Operation) -> bool:
        """Whether TensorFlow.js 1.3.1 has the same layer."""
        if isinstance(step, layers.Activation):
            return _known(step)
        return (
            super().has(step)
            and type(step).__name__ in _LAYERS
            and _known(step)
            and getattr(step, "groups", 1) == 1
            and not getattr(step, "keepdims", False)
            and not (isinstance(step, layers.ReLU) and (step.negative_slope or step.threshold))
        )

    def as_layers(self, step: keras.Operation, x: Any, y: Any = None) -> Any:
        """See Flattening."""
        match type(step).__name__:
            case "Rescaling":
                return self._scaled(x, step.scale, step.offset, step.name)
            case "LayerScale":
                return self._scaled(x, step.get_weights()[0], 0, step.name)
            case "Subtract" if y is None:
                return self.made(step, layers.Add)([x[0], self._scaled(x[1], -1, 0, step.name)])
            case "GlobalAveragePooling2D" if step.keepdims:
                average = self.made(step, layers.GlobalAveragePooling2D)(x)
                return self.made(step, layers.Reshape, (1, 1, x.shape[-1]))(average)
            case "Activation" if step.activation is keras.activations.silu:
                return self.made(step, layers.Multiply)([x, self.made(step, layers.Activation, "sigmoid")(x)])
            case "Activation" if step.activation is keras.activations.relu6:
                return self.made(step, layers.ReLU, 6.0)(x)
            case "Conv2D" | "Dense" | "DepthwiseConv2D" | "SeparableConv2D" if not _known(step):
                return self.made(step, layers.Activation, step.activation)(self.copy(step, activation="linear")(x))
        return super().as_layers(step, x, y)

    def _scaled(self, x: Any, scale: Any, offset: Any, name: str) -> Any:
        """x * scale + offset, numbers or one for each channel: what is left of normalising by 0 and 1."""
        layer = layers.BatchNormalization(epsilon=0.0, name=self.name(name))
        scaled, size = layer(x), x.shape[-1]
        layer.set_weights([np.broadcast_to(value, size) for value in (scale, offset, 0, 1)])
        return scaled


def _known(step: keras.Layer) -> bool:
    """Whether TensorFlow.js 1.3.1 has the activation of this layer, if it has one."""
    activation = getattr(step, "activation", None)
    return activation is None or keras.activations.serialize(activation) in _ACTIVATIONS


def shares(before: int, after: int) -> np.ndarray:
    """How much of each of `before` pixels in a row goes into each of `after`: linear, and where it gets smaller, each is the
    mean of all that it covers, as Pillow's bilinear filter has it. (before, after), whose columns sum up to 1."""
    step = before / after
    reach = max(1.0, step)
    centres = (np.arange(after) + 0.5) * step
    weights = np.maximum(0, 1 - np.abs(np.arange(before)[:, None] + 0.5 - centres) / reach)
    return weights / weights.sum(axis=0)
