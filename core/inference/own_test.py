"""A test set of one's own: pictures in folders that are called as the model's classes, so that its answers can be counted."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from core.datasets.importing.plan import Plan, Row
from core.datasets.importing.stored import storable
from core.inference.classifier import Classifier
from core.inference.metrics import Evaluation, evaluate_predictions
from core.system.errors import ModelError, PictureError
from core.system.naming import class_key, count

_NAMED = 5
"""So many classes are named in a sentence."""
_TOLD_EVERY = 50


@dataclass(frozen=True)
class OwnTest:
    """What was found: `evaluation` of the pictures that have one of the model's classes; `others`: folder -> how many pictures
    are of no class of the model; `learned`: how many the model has learned from or was chosen by; `left_out`: what could not
    be read."""

    evaluation: Evaluation
    others: Counter[str]
    learned: int
    left_out: tuple[Row, ...] = ()

    @property
    def remarks(self) -> list[str]:
        """What to know of the number, in sentences."""
        found = []
        if self.learned:
            are, it = ("is", "it") if self.learned == 1 else ("are", "them")
            found.append(
                f"{self.learned:,} of these pictures {are} among those that it learned from or was checked with: leave {it} "
                "out for an honest number."
            )
        if self.others:
            named = ", ".join(list(self.others)[:_NAMED])
            more = f" and {len(self.others) - _NAMED:,} more" if len(self.others) > _NAMED else ""
            found.append(
                f"Not counted: {count(self.others.total(), 'picture')} of no class that it knows ({named}{more})."
            )
        empty = [score.name for score in self.evaluation.classes if not score.total]
        if empty:
            more = f" and {len(empty) - _NAMED:,} more" if len(empty) > _NAMED else ""
            found.append(f"No pictures of {', '.join(empty[:_NAMED])}{more}.")
        return found


def labels_of(names: Iterable[str | None], classes: Sequence[str]) -> list[int | None]:
    """For each name of a class its position in the model's classes, or None if it is none of them."""
    known = {class_key(name): position for position, name in enumerate(classes)}
    return [known.get(class_key(name)) if name is not None else None for name in names]


def digests(content: bytes) -> set[str]:
    """The ids under which a project may know a picture: that of its file, and that of what would be stored of it."""
    found = {hashlib.sha256(content).hexdigest()}
    try:
        return found | {hashlib.sha256(storable(content)[0]).hexdigest()}
    except PictureError:
        return found


def judged(
    classes: Sequence[str],
    names: Sequence[str | None],
    rows: np.ndarray,
    learned: Sequence[bool],
    left_out: Sequence[Row] = (),
) -> OwnTest | None:
    """What answers are worth. `names`: the class of each of N pictures as its folder says; `rows` float (N, K); `learned` (N,):
    whether the model knows the picture. None if no picture has a class of the model."""
    labels = labels_of(names, classes)
    at = [number for number, label in enumerate(labels) if label is not None]
    if not at:
        return None
    truth = np.array([labels[number] for number in at], int)
    others = Counter(name or "no folder" for name, label in zip(names, labels, strict=True) if label is None)
    known = sum(learned[number] for number in at)
    return OwnTest(evaluate_predictions(rows[at], truth, classes), others, known, tuple(left_out))


def measure(
    model: Classifier,
    plan: Plan,
    learned: Collection[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> OwnTest:
    """Asks a model about the pictures of a plan. `learned`: ids of the pictures that it knows. Raises ModelError if none of
    those of the plan has a class of the model, or if the model breaks down."""
    known = labels_of(plan.counts, model.classes)
    if all(label is None for label in known):
        raise ModelError(
            f"No folder in {plan.source} is called as a class of this model.",
            f"Its classes are {', '.join(model.classes[:20])}: put the pictures into folders of these names.",
        )
    names, rows, seen = [], [], []
    left_out = [row for row in plan.rows if row.outcome == "rejected"]
    with plan.opened() as read:
        for number, entry in enumerate(plan.entries, 1):
            try:
                content = read(entry)
                rows.append(model.predict([content]).probabilities[0])
            except (PictureError, OSError) as error:
                left_out.append(Row(entry.name, "rejected", getattr(error, "message", "this file cannot be read")))
            else:
                names.append(entry.class_name)
                seen.append(not digests(content).isdisjoint(learned))
            if progress and (number % _TOLD_EVERY == 0 or number == len(plan.entries)):
                progress(number, len(plan.entries))
    found = judged(model.classes, names, np.array(rows), seen, left_out) if rows else None
    if found is None:
        raise ModelError(f"No picture in {plan.source} can be read.", "Choose other pictures.")
    return found
