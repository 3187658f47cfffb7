"""Random changes of a training picture (augmentation): one implementation for the preview, the features and training.

The ranges mean what they mean in Keras' layers RandomFlip, RandomRotation, RandomZoom, RandomTranslation,
RandomBrightness and RandomContrast; what comes in from outside of the picture is its mirror image (fill mode reflect).
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
from PIL import Image

from core.augmentation.config import AugmentConfig


def generator(*key: object) -> np.random.Generator:
    """A random generator that is the same for the same key, on every machine: key parts are joined as text."""
    digest = hashlib.sha256(" ".join(map(str, key)).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, np.uint32))


def augment(picture: np.ndarray, config: AugmentConfig, rng: np.random.Generator) -> np.ndarray:
    """One random draw: uint8 (S, S, 3) -> uint8 (S, S, 3). The same generator state gives the same draw."""
    turn, zoom, shift_x, shift_y, light, stark = rng.uniform(-1, 1, 6)
    mirror_x, mirror_y = rng.random(2) < 0.5
    out = picture
    if config.flip in ("horizontal", "both") and mirror_x:
        out = out[:, ::-1]
    if config.flip in ("vertical", "both") and mirror_y:
        out = out[::-1]
    if config.rotation or config.zoom or config.translation:
        out = move(
            out,
            turn=turn * config.rotation,
            zoom=zoom * config.zoom,
            shift=(shift_x * config.translation, shift_y * config.translation),
        )
    if config.brightness or config.contrast:
        # One table of 256 values a channel; contrast turns around the channel's mean, as in Keras.
        mean = out.mean(axis=(0, 1))
        levels = (
            (np.arange(256)[:, None] - mean) * (1 + stark * config.contrast) + mean + light * config.brightness * 255
        )
        out = np.clip(np.rint(levels), 0, 255).astype(np.uint8)[out, np.arange(3)]
    return np.ascontiguousarray(out)


def move(picture: np.ndarray, turn: float, zoom: float, shift: tuple[float, float]) -> np.ndarray:
    """Turns (share of a full turn), zooms (positive shows more, as in Keras) and shifts (shares of the side, x then y).

    uint8 (S, S, 3) -> uint8 (S, S, 3), bilinear.
    """
    side = picture.shape[0]
    margin = side - 1
    wide = Image.fromarray(np.pad(picture, ((margin, margin), (margin, margin), (0, 0)), mode="symmetric"))
    cos, sin = math.cos(2 * math.pi * turn) * (1 + zoom), math.sin(2 * math.pi * turn) * (1 + zoom)
    middle = side / 2
    # Output pixel (x, y) is read at the source position that this matrix gives; the margin moves the origin.
    dx, dy = shift[0] * side, shift[1] * side
    offset_x = middle - cos * (middle + dx) + sin * (middle + dy) + margin
    offset_y = middle - sin * (middle + dx) - cos * (middle + dy) + margin
    moved = wide.transform(
        (side, side),
        Image.Transform.AFFINE,
        (cos, -sin, offset_x, sin, cos, offset_y),
        Image.Resampling.BILINEAR,
    )
    return np.asarray(moved)
