"""What a training's numbers tell, as plain sentences from rules, each with what it rests on and where to go next."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from core.evaluation import Evaluation
from core.intervals import in_words
from core.records import RunPlan

OVERFIT_GAP = 0.15
"""Training accuracy this far above validation accuracy is called overfitting."""

FEW_TEST = 50
"""Fewer test pictures than this cannot tell a good model from a fair one."""

_BURST = re.compile(r"(webcam-[0-9a-f]{8})-\d+")
_GIVEN_AWAY = 0.75
_CAUTIONS = ("leak", "background", "alike", "few-tested")
"""What is said of a model that works, too."""

Step = Literal["pictures", "configure", "mistakes", "stress", "test"]


@dataclass(frozen=True)
class Diagnosis:
    """One finding. `evidence`: the numbers that it rests on, "" where the sentence has them; `step`: where to go next."""

    kind: str
    sentence: str
    evidence: str
    step: Step


def diagnose(
    history: Sequence[Mapping[str, Any]], test: Evaluation, counts: Mapping[str, int], *, pretrained: bool
) -> str:
    """The most telling finding as a sentence; see `findings`."""
    return findings(history, test, counts, pretrained=pretrained)[0].sentence


def findings(
    history: Sequence[Mapping[str, Any]],
    test: Evaluation,
    counts: Mapping[str, int],
    *,
    pretrained: bool,
    plan: RunPlan | None = None,
    middle_covered: float | None = None,
) -> list[Diagnosis]:
    """All that the rules find, the most telling first; never empty.

    `history`: the epochs up to the one that was kept; `counts`: training pictures by class; `plan` tells of leaks;
    `middle_covered`: the accuracy, 0..1, when the middle of each test picture is covered, if that was tried.
    """
    found = [
        *_hopeless(test),
        *_unsteady(history),
        *_learning(history, test, counts, pretrained=pretrained),
        *_leaks(plan),
        *_given_away(test, middle_covered),
        *_alike(test),
        *_few_tested(test),
    ]
    return found if found and found[0].kind not in _CAUTIONS else [_when_it_works(test), *found]


def _hopeless(test: Evaluation) -> Iterator[Diagnosis]:
    guess = 1 / len(test.classes)
    if test.accuracy < 1.3 * guess:
        yield Diagnosis(
            "guessing",
            "It is hardly better than guessing. Do the classes really look different, and are the pictures in the right "
            "folders?",
            f"{test.accuracy:.0%} right; guessing gives {guess:.0%}.",
            "pictures",
        )


def _unsteady(history: Sequence[Mapping[str, Any]]) -> Iterator[Diagnosis]:
    """The loss rises above where it began, or jumps up and down in most rounds while little is learned."""
    losses = np.array([epoch["loss"] for epoch in history if "loss" in epoch])
    if len(losses) < 3:
        return
    rises = np.diff(losses) > 0.1 * losses[:-1]
    if losses[-1] > 1.2 * losses[0] or (rises.mean() >= 0.4 and losses[-1] > 0.5 * losses[0]):
        yield Diagnosis(
            "rate-too-high",
            "Its steps were too large: it got worse again instead of better (learning rate too high). Choose a smaller one.",
            f"Loss {losses[0]:.2f} in the first round, {losses.min():.2f} at best, {losses[-1]:.2f} in the last.",
            "configure",
        )


def _learning(
    history: Sequence[Mapping[str, Any]], test: Evaluation, counts: Mapping[str, int], *, pretrained: bool
) -> Iterator[Diagnosis]:
    last = history[-1] if history else None
    worst = min((score for score in test.classes if score.total), key=lambda score: score.recall)
    few = min(counts, key=lambda name: counts[name])
    if test.accuracy < 1.3 / len(test.classes):
        return
    apart = last["accuracy"] - last["val_accuracy"] if last else 0.0
    known = (
        f"It knows {last['accuracy']:.0%} of the pictures it learned from, but only {last['val_accuracy']:.0%} of those it was "
        "checked with"
        if last
        else ""
    )
    by_heart = not pretrained and apart > OVERFIT_GAP
    if by_heart:
        yield Diagnosis(
            "overfitting",
            f"{known}: it learned them by heart (overfitting). More pictures, changes at random (augmentation) or the Quick "
            "recipe help.",
            "",
            "configure",
        )
    if worst.recall < 0.5 and worst.total >= 3 and test.accuracy - worst.recall > 0.2:
        yield Diagnosis(
            "class-fails",
            f"{worst.name} fails: only {worst.right} of {worst.total} were recognised. Look at its mistakes, and add "
            "pictures of it in other places and light.",
            "",
            "mistakes",
        )
    if apart > OVERFIT_GAP and not by_heart:
        yield Diagnosis("overfitting", f"{known} (overfitting). More varied pictures would help most.", "", "pictures")
    if counts[few] < 20 and test.accuracy < 0.98:
        yield Diagnosis(
            "few-pictures",
            f"There are few pictures to learn from: {counts[few]} of {few}. More pictures of it would help most.",
            "",
            "pictures",
        )
    if last and last["accuracy"] < 0.6 and test.accuracy < 0.6:
        yield Diagnosis(
            "underfitting",
            "It has not learned its own training pictures yet (underfitting). More rounds (epochs) "
            + ("or less restraint (L2) " if pretrained else "")
            + "may help.",
            f"{last['accuracy']:.0%} of the training pictures right after {len(history)} rounds.",
            "configure",
        )


def _leaks(plan: RunPlan | None) -> Iterator[Diagnosis]:
    """Test pictures from a burst of the webcam that was trained on, too."""
    if plan is None:
        return
    bursts = {part: [_BURST.search(picture.path) for picture in plan.part(part)] for part in ("train", "test")}
    learned = {burst[1] for burst in bursts["train"] if burst}
    shared = sum(1 for burst in bursts["test"] if burst and burst[1] in learned)
    total = len(bursts["test"])
    if total and shared >= 0.3 * total:
        yield Diagnosis(
            "leak",
            f"{shared} of {total} test pictures were taken by the webcam within the same seconds as training pictures (leak): "
            "the number is probably too good. Take some at another time and place, and try them under Test.",
            "",
            "test",
        )


def _given_away(test: Evaluation, covered: float | None) -> Iterator[Diagnosis]:
    guess = 1 / len(test.classes)
    if covered is None or test.accuracy < 2 * guess or covered < max(_GIVEN_AWAY * test.accuracy, 2 * guess):
        return
    yield Diagnosis(
        "background",
        "It may look at the background: with all but the rim of each picture covered it is still mostly right. Take "
        "pictures of every class in the same places.",
        f"{covered:.0%} right with the middle covered, {test.accuracy:.0%} without.",
        "stress",
    )


def _alike(test: Evaluation) -> Iterator[Diagnosis]:
    """The two classes between which most mistakes are, where that tells something."""
    apart = test.confusion + test.confusion.T
    np.fill_diagonal(apart, 0)
    mistakes = test.total - test.right
    if len(test.classes) < 3 or not mistakes:
        return
    row, column = sorted(np.unravel_index(int(apart.argmax()), apart.shape))
    between = int(apart[row, column])
    first, second = test.classes[row], test.classes[column]
    if between >= 3 and between >= 0.4 * mistakes and between >= 0.05 * (first.total + second.total):
        yield Diagnosis(
            "alike",
            f"{first.name} and {second.name} look alike to it: {between} of its {mistakes} mistakes are between these two. "
            "Look whether their labels are right, then add pictures that show the difference.",
            "",
            "mistakes",
        )


def _few_tested(test: Evaluation) -> Iterator[Diagnosis]:
    if test.total < FEW_TEST:
        yield Diagnosis(
            "few-tested",
            f"{test.total} test pictures are too few to tell how good it is: on many more such pictures "
            f"{in_words(test.right, test.total)} would be right. Cross-validation on Train tests with every picture.",
            "",
            "pictures",
        )


def _when_it_works(test: Evaluation) -> Diagnosis:
    wrong = sorted(((score.total - score.right, score) for score in test.classes), key=lambda pair: -pair[0])
    mistakes = test.total - test.right
    if not mistakes and test.total < FEW_TEST:
        return Diagnosis(
            "works", f"No mistakes, but {test.total} test pictures are few: try it on new ones to be sure.", "", "test"
        )
    if not mistakes:
        return Diagnosis("works", "No mistakes on the test pictures. Try it on pictures from other places.", "", "test")
    (most, worst), (second, _) = wrong[:2]
    if most >= 2 and most > second:
        return Diagnosis(
            "works",
            f"It works. Most mistakes are with {worst.name}: {worst.right} of {worst.total} right. "
            "More pictures of it would help most.",
            "",
            "mistakes",
        )
    return Diagnosis(
        "works",
        f"It works, with {mistakes} mistake{'' if mistakes == 1 else 's'} in {test.total}. Have a look at them.",
        "",
        "mistakes",
    )
