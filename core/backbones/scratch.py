"""Small networks that learn from scratch. Needs TensorFlow (through Keras): only the worker imports this module."""

from __future__ import annotations

import keras
from keras import layers


def tutorial_cnn(pixels: int, classes: int, dropout: float) -> keras.Model:
    """float32 pictures (N, S, S, 3) in 0..255 -> logits (N, K); 3,989,285 parameters at 180 pixels and 5 classes.

    Source: TensorFlow Core tutorial "Image classification"; with `dropout` its improved version.
    """
    steps: list[keras.Layer] = [keras.Input((pixels, pixels, 3), name="picture"), layers.Rescaling(1 / 255)]
    for filters in (16, 32, 64):
        steps += [layers.Conv2D(filters, 3, padding="same", activation="relu"), layers.MaxPooling2D()]
    if dropout:
        steps.append(layers.Dropout(dropout))
    steps += [layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dense(classes, name="logits")]
    return keras.Sequential(steps, name="tutorial_cnn")
