"""Policies: changes that are themselves drawn by chance, of which only how many and how strong is set.

RandAugment (Cubuk et al., 2020) carries out some of fourteen changes one after the other. AugMix (Hendrycks et al., 2020)
blends several short chains of changes with the picture. Strength 1 is the largest in those papers (ranges of AutoAugment,
Cubuk et al., 2019, table 6); Keras' layers of the same names take theirs from one factor, for turns a share of a full turn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from core.imaging import geometry

_Matrix = Callable[[int, float], np.ndarray]
_Paint = Callable[[Image.Image, float], Image.Image]

# By name: the change at a strength of -1..1, where one way and the other differ, or 0..1 of its size where they do not.
_PLACE: dict[str, _Matrix] = {
    "rotate": lambda side, strength: geometry.turn_zoom_shift(side, strength * 30 / 360, 0, (0, 0)),
    "shear x": lambda side, strength: geometry.shear(side, 0.3 * strength, 0),
    "shear y": lambda side, strength: geometry.shear(side, 0, 0.3 * strength),
    "translate x": lambda side, strength: geometry.turn_zoom_shift(side, 0, 0, (0.45 * strength, 0)),
    "translate y": lambda side, strength: geometry.turn_zoom_shift(side, 0, 0, (0, 0.45 * strength)),
}
_TONE: dict[str, _Paint] = {
    "autocontrast": lambda image, _: ImageOps.autocontrast(image),
    "equalize": lambda image, _: ImageOps.equalize(image),
    "posterize": lambda image, strength: ImageOps.posterize(image, 8 - round(4 * abs(strength))),
    "solarize": lambda image, strength: ImageOps.solarize(image, round(256 * (1 - abs(strength)))),
}
_LIGHT: dict[str, _Paint] = {
    "identity": lambda image, _: image,
    "colour": lambda image, strength: ImageEnhance.Color(image).enhance(1 + 0.9 * strength),
    "contrast": lambda image, strength: ImageEnhance.Contrast(image).enhance(1 + 0.9 * strength),
    "brightness": lambda image, strength: ImageEnhance.Brightness(image).enhance(1 + 0.9 * strength),
    "sharpness": lambda image, strength: ImageEnhance.Sharpness(image).enhance(1 + 0.9 * strength),
}
_PAINT = _TONE | _LIGHT
RAND_AUGMENT = (*_PLACE, *_PAINT)
"""Names of the changes that RandAugment draws from: all."""
AUG_MIX = (*_PLACE, *_TONE)
"""Names of the changes that AugMix draws from: without light and colour, as in the paper."""


@dataclass(frozen=True)
class Chain:
    """Changes that were drawn: (name, strength -1..1). Those of place count as one, made before the others."""

    changes: tuple[tuple[str, float], ...]

    def matrices(self, side: int) -> list[np.ndarray]:
        """The changes of place, for core.imaging.geometry.resample."""
        return [_PLACE[name](side, strength) for name, strength in self.changes if name in _PLACE]

    def paint(self, image: Image.Image) -> Image.Image:
        """Carries out the other changes."""
        for name, strength in self.changes:
            if name in _PAINT:
                image = _PAINT[name](image, strength)
        return image


def rand_augment(count: int, magnitude: float, rng: np.random.Generator) -> Chain:
    """Draws `count` changes, all of strength `magnitude` 0..1, either way."""
    names, signs = rng.integers(len(RAND_AUGMENT), size=count), rng.choice((-1.0, 1.0), size=count)
    return Chain(tuple((RAND_AUGMENT[name], sign * magnitude) for name, sign in zip(names, signs, strict=True)))


def aug_mix(image: Image.Image, chains: int, magnitude: float, rng: np.random.Generator) -> Image.Image:
    """Blends a square RGB image with `chains` changed ones, of one to three changes of strengths up to `magnitude` each."""
    shares, keep = rng.dirichlet(np.ones(chains)), rng.beta(1, 1)
    blend = keep * np.asarray(image, np.float32)
    for share in shares:
        depth = rng.integers(1, 4)
        names, strengths = rng.integers(len(AUG_MIX), size=depth), rng.uniform(-magnitude, magnitude, depth)
        chain = Chain(tuple((AUG_MIX[name], value) for name, value in zip(names, strengths, strict=True)))
        changed = chain.paint(geometry.resample(image, chain.matrices(image.width)))
        blend += (1 - keep) * share * np.asarray(changed, np.float32)
    return Image.fromarray(np.rint(blend).clip(0, 255).astype(np.uint8))
