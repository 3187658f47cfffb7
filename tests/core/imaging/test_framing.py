"""What a model sees of pictures that are no squares."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from core.config.framing import BORDER, Framing
from core.imaging import decode
from tests.pictures import encoded

LEFT_HALF, RIGHT = (0.0, 0.0, 0.5, 1.0), (0.75, 0.0, 1.0, 1.0)


def halves(size: tuple[int, int]) -> Image.Image:
    """Red at the left, blue at the right."""
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    return image


def test_the_whole_picture_lies_between_borders() -> None:
    seen = decode.square(halves((400, 100)), 80, Framing(fit="letterbox"))
    assert seen.shape == (80, 80, 3)
    assert (seen[:30] == BORDER).all()
    assert (seen[50:] == BORDER).all()
    assert (seen[30:50, :39] == (255, 0, 0)).all()
    assert (seen[30:50, 41:] == (0, 0, 255)).all()


def test_a_squeezed_picture_fills_the_square() -> None:
    seen = decode.square(halves((400, 100)), 80, Framing(fit="squeeze"))
    assert (seen[:, :39] == (255, 0, 0)).all()
    assert (seen[:, 41:] == (0, 0, 255)).all()


def test_a_square_picture_is_the_same_in_any_fit() -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 90, 3), np.uint8))
    expected = decode.square(image, 64, Framing())
    for fit in ("letterbox", "squeeze"):
        assert np.array_equal(decode.square(image, 64, Framing(fit=fit)), expected)


def test_a_region_is_of_the_upright_picture() -> None:
    upright = halves((400, 100))
    exif = Image.Exif()
    exif[0x0112] = 6  # it lies on its side, and is to be turned to the right
    content = encoded(upright.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=95, exif=exif)
    seen = decode.read_square(content, 32, Framing(fit="squeeze", region=LEFT_HALF)).astype(int)
    assert np.abs(seen[:, :-1] - (255, 0, 0)).max() < 40


@pytest.mark.parametrize("fit", ["crop", "letterbox", "squeeze"])
def test_a_small_region_of_a_large_jpeg_is_as_sharp_as_the_picture(fit: str) -> None:
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (150, 200, 3), np.uint8)).resize(
        (3200, 2400), Image.Resampling.BICUBIC
    )
    framing = Framing.model_validate({"fit": fit, "region": RIGHT})
    seen = decode.read_square(encoded(image, "JPEG", quality=95), 64, framing).astype(int)
    assert np.abs(seen - decode.square(image, 64, framing).astype(int)).mean() < 2


def test_a_jpeg_of_more_pixels_than_are_decoded_is_seen_in_part_too() -> None:
    content = encoded(Image.new("RGB", (8000, 6000), "red"), "JPEG")
    seen = decode.read_square(content, 600, Framing(region=(0.9, 0.9, 1, 1)))
    assert seen.shape == (600, 600, 3)
