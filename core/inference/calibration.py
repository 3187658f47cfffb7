"""How sure a model may be: reliability, temperature, and what a threshold for "not sure" costs and saves."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

BINS = 10
_TINY = 1e-12
_COLDEST, _HOTTEST = 0.05, 20.0


@dataclass(frozen=True)
class Bin:
    """Predictions whose confidence lies in low..high: how many, their mean confidence, and the share that is right."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Trade:
    """What a threshold does to N predictions: `answered` of them are at or above it, and `wrong` of these are wrong."""

    threshold: float
    answered: int
    wrong: int
    total: int

    @property
    def coverage(self) -> float:
        """The share that is answered, 0..1."""
        return self.answered / self.total


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int = BINS) -> list[Bin]:
    """`confidence` float (N,) in 0..1, `right` bool (N,) -> the bins that are not empty, of equal width; each holds its
    upper end, as in Guo et al. 2017."""
    position = np.clip(np.ceil(confidence.astype(np.float64) * bins) - 1, 0, bins - 1).astype(int)
    found = []
    for number in np.unique(position):
        inside = position == number
        found.append(
            Bin(
                float(number / bins),
                float((number + 1) / bins),
                int(inside.sum()),
                float(confidence[inside].mean(dtype=np.float64)),
                float(right[inside].mean()),
            )
        )
    return found


def calibration_error(bins: list[Bin]) -> float:
    """Expected calibration error (ECE; Guo et al. 2017): the mean distance of confidence and accuracy, 0..1."""
    return sum(one.count * abs(one.confidence - one.accuracy) for one in bins) / sum(one.count for one in bins)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities from logits (N, K), rows sum to 1."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def score(probabilities: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """For choosing between models on the same pictures, larger is better: accuracy, then minus the log-loss."""
    right = float((probabilities.argmax(axis=1) == truth).mean())
    return right, float(np.log(probabilities[np.arange(len(truth)), truth].clip(1e-7)).mean())


def cooled(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """softmax(log p / T): float (N, K) or (K,) as given, rows sum to 1. Above 1 it is less sure; the order never changes."""
    if temperature == 1:
        return probabilities
    logits = np.log(np.maximum(probabilities.astype(np.float64), _TINY)) / temperature
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), probabilities.dtype)


def fit_temperature(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """The temperature at which the log-loss of `probabilities` (N, K) for `truth` int (N,) is least (Guo et al. 2017).

    Between 0.05 and 20. The log-loss is convex in 1/T, so that a golden-section search finds the one minimum.
    """
    logits = np.log(np.maximum(probabilities.astype(np.float64), _TINY))
    rows = np.arange(len(truth))

    def loss(inverse: float) -> float:
        scaled = logits * inverse
        highest = scaled.max(axis=1)
        total = np.log(np.exp(scaled - highest[:, None]).sum(axis=1)) + highest
        return float((total - scaled[rows, truth]).mean())

    ratio = (math.sqrt(5) - 1) / 2
    low, high = 1 / _HOTTEST, 1 / _COLDEST
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = loss(left), loss(right)
    while high - low > 1e-6:
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = loss(right)
    return 2 / (low + high)


def trade(confidence: np.ndarray, right: np.ndarray, threshold: float) -> Trade:
    """What it means that the model answers only where its confidence (N,) is at least `threshold`; `right` is bool (N,)."""
    answered = confidence >= threshold
    return Trade(threshold, int(answered.sum()), int((answered & ~right).sum()), len(right))


def threshold_for(confidence: np.ndarray, right: np.ndarray, accuracy: float) -> float | None:
    """The lowest threshold at which at least this share of the answers, 0..1, is right; None where none does it."""
    order = np.argsort(-confidence, kind="stable")
    ordered, share = confidence[order], np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    last = np.append(np.diff(ordered) != 0, True)  # pictures of one confidence are answered together
    good = np.flatnonzero((share >= accuracy) & last)
    return float(ordered[good[-1]]) if len(good) else None
