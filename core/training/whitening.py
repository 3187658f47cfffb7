"""Whitening: directions in which pictures of one class differ from each other anyway count for less when a head learns.

A linear discriminant analysis whitens wholly, by the power -1/2 of the covariance within the classes; a logistic regression
alone not at all. Half of it (-1/4) did better than both (tests/benchmarks/heads.py). Only the directions in which most varies
are looked for (Halko, Martinsson and Tropp 2011), what is left counts as equal: that is as good, and takes a tenth of the
time. The covariance is shrunken (Ledoit and Wolf 2004), since there are fewer pictures than features. numpy only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

_POWER = 0.25
_AXES = 64
_SPARE = 16
"""More directions than are kept, so that those are found well."""
_PIECE = 4096


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

    @classmethod
    def of(cls, features: np.ndarray, labels: np.ndarray, scale: tuple[np.ndarray, np.ndarray]) -> Self:
        """The covariance within the classes to the power -1/4, up to a factor with which features standardised by
        `scale`, their mean and deviation (F,), keep their size.

        `features` float32 (N, F), raw; `labels` int (N,). They are worked on in pieces or as they are: copies would not
        always fit into memory.
        """
        within = _Within(features, labels, *scale)
        axes, variances = within.largest(_AXES)
        count, width = features.shape
        mean, fourth = within.squares()
        rest = max(mean * width - variances.sum(), 0.0) / max(width - len(variances), 1)
        # Their squares summed: those of the directions that were not looked for are taken as equal.
        norm = float((variances**2).sum()) + (width - len(variances)) * rest**2
        off = norm - mean**2 * width
        shrunken = min(1.0, max(0.0, (fourth - norm) / count / off)) if off > 0 else 1.0
        variances, rest = ((1 - shrunken) * each + shrunken * mean for each in (variances, rest))
        if not rest > 0:  # the pictures of each class look all the same, or nearly
            return cls(axes[:, :0], variances[:0].astype(np.float32), 1.0)
        stretch = (variances / rest) ** -_POWER - 1
        total, along = within.sizes(axes)
        gain = np.sqrt(total / (total + (((1 + stretch) ** 2 - 1) * along).sum()))
        return cls(axes, stretch.astype(np.float32), float(gain))


class _Within:
    """Standardised features less the mean of their class, (N, F), never made as a whole."""

    def __init__(self, features: np.ndarray, labels: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> None:
        self._features, self._mean, self._deviation = features, mean, deviation[:, None]
        _, self._labels = np.unique(labels, return_inverse=True)
        self._counts = np.bincount(self._labels)[:, None]
        self._centres = np.stack([features[self._labels == each].mean(axis=0) for each in range(len(self._counts))])

    def times(self, some: np.ndarray) -> np.ndarray:
        """The matrix times (F, R)."""
        divided = some / self._deviation
        result: np.ndarray = self._features @ divided
        result -= (self._centres @ divided)[self._labels]
        return result

    def turned_times(self, some: np.ndarray) -> np.ndarray:
        """Its transpose times (N, R)."""
        sums = np.zeros((len(self._counts), some.shape[1]), some.dtype)
        np.add.at(sums, self._labels, some)
        result: np.ndarray = (self._features.T @ some - self._centres.T @ sums) / self._deviation
        return result

    def largest(self, most: int) -> tuple[np.ndarray, np.ndarray]:
        """The directions in which most varies, float32 (F, R) with R at most `most`, and the variances float64 (R,) there."""
        count, width = self._features.shape
        kept = max(0, min(most, count - len(self._counts), width))
        start = np.random.default_rng(0).normal(size=(width, min(kept + _SPARE, width))).astype(np.float32)
        space = np.linalg.qr(self.turned_times(self.times(start)))[0]
        space = np.linalg.qr(self.turned_times(self.times(space)))[0]
        inside = self.times(space)
        variances, turned = np.linalg.eigh((inside.T @ inside).astype(np.float64) / count)
        best = slice(None, -kept - 1, -1) if kept else slice(0, 0)
        axes = (space @ turned[:, best].astype(np.float32)).astype(np.float32)
        return axes, variances[best].clip(0)

    def squares(self) -> tuple[float, float]:
        """The mean variance of a feature, and the mean of the fourth power of the length of a row."""
        lengths = np.concatenate([(part**2).sum(axis=1, dtype=np.float64) for part in self._pieces(within=True)])
        return float(lengths.mean() / self._features.shape[1]), float((lengths**2).mean())

    def sizes(self, axes: np.ndarray) -> tuple[float, np.ndarray]:
        """The sum of the squares of the standardised features, class means and all, and that of each of the `axes` (R,)."""
        total = sum(float((part**2).sum(dtype=np.float64)) for part in self._pieces(within=False))
        divided = axes / self._deviation
        along = self._features @ divided - self._mean @ divided
        return total, (along.astype(np.float64) ** 2).sum(axis=0)

    def _pieces(self, *, within: bool) -> Iterator[np.ndarray]:
        for start in range(0, len(self._features), _PIECE):
            some = slice(start, start + _PIECE)
            centre = self._centres[self._labels[some]] if within else self._mean
            yield (self._features[some] - centre) / self._deviation[:, 0]
