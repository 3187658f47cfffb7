"""Networks of Keras Applications, as features. Needs TensorFlow (through Keras): only the worker imports this module.

Sources: https://keras.io/api/applications/ for the networks, their pixel ranges and weights.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass

import keras
from keras import applications, layers

from core.config.backbones import Backbone
from core.models.blocks import HEAD, operations
from core.models.weights_store import check_weights
from core.system.errors import ModelError

FIRST_STRIDE = 8
"""Finer stages know edges and colours only; as in core.models.efficientnet_lite."""

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pixels in 0..1
_CAFFE_MEAN = (123.68, 116.779, 103.939)


@dataclass(frozen=True)
class _Range:
    """What a network expects: pixels * scale + offset, of each channel. `reversed`: of BGR."""

    scale: float | tuple[float, ...]
    offset: float | tuple[float, ...]
    reversed: bool = False


RANGES = {
    "signed": _Range(1 / 127.5, -1.0),
    "signed-128": _Range(1 / 128, -1.0),
    "imagenet": _Range(
        tuple(1 / (255 * deviation) for deviation in _DEVIATION),
        tuple(-mean / deviation for mean, deviation in zip(_MEAN, _DEVIATION, strict=True)),
    ),
    "bgr": _Range(1.0, tuple(-mean for mean in _CAFFE_MEAN), reversed=True),
}
"""By the name in backbones.csv, as `preprocess_input` of each network's module has it."""


def build(backbone: Backbone, pixels: int, *, multi_level: bool) -> keras.Model:
    """float32 pictures (N, S, S, 3) in 0..255, RGB -> float32 features (N, F), with ImageNet weights, frozen.

    See core.models.loading. Raises ModelError if the weights are not here or are others, or S is too small.
    """
    weights = check_weights(backbone)
    core = network(backbone, pixels)
    try:
        core.load_weights(weights)
    except (ValueError, OSError, KeyError) as error:
        raise ModelError(
            f"The file {weights} does not hold the weights of {backbone.title}.", "Delete it, then try again."
        ) from error
    if RANGES[backbone.pixel_range].reversed:
        _reverse(core)
    return features(core, backbone.name.replace("-", "_"), multi_level=multi_level)


def network(backbone: Backbone, pixels: int) -> keras.Model:
    """The network without its classifier, random weights; its pixel range is inside, except that BGR may be expected."""
    make: Callable[..., keras.Model] = getattr(applications, backbone.network)
    # Those that would bring a pixel range of their own, of other layers, are asked not to.
    own = "include_preprocessing" in inspect.signature(make).parameters
    options = {"include_preprocessing": False} if own else {}
    expected = RANGES[backbone.pixel_range]
    picture = keras.Input((pixels, pixels, 3), name="picture")
    x = layers.Rescaling(expected.scale, offset=expected.offset, name="pixel_range")(picture)
    try:
        return make(include_top=False, weights=None, input_tensor=x, **options)
    except ValueError as error:
        raise ModelError(
            f"{backbone.title} cannot look at pictures as small as {pixels} pixels.", "Choose a larger size."
        ) from error


def features(core: keras.Model, name: str, *, multi_level: bool) -> keras.Model:
    """The global average of what `core` gives; with `multi_level` also of the last block at each size of the picture, from a
    stride of 8 on. Frozen."""
    last = {}
    for block in operations(core) if multi_level else ():
        output = block[-1].output
        coarse = len(output.shape) == 4 and 1 < output.shape[1] <= math.ceil(core.inputs[0].shape[1] / FIRST_STRIDE)
        if coarse and not HEAD.match(block[0].name):
            last[output.shape[1]] = output
    taps = [output for output in last.values() if output is not core.output]
    averages = [layers.GlobalAveragePooling2D(name=f"average_{tap.shape[1]}px")(tap) for tap in taps]
    averages.append(layers.GlobalAveragePooling2D(name="average")(core.output))
    joined = layers.Concatenate(name="features")(averages) if taps else averages[0]
    model = keras.Model(core.inputs[0], joined, name=name)  # Keras makes it from a list, and asks for one then
    model.trainable = False
    return model


def _reverse(core: keras.Model) -> None:
    """Turns the first convolution, which learned from BGR, to RGB: the same numbers, with no layer that turns pictures."""
    first = next(layer for layer in core.layers if isinstance(layer, layers.Conv2D))
    kernel, *rest = first.get_weights()
    first.set_weights([kernel[:, :, ::-1], *rest])
