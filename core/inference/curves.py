"""One class against all others at every threshold: ROC and precision-recall curves, and the areas under them.

As scikit-learn defines them: one point for each distinct score, from "nothing is this class" to "everything is".
"""

from __future__ import annotations

import numpy as np


def counts_at(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`scores` float (N,), `positive` bool (N,) -> thresholds (T,), falling, and at each the true and false positives."""
    order = np.argsort(-scores, kind="stable")
    ordered, hits = scores[order], np.cumsum(positive[order])
    last = np.flatnonzero(np.append(np.diff(ordered) != 0, True))  # the last picture of each distinct score
    return ordered[last], hits[last], last + 1 - hits[last]


def roc(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False and true positive rate, 0..1 both, from (0, 0) to (1, 1). There must be positives and negatives."""
    _, true, false = counts_at(scores, positive)
    return np.append(0, false / false[-1]), np.append(0, true / true[-1])


def precision_recall(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Recall, rising from 0, and the precision there, 1 at the start by convention. There must be positives."""
    _, true, false = counts_at(scores, positive)
    return np.append(0, true / true[-1]), np.append(1, true / (true + false))


def roc_auc(scores: np.ndarray, positive: np.ndarray) -> float | None:
    """The area under the ROC curve: how often a picture of the class has a higher score than one of another; ties are half.

    None unless there are positives and negatives.
    """
    if not 0 < positive.sum() < len(positive):
        return None
    return float(np.trapezoid(*reversed(roc(scores, positive))))


def average_precision(scores: np.ndarray, positive: np.ndarray) -> float | None:
    """The mean precision over the recall gained at each threshold, without interpolation; None without positives."""
    if not positive.any():
        return None
    recall, precision = precision_recall(scores, positive)
    return float(np.sum(np.diff(recall) * precision[1:]))


def thinned(x: np.ndarray, y: np.ndarray, most: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """At most about `most` points of a curve, the ends among them, evenly along it."""
    if len(x) <= most:
        return x, y
    along = np.append(0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y))))
    kept = np.unique(np.searchsorted(along, np.linspace(0, along[-1], most)).clip(max=len(x) - 1))
    return x[kept], y[kept]
