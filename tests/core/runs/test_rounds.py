"""Which round of a training is kept, and the reason that is told."""

from __future__ import annotations

from typing import Any

import pytest

from core.config.training import TrainConfig
from core.runs.rounds import why_kept
from tests.core.runs.test_diagnosis import SEARCH, SOLVED, STEPS, TUNED, plan_of


def checked(*losses: float, rate: str = "") -> list[dict[str, Any]]:
    return [
        {"epoch": n, "loss": 1 / n, "val_loss": loss} | ({rate: 0.01} if rate else {})
        for n, loss in enumerate(losses, 1)
    ]


RESTRAINED = "it knows its training pictures as well as it may without learning them by heart (loss with L2)"
LEAST = "there it was least far off on the validation pictures (validation loss)"
LESS = "On the validation pictures it was less far off in round"


@pytest.mark.parametrize(
    ("config", "history", "epoch", "told"),
    [
        (SOLVED, checked(0.5, 0.3, 0.2), 3, f"Round 3 is kept: {RESTRAINED}."),
        (SOLVED, checked(0.5, 0.2, 0.3), 3, f"Round 3 is kept: {RESTRAINED}. {LESS} 2 (validation loss)."),
        (STEPS, checked(0.5, 0.2, 0.3), 3, f"Round 3 is kept, the last one. {LESS} 2 (validation loss)."),
        (STEPS, checked(0.5, 0.2, 0.3, rate="learning_rate"), 2, f"Round 2 is kept: {LEAST}."),
        (TUNED, checked(0.5, 0.4) + checked(0.6, 0.7, rate="fine_tune_rate"), 2,
         f"Round 2 is kept: {RESTRAINED}. Fine-tuning after it was no better."),
        (TUNED, checked(0.5, 0.2) + checked(0.6, 0.5, rate="fine_tune_rate"), 4, f"Round 4 is kept: {LEAST}."),
        (TUNED, checked(0.5, 0.2, 0.3), 3, f"Round 3 is kept, the last one. {LESS} 2 (validation loss)."),
        (TUNED, checked(0.5, 0.4, rate="learning_rate") + checked(0.25, 0.3, rate="fine_tune_rate"), 2,
         f"Round 2 is kept: {LEAST} of the rounds before fine-tuning. Fine-tuning after it had no more of them right, though "
         "it was less far off at times (validation loss)."),
        (TrainConfig(l2=0), checked(0.5, 0.3), 2, "Round 2 is kept, the last one."),
        (SEARCH, checked(0.5, 0.2), 0, ""),
        (SOLVED, [], 0, ""),
        (SOLVED, checked(0.5), 7, ""),
    ],
)  # fmt: skip
def test_the_round_that_is_kept_is_told_with_the_reason(
    config: TrainConfig, history: list[dict[str, Any]], epoch: int, told: str
) -> None:
    numbered = [one | {"epoch": n} for n, one in enumerate(history, 1)]
    assert why_kept(plan_of(config), numbered, epoch) == told


def test_a_solved_head_that_was_stopped_is_not_said_to_have_come_to_its_end() -> None:
    told = why_kept(plan_of(SOLVED), checked(0.5), 1, stopped=True)
    assert told == f"Round 1 is kept: {LEAST}."
    tuned = [one | {"epoch": n} for n, one in enumerate(checked(0.5) + checked(0.6, rate="fine_tune_rate"), 1)]
    told = why_kept(plan_of(TUNED), tuned, 1, stopped=True)  # which was the fine-tuning
    assert told == f"Round 1 is kept: {RESTRAINED}. Fine-tuning after it was no better."
    told = why_kept(plan_of(SOLVED), [*checked(0.5), {"epoch": 2, "loss": 0.1, "val_loss": 0.6}], 2, stopped=True)
    assert told == f"Round 2 is kept, the last one before it was stopped. {LESS} 1 (validation loss)."
