"""Weights as whole numbers: each next to what it was, and the sum over each window kept."""

from __future__ import annotations

import numpy as np
import pytest

from core.models.rounding import STEPS, rounded, scale_of


@pytest.mark.parametrize(("shape", "shared", "window"), [
    ((3, 3, 3, 16), (0, 1, 2), (0, 1)),  # a convolution, as Keras has it
    ((5, 5, 24, 1), (0, 1), (0, 1)),  # a depthwise one
    ((16, 3, 3, 8), (1, 2, 3), (1, 2)),  # a convolution, as LiteRT has it
    ((1, 3, 3, 24), (0, 1, 2), (1, 2)),
    ((1, 1, 12, 6), (0, 1, 2), (0, 1)),  # a window of one pixel has nothing to make up with
])  # fmt: skip
def test_a_window_keeps_its_sum(shape: tuple[int, ...], shared: tuple[int, ...], window: tuple[int, int]) -> None:
    weights = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    scale = scale_of(weights, shared)
    exact, whole = weights / scale, rounded(weights, scale, window)
    assert whole.shape == shape
    assert (whole == np.rint(whole)).all()
    assert np.abs(whole).max() == STEPS
    assert np.abs(whole - exact).max() < 1
    assert (
        np.rint(exact)[np.abs(exact) > STEPS - 0.5] == whole[np.abs(exact) > STEPS - 0.5]
    ).all()  # these set the scale

    def off(some: np.ndarray) -> float:
        return float(np.abs((some - exact).sum(axis=window)).max())

    assert off(whole) <= 0.5001
    if shape[window[0]] > 1:
        assert off(np.rint(exact)) > 1  # what each for itself would do


def test_weights_that_are_whole_or_nothing_stay_so() -> None:
    weights = np.zeros((3, 3, 2, 1), np.float32)
    weights[0, 0, 0], weights[2, 1, 0] = STEPS, -3
    scale = scale_of(weights, (0, 1))
    np.testing.assert_array_equal(rounded(weights, scale, (0, 1)) * scale, weights)
