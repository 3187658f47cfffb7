"""Groups of pictures that look alike. Loads scikit-learn, in the worker process only."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.neighbors import kneighbors_graph
from sklearn.preprocessing import normalize

_DIMENSIONS = 128
_NEIGHBOURS = 3
_APART = 0.74
"""Mean distance (0..2) above which two groups stay apart: on 300 flower photos and on trashnet, taken as unlabelled,
labelling whole groups is then right 9 times in 10 (also on all flower photos, and on ants and bees)."""

_PART = 2000
"""More pictures than this are divided first, because every pair of a part is compared: memory grows with its square."""


def look_alikes(points: np.ndarray) -> list[np.ndarray]:
    """Positions in `points` float32 (N, D), grouped: the large and close groups first, the most typical of each first.

    Directions are averaged with those of their nearest neighbours, twice, before average linkage (UPGMA): at the same
    purity this needs a third fewer groups than without.
    """
    if len(points) < 2:
        return [np.arange(1)] if len(points) else []
    directions = normalize(points[:, :_DIMENSIONS])
    near = kneighbors_graph(directions, min(_NEIGHBOURS, len(points)), include_self=True)
    for _ in range(2):
        directions = normalize(near @ directions)
    parts = np.zeros(len(points), int)
    if len(points) > _PART:
        parts = KMeans(-(-len(points) // _PART), n_init=1, random_state=0).fit_predict(directions)
    found: list[tuple[float, np.ndarray]] = []
    for part in np.unique(parts):
        found += _linked(directions, np.flatnonzero(parts == part))
    found.sort(key=lambda group: (len(group[1]) == 1, -group[0], group[1][0]))
    return [members for _, members in found]


def _linked(directions: np.ndarray, part: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """The groups of one part with their weight: size x closeness, which is 1 where all members point the same way."""
    if len(part) == 1:
        return [(1.0, part)]
    joined = AgglomerativeClustering(n_clusters=None, distance_threshold=_APART, linkage="average")
    numbers = joined.fit_predict(directions[part])
    groups = []
    for number in range(joined.n_clusters_):
        members = part[numbers == number]
        centre = directions[members].mean(axis=0)
        typical = np.argsort(-(directions[members] @ centre), kind="stable")
        groups.append((len(members) * float(np.linalg.norm(centre)) ** 4, members[typical]))
    return groups
