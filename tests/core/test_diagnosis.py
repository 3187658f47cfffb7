"""Each rule says its sentence where it should, and keeps quiet where it should not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.config import TrainConfig
from core.diagnosis import findings
from core.evaluation import Evaluation, evaluate_predictions
from core.records import RunPicture, RunPlan

NAMES = ("ash", "beech", "cedar", "doum")
COUNTS = dict.fromkeys(NAMES, 100)
GOOD = [{"epoch": n, "accuracy": 0.9, "val_accuracy": 0.9, "loss": 1 / n, "val_loss": 1 / n} for n in range(1, 9)]


def answers(confusion: list[list[int]]) -> Evaluation:
    truth, said = zip(
        *((i, j) for i, row in enumerate(confusion) for j, n in enumerate(row) for _ in range(n)), strict=True
    )
    return evaluate_predictions(np.eye(4)[list(said)], np.array(truth), NAMES)


FINE = answers([[38, 1, 0, 0], [0, 39, 0, 1], [1, 0, 38, 0], [0, 0, 1, 39]])


def kinds(test: Evaluation = FINE, history: list[dict[str, float]] = GOOD, **options: object) -> list[str]:
    counts = options.pop("counts", COUNTS)
    return [one.kind for one in findings(history, test, counts, pretrained=True, **options)]  # type: ignore[arg-type]


def with_losses(*losses: float) -> list[dict[str, float]]:
    return [epoch | {"loss": loss} for epoch, loss in zip(GOOD, losses, strict=False)]


def plan_of(train: list[str], test: list[str]) -> RunPlan:
    parts = [*((path, "train") for path in train), *((path, "test") for path in test)]
    pictures = tuple(RunPicture(f"{n:064}", path, 0, part) for n, (path, part) in enumerate(parts))
    return RunPlan("run", str(Path("p")), 0.0, TrainConfig(), NAMES, pictures)


def test_a_model_that_is_fine_gets_one_sentence_and_no_warning() -> None:
    assert kinds() == ["works"]


@pytest.mark.parametrize(
    ("losses", "told"),
    [
        ((1.0, 0.8, 0.9, 1.5, 1.3), True),  # ends above where it began
        ((1.0, 1.4, 0.8, 1.2, 0.7, 1.1), True),  # jumps
        ((1.0, 0.7, 0.5, 0.4, 0.38), False),
        ((1.0, 0.2, 0.25, 0.1, 0.12), False),  # wobbles at the bottom
        ((1.0, 2.0), False),  # too few rounds to tell
    ],
)
def test_steps_that_are_too_large(losses: tuple[float, ...], told: bool) -> None:
    assert ("rate-too-high" in kinds(history=with_losses(*losses))) is told


def test_two_classes_that_look_alike_are_named() -> None:
    alike = answers([[30, 9, 0, 0], [6, 33, 0, 0], [1, 0, 38, 0], [0, 0, 1, 39]])
    (found,) = [one for one in findings(GOOD, alike, COUNTS, pretrained=True) if one.kind == "alike"]
    assert found.sentence.startswith("ash and beech look alike to it: 15 of its 17 mistakes")
    assert found.step == "mistakes"
    spread = answers([[30, 3, 3, 3], [3, 30, 3, 3], [3, 3, 30, 3], [3, 3, 3, 30]])
    assert "alike" not in kinds(spread)


def test_surroundings_that_give_the_answer_away() -> None:
    (found,) = [one for one in findings(GOOD, FINE, COUNTS, pretrained=True, middle_covered=0.9) if one.kind != "works"]
    assert found.kind == "background"
    assert found.evidence == "90% right with the middle covered, 97% without."
    assert "background" not in kinds(middle_covered=0.5)
    poor = answers([[16, 8, 8, 8], [8, 16, 8, 8], [8, 8, 16, 8], [8, 8, 8, 16]])  # 40 % of four: covered is no worse
    assert "background" not in kinds(poor, middle_covered=0.4)


def test_a_burst_of_the_webcam_in_both_parts_is_a_leak() -> None:
    train = [f"ash/webcam-0a1b2c3d-{n:03}.jpg" for n in range(6)] + ["ash/other.jpg"]
    same = ["ash/webcam-0a1b2c3d-007.jpg", "ash/webcam-0a1b2c3d-009.jpg", "ash/photo.jpg"]
    (found,) = [
        one for one in findings(GOOD, FINE, COUNTS, pretrained=True, plan=plan_of(train, same)) if one.kind == "leak"
    ]
    assert found.sentence.startswith("2 of 3 test pictures")
    assert "leak" not in kinds(plan=plan_of(train, ["ash/webcam-ffffffff-001.jpg", "ash/photo.jpg"]))
    assert "leak" not in kinds(plan=plan_of(train, [*same, *(f"ash/{n}.jpg" for n in range(9))]))


def test_few_test_pictures_are_told_last_and_never_first() -> None:
    few = answers([[9, 0, 0, 0], [0, 9, 0, 0], [0, 0, 9, 0], [0, 0, 0, 8]])
    assert kinds(few) == ["works", "few-tested"]
    assert "few-tested" not in kinds()


def test_the_most_telling_comes_first() -> None:
    poor = answers([[9, 9, 9, 9], [9, 9, 9, 9], [9, 9, 9, 9], [9, 9, 9, 9]])
    assert kinds(poor, counts=dict.fromkeys(NAMES, 5))[0] == "guessing"
    by_heart = [epoch | {"accuracy": 0.99, "val_accuracy": 0.7} for epoch in GOOD]
    fails = answers([[12, 27, 0, 0], [0, 40, 0, 0], [0, 0, 39, 0], [0, 0, 0, 40]])
    assert kinds(fails, by_heart)[:2] == ["class-fails", "overfitting"]
