"""A head solved at once: its loss is convex, so that one that is needed many times need not learn in rounds."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from core.inference.calibration import softmax
from core.training.feature_matrix import Features, added, over
from core.training.standardise import fold
from core.training.whitening import Whitening

_ROUNDS = 60
_AT_LEAST = 5  # the first step is a careful one, and gains little
_ENOUGH = 1e-5
"""The least by which the loss must fall in a round, as a share of it, or the search is at its end."""
_REMEMBERED = 8


# SciPy's L-BFGS-B finds the same loss, but not in the same time: it takes 1.2 to 1.5 times as long on one thread, and 3 to
# 15 times on two busy cores, because its BLAS keeps threads of its own beside NumPy's.
def solve(
    features: Features,
    labels: np.ndarray,
    weights: np.ndarray,
    classes: int,
    penalty: float,
    start: np.ndarray | None = None,
    rounds: int = _ROUNDS,
    watch: Callable[[np.ndarray, float, float], bool] | None = None,
    scale: tuple[np.ndarray, np.ndarray] | None = None,
    whitening: Whitening | None = None,
) -> np.ndarray:
    """Kernel and, as the last row, bias, float32 (F + 1, K), of the least cross-entropy with an L2 penalty.

    `features` (N, F), standardised, or as they are where `scale` has their mean and deviation (F,): it is worked into the
    sums, because a standardised copy of them would not always fit into memory. `labels` int (N,); `weights` float (N,), mean
    1; `penalty`, 0 or more, times the squares of the kernel is added. `start`: a solution of a similar problem. `whitening`:
    of the standardised features; the penalty is then on the kernel of whitened ones.
    By L-BFGS (Liu and Nocedal 1989), in `rounds` at most. `watch` hears after each round the kernel, and the accuracy and
    the cross-entropy on `features`; the search ends where it says False. Kernel and bias fit `answers` of standardised
    features.
    """
    kernel = np.zeros((features.shape[1] + 1, classes), np.float32) if start is None else start
    if start is not None and whitening is not None:
        kernel = np.vstack([whitening.undone(start[:-1]), start[-1]])
    share = (weights / len(labels))[:, None].astype(np.float32)

    def whitened(some: np.ndarray) -> np.ndarray:
        return some if whitening is None else whitening @ some

    mean, deviation = scale or (np.zeros(features.shape[1], np.float32), np.ones(features.shape[1], np.float32))

    def look(at: np.ndarray) -> tuple[float, np.ndarray, float, float]:
        folded, bias = fold(whitened(at[:-1]), at[-1], mean, deviation)

        def add(rows: slice, piece: np.ndarray) -> tuple[np.ndarray, ...]:
            truth = np.arange(len(piece)), labels[rows]
            probabilities = softmax(piece @ folded + bias)
            sure = np.log(probabilities[truth].clip(1e-12), dtype=np.float64)
            right = (probabilities.argmax(axis=1) == truth[1]).sum() if watch else 0
            probabilities[truth] -= 1
            off = probabilities * share[rows]
            return np.array([(share[rows, 0] * sure).sum(), right, sure.sum()]), off.sum(axis=0), piece.T @ off

        told, total, pull = added(over(features, add))
        loss = float(penalty * (at[:-1].astype(np.float64) ** 2).sum() - told[0])
        total, pull = total.astype(np.float32), pull.astype(np.float32)
        pull = whitened((pull - np.outer(mean, total)) / deviation[:, None])
        slope = np.vstack([pull + 2 * penalty * at[:-1], total])
        return loss, slope, float(told[1]) / len(labels), -float(told[2]) / len(labels)

    loss, slope, _, _ = look(kernel)
    past: deque[tuple[np.ndarray, np.ndarray, float]] = deque(maxlen=_REMEMBERED)
    for done in range(rounds):
        way = -_newton(slope, past)
        steep = float((way * slope).sum())
        if steep >= 0:
            break
        step = 1.0 if past else min(1.0, 1 / float(np.linalg.norm(slope)))
        for _ in range(20):
            there, slope_there, right, entropy = look(kernel + step * way)
            if there <= loss + 1e-4 * step * steep:
                break
            step /= 2
        else:
            break
        moved, turned = step * way, slope_there - slope
        curved = float((moved * turned).sum())
        if curved > 1e-12:
            past.append((moved, turned, curved))
        fell = loss - there
        kernel, loss, slope = kernel + moved, there, slope_there
        if watch and not watch(np.vstack([whitened(kernel[:-1]), kernel[-1]]), right, entropy):
            break
        if done >= _AT_LEAST and fell < _ENOUGH * loss:
            break
    return np.vstack([whitened(kernel[:-1]), kernel[-1]])


def answers(kernel: np.ndarray, features: np.ndarray) -> np.ndarray:
    """What a solved head says of features (N, F): probabilities (N, K), rows sum to 1."""
    return softmax(features @ kernel[:-1] + kernel[-1])


def _newton(slope: np.ndarray, past: deque[tuple[np.ndarray, np.ndarray, float]]) -> np.ndarray:
    """The slope, straightened by what the last steps told of the curvature (the two loops of L-BFGS)."""
    way, shares = slope, []
    for moved, turned, curved in reversed(past):
        share = float((moved * way).sum()) / curved
        way = way - share * turned
        shares.append(share)
    if past:
        _, turned, curved = past[-1]
        way = way * (curved / float((turned * turned).sum()))
    for (moved, turned, curved), share in zip(past, reversed(shares), strict=True):
        way = way + (share - float((turned * way).sum()) / curved) * moved
    return way
