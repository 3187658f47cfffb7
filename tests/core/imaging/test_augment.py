from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from core.config.augmentation import MIXING, AugmentConfig
from core.config.augmentation_presets import LEVELS, level_of
from core.imaging import geometry
from core.imaging.augment import augment, generator
from core.imaging.policies import AUG_MIX, RAND_AUGMENT, Chain
from tests.pictures import shaded

ALL = AugmentConfig(flip="both", rotation=0.2, zoom=0.2, translation=0.2, brightness=0.3, contrast=0.3)
SINGLE = [name for name in AugmentConfig.model_fields if name not in (*MIXING, "magnitude")]


def highest(name: str) -> Any:
    if name == "flip":
        return "both"
    return next(bound.le for bound in AugmentConfig.model_fields[name].metadata if hasattr(bound, "le"))


@pytest.fixture
def picture() -> np.ndarray:
    return np.asarray(shaded((120, 90, 160), 4, (96, 96)))


def test_the_same_key_gives_the_same_draw(picture: np.ndarray) -> None:
    everything = AugmentConfig.model_validate({name: highest(name) for name in AugmentConfig.model_fields})
    for config in (ALL, everything, *LEVELS.values()):
        first, again, other = (augment(picture, config, generator(1, "id", draw)) for draw in (1, 1, 2))
        assert np.array_equal(first, again)
        assert (first.shape, first.dtype) == (picture.shape, np.uint8)
        assert config == LEVELS["off"] or not np.array_equal(first, other)


def test_off_changes_nothing(picture: np.ndarray) -> None:
    for off in (AugmentConfig(), AugmentConfig(magnitude=1), AugmentConfig(mixup=1, cutmix=1)):
        assert np.array_equal(augment(picture, off, generator(0)), picture)
        assert not off.active


@pytest.mark.parametrize("name", SINGLE)
def test_each_change_changes_the_picture_and_leaves_the_one_handed_in(picture: np.ndarray, name: str) -> None:
    for size in (96, 7):
        before = np.ascontiguousarray(picture[:size, :size])
        config = AugmentConfig.model_validate({name: highest(name), "magnitude": 1})
        handed_in = before.copy()
        draws = [augment(handed_in, config, generator(n)) for n in range(12)]
        assert all((draw.shape, draw.dtype) == (before.shape, np.uint8) for draw in draws)
        assert sum(not np.array_equal(draw, before) for draw in draws) >= 6
        assert np.array_equal(handed_in, before)
    assert config.active
    assert config.mark.split(" ")[0].partition("=")[0] == name


def test_one_change_more_does_not_draw_the_others_anew(picture: np.ndarray) -> None:
    for n in range(5):
        alone = augment(picture, AugmentConfig(flip="both", translation=0.2), generator(n))
        covered = augment(picture, AugmentConfig(flip="both", translation=0.2, erasing=0.9), generator(n))
        same = (alone == covered).all(axis=2).mean()
        assert same == 1 or 0.6 < same < 0.99


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


def test_a_crop_shows_a_part_and_nothing_from_outside(picture: np.ndarray) -> None:
    marked = picture.copy()
    marked[20:76, 20:76] = (255, 0, 0)
    for n in range(20):
        share = (augment(marked, AugmentConfig(crop=0.4), generator(n))[..., 1] < 5).mean()
        assert share > (56 / 96) ** 2 * 0.9  # the middle grows, or is all there is
    corner = geometry.crop(96, 0.5, (1, 0))
    assert np.allclose(corner @ (0, 96, 1), (48, 48, 1))
    assert np.allclose(corner @ (96, 0, 1), (96, 0, 1))


def test_erasing_covers_a_fiftieth_to_a_third_in_its_share_of_the_copies(picture: np.ndarray) -> None:
    covered = [
        (augment(picture, AugmentConfig(erasing=0.5), generator(n)) != picture).any(axis=2).mean() for n in range(200)
    ]
    patches = [share for share in covered if share]
    assert 70 < len(patches) < 130
    assert 0.015 < min(patches) < 0.06
    assert 0.28 < max(patches) < 0.35


def test_blur_and_sharpness_change_edges_and_keep_the_mean(picture: np.ndarray) -> None:
    def edges(some: np.ndarray) -> float:
        return float(np.abs(np.diff(some.astype(int), axis=1)).mean())

    blurred = [edges(augment(picture, AugmentConfig(blur=2), generator(n))) for n in range(20)]
    assert max(blurred) <= edges(picture)
    assert min(blurred) < 0.5 * edges(picture)
    crisp = [augment(picture, AugmentConfig(sharpness=0.8), generator(n)) for n in range(20)]
    assert min(map(edges, crisp)) < edges(picture) < max(map(edges, crisp))
    assert all(abs(some.mean() - picture.mean()) < 1 for some in crisp)


def test_perspective_moves_the_corners_where_they_are_asked_to_come_from() -> None:
    corners = np.array([(0.1, 0.05), (-0.1, 0.0), (0.05, -0.2), (0.0, 0.0)])
    found = geometry.perspective(100, corners) @ np.array([(0, 0, 1), (100, 0, 1), (0, 100, 1), (100, 100, 1)]).T
    assert np.allclose((found[:2] / found[2]).T, [(10, 5), (90, 0), (5, 80), (100, 100)])


