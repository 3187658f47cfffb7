"""Trainings laid side by side: what was set differently, who is better and whether that is more than chance, and on which
pictures they disagree. numpy and records only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.inference.metrics import Evaluation
from core.runs.history import Difference, differences, distinct
from core.runs.lifecycle import Run, evaluate
from core.runs.notes import about, title
from core.runs.predictions import probabilities
from core.runs.records import RunPicture, RunPlan
from core.system.errors import RunError
from core.system.naming import count
from core.system.statistics import wilson

CHANCE = 0.05
"""A difference that chance alone would make less often than this is called more than chance."""
_FEWEST = 6
"""Where fewer pictures are judged differently, no outcome is rarer than CHANCE: 2 / 2**5 is 6 %."""


@dataclass(frozen=True)
class Side:
    """One of the runs: what it is called, and how it did on its own test part."""

    run: Run
    title: str
    plan: RunPlan
    test: Evaluation

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the test accuracy, 0..1."""
        return wilson(self.test.right, self.test.total)


@dataclass(frozen=True)
class Recall:
    """Of the `total` shared test pictures of a class, how many each has right (0..1)."""

    name: str
    total: int
    first: float
    second: float

    @property
    def delta(self) -> float:
        """Positive where the second is better."""
        return self.second - self.first


@dataclass(frozen=True)
class Changed:
    """A shared test picture that one run has right and the other wrong: id, path then, true class, and what each said with
    its probability (0..1)."""

    id: str
    path: str
    truth: str
    first: tuple[str, float]
    second: tuple[str, float]

    @property
    def won(self) -> bool:
        """Whether it is the second run that is right."""
        return self.second[0] == self.truth


