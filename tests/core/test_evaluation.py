from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from core.diagnosis import diagnose
from core.evaluation import Evaluation, evaluate_predictions


@pytest.mark.parametrize("seed", range(20))
def test_numbers_are_those_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kinds, count = int(rng.integers(2, 12)), int(rng.integers(1, 300))
    probabilities = rng.dirichlet(np.ones(kinds), count)
    truth = rng.integers(0, kinds, count)
    ours = evaluate_predictions(probabilities, truth, [f"c{i}" for i in range(kinds)])
    said = probabilities.argmax(axis=1)
    every = list(range(kinds))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(truth, said, labels=every, zero_division=0)
    assert ours.accuracy == pytest.approx(metrics.accuracy_score(truth, said), abs=1e-9)
    assert ours.macro_f1 == pytest.approx(metrics.f1_score(truth, said, average="macro", zero_division=0), abs=1e-9)
    assert ours.log_loss == pytest.approx(metrics.log_loss(truth, probabilities, labels=every), abs=1e-9)
    assert np.array_equal(ours.confusion, metrics.confusion_matrix(truth, said, labels=every))
    for i, score in enumerate(ours.classes):
        assert (score.precision, score.recall, score.f1) == pytest.approx((precision[i], recall[i], f1[i]), abs=1e-9)
        assert score.total == support[i]


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="Received"):
        evaluate_predictions(np.ones((3, 2)) / 2, np.zeros(4, int), ["a", "b"])
    with pytest.raises(ValueError, match="N > 0"):
        evaluate_predictions(np.ones((0, 2)), np.zeros(0, int), ["a", "b"])


def result(right: list[int], total: int = 20) -> Evaluation:
    """Class i has right[i] of `total` right; its mistakes go to the next class."""
    rows, truth = [], []
    for label, good in enumerate(right):
        for n in range(total):
            said = label if n < good else (label + 1) % len(right)
            rows.append(np.eye(len(right))[said])
            truth.append(label)
    return evaluate_predictions(np.array(rows), np.array(truth), [f"class{i}" for i in range(len(right))])


def epoch(accuracy: float, val: float) -> dict[str, float]:
    return {"epoch": 1, "accuracy": accuracy, "val_accuracy": val, "loss": 0.5, "val_loss": 0.5}


MANY = {f"class{i}": 100 for i in range(3)}


@pytest.mark.parametrize(
    ("history", "right", "counts", "pretrained", "words"),
    [
        ([epoch(0.98, 0.6)], [12, 12, 12], MANY, False, "by heart (overfitting)"),
        ([epoch(0.98, 0.75)], [15, 15, 15], MANY, True, "(overfitting)"),
        ([epoch(0.9, 0.9)], [7, 7, 6], MANY, True, "guessing"),
        ([epoch(0.9, 0.85)], [20, 20, 5], MANY, True, "class2 fails: only 5 of 20"),
        ([epoch(0.9, 0.85)], [18, 18, 18], MANY | {"class1": 9}, True, "9 of class1"),
        ([epoch(0.5, 0.5)], [11, 11, 11], MANY, False, "underfitting"),
        ([epoch(0.97, 0.95)], [20, 20, 18], MANY, True, "Most mistakes are with class2: 18 of 20"),
        ([epoch(0.97, 0.95)], [20, 19, 19], MANY, True, "with 2 mistakes in 60"),
        ([epoch(1.0, 1.0)], [20, 20, 20], MANY, True, "No mistakes on the test pictures"),
    ],
)
def test_the_diagnosis_names_the_most_telling_finding(
    history: list[dict[str, float]], right: list[int], counts: dict[str, int], pretrained: bool, words: str
) -> None:
    assert words in diagnose(history, result(right), counts, pretrained=pretrained)