def test_several_changes_of_place_are_one_resampling_and_reach_beyond_one_mirror_image() -> None:
    image = shaded((120, 90, 160), 4, (96, 96))
    there, back = geometry.turn_zoom_shift(96, 0.25, 0, (0, 0)), geometry.turn_zoom_shift(96, -0.25, 0, (0, 0))
    assert np.array_equal(geometry.resample(image, [there, back]), np.asarray(image))
    far = geometry.turn_zoom_shift(96, 0, 0, (2.0, 0))  # two pictures further: the same picture again
    assert np.array_equal(geometry.resample(image, [far]), np.asarray(image))
    assert not np.asarray(geometry.resample(image, [far], far=False)).any()


@pytest.mark.parametrize("name", RAND_AUGMENT)
def test_each_change_of_the_policies_does_something_at_every_strength(name: str) -> None:
    grey = np.asarray(shaded((120, 90, 160), 4, (96, 96)), float)
    image = Image.fromarray(np.interp(grey, (grey.min(), grey.max()), (40, 240)).astype(np.uint8))
    for strength in (-1.0, -0.3, 0.0, 0.3, 1.0):
        chain = Chain(((name, strength),))
        changed = chain.paint(geometry.resample(image, chain.matrices(96)))
        assert (changed.mode, changed.size) == ("RGB", (96, 96))
        same = np.array_equal(changed, image)
        assert same == (name == "identity" or (strength == 0 and name not in ("autocontrast", "equalize")))


def test_aug_mix_leaves_light_and_colour_alone() -> None:
    assert not {"brightness", "contrast", "colour", "sharpness"} & set(AUG_MIX)


def test_levels_grow_and_are_known_again() -> None:
    assert list(LEVELS) == ["off", "light", "medium", "strong"]
    for name, config in LEVELS.items():
        assert level_of(config) == name
        assert config.flip in ("off", "horizontal")
        assert not config.mixes
        AugmentConfig.model_validate(config.model_dump())  # model_copy alone checks no bounds
    counts = [len(config.switched_on) for config in LEVELS.values()]
    assert counts == sorted(set(counts))
    assert level_of(LEVELS["light"].model_copy(update={"zoom": 0.2})) == "own"
    assert level_of(LEVELS["light"].model_copy(update={"mixup": 0.2})) == "own"
    assert level_of(LEVELS["light"].model_copy(update={"magnitude": 0.9})) == "light"  # nothing heeds it


def test_the_mark_tells_what_decides_a_draw_and_no_more() -> None:
    assert AugmentConfig(flip="horizontal", rotation=0.1).mark == "flip=horizontal rotation=0.1"
    assert AugmentConfig(mixup=0.5, magnitude=0.9).mark == ""
    assert AugmentConfig(rand_augment=2, magnitude=0.9).mark == "rand_augment=2 magnitude=0.9"


def smooth_picture() -> np.ndarray:
    picture = np.full((96, 96, 3), 60, np.uint8)
    picture[10:40, 20:80] = (220, 120, 180)
    return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(3)))


@pytest.mark.slow
def test_moves_are_those_of_keras_layers() -> None:
    keras = pytest.importorskip("keras")
    picture = smooth_picture()
    batch = picture[None].astype(np.float32)
    turned = keras.layers.RandomRotation((0.1, 0.1), fill_mode="reflect")(batch, training=True)
    zoomed = keras.layers.RandomZoom((0.2, 0.2), fill_mode="reflect")(batch, training=True)
    shifted = keras.layers.RandomTranslation((0.1, 0.1), (0.25, 0.25), fill_mode="reflect")(batch, training=True)
    for theirs, (turn, zoom, shift) in (
        (turned, (0.1, 0, (0, 0))),
        (zoomed, (0, 0.2, (0, 0))),
        (shifted, (0, 0, (0.25, 0.1))),
    ):
        ours = geometry.resample(Image.fromarray(picture), [geometry.turn_zoom_shift(96, turn, zoom, shift)])
        difference = np.abs(np.asarray(theirs)[0] - np.asarray(ours, np.float32))
        assert difference.mean() < 1, difference.mean()
        assert np.abs(np.asarray(theirs)[0] - batch[0]).mean() > 5  # the layer did change it


@pytest.mark.slow
def test_colours_are_those_of_keras_layers() -> None:
    keras = pytest.importorskip("keras")
    from core.imaging import colour

    picture = smooth_picture()
    image, batch = Image.fromarray(picture), picture[None].astype(np.float32)
    paler = np.asarray(keras.layers.RandomSaturation((0.3, 0.3), value_range=(0, 1))(batch / 255, training=True)) * 255
    crisper = np.asarray(keras.layers.RandomSharpness((0.9, 0.9))(batch, training=True))
    hues = [np.asarray(keras.layers.RandomHue((0.4, 0.4), seed=seed)(batch, training=True)) for seed in range(8)]
    turned = [np.asarray(colour.hue_saturation(image, turn, 1), np.float32) for turn in (-0.2, 0.2)]
    for theirs, ours in (
        (paler[0], colour.hue_saturation(image, 0, 0.3 / 0.7)),
        (crisper[0], colour.sharpness(image, 1.8)),
    ):
        difference = np.abs(theirs - np.asarray(ours, np.float32))[
            2:-2, 2:-2
        ]  # Keras takes what lies outside for black
        assert difference.mean() < 1.5, difference.mean()
    for theirs in hues:  # either way, by chance
        assert min(np.abs(theirs[0] - ours).mean() for ours in turned) < 2
