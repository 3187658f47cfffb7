"""Whitening: directions in which pictures of one class differ from each other anyway count for less when a head learns.

A linear discriminant analysis whitens wholly, by the power -1/2 of the covariance within the classes; a logistic regression
alone not at all. Half of it (-1/4) did better than both (tests/benchmarks/heads.py). Only the directions in which most varies
are looked for (Halko, Martinsson and Tropp 2011), what is left counts as equal: that is as good, and takes a tenth of the
time. The covariance is shrunken (Ledoit and Wolf 2004), since there are fewer pictures than features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from core.training.feature_matrix import Features, added, over

_POWER = 0.25
_AXES = 64
_SPARE = 16
"""More directions than are kept, so that those are found well."""


@dataclass(frozen=True)
class Whitening:
    """A symmetric matrix (F, F), kept in its parts: `gain` * (I + `axes` diag(`stretch`) `axes`^T), with orthonormal `axes`
    float32 (F, R) and `stretch` float32 (R,)."""

    axes: np.ndarray
    stretch: np.ndarray
    gain: float

    def __matmul__(self, kernel: np.ndarray) -> np.ndarray:
        """The matrix times a kernel float32 (F, K)."""
        changed: np.ndarray = kernel + self.axes @ (self.stretch[:, None] * (self.axes.T @ kernel))
        return np.float32(self.gain) * changed

    def undone(self, kernel: np.ndarray) -> np.ndarray:
        """Its inverse times a kernel float32 (F, K)."""
        less = 1 / (1 + self.stretch) - 1
        before: np.ndarray = kernel + self.axes @ (less[:, None] * (self.axes.T @ kernel))
        return before / np.float32(self.gain)

    @classmethod
    def of(cls, features: Features, labels: np.ndarray, scale: tuple[np.ndarray, np.ndarray]) -> Self:
        """The covariance within the classes to the power -1/4, up to a factor with which features standardised by
        `scale`, their mean and deviation (F,), keep their size. `features` (N, F), raw; `labels` int (N,)."""
        within = _Within(features, labels, *scale)
        axes, variances = within.largest(_AXES)
        count, width = features.shape
        mean, fourth, total, along = within.sizes(axes)
        rest = max(mean * width - variances.sum(), 0.0) / max(width - len(variances), 1)
        # Their squares summed: those of the directions that were not looked for are taken as equal.
        norm = float((variances**2).sum()) + (width - len(variances)) * rest**2
        off = norm - mean**2 * width
        shrunken = min(1.0, max(0.0, (fourth - norm) / count / off)) if off > 0 else 1.0
        variances, rest = ((1 - shrunken) * each + shrunken * mean for each in (variances, rest))
        if not rest > 0:  # the pictures of each class look all the same, or nearly
            return cls(axes[:, :0], variances[:0].astype(np.float32), 1.0)
        stretch = (variances / rest) ** -_POWER - 1
        gain = np.sqrt(total / (total + (((1 + stretch) ** 2 - 1) * along).sum()))
        return cls(axes, stretch.astype(np.float32), float(gain))


class _Within:
    """Standardised features less the mean of their class, (N, F), never made as a whole."""

    def __init__(self, features: Features, labels: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> None:
        self._features, self._mean, self._deviation = features, mean, deviation[:, None]
        _, self._labels = np.unique(labels, return_inverse=True)
        counts = np.bincount(self._labels)[:, None]

        def of_classes(rows: slice, piece: np.ndarray) -> tuple[np.ndarray, ...]:
            sums, here = np.zeros((len(counts), piece.shape[1]), np.float32), self._labels[rows]
            for each in np.unique(here):
                sums[each] = piece[here == each].sum(axis=0)
            return (sums,)

        (sums,) = added(over(features, of_classes))
        self._centres = (sums / counts).astype(np.float32)

    def times(self, some: np.ndarray, rows: slice, piece: np.ndarray) -> np.ndarray:
        """A piece of the matrix times (F, R)."""
        divided = some / self._deviation
        result: np.ndarray = piece @ divided
        result -= (self._centres @ divided)[self._labels[rows]]
        return result

    def squared_times(self, some: np.ndarray) -> np.ndarray:
        """Its transpose times itself times (F, R)."""

        def part(rows: slice, piece: np.ndarray) -> tuple[np.ndarray, ...]:
            product = self.times(some, rows, piece)
            sums = np.zeros((len(self._centres), product.shape[1]), product.dtype)
            np.add.at(sums, self._labels[rows], product)
            return piece.T @ product, sums

        product, sums = (each.astype(np.float32) for each in added(over(self._features, part)))
        result: np.ndarray = (product - self._centres.T @ sums) / self._deviation
        return result

    def largest(self, most: int) -> tuple[np.ndarray, np.ndarray]:
        """The directions in which most varies, float32 (F, R) with R at most `most`, and the variances float64 (R,) there."""
        count, width = self._features.shape
        kept = max(0, min(most, count - len(self._centres), width))
        start = np.random.default_rng(0).normal(size=(width, min(kept + _SPARE, width))).astype(np.float32)
        space = np.linalg.qr(self.squared_times(start))[0]
        space = np.linalg.qr(self.squared_times(space))[0]

        def inside(rows: slice, piece: np.ndarray) -> tuple[np.ndarray, ...]:
            product = self.times(space, rows, piece)
            return (product.T @ product,)

        (square,) = added(over(self._features, inside))
        variances, turned = np.linalg.eigh(square / count)
        best = slice(None, -kept - 1, -1) if kept else slice(0, 0)
        axes = (space @ turned[:, best].astype(np.float32)).astype(np.float32)
        return axes, variances[best].clip(0)

    def sizes(self, axes: np.ndarray) -> tuple[float, float, float, np.ndarray]:
        """The mean variance of a feature and the mean of the fourth power of the length of a row; then, of the standardised
        features with their class means and all, the sum of the squares, and that along each of the `axes` (R,)."""
        divided, (count, width) = axes / self._deviation, self._features.shape

        def part(rows: slice, piece: np.ndarray) -> tuple[np.ndarray, ...]:
            within = (piece - self._centres[self._labels[rows]]) / self._deviation[:, 0]
            lengths = (within**2).sum(axis=1, dtype=np.float64)
            total = (((piece - self._mean) / self._deviation[:, 0]) ** 2).sum(dtype=np.float64)
            along = piece @ divided - self._mean @ divided
            return np.array([lengths.sum(), (lengths**2).sum(), total]), (along.astype(np.float64) ** 2).sum(axis=0)

        (squares, fourths, total), along = added(over(self._features, part))
        return float(squares / count / width), float(fourths / count), float(total), along
