"""The Keras model that a training has left. Needs TensorFlow: only worker processes load one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.models.frozen import FrozenClassifier
from core.system import signing
from core.system.errors import ModelError
from core.system.tasks.processes import load

if TYPE_CHECKING:
    import keras


def why_not_loaded(file: Path) -> ModelError | None:
    """Why a model is not loaded, or None if it may be: a .keras file can hold code, and so can the module that a head is of."""
    if signing.made_here(file):
        return None
    return ModelError(
        "This training was made on another computer, or its model was changed since: it could hold code that runs here.",
        "Train again on this computer. Or, if you know who made it, say so on the Export page.",
    )


def load_model(file: Path) -> keras.Model:
    """Pictures float32 (N, S, S, 3) in 0..255 -> probabilities (N, K). `file`: a Keras model, or the head (.npz) of frozen
    backbones, with which it is built.

    Only a file that was made on this computer, or trusted on it, is opened. Raises ModelError for another, and where a
    backbone's weights are not there any more.
    """
    reason = why_not_loaded(file)
    if reason:
        raise reason
    load("core.models.hub")  # its layer must be known
    import keras

    if file.suffix == ".npz":
        return FrozenClassifier.read(file).keras_model()
    return keras.models.load_model(file, compile=False)


def softened(model: keras.Model, temperature: float) -> keras.Model:
    """A classifier whose answers are softmax(logits / temperature); changes `model`, which is not to be used any more.

    Where the logits come from a dense layer its weights are divided, so that integers stay exact; else the logarithm of
    the answers is.
    """
    import keras

    if temperature == 1:
        return model
    *_, before, last = model.layers
    if isinstance(last, keras.layers.Softmax) and isinstance(before, keras.layers.Dense) and before.use_bias:
        before.set_weights([weights / temperature for weights in before.get_weights()])
        return model
    logits = keras.ops.log(keras.ops.maximum(model.output, 1e-12)) / temperature
    return keras.Model(model.input, keras.layers.Softmax(name="honest")(logits), name=model.name)
