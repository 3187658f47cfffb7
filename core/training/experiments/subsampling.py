"""Heads that learn from fewer pictures than there are, and what they say of pictures that they did not learn from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from core.config.training import TrainConfig
from core.datasets.folds import GroupedFolds
from core.runs.pictures import learned_from
from core.system.threads import serial_linear_algebra
from core.training.logistic_regression import answers, solve
from core.training.standardise import class_weights, raw, scaled, standard
from core.training.whitening import Whitening

_FOLDS = 5
_PIECES = 3
"""Into so many pieces the pictures of a class are cut, one of which is left out."""


class Answers:
    """What heads say of N pictures, of which each is answered by a head that did not learn from it.

    `loss` float (N,), the mean of all answers, and `hit` float (N,), the share of right ones; NaN where nobody was asked
    yet. `learned`: pictures that a head learned from, on average.
    """

    def __init__(self, labels: np.ndarray) -> None:
        self._labels = labels
        self._lost, self._right, self._asked = (np.zeros(len(labels)) for _ in range(3))
        self._sizes: list[int] = []

    def note(self, rows: np.ndarray, probabilities: np.ndarray, learned: int) -> None:
        """The answers (M, K) of a head, which learned from so many pictures, about those at `rows`."""
        truth = self._labels[rows]
        self._lost[rows] -= np.log(probabilities[np.arange(len(rows)), truth].astype(np.float64).clip(1e-7))
        self._right[rows] += probabilities.argmax(axis=1) == truth
        self._asked[rows] += 1
        self._sizes.append(learned)

    def heard(self) -> dict[str, Any]:
        """All of it as plain values, of those who were asked."""
        rows = np.flatnonzero(self._asked)
        found = {name: values[rows].tolist() for name, values in self._kept()}
        return found | {"rows": rows.tolist(), "sizes": self._sizes}

    def join(self, heard: Mapping[str, Any]) -> None:
        """Takes over what others heard of pictures that nobody was asked about here."""
        for name, values in self._kept():
            values[heard["rows"]] = heard[name]
        self._sizes.extend(heard["sizes"])

    def _kept(self) -> tuple[tuple[str, np.ndarray], ...]:
        return ("lost", self._lost), ("right", self._right), ("asked", self._asked)

    @property
    def asked(self) -> np.ndarray:
        """Who was asked about: bool (N,)."""
        return self._asked > 0

    @property
    def loss(self) -> np.ndarray:  # noqa: D102 - see the class
        return np.divide(self._lost, self._asked, out=np.full(len(self._lost), np.nan), where=self.asked)

    @property
    def hit(self) -> np.ndarray:  # noqa: D102 - see the class
        return np.divide(self._right, self._asked, out=np.full(len(self._right), np.nan), where=self.asked)

    @property
    def learned(self) -> float:  # noqa: D102 - see the class
        return float(np.mean(self._sizes)) if self._sizes else 0.0

    def recalls(self, classes: int) -> list[float | None]:
        """Share of right answers of each class, (K,); None for one that nobody was asked about."""
        found = [self.hit[self.asked & (self._labels == label)] for label in range(classes)]
        return [float(mine.mean()) if len(mine) else None for mine in found]


class Fewer:
    """Lets heads learn from parts of features float32 (N, F), fold by fold."""

    def __init__(self, features: np.ndarray, deal: GroupedFolds, config: TrainConfig, classes: int) -> None:
        self.features, self.deal, self.config, self.classes = features, deal, config, classes
        self.labels = deal.labels
        self.folds = int(min(_FOLDS, max(2, deal.different.min())))
        self.fold = deal.folds(self.folds)
        self._whole: dict[int, np.ndarray] = {}  # what a head learned from all, by fold: others begin there

    def shares(self, steps: int) -> list[float]:
        """Of the pictures that can be learned from: each the same times the last, up to a half, and all; the least still has
        about two pictures of each class. What the last doubling gained tells what another one would."""
        least = min(0.5, max(2.0 ** (1 - steps), 2 * self.classes / len(self.labels)))
        return [*np.unique(np.geomspace(0.5, least, steps - 1)).tolist(), 1.0]

    def nested(self, number: int, share: float) -> np.ndarray:
        """Positions int (M,) of this share of each class outside of a fold, at least one picture. What a smaller share
        has, a larger one has as well."""
        return np.concatenate([mine[: max(1, round(share * len(mine)))] for mine in self._learners(number)])

    def without(self, number: int, label: int, turn: int) -> np.ndarray:
        """Positions int (M,) of all outside of a fold but a third of one class; `turn` 0, 1 or 2 says which third.

        The only picture of a class stays.
        """
        found = self._learners(number)
        mine = found[label]
        kept = mine[np.arange(len(mine)) % _PIECES != turn]
        found[label] = kept if len(kept) else mine
        return np.concatenate(found)

    def ask(self, heard: Answers, number: int, rows: np.ndarray, *, whole: bool = False) -> None:
        """Lets a head learn from the pictures at `rows` and asks it about those of the fold; `whole`: it learns from all
        that there are."""
        rows = learned_from(self.deal, rows, self.config)
        scale = (standard if self.config.standardise else raw)(self.features[rows])
        truth = self.labels[rows]
        weights = np.ones(len(rows))
        if self.config.class_weights or self.config.sampling == "over-sampling":
            weights = class_weights(truth, self.classes)
        # At least 1: without rounds that end early, a head needs some restraint.
        penalty = max(self.config.l2, 1.0) / len(rows) + self.config.l2_plain
        known, start = self.features[rows], self._whole.get(number)
        with serial_linear_algebra():
            white = Whitening.of(known, truth, scale) if self.config.whitening and self.config.standardise else None
            kernel = solve(known, truth, weights, self.classes, penalty, start, scale=scale, whitening=white)
        if whole:
            self._whole[number] = kernel
        test = np.flatnonzero(self.fold == number)
        heard.note(test, answers(kernel, scaled(self.features[test], *scale)), len(rows))

    def forget(self, number: int) -> None:
        """Lets the heads of a fold begin from nothing, so that what they find does not hang on what was asked before."""
        self._whole.pop(number, None)

    def know(self, number: int) -> None:
        """Sees to it that what a head learned from all outside of a fold is known, where others asked about that."""
        if number not in self._whole:
            self.ask(Answers(self.labels), number, self.nested(number, 1), whole=True)

    def growth(self, before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
        """By how much the mean of the classes' means grows from one value a picture to another, float (N,) each; and the
        standard error of that, each picture being compared with itself."""
        apart = after - before
        total = variance = 0.0
        for label in range(self.classes):
            mine = apart[self.labels == label]
            total += float(mine.mean()) / self.classes
            variance += float(mine.var()) / max(len(mine) - 1, 1) / self.classes**2
        return total, math.sqrt(variance)

    def _learners(self, number: int) -> list[np.ndarray]:
        """Positions of the pictures outside of a fold, class by class, each in an order of the fold's own."""
        rows = np.flatnonzero(self.fold != number).tolist()
        rows.sort(key=lambda row: self.deal.draw(f"learn {number}", self.deal.ids[row]))
        order = np.array(rows)
        return [order[self.labels[order] == label] for label in range(self.classes)]
