"""Greys of more than 8 bits: what is seen of their numbers."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image

from core.imaging.decode import open_picture
from tests.pictures import encoded

RAMP = np.linspace(0, 1, 64 * 48).reshape(48, 64)


def tiff(values: np.ndarray, **options: object) -> bytes:
    """Whole numbers as a TIFF; those of 32 bits without a sign, which Pillow does not write, by what it says of them."""
    content = encoded(
        Image.fromarray(values.view(np.int32) if values.dtype == np.uint32 else values), "TIFF", **options
    )
    if values.dtype != np.uint32:
        return content
    signed, plain = (struct.pack("<HHIHH", 339, 3, 1, kind, 0) for kind in (2, 1))
    assert content.count(signed) == 1
    return content.replace(signed, plain)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((RAMP > 0.5).astype(np.int32), 255 * (RAMP > 0.5)),
        ((RAMP * 255).astype(np.int32), RAMP * 255),
        ((RAMP * 255).astype(np.uint32), RAMP * 255),
        ((RAMP * 4095).astype(np.int32), RAMP * 4095 / 257),
        ((RAMP * 65_535).astype(np.int32), RAMP * 255),
        ((RAMP * 65_535).astype(np.uint32), RAMP * 255),
        ((RAMP * 1_000_000).astype(np.int32), RAMP * 255),
        ((RAMP * (2**32 - 1)).astype(np.uint32), RAMP * 255),
        ((RAMP * 3000 - 1000).astype(np.int32), (RAMP * 3000 - 1000).clip(0) / 2000 * 255),
        ((RAMP * -3000).astype(np.int32), RAMP * 0),
        ((RAMP * 255).astype(np.uint16), RAMP * 0),
        ((RAMP * 65_535).astype(np.uint16), RAMP * 255),
        ((RAMP * 1_000_000).astype(np.float32), RAMP * 255),
        (RAMP.astype(np.float32), RAMP * 255),
    ],
    ids=lambda value: f"{value.dtype} to {value.max():.0f}" if isinstance(value, np.ndarray) else "",
)
@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_the_numbers_of_a_grey_are_seen_as_8_bits(
    values: np.ndarray, expected: np.ndarray, compression: str | None
) -> None:
    seen = np.asarray(open_picture(tiff(values, compression=compression)), float)
    assert np.abs(seen - expected[..., None]).max() < 2  # both the numbers above and what is seen are cut off
