"""Greys that have more than 8 bits, as microscopes, scanners and programs of science write them, brought to 8."""

from __future__ import annotations

import numpy as np
from PIL import Image

_SAMPLE_FORMAT, _SIGNED = 339, 2
"""TIFF's tag of what kind its numbers are, and what it says of whole ones with a sign."""


def to_8_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 or 32 bits, or of real numbers: 0..1, or as many as there are. One grey may stand for transparent.

    Whole numbers of 32 bits are as those of 16 where they need as many, and else as real numbers.
    """
    values, wide = np.asarray(image), image.mode == "F"
    if image.mode == "I":
        if _SIGNED not in getattr(image, "tag_v2", {}).get(_SAMPLE_FORMAT, ()):
            values = values.view(np.uint32)  # Pillow takes the largest for negative ones
        wide = values.min() < 0 or not 255 < values.max() <= 65_535
    if wide:
        most = np.nanmax(values, initial=0, where=np.isfinite(values))
        factor = np.float32(255 / most if most > 255 else 255 if most <= 1 else 1)
        made: np.ndarray = np.nan_to_num(values * factor, posinf=255)
    else:
        made = values.astype(np.uint32) // 257
    grey = Image.fromarray(made.clip(0, 255).astype(np.uint8))
    if profile := image.info.get("icc_profile"):
        grey.info["icc_profile"] = profile
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        grey.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
    return grey
