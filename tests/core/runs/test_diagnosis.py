"""Each rule says its sentence in the states where it should, and keeps quiet in all the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from core.config.training import TrainConfig
from core.inference.metrics import Evaluation, evaluate_predictions
from core.runs.diagnosis import Diagnosis, diagnose, findings
from core.runs.records import RunPicture, RunPlan

NAMES = ("ash", "beech", "cedar", "doum")
SOLVED = TrainConfig()
STEPS = TrainConfig(optimizer="adam")
SCRATCH = TrainConfig(backbone="small-cnn", optimizer="adam", learning_rate=0.01)
TUNED = TrainConfig(fine_tune="last", fine_tune_rate=0.02)
SEARCH = TrainConfig(recipe="best", minutes=5)

History = list[dict[str, float]]


def answers(confusion: list[list[int]]) -> Evaluation:
    rows = [(i, j) for i, row in enumerate(confusion) for j, n in enumerate(row) for _ in range(n)]
    truth, said = zip(*rows, strict=True)
    size = len(confusion)
    return evaluate_predictions(np.eye(size)[list(said)], np.array(truth), NAMES[:size])


def right(*each: int, total: int = 20) -> Evaluation:
    """Class i has `each[i]` of `total` right; its mistakes go to the next class."""
    size = len(each)
    table = np.diag(each)
    for i, good in enumerate(each):
        table[i, (i + 1) % size] += total - good
    return answers(table.tolist())


def losses(*each: float, rate: str = "", train: float = 0.9, val: float = 0.9) -> History:
    extra = {rate: 0.01} if rate else {}
    return [
        {"epoch": n, "accuracy": train, "val_accuracy": val, "loss": loss, "val_loss": loss} | extra
        for n, loss in enumerate(each, 1)
    ]


def plan_of(
    config: TrainConfig = SOLVED,
    *,
    classes: int = 4,
    each: Sequence[int] = (100,) * 4,
    test: Sequence[str] = (),
    val: int = 40,
) -> RunPlan:
    train = [f"{NAMES[label]}/webcam-0a1b2c3d-{n:03}.jpg" for label in range(classes) for n in range(each[label])]
    pictures = [
        RunPicture(f"{n:064}", path, NAMES.index(path.partition("/")[0]), "train") for n, path in enumerate(train)
    ]
    pictures += [RunPicture(f"t{n:063}", path, 0, "test") for n, path in enumerate(test)]
    pictures += [RunPicture(f"v{n:063}", f"ash/{n}.jpg", 0, "val") for n in range(val)]
    return RunPlan("run", "p", 0.0, config, NAMES[:classes], tuple(pictures))


FINE = right(38, 39, 38, 39, total=40)
PERFECT = right(20, 20, 20, 20)
FALLING = losses(1.0, 0.5, 0.3, 0.25)
SEEN = [f"ash/webcam-0a1b2c3d-9{n:02}.jpg" for n in range(2)]
OTHER = ["ash/webcam-ffffffff-001.jpg", "ash/photo.jpg"]
FEW_EACH = (100, 9, 100, 100)

# name: (plan, history, answers, accuracy with the middle covered, kinds expected in this order)
STATES: dict[str, tuple[RunPlan, History, Evaluation, float | None, list[str]]] = {
    "fine": (plan_of(), FALLING, FINE, None, ["works"]),
    "no history, as an ensemble": (plan_of(), [], FINE, None, ["works"]),
    # A solved head takes no steps, whatever its losses do.
    "solved, loss rises to its restraint": (plan_of(), losses(0.0001, 0.001, 0.004), right(6, 6, total=6), None,
                                            ["works", "few-tested"]),
    "solved, loss rises, and bad": (plan_of(), losses(0.9, 0.8, 2.9), right(9, 9, 9, 9), None, ["works"]),
    "solved, loss is absurd, and bad": (plan_of(), losses(60, 40, 12), right(9, 9, 9, 9), None, ["works"]),
    # Two or three pictures tell too little to blame anything.
    "one of two, as by guessing": (plan_of(classes=2, val=2), losses(0.1, train=1, val=0.5), right(1, 0, total=1), None,
                                   ["works", "few-tested"]),
    "one of two in validation": (plan_of(SCRATCH, val=2), losses(0.1, train=1, val=0.5), right(18, 18, 18, 18), None,
                                 ["works"]),
    # Steps that were too large.
    "steps, far off": (plan_of(SCRATCH), losses(3_027_172, 9000, 387), right(5, 5, 5, 5), None, ["rate-too-high"]),
    "steps, far off at first": (plan_of(STEPS), losses(60, 9, 2.9), right(16, 16, 16, 2), None, ["rate-too-high", "alike"]),
    "steps, far off, one round": (plan_of(STEPS), losses(60), right(12, 12, 12, 12), None, ["rate-too-high"]),
    "steps, dead after it": (plan_of(SCRATCH), losses(900, 1.39, 1.39), right(20, 0, 0, 0), None,
                             ["rate-too-high"]),
    "steps, worse at the end": (plan_of(STEPS), losses(1.0, 0.8, 0.9, 1.5, 1.3), right(12, 12, 12, 12), None,
                                ["rate-too-high"]),
    "steps, up and down": (plan_of(STEPS), losses(1.0, 1.4, 0.8, 1.2, 0.7, 1.1), right(12, 12, 12, 12), None,
                           ["rate-too-high"]),
    "fine-tuning, far off": (plan_of(TUNED), [*FALLING, *losses(9, 8, 7, rate="fine_tune_rate")], right(12, 12, 12, 12),
                             None, ["rate-too-high"]),
    # Where steps were taken and were not too large, or did no harm.
    "steps, far off, then all right": (plan_of(STEPS), losses(9, 0.5, 0.02), PERFECT, None, ["works"]),
    "steps, far off, then learned": (plan_of(STEPS), losses(9, 0.5, 0.1), FINE, None, ["works"]),
    "steps, worse, but all right": (plan_of(STEPS), losses(0.001, 0.002, 0.004), PERFECT, None, ["works"]),
    "steps, worse, but near nothing": (plan_of(STEPS), losses(0.01, 0.02, 0.04), FINE, None, ["works"]),
    "steps, wobble at the bottom": (plan_of(STEPS), losses(1.0, 0.2, 0.25, 0.1, 0.12), right(12, 12, 12, 12), None, ["works"]),
    "steps, two rounds": (plan_of(STEPS), losses(1.0, 2.0), right(12, 12, 12, 12), None, ["works"]),
    "steps, at the level of guessing": (plan_of(SCRATCH), losses(1.39, 1.38, 1.38), right(5, 5, 5, 5), None, ["guessing"]),
    "fine-tuning begins higher than the head ended": (
        plan_of(TUNED), [*losses(0.5, 0.1, 0.01), *losses(0.9, 0.85, 0.8, rate="fine_tune_rate")], right(12, 12, 12, 12),
        None, ["works"]),
    "search of several attempts": (
        plan_of(SEARCH, classes=2), losses(0.3, 0.13, 0.35, 0.15, 0.5, 0.41, rate="fine_tune_rate"), right(57, 57, total=60),
        None, ["works"]),
    "search of an older version": (plan_of(SEARCH), losses(0.1, 5, 9), right(12, 12, 12, 12), None, ["works"]),
    # How well it learned.
    "by heart": (plan_of(SCRATCH), losses(1, 0.5, 0.1, train=0.98, val=0.6), right(12, 12, 12, 12), None, ["overfitting"]),
    "overfitting": (plan_of(), losses(1, 0.5, 0.1, train=0.98, val=0.75), right(15, 15, 15, 15), None, ["overfitting"]),
    "validation worse, test all right": (plan_of(), losses(1, 0.5, 0.1, train=1.0, val=0.8), PERFECT, None, ["works"]),
    "a class fails": (plan_of(), FALLING, right(20, 20, 5, 20), None, ["class-fails", "alike"]),
    "a class fails by little": (plan_of(), FALLING, right(12, 12, 9, 12), None, ["works"]),
    "few pictures": (plan_of(each=FEW_EACH), FALLING, right(18, 18, 18, 18), None, ["few-pictures"]),
    "few pictures, all right": (plan_of(each=FEW_EACH), FALLING, PERFECT, None, ["works"]),
    "underfitting": (plan_of(SCRATCH), losses(1.3, 1.2, 1.1, train=0.5, val=0.5), right(11, 11, 11, 11), None,
                     ["underfitting"]),
    "under-sampled": (plan_of(each=(15,) * 4), FALLING, right(18, 18, 18, 18), None, ["few-pictures"]),
    "few of the best class": (plan_of(each=FEW_EACH), FALLING, right(16, 20, 16, 16), None, ["few-pictures"]),
    "two of three never": (plan_of(classes=3, each=(100,) * 3), FALLING, answers([[96, 0, 0], [2, 0, 0], [2, 0, 0]]), None,
                           ["works"]),
    "guessing": (plan_of(), FALLING, right(6, 6, 6, 6), None, ["guessing"]),
    # What is said of a model that works, too.
    "leak": (plan_of(test=[*SEEN, "ash/x.jpg"]), FALLING, FINE, None, ["works", "leak"]),
    "another burst": (plan_of(test=OTHER), FALLING, FINE, None, ["works"]),
    "a small share of a burst": (plan_of(test=[*SEEN, *(f"ash/{n}.jpg" for n in range(9))]), FALLING, FINE, None, ["works"]),
    "background": (plan_of(), FALLING, FINE, 0.9, ["works", "background"]),
    "no background": (plan_of(), FALLING, FINE, 0.5, ["works"]),
    "covered is no worse, but both are poor": (
        plan_of(), FALLING, answers([[16, 8, 8, 8], [8, 16, 8, 8], [8, 8, 16, 8], [8, 8, 8, 16]]), 0.4, ["works"]),
    "two alike": (plan_of(), FALLING, answers([[30, 9, 0, 0], [6, 33, 0, 0], [1, 0, 38, 0], [0, 0, 1, 39]]), None,
                  ["works", "alike"]),
    "mistakes spread": (plan_of(), FALLING, answers([[30, 3, 3, 3], [3, 30, 3, 3], [3, 3, 30, 3], [3, 3, 3, 30]]), None,
                        ["works"]),
    "two classes are never told to be alike": (plan_of(classes=2), FALLING, right(22, 25, total=30), None, ["works"]),
    "few tested": (plan_of(), FALLING, right(9, 9, 9, 8, total=9), None, ["works", "few-tested"]),
}  # fmt: skip


def found(name: str) -> list[Diagnosis]:
    plan, history, test, covered, _ = STATES[name]
    return findings(plan, history, len(history), test, covered)


@pytest.mark.parametrize("name", STATES)
def test_in_each_state_the_rules_that_apply_speak_and_the_others_are_silent(name: str) -> None:
    assert [one.kind for one in found(name)] == STATES[name][-1]


def test_each_rule_has_a_state_in_which_it_speaks() -> None:
    spoken = {kind for *_, kinds in STATES.values() for kind in kinds}
    assert spoken == {
        "works", "rate-too-high", "guessing", "overfitting", "class-fails", "few-pictures", "underfitting", "leak",
        "background", "alike", "few-tested",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "steps, far off",
            "much further off than by guessing (learning rate too high). Choose a smaller one, such as 0.001",
        ),
        ("steps, worse at the end", "it got worse again instead of better (learning rate too high)"),
        ("fine-tuning, far off", "(learning rate of fine-tuning too high). Choose a smaller one, such as 0.002."),
        (
            "by heart",
            "by heart (overfitting). More pictures, changed copies (augmentation) or the Quick recipe help",
        ),
        ("a class fails", "cedar fails: only 5 of 20"),
        ("few pictures", "9 of beech. More pictures help."),
        ("under-sampled", "few pictures to learn from: 15 of each class. More pictures help."),
        ("few of the best class", "9 of beech. More pictures help."),
        (
            "two of three never",
            "It is right about 96 of 100, but about no test picture of beech, cedar. More pictures of th",
        ),
        ("underfitting", "(underfitting). More rounds (epochs) may help."),
        ("solved, loss rises, and bad", "It is right about 36 of 80"),
        ("fine", "It works, with 6 mistakes in 160"),
        ("steps, far off, then all right", "No mistakes on the test pictures"),
        ("few tested", "It works, with 1 mistake in 36. Have a look at it."),
    ],
)
def test_the_first_sentence(name: str, words: str) -> None:
    plan, history, test, *_ = STATES[name]
    assert words in diagnose(plan, history, len(history), test)


def test_evidence_and_steps_of_the_cautions() -> None:
    _, alike = found("two alike")
    assert alike.sentence.startswith("ash and beech look alike to it: 15 of its 17 mistakes")
    assert alike.step == "mistakes"
    _, background = found("background")
    assert background.evidence == "90 % right with the middle covered, 96 % without."
    _, leak = found("leak")
    assert leak.sentence.startswith("2 of 3 test pictures")


def test_what_is_on_already_is_not_advised() -> None:
    changed = TrainConfig.model_validate(SCRATCH.model_dump() | {"augment": {"flip": "horizontal"}})
    _, history, test, *_ = STATES["by heart"]
    assert "augmentation" not in diagnose(plan_of(changed), history, 3, test)


@pytest.mark.parametrize(
    ("config", "rounds", "words"),
    [
        (SOLVED, 30, "Less restraint (L2) may help."),  # it came to its end: more rounds would change nothing
        (TrainConfig(epochs=3), 3, "More rounds (epochs) or less restraint (L2) may help."),
        (TrainConfig(l2=0), 30, "Another model (backbone) may help."),
        (TrainConfig(optimizer="adam", l2=0), 30, "More rounds (epochs) may help."),
    ],
)
def test_more_rounds_are_advised_only_where_they_can_help(config: TrainConfig, rounds: int, words: str) -> None:
    history = losses(*np.linspace(1.4, 1.2, rounds), train=0.5, val=0.5)
    assert words in diagnose(plan_of(config), history, rounds, right(11, 11, 11, 11))


def test_what_was_learned_after_the_round_that_is_kept_is_no_underfitting() -> None:
    history = [*losses(1.3, 1.2, train=0.4, val=0.5), *losses(0.5, 0.1, train=0.99, val=0.5)]
    test = right(11, 11, 11, 11)
    assert "underfitting" not in [one.kind for one in findings(plan_of(SCRATCH), history, 2, test)]
    assert "underfitting" in [one.kind for one in findings(plan_of(SCRATCH), history[:2], 2, test)]


@pytest.mark.parametrize(
    ("config", "stopped", "words"),
    [
        (TrainConfig(optimizer="adam", patience=5, l2=0), False, "Another model (backbone) may help."),
        (TrainConfig(optimizer="adam", patience=5, l2=0), True, "More rounds (epochs) may help."),
        (SOLVED, True, "More rounds (epochs) or less restraint (L2) may help."),
    ],
)
def test_what_ended_by_itself_is_told_from_what_was_stopped(config: TrainConfig, stopped: bool, words: str) -> None:
    history = losses(1.4, 1.3, 1.2, train=0.5, val=0.5)
    assert words in diagnose(plan_of(config), history, 3, right(11, 11, 11, 11), stopped=stopped)
