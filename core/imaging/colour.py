"""Changes of light, colour and detail: RGB images of Pillow, of any size, to RGB images."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

_SMALLEST, _LARGEST = 0.02, 0.33
_FLATTEST = 0.3


def levels(image: Image.Image, stark: float, light: float) -> Image.Image:
    """Contrast times 1 + `stark` around each channel's mean, plus `light` of the full range, as Keras' two layers do it."""
    counts = np.array(image.histogram(), np.int64).reshape(3, 256)
    mean = (counts @ np.arange(256)) / (image.width * image.height)
    table = (np.arange(256)[:, None] - mean) * (1 + stark) + mean + light * 255
    return image.point(np.clip(np.rint(table), 0, 255).astype(int).T.ravel().tolist())


def hue_saturation(image: Image.Image, turn: float, saturation: float) -> Image.Image:
    """Turns the colour circle by `turn` (share of it) and multiplies the saturation of HSV, in steps of 1/256.

    As Keras' RandomHue (whose factor is twice the turn) and RandomSaturation (factor / (1 - factor) multiplies).
    """
    steps = np.arange(256)
    hues = (steps + round(turn * 256)) % 256
    saturations = np.clip(np.rint(steps * saturation), 0, 255).astype(int)
    return image.convert("HSV").point(np.concatenate([hues, saturations, steps]).tolist()).convert("RGB")


def sharpness(image: Image.Image, factor: float) -> Image.Image:
    """0 is smoothed, 1 as it is, 2 crisper: Keras' RandomSharpness with half of `factor`."""
    return ImageEnhance.Sharpness(image).enhance(factor)


def blur(image: Image.Image, sigma: float) -> Image.Image:
    """Gaussian blur of `sigma` pixels."""
    return image.filter(ImageFilter.GaussianBlur(sigma))


def erase(image: Image.Image, area: float, shape: float, at: tuple[float, float], rng: np.random.Generator) -> None:
    """Covers a patch of `image` with noise, in place: random erasing (Zhong et al., 2020), each pixel by chance.

    `area` and `shape` 0..1: between the smallest and the largest patch, between lying and upright; `at` 0..1: from left,
    from top.
    """
    share = _SMALLEST + area * (_LARGEST - _SMALLEST)
    upright = math.exp((2 * shape - 1) * -math.log(_FLATTEST))
    width = min(image.width, max(1, round(image.width * math.sqrt(share / upright))))
    height = min(image.height, max(1, round(image.height * math.sqrt(share * upright))))
    left, top = (round(at[0] * (image.width - width)), round(at[1] * (image.height - height)))
    noise = rng.integers(0, 256, (height, width, 3), np.uint8)
    image.paste(Image.fromarray(noise), (left, top))
