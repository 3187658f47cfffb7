"""Random changes of a training picture (augmentation): one implementation for the preview, the features and training.

The ranges mean what they mean in Keras' layers RandomFlip, RandomRotation, RandomZoom, RandomTranslation, RandomBrightness,
RandomContrast, and where a setting says otherwise, what it says. What comes in from outside of the picture is its mirror
image (fill mode reflect). All changes of place together are one resampling.
"""

from __future__ import annotations

import hashlib

import numpy as np
from PIL import Image

from core.config.augmentation import AugmentConfig
from core.imaging import colour, geometry, policies


def generator(*key: object) -> np.random.Generator:
    """A random generator that is the same for the same key, on every machine: key parts are joined as text."""
    digest = hashlib.sha256(" ".join(map(str, key)).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, np.uint32))


def augment(picture: np.ndarray, config: AugmentConfig, rng: np.random.Generator) -> np.ndarray:
    """One random draw: uint8 (S, S, 3) -> uint8 (S, S, 3). The same generator state gives the same draw.

    Each change has its own random numbers: another one switched on or off does not alter it. Features are kept under the
    settings that they were drawn with, so the order of these numbers stays, and new ones are drawn after them.
    """
    turn, zoom, shift_x, shift_y, light, stark = rng.uniform(-1, 1, 6)
    mirror_x, mirror_y = rng.random(2) < 0.5
    slant_x, slant_y, hue, pale, crisp = rng.uniform(-1, 1, 5)
    corners = rng.uniform(-1, 1, (4, 2))
    cut, cut_x, cut_y, focus, whether, area, shape, patch_x, patch_y = rng.random(9)
    chain = policies.rand_augment(config.rand_augment, config.magnitude, rng)

    if config.flip in ("horizontal", "both") and mirror_x:
        picture = picture[:, ::-1]
    if config.flip in ("vertical", "both") and mirror_y:
        picture = picture[::-1]
    side = picture.shape[0]
    image = Image.fromarray(np.ascontiguousarray(picture))
    later = []
    if config.crop:
        later.append(geometry.crop(side, cut * config.crop, (cut_x, cut_y)))
    if config.perspective:
        later.append(geometry.perspective(side, corners * config.perspective / 2))
    if config.shear:
        later.append(geometry.shear(side, slant_x * config.shear, slant_y * config.shear))
    later += chain.matrices(side)
    first = []
    if config.rotation or config.zoom or config.translation:
        shift = (shift_x * config.translation, shift_y * config.translation)
        first.append(geometry.turn_zoom_shift(side, turn * config.rotation, zoom * config.zoom, shift))
    # Draws of the first six changes showed black where they reached beyond one mirror image, and still do.
    image = geometry.resample(image, later + first, far=bool(later))

    if config.brightness or config.contrast:
        image = colour.levels(image, stark * config.contrast, light * config.brightness)
    if config.hue or config.saturation:
        paler = pale * config.saturation
        image = colour.hue_saturation(image, hue * config.hue / 2, (1 + paler) / (1 - paler))
    image = chain.paint(image)
    if config.sharpness:
        image = colour.sharpness(image, 1 + crisp * config.sharpness)
    if config.blur:
        image = colour.blur(image, float(focus) * config.blur)
    if config.aug_mix:
        image = policies.aug_mix(image, config.aug_mix, config.magnitude, rng)
    if whether < config.erasing:
        colour.erase(image, area, shape, (patch_x, patch_y), rng)
    return np.array(image)
