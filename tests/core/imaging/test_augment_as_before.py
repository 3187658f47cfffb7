"""Draws that were made before there were more changes stay what they were: features are kept under their settings."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest
from PIL import Image

from core.config.augmentation import AugmentConfig
from core.imaging.augment import augment, generator

PLAIN_DRAWS = {
    "flip": (AugmentConfig(flip="both"), "0f620a5ccde6694bb9fc5e79ec0c6c84ea84844b4806a726d17d8dddd555abcb"),
    "light": (AugmentConfig(brightness=0.3), "17d5a7743bfdbb84a2629f4da9545d4e0fb42e81210e4cad1240d2a15e6874e7"),
    "both": (
        AugmentConfig(flip="horizontal", brightness=0.8, contrast=0.8),
        "726b4252e234cae56fb5201b8dcc1465192dde3d911ce683a5f8419fd8fd013a",
    ),
}
"""The digests of 20 draws each, of changes in which no step rounds differently from machine to machine."""


def drawn(side: int) -> np.ndarray:
    """Without floating point: flat parts, edges, gradients, black and white."""
    y, x = np.mgrid[0:side, 0:side]
    picture = np.stack([x * 255 // side, (x * y) % 251, 255 - y * 255 // side], axis=-1).astype(np.uint8)
    picture[side // 8 : side // 3, side // 4 : side // 2] = (255, 255, 255)
    picture[side // 2 :, side * 3 // 4 :] = (0, 0, 0)
    picture[side * 5 // 8 : side * 7 // 8, : side // 3] = (200, 30, 60)
    return picture


def as_before(picture: np.ndarray, config: AugmentConfig, rng: np.random.Generator) -> np.ndarray:
    """How the first six changes were drawn when features were first kept, word for word."""
    turn, zoom, shift_x, shift_y, light, stark = rng.uniform(-1, 1, 6)
    mirror_x, mirror_y = rng.random(2) < 0.5
    out = picture
    if config.flip in ("horizontal", "both") and mirror_x:
        out = out[:, ::-1]
    if config.flip in ("vertical", "both") and mirror_y:
        out = out[::-1]
    if config.rotation or config.zoom or config.translation:
        shift = (shift_x * config.translation, shift_y * config.translation)
        out = moved_as_before(out, turn * config.rotation, zoom * config.zoom, shift)
    if config.brightness or config.contrast:
        mean = out.mean(axis=(0, 1))
        levels = (
            (np.arange(256)[:, None] - mean) * (1 + stark * config.contrast) + mean + light * config.brightness * 255
        )
        out = np.clip(np.rint(levels), 0, 255).astype(np.uint8)[out, np.arange(3)]
    return np.ascontiguousarray(out)


def moved_as_before(picture: np.ndarray, turn: float, zoom: float, shift: tuple[float, float]) -> np.ndarray:
    side = picture.shape[0]
    margin = side - 1
    wide = Image.fromarray(np.pad(picture, ((margin, margin), (margin, margin), (0, 0)), mode="symmetric"))
    cos, sin = math.cos(2 * math.pi * turn) * (1 + zoom), math.sin(2 * math.pi * turn) * (1 + zoom)
    middle = side / 2
    dx, dy = shift[0] * side, shift[1] * side
    offset_x = middle - cos * (middle + dx) + sin * (middle + dy) + margin
    offset_y = middle - sin * (middle + dx) - cos * (middle + dy) + margin
    matrix = (cos, -sin, offset_x, sin, cos, offset_y)
    return np.asarray(wide.transform((side, side), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR))


@pytest.mark.parametrize("name", PLAIN_DRAWS)
def test_the_bytes_are_those_of_before(name: str) -> None:
    config, expected = PLAIN_DRAWS[name]
    digest = hashlib.sha256()
    for number in range(20):
        digest.update(augment(drawn(96), config, generator(7, "picture", number)).tobytes())
    assert digest.hexdigest() == expected


@pytest.mark.parametrize(
    "config",
    [
        AugmentConfig(rotation=0.1),
        AugmentConfig(zoom=0.3),
        AugmentConfig(translation=0.2),
        AugmentConfig(flip="horizontal", rotation=0.1, zoom=0.1),
        AugmentConfig(flip="both", rotation=0.2, zoom=0.2, translation=0.2, brightness=0.3, contrast=0.3),
        AugmentConfig(flip="both", rotation=0.5, zoom=0.5, translation=0.5, brightness=0.8, contrast=0.8),
    ],
)
@pytest.mark.parametrize("side", [33, 96])
def test_the_first_six_changes_are_drawn_as_before(config: AugmentConfig, side: int) -> None:
    picture = drawn(side)
    for number in range(10):
        key = (7, "picture", number)
        assert np.array_equal(augment(picture, config, generator(*key)), as_before(picture, config, generator(*key)))
