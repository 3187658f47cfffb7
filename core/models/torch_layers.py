"""Keras layers that begin with what PyTorch's layers of the same role have learned. Needs TensorFlow (through Keras): only
worker processes import this.

PyTorch pads a convolution alike on all sides. Keras' "same" does so, too, but for a stride of 2, where it pads less on the left
and at the top. Sources: torch.nn.Conv2d and BatchNorm2d; timm's `timm/layers/padding.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import keras
import numpy as np
from keras import layers

from core.config.backbones import Backbone
from core.models.weights_store import check_weights, other_weights

_EPSILON = 1e-5
_PLAIN = ("F32", "F16")
"""Kinds of numbers that NumPy knows, too."""


class Tensors(Protocol):
    """The tensors of a weights file."""

    def __call__(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """The one called `name`, float (shape), axes in PyTorch's order. Raises ModelError if there is none of that shape."""


def tensors_of(backbone: Backbone) -> Tensors:
    """Those of a backbone's .safetensors file. Raises ModelError if it is missing, or another file."""
    from safetensors import safe_open

    with safe_open(check_weights(backbone), framework="numpy") as file:
        plain = [name for name in file.keys() if file.get_slice(name).get_dtype() in _PLAIN]  # noqa: SIM118 - no dictionary
        arrays = {name: file.get_tensor(name) for name in plain}

    def tensor(name: str, shape: tuple[int, ...]) -> np.ndarray:
        array = arrays.get(name)
        if array is None:
            raise other_weights(backbone, f"it has no numbers called {name}")
        if array.shape != shape:
            raise other_weights(backbone, f"its {name} has the shape {array.shape}, not {shape}")
        return array

    return tensor


class Builder:
    """Makes layers with weights. Each method takes where it begins, what the layer will be called, and, as `source`, what its
    tensors are called in the weights file."""

    def __init__(self, tensors: Tensors) -> None:
        self.tensors = tensors

    def convolution(
        self, x: keras.KerasTensor, name: str, source: str, filters: int, kernel: int, stride: int = 1
    ) -> keras.KerasTensor:
        """A convolution without a bias, of features (N, H, W, C)."""
        x, padding = self._padded(x, name, kernel, stride)
        layer = layers.Conv2D(filters, kernel, strides=stride, padding=padding, use_bias=False, name=name)
        weights = self.tensors(f"{source}.weight", (filters, x.shape[-1], kernel, kernel))
        return self._with(layer, x, weights.transpose(2, 3, 1, 0))

    def depthwise(
        self, x: keras.KerasTensor, name: str, source: str, kernel: int, stride: int = 1
    ) -> keras.KerasTensor:
        """A convolution of each channel by itself, likewise."""
        x, padding = self._padded(x, name, kernel, stride)
        layer = layers.DepthwiseConv2D(kernel, strides=stride, padding=padding, use_bias=False, name=name)
        weights = self.tensors(f"{source}.weight", (x.shape[-1], 1, kernel, kernel))
        return self._with(layer, x, weights.transpose(2, 3, 0, 1))

    def norm(self, x: keras.KerasTensor, name: str, source: str, *, activate: bool = True) -> keras.KerasTensor:
        """Batch normalisation, and ReLU."""
        parts = ("weight", "bias", "running_mean", "running_var")
        arrays = [self.tensors(f"{source}.{part}", (x.shape[-1],)) for part in parts]
        x = self._with(layers.BatchNormalization(epsilon=_EPSILON, name=f"{name}_bn"), x, *arrays)
        return layers.ReLU(name=f"{name}_relu")(x) if activate else x

    @staticmethod
    def _padded(x: keras.KerasTensor, name: str, kernel: int, stride: int) -> tuple[keras.KerasTensor, str]:
        if stride == 1 and kernel % 2:
            return x, "same"
        around = (kernel - 1) // 2
        return (layers.ZeroPadding2D(around, name=f"{name}_pad")(x) if around else x), "valid"

    @staticmethod
    def _with(layer: keras.Layer, x: keras.KerasTensor, *arrays: np.ndarray) -> keras.KerasTensor:
        answer = layer(x)
        layer.set_weights(arrays)
        return answer


def frozen(
    picture: keras.KerasTensor,
    stages: Sequence[keras.KerasTensor],
    average: keras.KerasTensor,
    seen: keras.KerasTensor,
    backbone: Backbone,
    *,
    multi_level: bool,
) -> keras.Model:
    """The network that gives `seen` (N, 1, 1, F), what the classifier of ImageNet was given, as a vector; with `multi_level`
    after the global averages of the `stages` (N, H, W, C), and `average` (N, 1, 1, C), that of the last."""
    features = layers.Flatten(name="head_features")(seen)
    if multi_level:
        means = [layers.GlobalAveragePooling2D(name=f"average_{place}")(stage) for place, stage in enumerate(stages)]
        means.append(layers.Flatten(name="last_average")(average))
        features = layers.Concatenate(name="features")([*means, features])
    model = keras.Model(picture, features, name=backbone.name.replace("-", "_"))
    model.trainable = False
    return model
