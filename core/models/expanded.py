"""Features from inside of a network's blocks. Needs Keras: only worker processes import this.

Inverted residual blocks (Sandler et al. 2018, MobileNetV2) have six times as many channels inside as between them; what their
depthwise convolutions see there tells classes apart that the narrow answers of the blocks no longer do, and comes for nothing,
since it is computed anyway. Depthwise convolutions elsewhere see no more than what lies between blocks.
"""

from __future__ import annotations

import math
from itertools import groupby

import keras
from keras import layers

STRIDE = 16
"""Of the picture: where the network looks at finer parts, such features gain little and cost most."""


def with_expanded(model: keras.Model) -> keras.Model:
    """The network, and after its features the global averages of what depthwise convolutions see in its later stages: in each
    the first of those that are alike, in its second block that is. As it is, if it has none.

    Of EfficientNet-Lite0 these are blocks 6, 9 and 12, 2,304 channels. More of them gained nothing on two of three sets of
    pictures, and the last ones alone little.
    """
    alike = [list(some) for _, some in groupby(inside_of_blocks(model), key=lambda tap: tap.shape)]
    taps = [some[0] for some in alike if len(some) > 1]
    if not taps:
        return model
    averages = [layers.GlobalAveragePooling2D(name=f"inside_{number}_average")(tap) for number, tap in enumerate(taps)]
    features = layers.Concatenate(name="with_expanded")([model.output, *averages])
    return keras.Model(model.input, features, name=f"{model.name}_expanded", trainable=False)


def inside_of_blocks(model: keras.Model) -> list[keras.KerasTensor]:
    """What each depthwise convolution inside of a block with a stride of 16 or more answers, (N, H, W, C), behind its
    activation."""
    found = []
    for layer in model.layers:
        if not isinstance(layer, layers.DepthwiseConv2D) or not _widened(layer):
            continue
        output = layer.output
        if 1 < output.shape[1] <= math.ceil(model.input_shape[1] / STRIDE):
            found.append(_activated(layer).output)
    return found


def _widened(layer: keras.Layer) -> bool:
    """Whether it is given what an activation gave: in an inverted residual block more channels, before it fewer and linear."""
    before = layer.input._keras_history.operation
    if isinstance(before, layers.ZeroPadding2D):
        return _widened(before)
    return isinstance(before, layers.ReLU) or getattr(before, "activation", None) not in (
        None,
        keras.activations.linear,
    )


def _activated(layer: keras.Layer) -> keras.Layer:
    """The last of the layers that follow which only scale and activate."""
    while True:
        following = [node.operation for node in layer._outbound_nodes]
        if len(following) != 1 or not isinstance(
            following[0], layers.BatchNormalization | layers.ReLU | layers.Activation
        ):
            return layer
        layer = following[0]