@dataclass(frozen=True)
class Pair:
    """Two runs on the `shared` test pictures, beside which `relabelled` are in both with another label in each: how many both
    have right, only one of them, or neither; `p` of McNemar's exact test, 0..1; recall by class; the pictures that changed
    sides, the surest answers first."""

    first: Side
    second: Side
    shared: int
    relabelled: int
    both: int
    only_first: int
    only_second: int
    neither: int
    p: float
    recalls: tuple[Recall, ...]
    changed: tuple[Changed, ...]
    differences: tuple[Difference, ...]
    warnings: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Who is better, and whether that could be chance."""
        return in_words(
            self.first.title, self.second.title, self.only_first, self.only_second, self.shared, self.relabelled
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        plain = ("shared", "both", "only_first", "only_second", "neither", "p", "sentence")
        return {name: getattr(self, name) for name in plain} | {
            "first": self.first.run.id,
            "second": self.second.run.id,
            "recalls": [asdict(recall) | {"delta": recall.delta} for recall in self.recalls],
            "changed": [asdict(picture) for picture in self.changed],
            "differences": [asdict(difference) for difference in self.differences],
            "warnings": list(self.warnings),
        }


def compare(runs: Sequence[Run], titles: Sequence[str] = ()) -> list[Pair]:
    """The first run beside each of the others. `titles`: what to call them, if not as `core.runs.history.title` does.

    Raises RunError if there are fewer than two, if two are the same, or if one has a damaged record or no predictions.
    """
    if not 1 < len(runs) == len({run.folder.resolve() for run in runs}):
        raise RunError("There is nothing to compare.", "Choose two or more different trainings.")
    called = titles or distinct([title(run.records.plan(), about(run)) for run in runs])
    first, *others = [_side(run, name) for run, name in zip(runs, called, strict=True)]
    return [_pair(first, other) for other in others]


def _side(run: Run, called: str) -> Side:
    try:
        return Side(run, called, run.records.plan(), evaluate(run))
    except ValueError:
        raise RunError(f"The training {run.id} has no test pictures.", "Choose another one.") from None


def mcnemar(only_first: int, only_second: int) -> float:
    """How often chance alone makes so uneven a split of the pictures that just one of two models has right: p, 0..1.

    McNemar's test (1947) in its exact form: two-sided, by the binomial distribution with a half.
    """
    number, fewer = only_first + only_second, min(only_first, only_second)
    tail = sum(math.comb(number, k) for k in range(fewer + 1))
    return min(1.0, 2 * tail / 2**number)


def in_words(first: str, second: str, only_first: int, only_second: int, shared: int, relabelled: int = 0) -> str:
    """The outcome for people; `first` and `second` are what the two are called."""
    if not shared and relabelled:
        return "All test pictures that both have got another label in between, so nothing can be said about which is better."
    if not shared:
        return "They were tested on different pictures, so nothing can be said about which is better."
    if not only_first + only_second:
        return f"Both have the same of {count(shared, 'test picture')} right and wrong: no difference."
    told = (
        f"{first} is right on {count(only_first, 'picture')} where {second} is wrong, "
        f"{second} on {only_second} where {first} is wrong"
    )
    if only_first + only_second < _FEWEST:
        return f"{told}: too few to tell them apart."
    if mcnemar(only_first, only_second) >= CHANCE:
        return f"{told}: that could be chance."
    return f"{told}: more than chance. {first if only_first > only_second else second} is better."


def _pair(first: Side, second: Side) -> Pair:
    rows, moved = _shared(first.plan, second.plan)
    pictures = [first.plan.part("test")[row] for row, _ in rows]
    names = [first.plan.classes[picture.label] for picture in pictures]
    one = _Answers(first, [row for row, _ in rows], names)
    two = _Answers(second, [row for _, row in rows], names)
    only_first, only_second = int((one.right & ~two.right).sum()), int((two.right & ~one.right).sum())
    truth = np.array(names, dtype=object)
    recalls = tuple(
        Recall(name, int(of.sum()), float(one.right[of].mean()), float(two.right[of].mean()))
        for name in first.plan.classes
        if (of := truth == name).any()
    )
    sides = [
        Changed(pictures[at].id, pictures[at].path, names[at], one.said(at), two.said(at))
        for at in np.flatnonzero(one.right != two.right).tolist()
    ]
    sides.sort(key=lambda picture: -max(picture.first[1], picture.second[1]))
    return Pair(
        first,
        second,
        shared=len(rows),
        relabelled=moved,
        both=int((one.right & two.right).sum()),
        only_first=only_first,
        only_second=only_second,
        neither=int((~one.right & ~two.right).sum()),
        p=mcnemar(only_first, only_second),
        recalls=recalls,
        changed=tuple(sides),
        differences=tuple(differences(first.plan.config, second.plan.config)),
        warnings=tuple(_warnings(first, second, len(rows), moved)),
    )


class _Answers:
    """What a run said of some of its test pictures; `right` is bool (N,)."""

    def __init__(self, side: Side, rows: Sequence[int], truth: Sequence[str]) -> None:
        self._classes = side.plan.classes
        self._rows = probabilities(side.run.records, "test")[list(rows)]
        self._best = self._rows.argmax(axis=1)
        self.right = np.array([self._classes[at] == name for at, name in zip(self._best, truth, strict=True)], bool)

    def said(self, at: int) -> tuple[str, float]:
        return self._classes[self._best[at]], float(self._rows[at].max())


def _shared(first: RunPlan, second: RunPlan) -> tuple[list[tuple[int, int]], int]:
    """Positions in both test parts of the pictures that are in both with the same label, and how many have another one."""
    there = {picture.id: (row, picture) for row, picture in enumerate(second.part("test"))}
    rows: list[tuple[int, int]] = []
    relabelled = 0
    seen = set()
    for row, picture in enumerate(first.part("test")):
        if picture.id in seen or picture.id not in there:
            continue
        seen.add(picture.id)
        other, twin = there[picture.id]
        if first.classes[picture.label] == second.classes[twin.label]:
            rows.append((row, other))
        else:
            relabelled += 1
    return rows, relabelled


def _warnings(first: Side, second: Side, shared: int, relabelled: int) -> list[str]:
    found = []
    if set(first.plan.classes) != set(second.plan.classes):
        found.append("They know different classes.")
    larger = max(len(_ids(side.plan.part("test"))) for side in (first, second))
    if shared + relabelled < larger:
        found.append(
            "They were tested on different pictures, so their accuracies on these do not tell which is better. The "
            f"rest here is about the {count(shared, 'picture')} that both are tested with."
        )
    if relabelled:
        it = "it" if relabelled == 1 else "them"
        found.append(
            f"{count(relabelled, 'picture')} got another label in between: left out here, while each accuracy counts {it}."
        )
    for learner, tested in ((first, second), (second, first)):
        leaked = len(_ids(learner.plan.part("train")) & _ids(tested.plan.part("test")))
        if leaked:
            found.append(f"{learner.title} learned from {count(leaked, 'picture')} that {tested.title} is tested with.")
    return found


def _ids(pictures: Sequence[RunPicture]) -> set[str]:
    return {picture.id for picture in pictures}
