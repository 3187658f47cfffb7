"""Networks that learn from scratch. Needs TensorFlow (through Keras): only the worker imports this module."""

from __future__ import annotations

from collections.abc import Iterator

import keras
from keras import layers

from core.config.network import NetworkConfig


def build_network(
    network: NetworkConfig,
    pixels: int,
    classes: int,
    dropout: float = 0.0,
    penalty: keras.regularizers.Regularizer | None = None,
    name: str = "network",
) -> keras.Model:
    """float32 pictures (N, S, S, 3) in 0..255 -> logits (N, K).

    `dropout`: before the dense layers; `penalty`: on the weights of convolutions and of dense layers but the last. The network
    must be one that `core.config.network.measure` has a size for.
    """
    steps: list[keras.Layer] = [keras.Input((pixels, pixels, 3), name="picture"), layers.Rescaling(1 / 255)]
    steps += _blocks(network, penalty)
    if dropout:
        steps.append(layers.Dropout(dropout))
    steps.append(layers.Flatten())
    steps += [layers.Dense(units, activation="relu", kernel_regularizer=penalty) for units in network.dense]
    return keras.Sequential([*steps, layers.Dense(classes, dtype="float32", name="logits")], name=name)


def _blocks(network: NetworkConfig, penalty: keras.regularizers.Regularizer | None) -> Iterator[keras.Layer]:
    for block in network.blocks:
        yield layers.Conv2D(
            block.filters,
            block.kernel,
            padding=network.padding,
            activation=None if block.batch_norm else "relu",
            kernel_regularizer=penalty,
        )
        if block.batch_norm:
            yield layers.BatchNormalization()
            yield layers.ReLU()
        if block.pooling:
            yield layers.MaxPooling2D()
        if block.dropout:
            yield layers.Dropout(block.dropout)
