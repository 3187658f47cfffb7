"""Features and classes brought to one scale before a head learns from them, and back into the head. numpy only."""

from __future__ import annotations

import numpy as np


def standard(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation (F,) by which features (N, F) are standardised.

    A deviation is at least half of the median one: blowing up features that hardly vary gains nothing (measured on
    three sets), and makes the folded weights so uneven that integer exports suffer.
    """
    mean = features.mean(axis=0, dtype=np.float64)
    square = np.zeros_like(mean)
    for start in range(0, len(features), 4096):  # in pieces: a copy of all would not always fit into memory
        square += ((features[start : start + 4096] - mean) ** 2).sum(axis=0)
    deviation = np.sqrt(square / len(features))
    deviation = np.maximum(deviation, 0.5 * np.median(deviation)) + 1e-6
    return mean.astype(np.float32), deviation.astype(np.float32)


def raw(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As `standard`, for features (N, F) that stay as they are: mean 0 and deviation 1."""
    return np.zeros(features.shape[1], np.float32), np.ones(features.shape[1], np.float32)


def scaled(features: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Features (N, F) less their mean, over their deviation (F,): a new array, and no second one on the way, since features
    may fill a third of the memory."""
    standardised = features - mean
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
