"""One plain sentence on how a training went and what to do next, from rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.evaluation import Evaluation

OVERFIT_GAP = 0.15
"""Training accuracy this far above validation accuracy is called overfitting."""


def diagnose(
    history: Sequence[Mapping[str, Any]], test: Evaluation, counts: Mapping[str, int], *, pretrained: bool
) -> str:
    """The most telling finding. `history`: the epochs up to the one that was kept; `counts`: training pictures by class."""
    last = history[-1] if history else None
    seen = [score for score in test.classes if score.total]
    worst = min(seen, key=lambda score: score.recall)
    few = min(counts, key=lambda name: counts[name])
    if test.accuracy < 1.3 / len(test.classes):
        return (
            "It is hardly better than guessing. Do the classes really look different, and are the pictures in the right "
            "folders?"
        )
    apart = last["accuracy"] - last["val_accuracy"] if last else 0.0
    known = (
        f"It knows {last['accuracy']:.0%} of the pictures it learned from, but only {last['val_accuracy']:.0%} of those it was "
        "checked with"
        if last
        else ""
    )
    if not pretrained and apart > OVERFIT_GAP:
        return (
            f"{known}: it learned them by heart (overfitting). More pictures, changes at random (augmentation) or the Quick "
            "recipe help."
        )
    if worst.recall < 0.5 and worst.total >= 3 and test.accuracy - worst.recall > 0.2:
        return (
            f"{worst.name} fails: only {worst.right} of {worst.total} were recognised. Look at its mistakes, and add "
            "pictures of it in other places and light."
        )
    if apart > OVERFIT_GAP:
        return f"{known} (overfitting). More varied pictures would help most."
    if counts[few] < 20 and test.accuracy < 0.98:
        return f"There are few pictures to learn from: {counts[few]} of {few}. More pictures of it would help most."
    if last and last["accuracy"] < 0.6 and test.accuracy < 0.6:
        return "It has not learned its own training pictures yet (underfitting). More rounds (epochs) may help."
    return _when_it_works(test)


def _when_it_works(test: Evaluation) -> str:
    wrong = sorted(((score.total - score.right, score) for score in test.classes), key=lambda pair: -pair[0])
    mistakes = test.total - test.right
    if not mistakes and test.total < 50:
        return f"No mistakes, but {test.total} test pictures are few: try it on new ones to be sure."
    if not mistakes:
        return "No mistakes on the test pictures. Try it on pictures from other places."
    (most, worst), (second, _) = wrong[:2]
    if most >= 2 and most > second:
        return (
            f"It works. Most mistakes are with {worst.name}: {worst.right} of {worst.total} right. "
            "More pictures of it would help most."
        )
    return f"It works, with {mistakes} mistake{'' if mistakes == 1 else 's'} in {test.total}. Have a look at them."
