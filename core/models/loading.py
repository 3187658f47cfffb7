"""Any pretrained backbone as a Keras model. Needs TensorFlow: only the worker imports this module."""

from __future__ import annotations

from dataclasses import replace

import keras

from core.config.backbones import Backbone
from core.models.blocks import blocks
from core.system.errors import ModelError

__all__ = ["blocks", "build"]


def build(backbone: Backbone, *, pixels: int, multi_level: bool) -> keras.Model:
    """float32 pictures (N, pixels, pixels, 3) in 0..255, RGB -> float32 features (N, F), pretrained and frozen.

    With `multi_level`, F also holds the global averages of earlier stages; a Hub module has its one vector only. Raises
    ModelError if its weights are not here (see core.models.weights_store), are damaged, are of a module that nobody allowed, or
    cannot look at pictures of this size.
    """
    if backbone.source == "hub":
        from core.models import hub

        return hub.build(backbone, pixels)
    if backbone.source == "applications":
        from core.models import applications

        return applications.build(backbone, pixels, multi_level=multi_level)
    if backbone.source == "packaged":
        from core.models import efficientnet_lite

        return efficientnet_lite.build(replace(backbone, input_pixels=pixels), multi_level=multi_level)
    raise ModelError(f"{backbone.title} has no weights of its own.", "It learns from the pictures alone.")
