from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from core.training.experiments.flip_test import FlipVerdict, mirror_matters

ARROW = [(0, 12), (14, 0), (14, 8), (32, 8), (32, 16), (14, 16), (14, 24)]  # it points to the left


def arrow(rng: np.random.Generator, *, right: bool) -> Image.Image:
    image = Image.new("RGB", (64, 64), tuple(int(v) for v in rng.integers(160, 250, 3)))
    left, top = rng.integers(8, 24), rng.integers(12, 28)
    points = [(left + (32 - x if right else x), top + y) for x, y in ARROW]
    ImageDraw.Draw(image).polygon(
        [(float(x), float(y)) for x, y in points], tuple(int(v) for v in rng.integers(0, 90, 3))
    )
    return image


def shape(rng: np.random.Generator, *, tall: bool) -> Image.Image:
    image = Image.new("RGB", (64, 64), tuple(int(v) for v in rng.integers(160, 250, 3)))
    x, y = rng.integers(20, 44, 2)
    wide, high = (6, 18) if tall else (18, 6)
    box = (int(x - wide), int(y - high), int(x + wide), int(y + high))
    ImageDraw.Draw(image).ellipse(box, tuple(int(v) for v in rng.integers(0, 90, 3)))
    return image


def seen(images: list[Image.Image]) -> tuple[np.ndarray, np.ndarray]:
    """Features of plain and mirrored pictures: 16 x 16 pixels of grey."""
    small = np.stack([np.asarray(image.convert("L").resize((16, 16)), np.float32) for image in images])
    return small.reshape(len(small), -1), small[:, :, ::-1].reshape(len(small), -1)


def arrows(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return *seen([arrow(rng, right=bool(n % 2)) for n in range(count)]), np.arange(count) % 2


def test_arrows_must_not_be_mirrored() -> None:
    verdict = mirror_matters(*arrows(120), 2, seed=1)
    assert verdict.kind == "harm"
    assert verdict.without > 0.9
    assert verdict.with_mirrored < 0.7
    assert 0 < verdict.low < verdict.without - verdict.with_mirrored < verdict.high
    assert verdict.sentence.startswith("Mirroring does harm here: ")
    assert f"{verdict.without:.2f} of 120 pictures" in verdict.sentence
    assert verdict == mirror_matters(*arrows(120), 2, seed=1)


def test_what_looks_the_same_in_a_mirror_takes_no_harm() -> None:
    rng = np.random.default_rng(0)
    plain, mirrored = seen([shape(rng, tall=bool(n % 2)) for n in range(120)])
    verdict = mirror_matters(plain, mirrored, np.arange(120) % 2, 2)
    assert verdict.kind == "no harm"
    assert verdict.with_mirrored > 0.9
    assert "no harm" in verdict.sentence or "helps" in verdict.sentence


def test_mirror_images_that_are_just_the_same_change_no_answer() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 4
    features = (rng.normal(size=(200, 300)) + 1.5 * np.eye(300)[labels]).astype(np.float32)
    verdict = mirror_matters(features, features, labels, 4)
    assert 0.3 < verdict.without < 0.95  # hard enough that a different restraint would show
    assert verdict.without == verdict.with_mirrored
    assert verdict.low == -verdict.high


def test_a_few_pictures_do_not_tell() -> None:
    rng = np.random.default_rng(0)
    plain, mirrored = seen([shape(rng, tall=bool(n % 2)) for n in range(20)])
    verdict = mirror_matters(plain, mirrored, np.arange(20) % 2, 2)
    assert verdict.kind == "too few"
    assert verdict.pictures == 20
    assert verdict.sentence.startswith("Too few pictures to tell")


@pytest.mark.parametrize("labels", [[], [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1, 1, 1, 1]])
def test_less_than_two_classes_of_five_are_too_few(labels: list[int]) -> None:
    features = np.ones((len(labels), 4), np.float32)
    verdict = mirror_matters(features, features, np.array(labels, int), 3)
    assert verdict == FlipVerdict("too few", 0.0, 0.0, -1.0, 1.0, 0)
    assert "two classes need at least 5" in verdict.sentence


def test_pictures_that_are_all_alike_are_judged_without_an_error() -> None:
    features = np.ones((40, 4), np.float32)
    verdict = mirror_matters(features, features, np.arange(40) % 2, 2)
    assert verdict.without == verdict.with_mirrored
    assert verdict.kind != "harm"


def test_copies_of_one_photo_are_never_learned_from_and_judged() -> None:
    rng = np.random.default_rng(0)
    label, photo = np.arange(50) % 2, rng.normal(size=(50, 60)).astype(np.float32)
    rows = np.repeat(np.arange(50), 4)
    features = photo[rows], -photo[rows], label[rows], 2
    assert mirror_matters(*features).without > 0.95
    assert mirror_matters(*features, groups=rows).without < 0.7
    too_few = mirror_matters(*features, groups=rows % 6)  # three groups of each class
    assert (too_few.kind, too_few.pictures) == ("too few", 0)
