"""Any pretrained backbone as a Keras model. Needs TensorFlow: only the worker imports this module."""

from __future__ import annotations

from typing import Protocol

import keras

from core.config.backbones import HUB, Backbone
from core.models import applications, efficientnet_lite, hgnet, hub, mobilenet_v4
from core.models.blocks import blocks
from core.system.errors import ModelError

__all__ = ["LOADERS", "blocks", "build"]


class Loader(Protocol):
    """What builds the backbones of one source."""

    def __call__(self, backbone: Backbone, pixels: int, *, multi_level: bool) -> keras.Model:
        """As `build`."""


LOADERS: dict[str, Loader] = {
    "packaged": efficientnet_lite.build,
    "applications": applications.build,
    "hgnet": hgnet.build,
    "mobilenet-v4": mobilenet_v4.build,
    HUB: hub.build,
}
"""By source, as backbones.csv names it."""


def build(backbone: Backbone, *, pixels: int, multi_level: bool) -> keras.Model:
    """float32 pictures (N, pixels, pixels, 3) in 0..255, RGB -> float32 features (N, F), pretrained and frozen.

    With `multi_level`, F also holds the global averages of earlier stages; a Hub module has its one vector only. Raises
    ModelError if its weights are not here (see core.models.weights_store), are damaged, are of a module that nobody allowed, or
    cannot look at pictures of this size.
    """
    loader = LOADERS.get(backbone.source)
    if loader is None:
        raise ModelError(f"{backbone.title} has no weights of its own.", "It learns from the pictures alone.")
    return loader(backbone, pixels, multi_level=multi_level)
