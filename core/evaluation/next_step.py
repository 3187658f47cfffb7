"""What a person does best after a training: one answer for all pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.inference.metrics import Evaluation
from core.runs.diagnosis import Diagnosis
from core.system.naming import count

FEW = 20
"""Where fewer pictures test a model, each of them moves its number by more than 5 %."""


@dataclass(frozen=True)
class NextStep:
    """`kind`: "live" before the camera, "settings" of the training, more pictures of one "class" or of all ("pictures"), or its
    "mistakes"; `label` of a button; `why`: a sentence, "" where the finding that comes first says it."""

    kind: Literal["live", "settings", "class", "pictures", "mistakes"]
    label: str
    why: str = ""


def next_step(test: Evaluation, found: Sequence[Diagnosis]) -> NextStep:
    """`test`: how a finished training did on its test part; `found`: what the rules find of it (core.runs.diagnosis), the most
    telling first.

    Settings come before pictures: more of them would not mend those. One class that fails is told before few test pictures:
    both ask for more, and it says of what.
    """
    if test.right == test.total:
        return NextStep("live", "Try it live")
    if found[0].step == "configure":
        return NextStep("settings", "Change the settings")
    failing = next((one for one in found if one.kind == "class-fails"), None)
    if failing:
        return NextStep(
            "class", f"Record more of {failing.classes[0]}", "" if failing is found[0] else failing.sentence
        )
    if test.total < FEW:
        share = f"each of them counts for {100 / test.total:.0f} %" if test.total > 1 else "it counts for all"
        return NextStep("pictures", "Add pictures", f"Only {count(test.total, 'picture')} tested it: {share}.")
    return NextStep("mistakes", "See its mistakes" if test.total - test.right > 1 else "See its mistake")
