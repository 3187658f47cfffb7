from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from core.augmentation import AugmentConfig
from core.augmentation.draw import augment, generator, move
from tests.pictures import shaded


@pytest.fixture
def picture() -> np.ndarray:
    return np.asarray(shaded((120, 90, 160), 4, (96, 96)))


ALL = AugmentConfig(flip="both", rotation=0.2, zoom=0.2, translation=0.2, brightness=0.3, contrast=0.3)


def test_the_same_key_gives_the_same_draw(picture: np.ndarray) -> None:
    first, again, other = (augment(picture, ALL, generator(1, "id", draw)) for draw in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert (first.shape, first.dtype) == (picture.shape, np.uint8)


def test_off_changes_nothing(picture: np.ndarray) -> None:
    assert np.array_equal(augment(picture, AugmentConfig(), generator(0)), picture)


def test_flips_are_drawn_half_of_the_time(picture: np.ndarray) -> None:
    config = AugmentConfig(flip="horizontal")
    mirrored = sum(np.array_equal(augment(picture, config, generator(n)), picture[:, ::-1]) for n in range(200))
    assert 70 < mirrored < 130


def test_brightness_and_contrast_move_the_levels(picture: np.ndarray) -> None:
    bright = [augment(picture, AugmentConfig(brightness=0.2), generator(n)).mean() for n in range(50)]
    assert min(bright) < picture.mean() - 20
    assert max(bright) > picture.mean() + 20
    stark = [augment(picture, AugmentConfig(contrast=0.5), generator(n)) for n in range(50)]
    assert max(s[..., 0].std() for s in stark) > 1.2 * picture[..., 0].std()
    assert all(abs(s.mean() - picture.mean()) < 4 for s in stark)


@pytest.mark.slow
def test_moves_are_those_of_keras_layers() -> None:
    keras = pytest.importorskip("keras")
    picture = np.full((96, 96, 3), 60, np.uint8)
    picture[10:40, 20:80] = (220, 120, 180)
    picture = np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(3)))
    batch = picture[None].astype(np.float32)
    turned = keras.layers.RandomRotation((0.1, 0.1), fill_mode="reflect")(batch, training=True)
    zoomed = keras.layers.RandomZoom((0.2, 0.2), fill_mode="reflect")(batch, training=True)
    shifted = keras.layers.RandomTranslation((0.1, 0.1), (0.25, 0.25), fill_mode="reflect")(batch, training=True)
    for theirs, ours in (
        (turned, move(picture, 0.1, 0, (0, 0))),
        (zoomed, move(picture, 0, 0.2, (0, 0))),
        (shifted, move(picture, 0, 0, (0.25, 0.1))),
    ):
        difference = np.abs(np.asarray(theirs)[0] - ours.astype(np.float32))
        assert difference.mean() < 1, difference.mean()
        assert np.abs(np.asarray(theirs)[0] - batch[0]).mean() > 5  # the layer did change it
