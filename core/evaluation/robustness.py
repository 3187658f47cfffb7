"""Harder pictures: how a model fares on changed copies of its test pictures. Loads no TensorFlow.

The copies are made and asked about by a process of its own (`core.evaluation.robustness_worker`); here it is started and
stopped, and what it found is read and put into a sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.config.augmentation import AugmentConfig
from core.evaluation.comparison import mcnemar
from core.evaluation.corruptions import CHANGES, CURES, Change
from core.runs.lifecycle import Run
from core.runs.records import RunPicture, RunPlan
from core.system import storage
from core.system.errors import RunError, as_sentence
from core.system.naming import count, percent
from core.system.statistics import wilson
from core.system.tasks.handle import TaskHandle
from core.system.tasks.records import AGAIN, TaskState

MOST = 200
"""So many test pictures are changed, at most, evenly over the classes."""
HOLDS = 0.05
"""A loss of a smaller share counts as none."""
_GUESSING = 1.3
"""Right less than so many times as often as by guessing is hardly better than that."""
_RARE = 0.01
"""Chance makes a loss that is told less often than this. Stricter than usual, because many changes are looked at."""


@dataclass(frozen=True)
class Outcome:
    """How many of the pictures are right under a change, and how many of those were not before, or not any more."""

    change: Change
    right: int
    lost: int
    gained: int


@dataclass(frozen=True)
class Robustness:
    """What was found on `pictures` of the `of` test pictures, of which `plain` are right as they are, and `covered` with
    their middle covered, which tells whether the surroundings give the answer away."""

    pictures: int
    of: int
    plain: int
    outcomes: tuple[Outcome, ...]
    covered: int

    def share(self, outcome: Outcome) -> float:
        """Right under a change, 0..1."""
        return outcome.right / self.pictures

    def worst(self) -> Outcome | None:
        """The change that costs most, of those that cost at least 5 points and more than chance would; None if none does."""
        real = [
            outcome
            for outcome in self.outcomes
            if self.plain - outcome.right >= HOLDS * self.pictures and mcnemar(outcome.lost, outcome.gained) < _RARE
        ]
        return min(real, key=lambda outcome: outcome.right, default=None)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as they are kept and printed."""
        return {
            "pictures": self.pictures,
            "of": self.of,
            "plain": self.plain,
            "covered": self.covered,
            "changes": [
                {"kind": o.change.kind, "level": o.change.level, "words": o.change.words}
                | {"right": o.right, "lost": o.lost, "gained": o.gained}
                for o in self.outcomes
            ],
        }


def in_words(found: Robustness, classes: int, augment: AugmentConfig) -> str:
    """One sentence, by rules: what costs most and the setting of augmentation that helps, or that it holds up.

    `classes`: how many there are to choose from; `augment`: what was on when it was trained.
    """
    plain, worst = found.plain / found.pictures, found.worst()
    all_tried = found.pictures == MOST or found.pictures < found.of
    more = "" if all_tried else ": more test pictures would tell"
    if wilson(found.plain, found.pictures)[0] <= 1 / classes:
        if plain < _GUESSING / classes:
            return "On the pictures as they are it is hardly better than guessing, so harder ones tell nothing yet."
        return (
            f"{found.plain} of {count(found.pictures, 'picture')} right as they are could be guessing, so harder ones tell "
            f"nothing{more}."
        )
    if worst:
        field = CURES[worst.change.kind]
        name = str(AugmentConfig.model_fields[field].title)
        what = f"turn up {name} further" if field in augment.switched_on else f"switch on {name}"
        return (
            f"{_begun(worst)} it is right on only {percent(found.share(worst))} instead of "
            f"{percent(plain)}: if such pictures will come, {what} in Configure, and train again."
        )
    lowest = min(found.outcomes, key=lambda outcome: outcome.right)
    if found.plain - lowest.right >= HOLDS * found.pictures:
        return (
            f"{_begun(lowest)} it is right on {percent(found.share(lowest))} instead of {percent(plain)}, but on "
            f"{count(found.pictures, 'picture')} that could be chance{more}."
        )
    return f"It holds up: at worst, {lowest.change.words}, {percent(found.share(lowest))} instead of {percent(plain)}."


def chosen(plan: RunPlan, most: int = MOST) -> list[RunPicture]:
    """At most so many test pictures, evenly over the classes; which ones is decided by their ids alone."""
    waiting = [
        sorted((p for p in plan.part("test") if p.label == k), key=lambda p: p.id) for k in range(len(plan.classes))
    ]
    taken: list[RunPicture] = []
    while any(waiting) and len(taken) < most:
        for pictures in waiting:
            if pictures and len(taken) < most:
                taken.append(pictures.pop(0))
    return taken


@as_sentence(RunError)
def start(run: Run) -> None:
    """Starts a look at harder pictures; does not wait, and does nothing while one is under way.

    Raises RunError if the run is gone or has no model, or if nothing can be written.
    """
    if not run.records.tflite.is_file():
        raise RunError("This training has no model to try.", "Train first, and let it finish.")
    task(run).start("core.evaluation.robustness_worker", [str(run.folder)])


def measure(run: Run, watch: Callable[[TaskState], None] | None = None) -> Robustness:
    """Starts it and waits; an interrupt (Ctrl-C) also stops it. `watch` is called a few times a second.

    Raises RunError, with what to do, if it fails or is stopped.
    """
    start(run)
    now, found = task(run).wait(watch), read(run)
    if found is None or now is None or now.state != "done":
        raise RunError(now.message if now and now.message else "Nothing was found.", now.hint if now else "Try again.")
    return found


def task(run: Run) -> TaskHandle:
    """The process that does it; where it was stopped an earlier result stays. Its phases are "starting", "waiting" and
    "trying harder pictures"."""
    return TaskHandle(folder_of(run), ("Trying harder pictures", AGAIN))


def read(run: Run) -> Robustness | None:
    """What was found, or None if nothing was, or its record is damaged."""
    value = storage.read_json(folder_of(run) / "found.json")
    known = {change.key: change for change in CHANGES}
    try:
        outcomes = tuple(
            Outcome(known[f"{row['kind']} {row['level']}"], int(row["right"]), int(row["lost"]), int(row["gained"]))
            for row in value["changes"]
        )
        pictures, of, plain, covered = (int(value[name]) for name in ("pictures", "of", "plain", "covered"))
        found = Robustness(pictures, of, plain, outcomes, covered)
    except (KeyError, TypeError, ValueError):
        return None
    return found if found.outcomes and found.pictures else None


def write(run: Run, found: Robustness) -> None:
    """Keeps it in the run's folder. Raises OSError."""
    storage.write_json(folder_of(run) / "found.json", found.as_dict())


def folder_of(run: Run) -> Path:
    """Where the records lie."""
    return run.folder / "robustness"


def _begun(outcome: Outcome) -> str:
    words = outcome.change.words
    return words[:1].upper() + words[1:]
