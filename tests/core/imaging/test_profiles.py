"""Colour profiles: what is shown alike is seen alike."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from core.datasets.importing.stored import storable
from core.imaging.decode import inspect, open_picture
from tests.pictures import encoded, shaded

DISPLAY_P3 = np.array(
    [(0.515102, 0.291965, 0.157153), (0.241182, 0.692236, 0.0665819), (-0.00104941, 0.0418818, 0.784378)]
)
ADOBE_RGB = np.array([(0.60974, 0.20528, 0.14919), (0.31111, 0.62567, 0.06322), (0.01947, 0.06087, 0.74457)])
SRGB = np.array([(0.43607, 0.38515, 0.14307), (0.22249, 0.71687, 0.06061), (0.01392, 0.09708, 0.7141)])
"""Linear RGB to XYZ, for the white of D50 that profiles are connected by."""


def profile(matrix: np.ndarray | None, gamma: float = 2.2) -> bytes:
    """A profile of a matrix and an exponent (ICC.1:2022, version 2.1), or of greys."""

    def xyz(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    words = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(78) + b"\0"
    tags = {b"desc": words + bytes(-len(words) % 4), b"wtpt": xyz(0.9642, 1, 0.8249)}
    if matrix is None:
        tags[b"kTRC"] = curve
    else:
        tags |= {name: xyz(*column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), matrix.T, strict=True)}
        tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    table, body = struct.pack(">I", len(tags)), b""
    begin = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", begin + len(body), len(content))
        body += content
    size, space = begin + len(body), b"GRAY" if matrix is None else b"RGB "
    head = (
        struct.pack(">I", size)
        + b"\0\0\0\0"
        + b"\x02\x10\0\0"
        + b"mntr"
        + space
        + b"XYZ "
        + bytes(12)
        + b"acsp"
        + bytes(28)
    )
    return (head + struct.pack(">3i", 63190, 65536, 54061)).ljust(128, b"\0") + table + body


def as_in(space: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """uint8 sRGB (..., 3) written in another space of gamma 2.2."""
    value = colours / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    there = linear @ (np.linalg.inv(space) @ SRGB).T
    return (255 * there.clip(0, 1) ** (1 / 2.2)).round().astype(np.uint8)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize("space", [DISPLAY_P3, ADOBE_RGB], ids=["P3", "Adobe RGB"])
def test_the_same_colours_are_seen_whatever_space_they_are_written_in(kind: str, space: np.ndarray) -> None:
    picture = np.asarray(shaded((150, 120, 90), 3))
    written = encoded(
        Image.fromarray(as_in(space, picture)),
        kind,
        icc_profile=profile(space),
        quality=100,
        lossless=True,
        subsampling=0,
    )
    off = np.abs(np.asarray(open_picture(written), int) - picture)
    assert off.mean() < (2 if kind == "JPEG" else 1)
    plain = encoded(Image.fromarray(as_in(space, picture)), kind, quality=100, lossless=True, subsampling=0)
    assert np.abs(np.asarray(open_picture(plain), int) - picture).mean() > 3 * off.mean()
    assert inspect(storable(written)[0]).signature == pytest.approx(inspect(written).signature, abs=1)


@pytest.mark.parametrize(
    "said", [ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), profile(SRGB)[:400], b"x"]
)
def test_srgb_and_damaged_profiles_change_nothing(said: bytes) -> None:
    picture = shaded((150, 120, 90), 3)
    assert open_picture(encoded(picture, "PNG", icc_profile=said)).tobytes() == picture.tobytes()


def test_a_profile_of_another_kind_of_picture_is_passed_over() -> None:
    grey = shaded((150, 120, 90), 3).convert("L")
    content = encoded(grey, "PNG", icc_profile=profile(DISPLAY_P3))
    assert open_picture(content).tobytes() == grey.convert("RGB").tobytes()


def test_transparency_and_profile_together() -> None:
    picture = np.asarray(shaded((150, 120, 90), 3))
    layered = Image.fromarray(as_in(DISPLAY_P3, picture)).convert("RGBA")
    layered.putalpha(Image.fromarray(np.where(np.arange(72) < 36, 255, 0).astype(np.uint8)[None].repeat(64, 0)))
    out = io.BytesIO()
    layered.save(out, "PNG", icc_profile=profile(DISPLAY_P3))
    seen = np.asarray(open_picture(out.getvalue()), int)
    assert np.abs(seen[:, :36] - picture[:, :36]).mean() < 1
    assert (seen[:, 36:] >= 254).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_greys_of_8_and_of_16_bits_are_seen_alike(kind: str) -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    gamma = profile(None, 1.0)
    seen = [
        np.asarray(open_picture(encoded(Image.fromarray(values), kind, icc_profile=gamma))).astype(int)
        for values in (grey, grey * np.uint16(257))
    ]
    assert np.array_equal(*seen)
    assert np.abs(seen[0][..., 0] - grey).max() > 50  # by gamma 1.0 these are much lighter
