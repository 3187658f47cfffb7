"""Out-of-sample opinions on labels, and how suspicious a label is. Loads scikit-learn, in the worker process only.

Northcutt et al. 2021 (Confident Learning), by cleanlab. Two quick linear classifiers are asked and averaged: on trashnet
and on flower photos with 5 % wrong labels that ranks better than either, and than nearest neighbours; a shrunken
discriminant alone is too sure of itself, a logistic regression alone misses more in small sets.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from core.datasets.folds import GroupedFolds

FOLDS = 5
"""Also how many pictures that really differ a class needs in order to be judged."""

_DIMENSIONS = 512
_RULED_OUT = 0.05


def reduced(features: np.ndarray) -> np.ndarray:
    """float32 (N, F) -> standardised and turned so that the first columns vary most: float32 (N, D), D <= 512.

    With N < 2 there is nothing to compare: zeros (N, 1).
    """
    size = min(_DIMENSIONS, len(features) - 1, features.shape[1])
    if size < 1:
        return np.zeros((len(features), 1), np.float32)
    scaled = StandardScaler().fit_transform(features)
    with np.errstate(invalid="ignore"):  # all alike: the share of the variance explained is 0 / 0, and of no use here
        turned = PCA(size, svd_solver="randomized", random_state=0, copy=False).fit_transform(scaled)
    return np.asarray(turned, np.float32)


def usable(labels: list[str | None], groups: list[int]) -> list[str]:
    """Classes with enough pictures that really differ, by name. `groups` (N): near-duplicates share a number."""
    different = Counter(label for label, _ in {(a, b) for a, b in zip(labels, groups, strict=True) if a is not None})
    return sorted(label for label, count in different.items() if count >= FOLDS)


def folds(labels: np.ndarray, groups: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Positions to learn from and to judge; `labels` and `groups` int (N,). Each group is judged as a whole, once."""
    fold = GroupedFolds(tuple(map(str, range(len(labels)))), labels, groups, seed=0).folds(FOLDS)
    return [(np.flatnonzero(fold != n), np.flatnonzero(fold == n)) for n in range(FOLDS) if (fold == n).any()]


def opinion(known: np.ndarray, labels: np.ndarray, asked: np.ndarray, classes: int) -> np.ndarray:
    """Learns from `known` float32 (M, D) with `labels` int (M,), and judges `asked` (N, D): float32 (N, classes).

    A class without an example gets 0.
    """
    if len(np.unique(labels)) < 2:
        return np.eye(classes, dtype=np.float32)[np.full(len(asked), labels[0])]
    voters = VotingClassifier(
        [
            ("discriminant", LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5)),
            ("logistic", LogisticRegression(C=0.003, max_iter=200, tol=1e-3)),
        ],
        voting="soft",
    ).fit(known, labels)
    found = np.zeros((len(asked), classes), np.float32)
    found[:, voters.classes_] = voters.predict_proba(asked)
    return found


def label_quality(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For labels int (N,) and opinions (N, K): quality float (N,), 0..1, low is suspicious; and bool (N,), likely wrong.

    "both" calls a label wrong where cleanlab's two ways of counting agree, which gives fewer false alarms. They count
    how often each pair of classes is confused, and so may overlook the only slip in a tidy set: a label that is all but
    ruled out is called wrong as well (on four sets that adds at most 0.6 % of the pictures).
    """
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    quality = np.asarray(get_label_quality_scores(labels, probabilities, method="self_confidence"))
    counted = np.asarray(find_label_issues(labels, probabilities, filter_by="both", n_jobs=1))
    return quality, counted | (quality < _RULED_OUT)
