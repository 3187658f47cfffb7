"""Features and classes brought to one scale before a head learns from them, and back into the head."""

from __future__ import annotations

import numpy as np

from core.training.feature_matrix import Features, over


def standard(features: Features) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation (F,) by which features (N, F) are standardised.

    A deviation is at least half of the median one: blowing up features that hardly vary gains nothing (measured on
    three sets), and makes the folded weights so uneven that integer exports suffer.
    """
    count, width = features.shape
    start = np.zeros(width)
    mean = sum(over(features, lambda _, piece: piece.sum(axis=0, dtype=np.float64)), start) / count
    square = sum(over(features, lambda _, piece: ((piece - mean) ** 2).sum(axis=0)), start)
    deviation = np.sqrt(square / count)
    deviation = np.maximum(deviation, 0.5 * np.median(deviation)) + 1e-6
    return mean.astype(np.float32), deviation.astype(np.float32)


def raw(features: Features) -> tuple[np.ndarray, np.ndarray]:
    """As `standard`, for features (N, F) that stay as they are: mean 0 and deviation 1."""
    return np.zeros(features.shape[1], np.float32), np.ones(features.shape[1], np.float32)


def scaled(features: Features, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Features (N, F) less their mean, over their deviation (F,): a new array, and no second one on the way, since features
    may fill a third of the memory."""
    standardised: np.ndarray = np.subtract(features, mean)
    standardised /= deviation
    return standardised


def class_weights(labels: np.ndarray, classes: int) -> np.ndarray:
    """Weight of each example, float32 (N,): small classes count for more, the mean is 1. `labels` int (N,)."""
    counts = np.bincount(labels, minlength=classes)
    return (len(labels) / (np.count_nonzero(counts) * counts[labels])).astype(np.float32)


def fold(
    kernel: np.ndarray, bias: np.ndarray, mean: np.ndarray, deviation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Kernel (F, K) and bias (K,) for raw features, from those for standardised ones: the exported graph stays plain."""
    folded = kernel / deviation[:, None]
    return folded.astype(np.float32), (bias - mean @ folded).astype(np.float32)
