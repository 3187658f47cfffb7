"""The settings of augmentation, with their bounds and their help."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from core.settings import Settings


class AugmentConfig(Settings):
    """How far each picture may be changed at random while training. 0 is off. The units are those of Keras' layers."""

    flip: Literal["off", "horizontal", "vertical", "both"] = Field(
        "off", title="Mirror (flip)", description="Off for letters, digits, and whatever has a left and a right."
    )
    rotation: float = Field(
        0.0,
        ge=0,
        le=0.5,
        title="Turn (rotation)",
        description="Up to this share of a full turn, either way: 0.1 is 36°.",
    )
    zoom: float = Field(
        0.0, ge=0, le=0.5, title="Nearer and farther (zoom)", description="Up to this share, either way."
    )
    translation: float = Field(
        0.0, ge=0, le=0.5, title="Shift (translation)", description="Up to this share of the side, in both directions."
    )
    brightness: float = Field(
        0.0, ge=0, le=0.8, title="Darker and brighter (brightness)", description="Up to this share of the full range."
    )
    contrast: float = Field(
        0.0, ge=0, le=0.8, title="Flatter and starker (contrast)", description="Up to this share, either way."
    )

    @property
    def active(self) -> bool:
        """Whether any change is switched on."""
        return self != AugmentConfig()
