"""Changes that make a picture harder, as bad light, a shaky hand or a small file do: each one at two or three strengths.

Most of them after Hendrycks and Dietterich 2019, with the operations of core.imaging.augment.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from core.imaging import colour, geometry
from core.imaging.augment import generator
from core.imaging.decode import open_picture

Maker = Callable[[Image.Image, np.random.Generator], Image.Image]
_SIDE = 224  # lengths in pixels are meant for a picture of this side


def _light(by: float) -> Maker:
    return lambda image, _: colour.levels(image, 0, by)


def _blur(sigma: float) -> Maker:
    return lambda image, _: colour.blur(image, sigma * image.width / _SIDE)


def _noise(deviation: float) -> Maker:
    def make(image: Image.Image, rng: np.random.Generator) -> Image.Image:
        pixels = np.asarray(image, np.float32) + rng.normal(0, deviation, (image.height, image.width, 3))
        return Image.fromarray(np.rint(pixels).clip(0, 255).astype(np.uint8))

    return make


def _turn(degrees: float) -> Maker:
    def make(image: Image.Image, rng: np.random.Generator) -> Image.Image:
        share = rng.choice((-1, 1)) * degrees / 360
        return geometry.resample(image, [geometry.turn_zoom_shift(image.width, share, 0, (0, 0))])

    return make


def _shift(share: float) -> Maker:
    def make(image: Image.Image, rng: np.random.Generator) -> Image.Image:
        x, y = rng.choice((-share, share), 2)
        return geometry.resample(image, [geometry.turn_zoom_shift(image.width, 0, 0, (x, y))])

    return make


def _compress(quality: int) -> Maker:
    def make(image: Image.Image, _: np.random.Generator) -> Image.Image:
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality)
        return open_picture(out.getvalue())

    return make


def _cover(share: float, *, rim: bool = False) -> Maker:
    """The middle of each side, this share of its length, in the picture's mean colour; or, of the `rim`, all but that."""

    def make(image: Image.Image, _: np.random.Generator) -> Image.Image:
        pixels = np.array(image)
        edge = round(image.width * (1 - share) / 2)
        covered = np.full(pixels.shape[:2], rim)
        covered[edge:-edge, edge:-edge] = not rim
        pixels[covered] = pixels.mean(axis=(0, 1)).round()
        return Image.fromarray(pixels)

    return make


@dataclass(frozen=True)
class Change:
    """One change at one strength: `kind` and `level` name it, `words` follow "pictures that are ...", `make` carries it out."""

    kind: str
    level: str
    words: str
    make: Maker

    @property
    def key(self) -> str:
        """Its name among all changes."""
        return f"{self.kind} {self.level}"

    def of(self, picture: np.ndarray, name: str) -> np.ndarray:
        """Carries it out: uint8 (S, S, 3) -> uint8 (S, S, 3); always the same for the same picture and its id, `name`."""
        return np.array(self.make(Image.fromarray(picture), generator("harder", name, self.key)))


CHANGES = (
    Change("darker", "a little", "a little darker", _light(-0.15)),
    Change("darker", "much", "much darker", _light(-0.4)),
    Change("brighter", "a little", "a little brighter", _light(0.15)),
    Change("brighter", "much", "much brighter", _light(0.4)),
    Change("blurred", "a little", "a little out of focus", _blur(1.5)),
    Change("blurred", "much", "far out of focus", _blur(4)),
    Change("noisy", "a little", "a little noisy", _noise(12)),
    Change("noisy", "much", "very noisy", _noise(40)),
    Change("shifted", "a little", "shifted by a tenth", _shift(0.1)),
    Change("shifted", "much", "shifted by a quarter", _shift(0.25)),
    Change("compressed", "a little", "saved small (JPEG 25)", _compress(25)),
    Change("compressed", "much", "saved very small (JPEG 8)", _compress(8)),
    Change("turned", "15", "turned by 15 degrees", _turn(15)),
    Change("turned", "30", "turned by 30 degrees", _turn(30)),
    Change("turned", "90", "turned by 90 degrees", _turn(90)),
)
"""All of them, those of a kind together, the weaker first."""

COVERED = Change("covered", "middle", "with their middle covered", _cover(0.8))
"""Leaves only the rim, a tenth on each side: a model that is still right looks at what surrounds the thing. Models of flowers,
rubbish and leaves that look at the thing itself keep 27 to 62 % of their accuracy."""

RIM_COVERED = Change("covered", "rim", "with their rim covered", _cover(0.8, rim=True))
"""Leaves only what the other one takes away."""

CURES = {
    "darker": "brightness",
    "brighter": "brightness",
    "blurred": "blur",
    "noisy": "aug_mix",
    "shifted": "translation",
    "compressed": "aug_mix",
    "turned": "rotation",
}
"""By kind of change, the setting of augmentation that teaches it. For noise and compression there is no change of the same
kind; AugMix was made to help against both (Hendrycks et al. 2020)."""
