"""Ready-made sets of changes, for photos of things."""

from __future__ import annotations

from typing import Literal

from core.config.augmentation import AugmentConfig

Level = Literal["off", "light", "medium", "strong"]

_LIGHT = AugmentConfig(flip="horizontal", translation=0.05, zoom=0.1, brightness=0.1)
_MEDIUM = _LIGHT.model_copy(
    update={
        "translation": 0.08,
        "rotation": 0.05,
        "crop": 0.2,
        "brightness": 0.15,
        "contrast": 0.2,
        "saturation": 0.15,
    }
)
_STRONG = _MEDIUM.model_copy(
    update={
        "rotation": 0.08,
        "crop": 0.35,
        "shear": 0.1,
        "perspective": 0.2,
        "brightness": 0.2,
        "contrast": 0.3,
        "saturation": 0.3,
        "hue": 0.05,
        "blur": 1.0,
        "erasing": 0.25,
    }
)

LEVELS: dict[Level, AugmentConfig] = {"off": AugmentConfig(), "light": _LIGHT, "medium": _MEDIUM, "strong": _STRONG}
"""By name, from none to many. Nothing is turned upside down, and colours stay near to what they were."""


def level_of(config: AugmentConfig) -> Level | Literal["own"]:
    """The name of the level that does the same as `config`, or "own"."""
    return next((name for name, level in LEVELS.items() if level.switched_on == config.switched_on), "own")
