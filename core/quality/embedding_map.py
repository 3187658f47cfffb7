"""A place on a flat map for every picture. Loads scikit-learn, in the worker process only."""

from __future__ import annotations

import numpy as np
from sklearn.manifold import TSNE

_DIMENSIONS = 50
_FEW = 5
_MANY = 10_000
"""Up to so many pictures t-SNE ends within about 20 s on two cores."""


def layout(points: np.ndarray) -> tuple[np.ndarray, str]:
    """`points` float32 (N, D), the columns that vary most first -> float32 (N, 2) in 0..1, and how it was made.

    t-SNE (van der Maaten and Hinton 2008), started from the first two columns, so that it is the same each time; those
    two columns alone ("PCA") for fewer than 5 pictures or more than 10,000.
    """
    flat = np.zeros((len(points), 2), np.float32)
    flat[:, : min(2, points.shape[1])] = points[:, :2]
    if not _FEW <= len(points) <= _MANY:
        return _into_square(flat), "PCA"
    begin = flat / max(float(flat[:, 0].std()), 1e-12) * 1e-4
    placed = TSNE(
        perplexity=min(30.0, (len(points) - 1) / 3), init=begin, max_iter=500, random_state=0, n_jobs=-1
    ).fit_transform(points[:, :_DIMENSIONS])
    return _into_square(placed), "t-SNE"


def _into_square(flat: np.ndarray) -> np.ndarray:
    """Shifted and scaled to fill 0..1, one scale for both directions; everything in the middle where there is no extent."""
    if not len(flat):
        return flat
    low, high = flat.min(axis=0), flat.max(axis=0)
    span = float((high - low).max()) or 1.0
    return ((flat - (low + high) / 2) / span + 0.5).clip(0, 1).astype(np.float32)
