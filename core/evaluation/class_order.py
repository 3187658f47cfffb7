"""An order of the classes in which those that are confused stand together."""

from __future__ import annotations

import numpy as np

_WEAK = 1e-3
"""Ties all classes together a little, so that there is one order also where some are never confused."""


def confused_together(confusion: np.ndarray) -> list[int]:
    """`confusion` int (K, K) -> the positions of the classes, each once.

    Classes are sorted by the second eigenvector of the Laplacian of the graph of mistakes, which puts those near each
    other between which there are many (spectral seriation; Atkins, Boman and Hendrickson 1998). Where there are no
    mistakes the order stays.
    """
    kinds = len(confusion)
    shares = confusion / confusion.sum(axis=1, keepdims=True).clip(min=1)
    np.fill_diagonal(shares, 0)
    if kinds < 3 or not shares.any():
        return list(range(kinds))
    tied = shares + shares.T + _WEAK / kinds
    np.fill_diagonal(tied, 0)
    laplacian = np.diag(tied.sum(axis=1)) - tied
    place = np.linalg.eigh(laplacian)[1][:, 1].round(6)
    # An eigenvector's sign is arbitrary: the first class stands in the first half.
    order = np.argsort(place if place[0] <= np.median(place) else -place, kind="stable")
    return [int(position) for position in order]
