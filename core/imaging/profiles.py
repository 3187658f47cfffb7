"""Colours as they are meant: a picture with a colour profile, such as a phone's Display P3, is brought to sRGB, as a screen or
a browser does, so that a model sees the same colours whatever wrote the file."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

_MOST = 4_000_000  # bytes; those of cameras and screens have some hundreds to thousands
_SPACES = {"RGB": "RGB ", "CMYK": "CMYK", "L": "GRAY"}
"""Pillow's modes that a profile may be of -> what it calls the space itself (ICC.1:2022, 7.2.6)."""
_SAME = 2  # of 255: profiles that differ from sRGB by less are ways to write it


def to_srgb(image: Image.Image) -> Image.Image:
    """The picture in sRGB, mode RGB, if it has a profile of another space; else as it is. A profile that is damaged, or of
    another kind of picture, is passed over."""
    profile = image.info.get("icc_profile")
    if not isinstance(profile, bytes) or not 0 < len(profile) <= _MOST or image.mode not in _SPACES:
        return image
    transform = _transform(profile, image.mode)
    if transform is None:
        return image
    return transform.apply(image)


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """What brings pictures of a profile to sRGB; None where they are in it already, or the profile cannot be used."""
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if opened.profile.xcolor_space != _SPACES[mode]:
            return None
        transform = ImageCms.ImageCmsTransform(
            opened,
            ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
        )
        if mode != "RGB":
            return transform
        steps = np.linspace(0, 255, 9).round().astype(np.uint8)
        colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
        moved = np.asarray(transform.apply(Image.fromarray(colours)), np.int16) - colours
        return transform if np.abs(moved).max() > _SAME else None
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
