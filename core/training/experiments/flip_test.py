"""Whether learning from mirrored pictures does harm, tried out on the features that are there already."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

FOLDS = 5
"""Also how many groups of pictures a class needs in order to take part."""

TOLERATED = 0.05
"""A loss of accuracy that is surely smaller than this counts as none."""

_MOST = 1500  # pictures: enough to tell, and solved in seconds
_RIDGE = 0.1  # of the mean squared length of a picture's features; twice that for twice as many copies


@dataclass(frozen=True)
class FlipVerdict:
    """What came of it.

    `without` and `with_mirrored`: accuracy on plain pictures that were not learned from, 0..1, after learning from plain
    pictures only and from their mirror images as well. `low` and `high`: between these the loss by mirroring lies, with
    95 % confidence, -1..1, above 0 is harm. `pictures`: how many were judged.
    """

    kind: Literal["harm", "no harm", "too few"]
    without: float
    with_mirrored: float
    low: float
    high: float
    pictures: int

    @property
    def sentence(self) -> str:
        """What it means, for the page."""
        numbers = f"{self.without:.2f} of {self.pictures} pictures right without, {self.with_mirrored:.2f} with"
        if self.kind == "harm":
            return f"Mirroring does harm here: {numbers}."
        if self.kind == "no harm":
            helps = "helps" if self.high < 0 else "does no harm"
            return f"Mirroring {helps} here: {numbers}."
        if not self.pictures:
            need = f"two classes need at least {FOLDS} photos or films each"
            return f"Too few pictures to tell whether mirroring does harm: {need}."
        return f"Too few pictures to tell whether mirroring does harm: {numbers}."


def mirror_matters(
    plain: np.ndarray,
    mirrored: np.ndarray,
    labels: np.ndarray,
    classes: int,
    seed: int = 0,
    groups: np.ndarray | None = None,
) -> FlipVerdict:
    """Learns with and without mirrored copies, five-fold, and compares how many plain pictures are then right.

    `plain` and `mirrored`: features of the same pictures, float32 (N, F); `labels` int (N,), 0..classes - 1;
    `groups` int (N,), the same number for what belongs together and stays in one fold, by default nothing. The head is
    a ridge regression on the labels, which needs no search and takes a few seconds at most: of more than 1,500 pictures,
    as many are drawn. A picture and its mirror image are always in the same fold. Mirrored copies do harm, or none, if the
    interval of Bonett and Price (2012) for the difference of paired proportions says so.
    """
    rng = np.random.default_rng(seed)
    chosen, fold = _dealt(labels, classes, rng, np.arange(len(labels)) if groups is None else groups)
    if len(np.unique(labels[chosen])) < 2:
        return FlipVerdict("too few", 0.0, 0.0, -1.0, 1.0, 0)
    count = len(chosen)
    both = np.concatenate([plain[chosen], mirrored[chosen]]).astype(np.float64)
    both -= both[:count].mean(axis=0)
    spread = both[:count].std(axis=0)
    both /= np.where(spread > 0, spread, 1)
    alike = both @ both.T
    truth = labels[chosen]
    right = np.empty((2, count), bool)
    for number in range(FOLDS):
        ask = np.flatnonzero(fold == number)
        learn = np.flatnonzero(fold != number)
        for row, rows in enumerate((learn, np.concatenate([learn, learn + count]))):
            ridge = _RIDGE * len(rows) / len(learn)
            right[row, ask] = _answers(alike, rows, ask, truth[rows % count], classes, ridge) == truth[ask]
    without, with_mirrored = right.mean(axis=1)
    low, high = _interval(int((right[0] & ~right[1]).sum()), int((~right[0] & right[1]).sum()), count)
    kind: Literal["harm", "no harm", "too few"] = "harm" if low > 0 else "no harm" if high < TOLERATED else "too few"
    return FlipVerdict(kind, float(without), float(with_mirrored), low, high, count)


def _dealt(
    labels: np.ndarray, classes: int, rng: np.random.Generator, groups: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Which pictures take part, and the fold of each: the groups of every class, each whole, are spread evenly over the folds.
    int (M,) each."""
    order = rng.permutation(len(labels))[:_MOST]
    chosen, turn = [order[:0]], np.full(int(groups.max(initial=0)) + 1, -1)
    for label in range(classes):
        members = order[labels[order] == label]
        first = groups[members][np.sort(np.unique(groups[members], return_index=True)[1])]
        if len(first) >= FOLDS:
            fresh = first[turn[first] < 0]  # a group that spans classes has its fold already
            turn[fresh] = np.arange(len(fresh))
            chosen.append(members)
    rows = np.concatenate(chosen)
    return rows, turn[groups[rows]] % FOLDS


def _answers(
    alike: np.ndarray, rows: np.ndarray, ask: np.ndarray, truth: np.ndarray, classes: int, ridge: float
) -> np.ndarray:
    """Classes int (len(ask),) after learning from `rows` with `truth` int (len(rows),); `alike`: all inner products."""
    known = alike[np.ix_(rows, rows)]
    known[np.diag_indices(len(rows))] += ridge * known.trace() / len(rows) + 1e-9  # where all are alike
    targets = np.eye(classes)[truth]
    weights = np.linalg.solve(known, targets - targets.mean(axis=0))
    return np.argmax(alike[np.ix_(ask, rows)] @ weights + targets.mean(axis=0), axis=1)


def _interval(lost: int, won: int, count: int) -> tuple[float, float]:
    """95 % interval of the loss, where of `count` pictures `lost` are right only without and `won` only with copies."""
    lose, win = (lost + 1) / (count + 2), (won + 1) / (count + 2)
    half = 1.96 * math.sqrt((lose + win - (lose - win) ** 2) / (count + 2))
    return lose - win - half, lose - win + half
