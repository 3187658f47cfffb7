"""Keras model -> .tflite bytes. Needs TensorFlow: only worker processes import this."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import keras
import numpy as np
import tensorflow as tf
from tensorflow.lite.python.convert_phase import ConverterError

from core.config import ExportFormat


class Refused(Exception):  # noqa: N818 - an answer, which the caller knows how to go on from
    """The converter cannot turn this model into a file that LiteRT can run."""


class _Frozen(tf.Module):
    """Holds a Keras model's variables where the converter looks for them.

    `from_keras_model` fails in Keras 3 until `tf.keras` has been touched, and converting a bare concrete function
    leaves the variables out of the file.
    """

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        self._variables = [variable.value for variable in model.variables]
        side, _, channels = model.input_shape[1:]
        self.function = tf.function(
            lambda picture: model(picture, training=False),
            input_signature=[tf.TensorSpec((1, side, side, channels), tf.float32, name="picture")],
        ).get_concrete_function()


def to_tflite(
    model: keras.Model, kind: ExportFormat | Literal["int8-inside"] = "float32", calibration: Iterable[np.ndarray] = ()
) -> bytes:
    """The model as a .tflite file for one picture at a time, float32 (1, S, S, 3) in 0..255.

    `kind`: "float32"; "float16" stores weights in half precision; "dynamic" stores weights as int8; "int8" computes
    in integers throughout, with uint8 input and output, and needs `calibration`: uint8 pictures (S, S, 3);
    "int8-inside" is the same with float32 input and output. Raises Refused.
    """
    frozen = _Frozen(model)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen.function], frozen)
    if kind != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if kind.startswith("int8"):
        converter.representative_dataset = lambda: ([picture[None].astype(np.float32)] for picture in calibration)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        if kind == "int8":
            converter.inference_input_type = tf.uint8
            converter.inference_output_type = tf.uint8
    try:
        return bytes(converter.convert())
    except ConverterError as error:
        raise Refused(str(error).splitlines()[0]) from error
