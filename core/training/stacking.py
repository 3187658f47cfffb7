"""Stacking (Wolpert 1992): a small head that learns from the answers of several models what each of them is worth, and where.

It learns on the validation part, which the models did not learn from, by multinomial logistic regression on the logarithms of
their probabilities. They are taken less their mean over the classes: what is left are a model's logits but for a constant, so
that the head can be one dense layer on the logits of all. numpy only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from core.datasets.folds import GroupedFolds
from core.inference.calibration import softmax
from core.system import storage
from core.training.logistic_regression import solve
from core.training.standardise import fold as folded
from core.training.standardise import standard

_LEAST = float(np.finfo(np.float32).tiny)
"""A probability of less than that counts as that: its logarithm is known."""
_FOLDS = 5
_RESTRAINTS = (0.1, 1.0, 10.0, 100.0, 1000.0)
"""L2 penalties, divided by the number of pictures."""


@dataclass(frozen=True)
class Stacking:
    """The head: kernel float32 (M * K, K) and bias float32 (K,) for what `evidence` gives. `held_out` float32 (N, K): what is
    said of each of the N pictures by a head like it that did not learn from that one."""

    kernel: np.ndarray
    bias: np.ndarray
    held_out: np.ndarray

    def write(self, file: Path) -> None:
        """Writes what `read` reads. Raises OSError."""
        storage.write_with(file, lambda path: np.savez(path, **vars(self)))

    @classmethod
    def read(cls, file: Path) -> Self:
        """What `write` wrote. Raises OSError, KeyError, ValueError."""
        return cls(**{name: values.astype(np.float32) for name, values in storage.read_arrays(file).items()})

    @property
    def for_logits(self) -> np.ndarray:
        """The kernel for the models' logits as they are, side by side: float32 (M * K, K)."""
        blocks = self.kernel.reshape(-1, len(self.bias), len(self.bias))
        return np.asarray(blocks - blocks.mean(axis=1, keepdims=True)).reshape(self.kernel.shape)

    def probabilities(self, answers: np.ndarray) -> np.ndarray:
        """What it makes of the models' probabilities (M, N, K): float32 (N, K), rows sum to 1."""
        return softmax(evidence(answers) @ self.kernel + self.bias)


def evidence(answers: np.ndarray) -> np.ndarray:
    """What a head learns from: the logarithms of the models' probabilities (M, N, K), less their mean over the classes, side by
    side: float32 (N, M * K)."""
    logarithms = np.log(np.maximum(answers.astype(np.float64), _LEAST))
    return np.concatenate(list(logarithms - logarithms.mean(axis=2, keepdims=True)), axis=1).astype(np.float32)


def folds_of(deal: GroupedFolds) -> np.ndarray | None:
    """The fold of each picture, int (N,), groups together; None where all are of one group."""
    if deal.different.sum() < 2:
        return None
    return deal.folds(int(min(_FOLDS, max(2, deal.different.min()))))


def learn(answers: np.ndarray, truth: np.ndarray, fold: np.ndarray) -> Stacking:
    """The head for the models' probabilities (M, N, K) of N pictures: `truth` int (N,), `fold` int (N,) as from `folds_of`.

    Its L2 penalty is the one with the least log-loss by cross-validation.
    """
    known, classes = evidence(answers), answers.shape[2]
    best: tuple[float, float, np.ndarray] | None = None
    for restraint in _RESTRAINTS:
        held_out = np.empty((len(truth), classes), np.float32)
        for number in np.unique(fold):
            asked = fold == number
            kernel, bias = _head(known[~asked], truth[~asked], classes, restraint)
            held_out[asked] = softmax(known[asked] @ kernel + bias)
        loss = log_loss(held_out, truth)
        if best is None or loss < best[0]:
            best = loss, restraint, held_out
    assert best is not None
    _, restraint, held_out = best
    return Stacking(*_head(known, truth, classes, restraint), held_out)


def log_loss(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """The mean log-loss of probabilities (N, K) for `truth` int (N,)."""
    return float(-np.log(probabilities[np.arange(len(truth)), truth].astype(np.float64).clip(1e-7)).mean())


def right(probabilities: np.ndarray, truth: np.ndarray) -> int:
    """How many of the answers (N, K) are right."""
    return int((probabilities.argmax(axis=1) == truth).sum())


def _head(known: np.ndarray, truth: np.ndarray, classes: int, restraint: float) -> tuple[np.ndarray, np.ndarray]:
    """Kernel (F, K) and bias (K,) for `known` as it is, float32 (N, F)."""
    scale = standard(known)
    weights = solve(known, truth, np.ones(len(truth)), classes, restraint / len(truth), scale=scale)
    return folded(weights[:-1], weights[-1], *scale)
