"""Numbers from predictions: accuracy, confusion matrix, precision, recall and F1, of all and class by class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.inference.curves import average_precision, roc_auc
from core.system.statistics import wilson

TOP = 3


@dataclass(frozen=True)
class ClassScore:
    """How one class fared. `precision`, `recall` and `f1` are 0..1; 0 where they are undefined (as scikit-learn has it).

    `right` are its true positives, `total` all pictures of it. `roc_auc` and `average_precision` are of its probability
    as a score for "this class or another"; None where only one of the two is there.
    """

    name: str
    precision: float
    recall: float
    f1: float
    right: int
    total: int
    false_positives: int
    true_negatives: int
    roc_auc: float | None
    average_precision: float | None

    @property
    def false_negatives(self) -> int:
        """Pictures of it that were taken for something else."""
        return self.total - self.right


@dataclass(frozen=True)
class Evaluation:
    """What N predictions are worth. `confusion` is int (K, K): rows are the true classes, columns the predicted.

    Shares are 0..1. `interval`: where the accuracy on many more such pictures lies with 95 % confidence. Macro averages
    are over the classes that occur, as truth or as answer; `balanced_accuracy` over those that occur as truth. `top3`: how
    often the truth is among the three likeliest. `log_loss` in nats, probabilities clipped at 1e-15.
    """

    accuracy: float
    interval: tuple[float, float]
    balanced_accuracy: float
    macro_precision: float
    macro_recall: float
    macro_f1: float
    top3: float
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
        classes = [asdict(score) | {"false_negatives": score.false_negatives} for score in self.classes]
        return asdict(self) | {
            "confusion": self.confusion.tolist(),
            "classes": classes,
            "interval": list(self.interval),
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
    own = probabilities[np.arange(count), truth]
    present = (actual + claimed) > 0
    right = int(hits.sum())
    return Evaluation(
        accuracy=right / count,
        interval=wilson(right, count),
        balanced_accuracy=float(recall[actual > 0].mean()),
        macro_precision=float(precision[present].mean()),
        macro_recall=float(recall[present].mean()),
        macro_f1=float(f1[present].mean()),
        top3=float(((probabilities > own[:, None]).sum(axis=1) < TOP).mean()),
        log_loss=float(-np.log(np.clip(own.astype(np.float64), 1e-15, 1)).mean()),
        right=right,
        total=count,
        confusion=confusion,
        classes=tuple(
            ClassScore(
                name,
                float(precision[i]),
                float(recall[i]),
                float(f1[i]),
                int(hits[i]),
                int(actual[i]),
                int(claimed[i] - hits[i]),
                int(count - actual[i] - claimed[i] + hits[i]),
                roc_auc(probabilities[:, i], truth == i),
                average_precision(probabilities[:, i], truth == i),
            )
            for i, name in enumerate(classes)
        ),
    )


def _divide(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.zeros(len(above)), where=below > 0)
