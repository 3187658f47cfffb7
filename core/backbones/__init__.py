"""Backbones: networks that turn a picture into features. A backbone is data; its loader needs TensorFlow, this does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.errors import ConfigError

Source = Literal["packaged", "applications", "hub", "scratch"]
"""Where the weights come from: a package that is installed, Keras Applications, TensorFlow Hub, or nowhere."""


@dataclass(frozen=True)
class Backbone:
    """What must be known of a network before it is loaded.

    `input_pixels` is the side of its square input; it takes RGB, 0..255 (its own scaling is inside the graph).
    `handle`: what a Hub module is fetched by. `parameters` is the number of weights without the head (0 where that hangs
    on the classes); `megabytes` their size.
    """

    name: str
    title: str
    source: Source
    input_pixels: int
    parameters: int
    megabytes: float
    good_for: str
    handle: str = ""

    @property
    def pretrained(self) -> bool:
        """Whether it comes with weights; otherwise it learns from scratch."""
        return self.source != "scratch"


BACKBONES: dict[str, Backbone] = {
    backbone.name: backbone
    for backbone in (
        Backbone(
            "efficientnet-lite0",
            "EfficientNet-Lite0",
            "packaged",
            224,
            3_413_024,
            13.7,
            "small and quick: phones, first try",
        ),
        Backbone(
            "efficientnet-lite1",
            "EfficientNet-Lite1",
            "packaged",
            240,
            4_189_344,
            16.8,
            "a little slower, sometimes better",
        ),
        Backbone(
            "efficientnet-lite2", "EfficientNet-Lite2", "packaged", 260, 4_869_168, 19.5, "the slowest of the three"
        ),
        Backbone("tutorial-cnn", "Small network from scratch", "scratch", 180, 0, 16.0, "seeing how learning works"),
    )
}


def get_backbone(name: str) -> Backbone:
    """The backbone called `name`; raises ConfigError, naming those that exist, if there is none."""
    try:
        return BACKBONES[name]
    except KeyError:
        raise ConfigError(f"There is no backbone called {name!r}.", f"Choose one of: {', '.join(BACKBONES)}.") from None
