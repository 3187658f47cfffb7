"""The Keras model of a run that is over. Needs TensorFlow: only worker processes call this."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from core.errors import ModelError
from core.runs import Run

if TYPE_CHECKING:
    import keras


def load_model(run: Run) -> keras.Model:
    """Pictures float32 (N, S, S, 3) in 0..255 -> probabilities (N, K).

    Only a file that was made here is opened, because a .keras file can hold code. Raises ModelError if it is another.
    """
    import keras

    from core.backbones import hub  # noqa: F401 - its layer must be known

    kept = (run.records.result() or {}).get("model_sha256")
    if hashlib.sha256(run.records.model.read_bytes()).hexdigest() != kept:
        raise ModelError(f"The model file of {run.id} is not the one that was trained here.", "Train again.")
    return keras.models.load_model(run.records.model, compile=False)
