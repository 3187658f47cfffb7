"""Keras model -> one HDF5 file that both Keras 2 and Keras 3 open. Needs TensorFlow: only worker processes import this.

Keras 3 reads what Keras 2 wrote, but not the other way round: its own .h5 files describe a model in words that Keras 2 does not
know. So the model is drawn anew of layers that both have, and described as Keras 2 does it.
"""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import keras

from core.models.flattening import Flattening, described


def write(model: keras.Model, target: Path) -> None:
    """Writes the model as HDF5. Raises NoSuchLayerError where it has a step that is no layer of both."""
    flat = Flattening().flat(model)
    flat.save(target)
    with h5py.File(target, "r+") as file:
        file.attrs["model_config"] = json.dumps(described(flat)).encode()
