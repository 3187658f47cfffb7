"""Who is held out when: decided by seed and pictures, groups (see core.datasets.groups) always on one side."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from core.datasets import dealing


@dataclass(frozen=True)
class GroupedFolds:
    """N pictures to deal: ids, labels int (N,), and groups int (N,), the same number for what belongs together.

    A group whose pictures are of several classes is dealt with the one of them that has fewest groups.
    """

    ids: tuple[str, ...]
    labels: np.ndarray
    groups: np.ndarray
    seed: int

    @property
    def different(self) -> np.ndarray:
        """How many groups each class has: int (K,)."""
        found = self._by_class(range(len(self.ids)), "")
        return np.array([len(found.get(label, ())) for label in range(int(self.labels.max()) + 1)])

    def folds(self, count: int) -> np.ndarray:
        """The fold of each picture, int (N,), 0..count - 1: stratified by class, as equal in size as the groups allow.

        A class has a picture in every fold if it has at least `count` groups.
        """
        fold = np.empty(len(self.ids), int)
        everyone = np.zeros(count, int)
        for pieces in self._by_class(range(len(self.ids)), "fold").values():
            here = np.zeros(count, int)
            for rows in sorted(pieces, key=len, reverse=True):  # the largest first, so that none comes last
                chosen = min(range(count), key=lambda n: (here[n], everyone[n]))
                fold[rows] = chosen
                here[chosen] += len(rows)
                everyone[chosen] += len(rows)
        return fold

    def held_out(self, rows: np.ndarray, share: float, mark: str) -> np.ndarray:
        """Which of the pictures at positions `rows` are held out, bool (len(rows),): about `share` of each class, at least
        one group of each that has two. `mark` tells one such choice from another."""
        chosen: list[int] = []
        for pieces in self._by_class(rows.tolist(), mark).values():
            taken, _ = dealing.take(pieces, max(1, round(share * sum(map(len, pieces)))), stay=1)
            chosen += [row for piece in taken for row in piece]
        return np.isin(rows, chosen)

    def balanced(self, rows: np.ndarray) -> np.ndarray:
        """Of the pictures at positions `rows` as many of each class as the smallest has, in the order of `rows`. They are drawn
        by chance, and evenly from a class's groups: each gives one before any gives another."""
        members: dict[int, list[tuple[int, int]]] = defaultdict(list)
        drawn: Counter[tuple[int, int]] = Counter()
        for row in sorted(rows.tolist(), key=lambda row: self.draw("balance", self.ids[row])):
            label, group = int(self.labels[row]), int(self.groups[row])
            members[label].append((drawn[label, group], row))
            drawn[label, group] += 1
        fewest = min(map(len, members.values()), default=0)
        chosen = [row for mine in members.values() for _, row in sorted(mine, key=lambda turn: turn[0])[:fewest]]
        return rows[np.isin(rows, chosen)]

    def _by_class(self, rows: Iterable[int], mark: str) -> dict[int, list[list[int]]]:
        """The groups of each class, in an order that hangs on the seed, the mark and the pictures only."""
        members: dict[int, list[int]] = defaultdict(list)
        for row in rows:
            members[int(self.groups[row])].append(row)
        found = dealing.by_class(members.values(), lambda row: int(self.labels[row]))
        for pieces in found.values():
            pieces.sort(key=lambda piece: self.draw(mark, min(self.ids[row] for row in piece)))
        return {label: pieces for label, pieces in sorted(found.items()) if pieces}

    def draw(self, mark: str, name: str) -> bytes:
        """A number by chance that is the same whenever it is asked for, as bytes to sort by."""
        return dealing.draw(self.seed, mark, name)
