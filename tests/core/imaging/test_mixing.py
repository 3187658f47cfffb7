from __future__ import annotations

import numpy as np
import pytest

from core.config.augmentation import AugmentConfig
from core.imaging.augment import generator
from core.imaging.mixing import mix

SIDE, CLASSES = 24, 4


def batch(size: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Each picture is flat, of a grey of its own, and each of a class."""
    greys = np.linspace(10, 240, size, dtype=np.float32)
    pictures = np.broadcast_to(greys[:, None, None, None], (size, SIDE, SIDE, 3)).copy()
    return pictures, np.eye(CLASSES, dtype=np.float32)[np.arange(size) % CLASSES]


def test_off_hands_back_what_came_in() -> None:
    pictures, truth = batch()
    found, said = mix(pictures, truth, AugmentConfig(flip="both"), generator(0))
    assert found is pictures
    assert said is truth


@pytest.mark.parametrize("config", [{"mixup": 0.4}, {"cutmix": 1.0}, {"mixup": 1.0, "cutmix": 0.2}])
def test_labels_stay_shares_and_nothing_handed_in_changes(config: dict[str, float]) -> None:
    pictures, truth = batch()
    before = pictures.copy(), truth.copy()
    settings = AugmentConfig.model_validate(config)
    for n in range(30):
        mixed, shares = mix(pictures, truth, settings, generator(n))
        again, _ = mix(pictures, truth, settings, generator(n))
        assert np.array_equal(mixed, again)
        assert (mixed.dtype, mixed.shape, shares.dtype, shares.shape) == (
            np.float32,
            pictures.shape,
            np.float32,
            (8, 4),
        )
        assert np.allclose(shares.sum(axis=1), 1, atol=1e-6)
        assert shares.min() >= 0
        assert 0 <= mixed.min() <= mixed.max() <= 255
    assert np.array_equal(pictures, before[0])
    assert np.array_equal(truth, before[1])


def test_mixup_keeps_the_means_of_pictures_and_labels() -> None:
    pictures, truth = batch()
    for n in range(20):
        mixed, shares = mix(pictures, truth, AugmentConfig(mixup=1), generator(n))
        assert abs(mixed.mean() - pictures.mean()) < 1e-3
        assert np.allclose(shares.mean(axis=0), truth.mean(axis=0), atol=1e-6)


def test_mixup_mixes_features_too() -> None:
    _, truth = batch()
    features = np.arange(8 * 5, dtype=np.float32).reshape(8, 5)
    mixed, _ = mix(features, truth, AugmentConfig(mixup=0.5), generator(1))
    assert mixed.shape == (8, 5)
    assert np.allclose(mixed.mean(axis=0), features.mean(axis=0), atol=1e-4)


def test_the_label_of_cutmix_is_the_share_of_the_area() -> None:
    pictures, _ = batch(4)
    truth = np.eye(4, dtype=np.float32)
    cut = []
    for n in range(60):
        mixed, shares = mix(pictures, truth, AugmentConfig(cutmix=1), generator(n))
        for picture, share in zip(mixed, shares, strict=True):
            areas = [(picture[..., 0] == grey).mean() for grey in pictures[:, 0, 0, 0]]
            assert np.allclose(areas, share, atol=1 / SIDE**2)
        cut.append(1 - shares.max(axis=1).min())
    assert max(cut) > 0.4


def test_with_both_on_each_batch_gets_one_of_them() -> None:
    pictures, truth = batch()
    flat = 0
    for n in range(100):
        mixed, _ = mix(pictures, truth, AugmentConfig(mixup=1, cutmix=1), generator(n))
        flat += bool((mixed.std(axis=(1, 2, 3)) < 1e-3).all())
    assert 30 < flat < 75


def test_a_batch_of_one_stays_itself() -> None:
    pictures, truth = batch(1)
    mixed, shares = mix(pictures, truth, AugmentConfig(mixup=1), generator(3))
    assert np.allclose(mixed, pictures, atol=1e-3)
    assert np.allclose(shares, truth)
