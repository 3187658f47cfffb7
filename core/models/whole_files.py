"""Keras model -> files that its own and other programs run, for any number of pictures at a time: those kinds of
core.config.export_formats that LiteRT's converter does not make. Needs TensorFlow: only worker processes import this."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import tensorflow as tf

from core.models import keras_hdf5, tensorflow_js


class _Served(tf.Module):
    """A Keras model as one function for any number of pictures; `model.export` would store every weight twice."""

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        self._variables = [variable.value for variable in model.variables]
        self.serve = tf.function(
            lambda picture: model(picture, training=False),
            input_signature=[tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name="picture")],
        )


def _write_keras(model: keras.Model, target: Path) -> None:
    model.save(target)


def _write_saved_model(model: keras.Model, target: Path) -> None:
    """Its function is `serve`."""
    served = _Served(model)
    tf.saved_model.save(served, str(target), signatures={"serving_default": served.serve})


def _write_onnx(model: keras.Model, target: Path) -> None:
    signature = [keras.InputSpec(dtype="float32", shape=(None, *model.input_shape[1:]), name="picture")]
    model.export(target, format="onnx", verbose=False, input_signature=signature)


WRITERS: dict[str, Callable[[keras.Model, Path], None]] = {
    "keras": _write_keras,
    "h5": keras_hdf5.write,
    "teachable-machine-js": tensorflow_js.write,
    "saved-model": _write_saved_model,
    "onnx": _write_onnx,
}
"""By kind, what writes it."""


def save_whole(model: keras.Model, kind: str, target: Path) -> None:
    """Writes the model as this kind to `target`, a file or a folder: it takes pictures (N, S, S, 3), float32 in 0..255, or
    what core.config.export_formats says of the kind. Raises what Keras raises for a layer that it cannot write, and
    NoSuchLayerError for one that the kind does not know."""
    WRITERS[kind](model, target)
