"""What to do next is said by one rule at a time, and each keeps quiet in the states of the others."""

from __future__ import annotations

import numpy as np
import pytest

from core.evaluation.next_step import FEW, NextStep, next_step
from core.inference.metrics import Evaluation, evaluate_predictions
from tests.core.runs.test_diagnosis import STATES, found

KINDS = {
    "solved, loss rises to its restraint": "live",
    "steps, far off, then all right": "live",
    "steps, worse, but all right": "live",
    "validation worse, test all right": "live",
    "few pictures, all right": "live",
    "one of two, as by guessing": "pictures",
    "steps, far off": "settings",
    "steps, far off at first": "settings",
    "steps, far off, one round": "settings",
    "steps, dead after it": "settings",
    "steps, worse at the end": "settings",
    "steps, up and down": "settings",
    "fine-tuning, far off": "settings",
    "by heart": "settings",
    "underfitting": "settings",
    "a class fails": "class",
}
"""By states of the rules that find something; in all others the mistakes come next."""


def step_in(name: str) -> NextStep:
    return next_step(STATES[name][2], found(name))


@pytest.mark.parametrize("name", STATES)
def test_each_state_has_its_step(name: str) -> None:
    assert step_in(name).kind == KINDS.get(name, "mistakes")


def with_mistakes(wrong: int, total: int) -> Evaluation:
    truth = np.arange(total) % 2
    said = np.where(np.arange(total) < wrong, 1 - truth, truth)
    return evaluate_predictions(np.eye(2)[said], truth, ("a", "b"))


def test_few_pictures_are_told_with_what_one_of_them_counts() -> None:
    nothing = found("fine")
    few = next_step(with_mistakes(2, 14), nothing)
    assert few == NextStep("pictures", "Add pictures", "Only 14 pictures tested it: each of them counts for 7 %.")
    assert next_step(with_mistakes(1, 1), nothing).why == "Only 1 picture tested it: it counts for all."
    assert next_step(with_mistakes(2, FEW - 1), nothing).kind == "pictures"
    assert next_step(with_mistakes(2, FEW), nothing).kind == "mistakes"
    assert next_step(with_mistakes(0, 2), nothing) == NextStep("live", "Try it live")


def test_a_class_that_fails_is_named_and_why_is_said_once() -> None:
    first = step_in("a class fails")
    assert (first.label, first.why) == ("Record more of cedar", "")  # the finding that comes first says it
    overfitted, fails = found("overfitting")[0], found("a class fails")[0]
    assert next_step(STATES["a class fails"][2], [overfitted, fails]).why == fails.sentence
    assert next_step(with_mistakes(1, 40), found("fine")).label == "See its mistake"
