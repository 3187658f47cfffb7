"""The Keras model of a run that is over. Needs TensorFlow: only worker processes call this."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.runs.lifecycle import Run
from core.runs.trust import why_not_loaded
from core.system.tasks.processes import load

if TYPE_CHECKING:
    import keras


def load_model(run: Run) -> keras.Model:
    """Pictures float32 (N, S, S, 3) in 0..255 -> probabilities (N, K).

    Only a file that was made on this computer, or trusted on it, is opened, because a .keras file can hold code. Raises
    ModelError for another.
    """
    reason = why_not_loaded(run)
    if reason:
        raise reason
    load("core.models.hub")  # its layer must be known
    import keras

    return keras.models.load_model(run.records.model, compile=False)


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
