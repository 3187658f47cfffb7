"""Small networks that learn from scratch. Needs TensorFlow (through Keras): only the worker imports this module."""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import layers

Network = Callable[[int, int, float, keras.regularizers.Regularizer | None], keras.Model]


def tutorial_cnn(
    pixels: int, classes: int, dropout: float, penalty: keras.regularizers.Regularizer | None = None
) -> keras.Model:
    """float32 pictures (N, S, S, 3) in 0..255 -> logits (N, K); 3,989,285 parameters at 180 pixels and 5 classes.

    Source: TensorFlow Core tutorial "Image classification"; with `dropout` its improved version. `penalty` is on the
    weights of convolutions and dense layers.
    """
    steps: list[keras.Layer] = [keras.Input((pixels, pixels, 3), name="picture"), layers.Rescaling(1 / 255)]
    for filters in (16, 32, 64):
        steps += [
            layers.Conv2D(filters, 3, padding="same", activation="relu", kernel_regularizer=penalty),
            layers.MaxPooling2D(),
        ]
    if dropout:
        steps.append(layers.Dropout(dropout))
    return keras.Sequential([*steps, *_dense(classes, penalty)], name="tutorial_cnn")


def small_cnn(
    pixels: int, classes: int, dropout: float, penalty: keras.regularizers.Regularizer | None = None
) -> keras.Model:
    """float32 pictures (N, S, S, 3) in 0..255 -> logits (N, K); for pictures of about 32 pixels, such as CIFAR-10.

    Source: the usual first CNN for CIFAR-10: two blocks of unpadded convolution and pooling, one hidden layer.
    """
    steps: list[keras.Layer] = [keras.Input((pixels, pixels, 3), name="picture"), layers.Rescaling(1 / 255)]
    for filters in (32, 64):
        steps += [layers.Conv2D(filters, 3, activation="relu", kernel_regularizer=penalty), layers.MaxPooling2D()]
    if dropout:
        steps.append(layers.Dropout(dropout))
    return keras.Sequential([*steps, *_dense(classes, penalty)], name="small_cnn")


def _dense(classes: int, penalty: keras.regularizers.Regularizer | None) -> list[keras.Layer]:
    return [
        layers.Flatten(),
        layers.Dense(128, activation="relu", kernel_regularizer=penalty),
        layers.Dense(classes, dtype="float32", name="logits"),
    ]


NETWORKS: dict[str, Network] = {"tutorial-cnn": tutorial_cnn, "small-cnn": small_cnn}
