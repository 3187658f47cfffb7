"""Numbers from predictions: accuracy, confusion matrix, precision, recall and F1. numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class ClassScore:
    """How one class fared. `precision`, `recall` and `f1` are 0..1; 0 where they are undefined (as scikit-learn has it)."""

    name: str
    precision: float
    recall: float
    f1: float
    right: int
    total: int


@dataclass(frozen=True)
class Evaluation:
    """What N predictions are worth. `confusion` is int (K, K): rows are the true classes, columns the predicted."""

    accuracy: float
    macro_f1: float
    log_loss: float
    right: int
    total: int
    confusion: np.ndarray
    classes: tuple[ClassScore, ...]

    @property
    def in_words(self) -> str:
        """For instance "53 of 60 right"."""
        return f"{self.right} of {self.total} right"

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "log_loss": self.log_loss,
            "right": self.right,
            "total": self.total,
            "confusion": self.confusion.tolist(),
            "classes": [vars(score) for score in self.classes],
        }


def evaluate_predictions(probabilities: np.ndarray, truth: np.ndarray, classes: Sequence[str]) -> Evaluation:
    """`probabilities` float (N, K), rows sum to 1; `truth` int (N,), positions in `classes`. N is at least 1.

    Raises ValueError if the shapes do not fit.
    """
    count, kinds = probabilities.shape
    if truth.shape != (count,) or kinds != len(classes) or count == 0:
        raise ValueError(
            f"expected probabilities (N, {len(classes)}) and truth (N,), N > 0. Received: {probabilities.shape}, {truth.shape}"
        )
    confusion = np.zeros((kinds, kinds), np.int64)
    np.add.at(confusion, (truth, probabilities.argmax(axis=1)), 1)
    hits, actual, claimed = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    precision, recall = _divide(hits, claimed), _divide(hits, actual)
    f1 = _divide(2 * hits, actual + claimed)
    likelihood = np.clip(probabilities[np.arange(count), truth].astype(np.float64), 1e-15, 1)
    scores = tuple(
        ClassScore(name, float(precision[i]), float(recall[i]), float(f1[i]), int(hits[i]), int(actual[i]))
        for i, name in enumerate(classes)
    )
    present = (actual + claimed) > 0
    return Evaluation(
        accuracy=float(hits.sum() / count),
        macro_f1=float(f1[present].mean()),
        log_loss=float(-np.log(likelihood).mean()),
        right=int(hits.sum()),
        total=count,
        confusion=confusion,
        classes=scores,
    )


def _divide(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.zeros(len(above)), where=below > 0)
