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
    """The most telling finding. `history` is the epochs so far; `counts` are training pictures by class."""
    last = history[-1] if history else None
    chance = 1 / len(test.classes)
    seen = [score for score in test.classes if score.total]
    worst = min(seen, key=lambda score: score.recall)
    few = min(counts, key=lambda name: counts[name])
    if test.accuracy < chance * 1.3:
        return (
            "It is hardly better than guessing. Do the classes really look different, and are the pictures in the right "
            "folders?"
        )
    if last and not pretrained and last["accuracy"] - last["val_accuracy"] > OVERFIT_GAP:
        return (
            f"It knows {last['accuracy']:.0%} of its training pictures but only {last['val_accuracy']:.0%} of new ones: it "
            "learned them by heart (overfitting). More pictures, changes at random (augmentation) or the Quick recipe help."
        )
    if worst.recall < 0.5 and worst.total >= 3 and test.accuracy - worst.recall > 0.2:
        return (
            f"{worst.name} fails: only {worst.right} of {worst.total} were recognised. Look at its mistakes, and add "
            "pictures of it in other places and light."
        )
    if last and last["accuracy"] - last["val_accuracy"] > OVERFIT_GAP:
        return (
            f"It knows {last['accuracy']:.0%} of its training pictures but only {last['val_accuracy']:.0%} of new ones "
            "(overfitting). More varied pictures would help most."
        )
    if counts[few] < 20 and test.accuracy < 0.98:
        return f"There are few pictures to learn from: {counts[few]} of {few}. More pictures of it would help most."
    if last and last["accuracy"] < 0.6 and test.accuracy < 0.6:
        return "It has not learned its own training pictures yet (underfitting). More rounds (epochs) may help."
    if worst.recall < 1:
        return (
            f"It works. Most mistakes are with {worst.name}: {worst.right} of {worst.total} right. "
            "More pictures of it would help most."
        )
    if test.total < 50:
        return f"No mistakes, but {test.total} test pictures are few: try it on new ones to be sure."
    return "No mistakes on the test pictures. Try it on pictures from other places."
