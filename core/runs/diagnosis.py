"""What a training's numbers tell, as plain sentences from rules, each with what it rests on and where to go next."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from core.config.training import RATES, TrainConfig
from core.inference.metrics import Evaluation
from core.runs.records import RunPlan
from core.runs.rounds import stages_of
from core.system.naming import count, percent
from core.system.statistics import in_words

OVERFIT_GAP = 0.15
"""Training accuracy this far above validation accuracy is called overfitting."""

FEW_TEST = 50
"""Fewer test pictures than this cannot tell a good model from a fair one."""

_BURST = re.compile(r"(webcam-[0-9a-f]{8})-\d+")
_FEWEST = 10
"""Of fewer test pictures even a fair model may have as few right as by guessing."""
_MISTAKES = 3
"""So many mistakes in validation are no chance."""
_GIVEN_AWAY = 0.75
_FINE = 0.98
"""From this test accuracy on, nothing in the way it learned is blamed."""
_WORKS = 0.8
_POOR = 0.6
"""Below this accuracy on its own training pictures, and on those of the test, it has learned too little."""
_NAMED = 3
"""Classes that are named, of many."""
_FAR_OFF = 3.0
"""A training loss of so many times that of guessing, ln K, comes of steps that were too large."""
_CAUTIONS = ("leak", "background", "alike", "few-tested")
"""What is said of a model that works, too."""

Step = Literal["pictures", "configure", "train", "mistakes", "stress", "test"]


@dataclass(frozen=True)
class Diagnosis:
    """One finding. `evidence`: the numbers that it rests on, "" where the sentence has them; `step`: where to go next;
    `classes`: those that it is about, none where it is about all."""

    kind: str
    sentence: str
    evidence: str
    step: Step
    classes: tuple[str, ...] = ()


def diagnose(
    plan: RunPlan, history: Sequence[Mapping[str, Any]], best_epoch: int, test: Evaluation, *, stopped: bool = False
) -> str:
    """The most telling finding as a sentence; see `findings`."""
    return findings(plan, history, best_epoch, test, stopped=stopped)[0].sentence


def findings(
    plan: RunPlan,
    history: Sequence[Mapping[str, Any]],
    best_epoch: int,
    test: Evaluation,
    middle_covered: float | None = None,
    *,
    stopped: bool = False,
) -> list[Diagnosis]:
    """All that the rules find, the most telling first; never empty.

    `history`: all epochs, of which the model is as after `best_epoch`; 0 where it is not as after any of them.
    `middle_covered`: the accuracy, 0..1, when the middle of each test picture is covered, if that was tried; `stopped`: whether
    a person ended the training.
    """
    learning = [*_hopeless(test)] or [
        *_learning(plan, history[:best_epoch], test),
        *_underfitting(plan.config, history, best_epoch, test, stopped=stopped),
    ]
    found = [
        # Steps that were too large explain everything else that did not work.
        *(list(_steps(plan, history, test)) or learning),
        *_leaks(plan),
        *_given_away(test, middle_covered),
        *_alike(test),
        *_few_tested(test),
    ]
    return found if found and found[0].kind not in _CAUTIONS else [_when_it_works(test), *found]


def _steps(plan: RunPlan, history: Sequence[Mapping[str, Any]], test: Evaluation) -> Iterator[Diagnosis]:
    """Steps that were too large: the loss was once many times that of guessing, rose above where it began, or jumped up and
    down in most rounds, and in the end little was learned. Of a search nothing is told: it has rounds of several attempts."""
    guess = np.log(len(test.classes))
    if test.accuracy >= _FINE or plan.config.minutes:
        return
    stages = stages_of(plan.config, history)
    for name, title in RATES.items():
        losses = np.array([epoch["loss"] for epoch, stage in zip(history, stages, strict=True) if stage == name])
        if not len(losses) or losses[-1] <= 0.5 * guess:
            continue
        rises = np.diff(losses) > 0.1 * losses[:-1]
        worse = len(losses) >= 3 and (
            losses[-1] > 1.2 * losses[0] or (rises.mean() >= 0.4 and losses[-1] > losses[0] / 2)
        )
        if losses.max() > _FAR_OFF * guess:
            what = "it was at times much further off than by guessing"
        elif worse:
            what = "it got worse again instead of better"
        else:
            continue
        smaller = getattr(plan.config, name) / 10
        yield Diagnosis(
            "rate-too-high",
            f"Its steps were too large: {what} ({title} too high). Choose a smaller one, such as {smaller:g}.",
            f"Loss {losses[0]:,.2f} in the first round, {losses.min():,.2f} at best, {losses[-1]:,.2f} in the last; guessing "
            f"has {guess:.2f}.",
            "configure",
        )


def _hopeless(test: Evaluation) -> Iterator[Diagnosis]:
    guess = 1 / len(test.classes)
    if test.accuracy < 1.3 * guess and test.total >= _FEWEST:
        yield Diagnosis(
            "guessing",
            "It is hardly better than guessing. Do the classes really look different, and are the pictures in the right "
            "folders?",
            f"{percent(test.accuracy)} right; guessing gives {percent(guess)}.",
            "pictures",
        )


def _learning(plan: RunPlan, history: Sequence[Mapping[str, Any]], test: Evaluation) -> Iterator[Diagnosis]:
    config, last = plan.config, history[-1] if history else None
    worst = min((score for score in test.classes if score.total), key=lambda score: score.recall)
    learned = Counter(picture.label for picture in plan.part("train"))
    counts = {name: learned[position] for position, name in enumerate(plan.classes)}
    few = min(counts, key=lambda name: counts[name])
    apart = last["accuracy"] - last["val_accuracy"] if last else 0.0
    known = (
        f"It knows {percent(last['accuracy'])} of the pictures it learned from, but only {percent(last['val_accuracy'])} of "
        "those it was checked with"
        if last
        else ""
    )
    missed = round((1 - last["val_accuracy"]) * len(plan.part("val"))) if last else 0
    too_well = apart > OVERFIT_GAP and test.accuracy < _FINE and missed >= _MISTAKES
    by_heart = not config.pretrained and too_well
    if by_heart:
        changes = "" if config.augment.active else "changed copies (augmentation) "
        yield Diagnosis(
            "overfitting",
            f"{known}: it learned them by heart (overfitting). More pictures, {changes}or the Quick recipe help.",
            "",
            "configure",
        )
    if worst.recall < 0.5 and worst.total >= 3 and test.accuracy - worst.recall > 0.2:
        yield Diagnosis(
            "class-fails",
            f"{worst.name} fails: only {worst.right} of {worst.total} {_were(worst.right)} recognised. Look at its mistakes, "
            "and add pictures of it in other places and light.",
            "",
            "mistakes",
            (worst.name,),
        )
    if too_well and not by_heart:
        yield Diagnosis(
            "overfitting", f"{known} (overfitting). More varied pictures help against that.", "", "pictures"
        )
    if counts[few] < 20 and test.accuracy < _FINE:
        alone = sum(number == counts[few] for number in counts.values()) == 1
        most = alone and few == worst.name  # else more of another class may help as much
        number = f"{counts[few]} of {few}" if len(set(counts.values())) > 1 else f"{counts[few]} of each class"
        yield Diagnosis(
            "few-pictures",
            f"There are few pictures to learn from: {number}. More pictures {'of it would help most' if most else 'help'}.",
            "",
            "pictures",
            (few,) if most else (),
        )


def _underfitting(
    config: TrainConfig, history: Sequence[Mapping[str, Any]], best_epoch: int, test: Evaluation, *, stopped: bool
) -> Iterator[Diagnosis]:
    """That it has not learned its own training pictures: in no round, also of those after the one that is kept."""
    if not 0 < best_epoch <= len(history) or test.accuracy >= _POOR:
        return
    most = max(epoch["accuracy"] for epoch in history)
    if most < _POOR:
        yield Diagnosis(
            "underfitting",
            f"It has not learned its own training pictures yet (underfitting). {_more(config, history, stopped=stopped)}",
            f"{percent(most)} of the training pictures right at best in {count(len(history), 'round')}.",
            "configure",
        )


def _more(config: TrainConfig, history: Sequence[Mapping[str, Any]], *, stopped: bool) -> str:
    """What lets a model learn more of its training pictures: only what it had no end of already."""
    name = stages_of(config, history)[-1]
    ways = []
    if name == "fine_tune_rate":
        ways.append("more rounds of fine-tuning")
    elif stopped or len(history) >= config.epochs or (name and not config.patience):
        ways.append("more rounds (epochs)")  # else it has ended by itself, as there was nothing to gain
    if config.pretrained and (config.l2 or config.l2_plain or config.l1):
        ways.append("less restraint (L2)")
    ways = ways or ["another model (backbone)"]
    return f"{' or '.join(ways).capitalize().replace('l2', 'L2')} may help."


def _leaks(plan: RunPlan) -> Iterator[Diagnosis]:
    """Test pictures from a burst of the webcam that was trained on, too."""
    bursts = {part: [_BURST.search(picture.path) for picture in plan.part(part)] for part in ("train", "test")}
    learned = {burst[1] for burst in bursts["train"] if burst}
    shared = sum(1 for burst in bursts["test"] if burst and burst[1] in learned)
    total = len(bursts["test"])
    if total and shared >= 0.3 * total:
        yield Diagnosis(
            "leak",
            f"{shared} of {count(total, 'test picture')} {_were(shared)} taken by the webcam within the same seconds as "
            "training pictures (leak): the number is probably too good. Take some at another time and place, "
            "and try them under Test.",
            "",
            "test",
        )


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _given_away(test: Evaluation, covered: float | None) -> Iterator[Diagnosis]:
    guess = 1 / len(test.classes)
    if covered is None or test.accuracy < 2 * guess or covered < max(_GIVEN_AWAY * test.accuracy, 2 * guess):
        return
    yield Diagnosis(
        "background",
        "It may look at the background: with all but the rim of each picture covered it is still right at least twice as "
        "often as by guessing. Take pictures of every class in the same places.",
        f"{percent(covered)} right with the middle covered, {percent(test.accuracy)} without.",
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
            (first.name, second.name),
        )


def _few_tested(test: Evaluation) -> Iterator[Diagnosis]:
    if test.total < FEW_TEST:
        yield Diagnosis(
            "few-tested",
            f"{count(test.total, 'test picture')} cannot tell exactly how good it is: on many more such pictures "
            f"{in_words(test.right, test.total)} would probably be right. Cross-validation on Train tests with every picture.",
            "",
            "train",
        )


def _when_it_works(test: Evaluation) -> Diagnosis:
    wrong = sorted(((score.total - score.right, score) for score in test.classes), key=lambda pair: -pair[0])
    mistakes = test.total - test.right
    if not mistakes and test.total < FEW_TEST:
        tests = "1 test picture is" if test.total == 1 else f"{test.total} test pictures are"
        return Diagnosis("works", f"No mistakes, but {tests} few: try it on new ones to be sure.", "", "test")
    if not mistakes:
        return Diagnosis("works", "No mistakes on the test pictures. Try it on pictures from other places.", "", "test")
    never = [score.name for score in test.classes if score.total and not score.right]
    works = "It works" if test.accuracy >= _WORKS and not never else f"It is right about {test.right} of {test.total}"
    if never:
        named = never[0] if len(never) == 1 else f"{', '.join(never[:_NAMED])}{' and others' * (len(never) > _NAMED)}"
        more = "it" if len(never) == 1 else "these"
        return Diagnosis(
            "works",
            f"{works}, but about no test picture of {named}. More pictures of {more} would help.",
            "",
            "mistakes",
        )
    (most, worst), (second, _) = wrong[:2]
    if most >= 2 and most > second:
        return Diagnosis(
            "works",
            f"{works}. Most mistakes are with {worst.name}: {worst.right} of {worst.total} right. "
            "More pictures of it would help.",
            "",
            "mistakes",
        )
    look = "a look at it" if mistakes == 1 else "a look at them"
    return Diagnosis(
        "works", f"{works}, with {count(mistakes, 'mistake')} in {test.total}. Have {look}.", "", "mistakes"
    )
