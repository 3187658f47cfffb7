"""Whitening: the covariance within the classes to the power -1/4, and a head that is solved with it."""

from __future__ import annotations

import numpy as np
import pytest

from core.training.logistic_regression import answers, solve
from core.training.standardise import scaled, standard
from core.training.whitening import Whitening


def made_up(count: int, width: int, classes: int = 3, *, nuisance: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Features in which one direction differs widely in every class, and a weak one tells the classes apart."""
    rng = np.random.default_rng(count + width)
    labels = rng.integers(0, classes, count)
    features = rng.normal(size=(count, width))
    turned, _ = np.linalg.qr(rng.normal(size=(width, width)))
    features += np.outer(nuisance * rng.normal(size=count), turned[0] * np.sqrt(width))
    features += 3 * turned[1 : classes + 1][labels]
    return features.astype(np.float32), labels


def within_class(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    centred = features - np.stack([features[labels == each].mean(axis=0) for each in range(labels.max() + 1)])[labels]
    return centred.T @ centred / len(labels)


def test_of_few_features_it_is_the_power_of_the_shrunken_covariance() -> None:
    features, labels = made_up(5000, 20)
    scale = standard(features)
    whole = Whitening.of(features, labels, scale) @ np.eye(20, dtype=np.float32)
    known = scaled(features, *scale)
    values, vectors = np.linalg.eigh(within_class(known, labels))
    wanted = (vectors * values**-0.25) @ vectors.T  # of so many pictures hardly anything is shrunken
    assert np.allclose(whole, whole.T, atol=1e-5)
    assert np.allclose(whole / np.trace(whole), wanted / np.trace(wanted), atol=2e-3)
    assert np.std(known @ whole) == pytest.approx(np.std(known), rel=1e-3)


def test_of_many_features_the_largest_directions_are_found() -> None:
    features, labels = made_up(300, 500, nuisance=2.0)
    scale = standard(features)
    made = Whitening.of(features, labels, scale)
    _, vectors = np.linalg.eigh(within_class(scaled(features, *scale), labels))
    assert made.axes.shape == (500, 64)
    assert np.allclose(made.axes.T @ made.axes, np.eye(64), atol=1e-4)
    assert abs(made.axes[:, 0] @ vectors[:, -1]) > 0.999
    assert (np.diff(made.stretch) >= -1e-6).all()
    assert (made.stretch < 0).all()  # those count for less


@pytest.mark.parametrize(
    ("features", "labels"),
    [
        (np.ones((6, 40)), [0, 0, 0, 1, 1, 1]),
        (np.repeat([[0.0], [1.0]], 3, axis=0) * np.ones(40), [0, 0, 0, 1, 1, 1]),
        (np.random.default_rng(0).normal(size=(3, 40)), [0, 1, 2]),
        (np.random.default_rng(0).normal(size=(4, 40)), [0, 0, 0, 0]),
        (np.random.default_rng(0).normal(size=(5, 40)), [0, 1, 1, 2, 4]),
    ],
    ids=["all the same", "the same in each class", "one of each", "one class", "a class without pictures"],
)
def test_where_there_is_little_to_learn_from_nothing_breaks(features: np.ndarray, labels: list[int]) -> None:
    found = np.asarray(features, np.float32)
    made = Whitening.of(found, np.array(labels), standard(found))
    whole = made @ np.eye(40, dtype=np.float32)
    assert np.isfinite(whole).all()
    assert np.linalg.eigvalsh(whole).min() > 0


def test_a_head_of_whitened_features_is_found_in_the_others() -> None:
    features, labels = made_up(240, 60)
    scale = standard(features)
    whitening, ones = Whitening.of(features, labels, scale), np.ones(240)
    found = solve(features, labels, ones, 3, 0.05, rounds=300, scale=scale, whitening=whitening)
    known = scaled(features, *scale)
    turned = known @ (whitening @ np.eye(60, dtype=np.float32))
    other = solve(turned, labels, ones, 3, 0.05, rounds=300)
    assert np.abs(answers(found, known) - answers(other, turned)).max() < 0.01

    np.testing.assert_allclose(whitening.undone(whitening @ found[:-1]), found[:-1], atol=1e-5)
    heard: list[float] = []
    again = solve(
        features, labels, ones, 3, 0.05, found, 300, lambda *told: not heard.append(told[2]), scale, whitening
    )
    assert len(heard) < 20, "it begins where the other ended"
    assert np.abs(answers(again, known) - answers(found, known)).max() < 0.01


def test_it_errs_less_where_pictures_of_one_class_differ_in_many_ways() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 1300)
    turned, _ = np.linalg.qr(rng.normal(size=(400, 400)))
    features = rng.normal(scale=0.5, size=(1300, 400)) + 8 * rng.normal(size=(1300, 40)) @ turned[:40]
    features = (features + (2.4 * turned[100:103] + 1.2 * turned[:3])[labels]).astype(np.float32)
    learned, truth, new, wanted = features[:300], labels[:300], features[300:], labels[300:]
    scale = standard(learned)
    right = []
    for whitening in (None, Whitening.of(learned, truth, scale)):
        kernel = solve(learned, truth, np.ones(300), 3, 25 / 300, scale=scale, whitening=whitening)
        right.append((answers(kernel, scaled(new, *scale)).argmax(axis=1) == wanted).mean())
    assert right[1] > right[0] + 0.1
